//! Deliveries: received, decided, delivered again.

pub(crate) mod decide;
pub(crate) mod receive;
mod redeliver;

pub(crate) use decide::{COMPARED, Differences, differences};
pub(crate) use receive::routes;
pub(crate) use redeliver::redeliver;
