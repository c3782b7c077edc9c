//! Attempts: executions of steps, handed to runners by lease.
//!
//! An attempt is `queued`, then `running` under a lease, then `finished`. Every word of a runner about an attempt carries
//! the lease it was given; where that lease is not the stored one, nothing changes. A lease that ran out is ended by
//! whoever finds it ([`running`]), and the step gets a new attempt. What attempts of an application exclude one another by is
//! in `locks`.

mod claim;
mod hold;
mod list;
mod locks;

pub use claim::{Claim, Claimed, claim, queue, withdraw};
pub use hold::{Ended, Held, begin, finish, held_by, renew, request_stop, running};
pub use list::{Attempt, AttemptState, Span, get, of_build, qualifications, spans, spans_of_last};
pub use locks::{HeldBack, held_back, release, set_locks};

#[cfg(test)]
pub(crate) fn statements() -> impl Iterator<Item = &'static crate::macros::Statement> {
    [claim::ALL, hold::ALL, list::ALL, locks::ALL]
        .into_iter()
        .flatten()
}

#[cfg(test)]
mod tests;
