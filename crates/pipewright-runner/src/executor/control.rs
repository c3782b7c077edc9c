//! What a running step is told.

/// The latest word to a running step, kept in a watch channel: it can only grow sterner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Control {
    /// Go on.
    #[default]
    Run,
    /// End the script (TERM, grace, KILL), run the after-script, report "stopped".
    Stop,
    /// End everything now, without an after-script; the outcome is "lost".
    Kill,
}
