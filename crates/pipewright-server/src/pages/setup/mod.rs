//! First run: the page behind the one-time link.

mod administrator;

pub(super) use administrator::routes;

#[cfg(test)]
pub(crate) use administrator::SetupPage;
