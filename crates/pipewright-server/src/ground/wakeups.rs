//! Hints that there is something to do. Each is only a hint: every loop also looks by itself now and then, so that a lost
//! hint costs a moment and never a push.

use std::sync::Arc;

use tokio::sync::Notify;

/// One hint per loop; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Wakeups {
    /// Deliveries wait for a decision.
    pub deliveries: Arc<Notify>,
    /// Builds wait for their plan.
    pub plans: Arc<Notify>,
    /// Attempts wait for a runner.
    pub attempts: Arc<Notify>,
    /// Statuses wait to be sent.
    pub statuses: Arc<Notify>,
    /// Listings, inspections, checks of keys or webhooks wait.
    pub integrations: Arc<Notify>,
    /// Tasks wait to be run.
    pub tasks: Arc<Notify>,
}
