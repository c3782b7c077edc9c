//! Removing what a run made. Whoever waits for the result does not wait for that: what takes longer than a moment is left to
//! a program of its own, which goes on when this one has ended.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

/// How long a run waits for its directory to go.
const PATIENCE: Duration = Duration::from_secs(2);

/// Also where a script took away our rights inside, and where something still wrote while it was removed.
const SCRIPT: &str = r#"chmod -R u+rwx -- "$0"; rm -rf -- "$0" || { sleep 1; rm -rf -- "$0"; }"#;

/// Removes a directory. False where no program could be started for it, so that it is still there.
pub(super) async fn remove(directory: &Path) -> bool {
    let remover = Command::new("sh")
        .args(["-c", SCRIPT])
        .arg(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Of a group of its own, which Ctrl-C at the terminal does not reach.
        .process_group(0)
        .spawn();
    match remover {
        Ok(mut remover) => {
            // Once it is late, nobody looks any more; a new parent takes its end.
            let _ = tokio::time::timeout(PATIENCE, remover.wait()).await;
            true
        }
        Err(error) => {
            tracing::debug!(%error, "a directory cannot be removed beside the run");
            false
        }
    }
}
