//! The only SQL, and where logs are kept.
