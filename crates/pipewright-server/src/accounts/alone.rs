//! An installation whose steps have no sandbox is one team's alone: whoever builds there can read what is everybody's.

use pipewright_core::ids::AccountId;
use pipewright_runner::executor::Isolation;
use pipewright_store::{StoreError, Tx, accounts};

use crate::app::App;

/// How the sentences end.
const CURE: &str = "With host.isolation=none any build can read every other account's secrets, so this installation is for one account alone. Install bubblewrap and set host.isolation=sandbox (docs/isolation.md).";

/// Why there may be no further team; `None` where there may.
pub(crate) async fn refuse_team(
    isolation: Isolation,
    tx: &mut Tx,
) -> Result<Option<String>, StoreError> {
    if isolation == Isolation::Sandbox || accounts::teams_within(tx).await? == 0 {
        return Ok(None);
    }
    Ok(Some(format!("There is a team already. {CURE}")))
}

/// Why this account may have no application; `None` where it may.
pub(crate) async fn refuse_builds(
    app: &App,
    tx: &mut Tx,
    account: AccountId,
) -> Result<Option<String>, StoreError> {
    if app.config.host.isolation == Isolation::Sandbox {
        return Ok(None);
    }
    let others = accounts::that_build_within(tx).await?;
    let other = others.into_iter().find(|other| other.id != account);
    Ok(other.map(|other| format!("{} builds here already. {CURE}", other.name)))
}

/// Why the server may not begin; `None` where it may.
pub(crate) async fn refuse_start(app: &App) -> Result<Option<String>, StoreError> {
    if app.config.host.isolation == Isolation::Sandbox {
        return Ok(None);
    }
    let building = accounts::that_build(&app.db).await?;
    if building.len() < 2 {
        return Ok(None);
    }
    let names: Vec<&str> = building.iter().map(|account| &*account.slug).collect();
    Ok(Some(format!(
        "{} accounts build here: {}. {CURE}",
        names.len(),
        names.join(", ")
    )))
}
