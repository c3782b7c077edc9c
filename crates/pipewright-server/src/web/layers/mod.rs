//! What every request passes through, one file each. The order, and why it is so, stands in `routes.rs`.

pub(crate) mod base_path;
pub(crate) mod compression;
pub(crate) mod csrf;
pub(crate) mod database;
pub(crate) mod flash;
pub(crate) mod panics;
pub(crate) mod problems;
pub(crate) mod request_id;
pub(crate) mod security_headers;
pub(crate) mod streams;
pub(crate) mod timeout;
