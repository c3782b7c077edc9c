//! What a running step is told.

use tokio::sync::watch;

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

/// Tells a running step a word; words only grow sterner.
pub(crate) fn tell(control: &watch::Sender<Control>, word: Control) {
    control.send_if_modified(|now| {
        let is_sterner = word > *now;
        if is_sterner {
            *now = word;
        }
        is_sterner
    });
}

/// Waits until the word is sterner than one that was obeyed already. A sender that is gone says nothing more.
pub(crate) async fn sterner(control: &mut watch::Receiver<Control>, obeyed: Control) -> Control {
    let word = control
        .wait_for(|word| *word > obeyed)
        .await
        .map(|word| *word);
    match word {
        Ok(word) => word,
        Err(_) => std::future::pending().await,
    }
}
