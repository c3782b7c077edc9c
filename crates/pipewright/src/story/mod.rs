//! The product's own pages, walked as a person walks them: by the words on links and buttons and beside fields.
//!
//! The demonstration is such a walk, and tests from outside bring a server into the state they need with it. What a
//! real browser alone can show (new tabs, the live log) is tested with a real browser.

mod page;
mod person;
mod team;

pub use page::{Form, Page};
pub use person::Person;
pub use team::{ACCOUNT, EMAIL, PASSWORD, Team};
