//! The line of history of what a person does to a build.

use pipewright_store::builds::Build;
use pipewright_store::{StoreError, Tx};

use crate::ground::Actor;

/// Writes it, in the transaction of the act.
pub(super) async fn record(
    tx: &mut Tx,
    actor: &Actor,
    action: &str,
    build: &Build,
) -> Result<(), StoreError> {
    let subject = format!("{} #{}", build.application_name, build.number);
    let detail = serde_json::json!({ "commit": build.commit.short() });
    actor.record(tx, action, &subject, detail).await
}
