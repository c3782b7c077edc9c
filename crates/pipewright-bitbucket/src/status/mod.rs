//! Build statuses as text, for both products, in one place: keys, states, addresses, lengths.
//!
//! Posting them is the clients' part. One status exists per key and commit, so the key says which application, pipeline
//! and ref it is about: two branches on one commit keep two statuses (trap T18).

mod build_status;
mod key;
mod text;
mod url;

pub use self::url::StatusUrlProblem;
pub(crate) use self::url::{cloud_url_problem, datacenter_url_problem};
pub use build_status::{BuildStatus, PostedStatus, StatusState, TestCounts};
pub(crate) use build_status::{cloud_state, datacenter_state};
pub use key::StatusKey;
pub(crate) use text::cut_text;
