//! What a pipeline file may cost. Each limit, when hit, is a diagnostic that names it.
//!
//! The figures are far above what people write: of 146 real files the largest has 187 KB and 3,900 lines, and the
//! deepest nests ten levels. They hold reading, checking and planning of any file at all below 50 ms and 64 MB.

/// Bytes in a file; a larger one is refused before it is read.
pub const MAX_FILE_BYTES: usize = 1024 * 1024;

/// Values (mappings, lists, scalars) in a file, those that aliases repeat counted each time.
pub const MAX_VALUES: usize = 40_000;

/// How deep lists and mappings may nest, aliases followed.
pub const MAX_DEPTH: usize = 32;

/// How deep aliases may lead to aliases.
pub const MAX_ALIAS_DEPTH: usize = 16;

/// Values that merge keys may copy, all together.
pub const MAX_MERGED_VALUES: usize = 30_000;

/// Problems reported for one file; the last line says that there are more.
pub const MAX_DIAGNOSTICS: usize = 100;

/// Steps in one pipeline, those of parallel groups and stages counted; Bitbucket's own limit.
pub const MAX_STEPS: usize = 100;

/// Characters in an expression; Bitbucket's own limit.
pub const MAX_EXPRESSION: usize = 1000;
