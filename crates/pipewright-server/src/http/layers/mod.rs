//! What every request passes through, one file each. The order, and why it is so, stands in `router.rs`.

pub(super) mod base_path;
pub(super) mod compression;
pub(super) mod csrf;
pub(super) mod flash;
pub(super) mod panics;
pub(super) mod problems;
pub(super) mod request_id;
pub(super) mod security_headers;
pub(super) mod timeout;
