//! Variables that people give to builds: of the account, of an application, of an environment of it.
//!
//! Every value is sealed at rest. A secured one is never shown again, is masked in logs and does not fill templates;
//! the others are shown to every member. What narrows wins: environment over application over account.

mod check;
mod give;
mod set;

pub(crate) use give::{GiveError, Given, given, known, open, template_values};
pub(crate) use set::{NewVariable, remove, set};
