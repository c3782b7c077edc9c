//! Setting how long an account keeps things.

use pipewright_core::Right;
use pipewright_store::StoreError;
use pipewright_store::retention::{self, OwnRetention};
use serde_json::json;

use crate::app::App;
use crate::ground::{Actor, Denied, Failure, Kind};

/// The most days, and the most builds of a ref.
const MOST: i64 = 36_500;

/// What can be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Builds,
    BuildsPerRef,
    Logs,
    Bodies,
    Statuses,
}

impl Field {
    pub(crate) const ALL: [Self; 5] = [
        Self::Builds,
        Self::BuildsPerRef,
        Self::Logs,
        Self::Bodies,
        Self::Statuses,
    ];

    /// Its name in forms and in the history.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Builds => "builds_days",
            Self::BuildsPerRef => "builds_per_ref",
            Self::Logs => "logs_days",
            Self::Bodies => "bodies_days",
            Self::Statuses => "statuses_days",
        }
    }

    /// What people call it.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Builds => "Builds, days",
            Self::BuildsPerRef => "Builds of each branch or tag, newest",
            Self::Logs => "Logs, days",
            Self::Bodies => "Bodies of deliveries, days",
            Self::Statuses => "Sent statuses, days",
        }
    }
}

/// What was entered, one text a field; empty for the installation's setting.
pub(crate) type Wanted = Vec<(Field, String)>;

/// Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChangeError {
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// These fields hold no number of days or builds.
    #[error("{}", not_numbers(.0))]
    Numbers(Vec<Field>),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Failure for ChangeError {
    fn kind(&self) -> Kind {
        match self {
            Self::Denied(_) => Kind::Denied,
            Self::Numbers(_) => Kind::Unusable,
            Self::Store(_) => Kind::Internal,
        }
    }
}

fn not_numbers(fields: &[Field]) -> String {
    let labels: Vec<String> = fields
        .iter()
        .map(|field| format!("“{}”", field.label()))
        .collect();
    let kind = if labels.len() == 1 {
        "a whole number"
    } else {
        "whole numbers"
    };
    format!(
        "{} must be {kind} from 1 to {MOST}, or empty",
        labels.join(" and ")
    )
}

/// Sets how long the actor's account keeps things.
pub(crate) async fn change(app: &App, actor: &Actor, wanted: &Wanted) -> Result<(), ChangeError> {
    actor.require(Right::ManageApplications)?;
    let mut own = OwnRetention::default();
    let mut refused = Vec::new();
    for (field, text) in wanted {
        let text = text.trim();
        let number = text
            .parse::<i64>()
            .ok()
            .filter(|number| (1..=MOST).contains(number));
        if number.is_none() && !text.is_empty() {
            refused.push(*field);
        }
        *match field {
            Field::Builds => &mut own.builds_days,
            Field::BuildsPerRef => &mut own.builds_per_ref,
            Field::Logs => &mut own.logs_days,
            Field::Bodies => &mut own.bodies_days,
            Field::Statuses => &mut own.statuses_days,
        } = number;
    }
    if !refused.is_empty() {
        return Err(ChangeError::Numbers(refused));
    }
    let mut tx = app.db.begin().await?;
    retention::set_own(&mut tx, actor.account, &own, actor.at).await?;
    let detail = json!({
        "builds_days": own.builds_days,
        "builds_per_ref": own.builds_per_ref,
        "logs_days": own.logs_days,
        "bodies_days": own.bodies_days,
        "statuses_days": own.statuses_days,
    });
    actor
        .record(&mut tx, "retention.changed", "storage", detail)
        .await?;
    tx.commit().await?;
    Ok(())
}
