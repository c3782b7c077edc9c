//! What happens by itself: the loops, how they begin and end, and work that must survive a restart.
//!
//! [`Background::start`] begins every part under its supervisor, which begins it again where it ended by an error or a bug;
//! [`Background::drain`] and [`Background::close`] let each end its step. Loops look at stored state and move it one step;
//! hints only make them look sooner.

mod embedded;
mod lanes;
mod listen;
mod notify;
mod probe;
mod queue;
mod supervise;
mod whole;

pub use notify::Notify;
pub use whole::Background;
