//! What an attempt prints, on its way out: masked, gathered into chunks, bounded.

/// Bytes of one attempt's log unless the configuration says otherwise: 1 GiB.
pub const DEFAULT_LIMIT: u64 = 1 << 30;
