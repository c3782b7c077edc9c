//! Checks and figures of this workspace.

fn main() {}
