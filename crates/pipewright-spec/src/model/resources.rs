//! What the file says of memory outside of its steps.

use std::collections::BTreeMap;

/// Memory of a service where the file gives none.
pub(crate) const SERVICE_MEMORY_MB: u32 = 1024;

/// What the file says of memory outside of its steps.
#[derive(Debug, Default)]
pub(crate) struct Resources {
    /// Of `options`; `None` where only a template's value will tell.
    pub(crate) size: Option<u32>,
    /// `options.docker`.
    pub(crate) docker: bool,
    /// Memory of the services that say theirs, in MB.
    pub(crate) services: BTreeMap<String, u32>,
    /// True where `options` describes the memory of a runner of one's own.
    pub(crate) own_machine: bool,
}
