//! Schedules: builds of an application by the clock.
//!
//! A schedule belongs to the account. When its time comes, [`fire`] moves its next time on and stores a [`Firing`] in one
//! transaction; whoever then makes the build removes the firing in the transaction that makes it ([`settle`]). What a cron
//! expression means is the server's; here it is text.

mod fire;
mod read;
mod row;
#[cfg(test)]
mod tests;
mod write;

pub use fire::{Firing, Settled, due, fire, firings, retry, settle};
pub use read::{LastBuild, Listed, count, get, last_zone, list};
pub use row::{NewSchedule, Schedule, Spec};
pub use write::{change, delete, insert, set_last_build, switch};

#[cfg(test)]
pub(crate) fn statements() -> impl Iterator<Item = &'static crate::macros::Statement> {
    [fire::ALL, read::ALL, write::ALL].into_iter().flatten()
}
