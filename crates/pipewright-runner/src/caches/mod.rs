//! Caches: directories that are kept between builds of an application, on the machine of the runner
//! (bitbucket-pipelines-yml.md §5.6).
//!
//! A cache is an archive in a file of its own, named by what it is of: application, name, version. It only ever saves
//! time: whatever is wrong with one is said in the log, and the step goes on without. It is no boundary of trust: every
//! branch of an application shares it.

mod key;
mod path;
mod restore;
mod save;
mod store;

pub use restore::{ReadyCache, restore};
pub use save::save;
pub use store::{CacheStore, KeptCache};
