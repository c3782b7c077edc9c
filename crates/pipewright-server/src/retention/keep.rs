//! How long an account keeps things: what it says itself, else the installation's settings.

use pipewright_core::ids::AccountId;
use pipewright_store::StoreError;
use pipewright_store::retention::{self, OwnRetention};

use crate::app::App;
use crate::ground::Retention;

/// What holds for an account, and what of it the account says itself.
pub(crate) async fn keep_of(
    app: &App,
    account: AccountId,
) -> Result<(Retention, OwnRetention), StoreError> {
    let own = retention::own(&app.db, account).await?;
    Ok((over(app.config.retention, &own), own))
}

fn over(settings: Retention, own: &OwnRetention) -> Retention {
    let pick = |own: Option<i64>, setting: u32| {
        own.and_then(|days| u32::try_from(days).ok())
            .filter(|days| *days > 0)
            .unwrap_or(setting)
    };
    Retention {
        builds_days: pick(own.builds_days, settings.builds_days),
        builds_per_ref: pick(own.builds_per_ref, settings.builds_per_ref),
        logs_days: pick(own.logs_days, settings.logs_days),
        bodies_days: pick(own.bodies_days, settings.bodies_days),
        statuses_days: pick(own.statuses_days, settings.statuses_days),
    }
}

#[cfg(test)]
mod tests {
    use pipewright_store::retention::OwnRetention;

    use super::over;
    use crate::ground::Retention;

    #[test]
    fn what_an_account_says_wins_and_nonsense_does_not() {
        let own = OwnRetention {
            builds_days: Some(10),
            builds_per_ref: Some(0),
            logs_days: Some(-3),
            ..OwnRetention::default()
        };
        let kept = over(Retention::default(), &own);
        assert_eq!(
            (
                kept.builds_days,
                kept.builds_per_ref,
                kept.logs_days,
                kept.statuses_days
            ),
            (10, 500, 180, 30)
        );
    }
}
