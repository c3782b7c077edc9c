//! Schedules: builds by the clock.
//!
//! `cron` says when, `save` makes and changes, `fire` is the loop that turns due times into builds, exactly once each
//! whatever is killed, and `run_now` builds what a schedule builds at once. A schedule belongs to the account: whoever made
//! it may leave.

mod cron;
mod fire;
mod run_now;
mod save;
#[cfg(test)]
mod tests;

pub(crate) use cron::{Timing, shown_in, zone_names};
pub(crate) use fire::run;
pub(crate) use run_now::run_now;
#[cfg(test)]
pub(crate) use save::MOST_SCHEDULES;
pub(crate) use save::{SaveError, delete, save, switch};
