//! Claims attempts, prepares workspaces, runs, streams.
