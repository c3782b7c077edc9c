//! Setting a variable: checked, sealed, in place of one of the same name. And removing one.

use pipewright_core::Right;
use pipewright_core::ids::VariableId;
use pipewright_store::StoreError;
use pipewright_store::applications::Application;
use pipewright_store::variables::{self, MOST, Variable, VariableScope};
use serde_json::json;

use super::check::{checked_environment, checked_name, checked_value};
use super::give::seal;
use crate::app::App;
use crate::ground::{Actor, Denied, Failure, Kind, together};

/// How the history calls whom a variable of the account is for.
const EVERY_APPLICATION: &str = "every application";

/// A variable as somebody typed it.
#[derive(Clone)]
pub(crate) struct NewVariable<'a> {
    /// The application that it is for, of the actor's account; none for every one.
    pub(crate) application: Option<&'a Application>,
    /// The environment of the application that it is for, as it was typed; empty for every one.
    pub(crate) environment: &'a str,
    /// Its name.
    pub(crate) name: &'a str,
    /// Its value.
    pub(crate) value: &'a str,
    /// Whether it is never shown again.
    pub(crate) is_secured: bool,
}

/// A variable was not set, or not removed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SetError {
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is none of this id.
    #[error("there is no such variable")]
    NoSuchVariable,
    /// A sentence that says why, and what to do.
    #[error("{0}")]
    Refused(String),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Failure for SetError {
    fn kind(&self) -> Kind {
        match self {
            Self::Denied(_) => Kind::Denied,
            Self::NoSuchVariable => Kind::NotFound,
            Self::Refused(_) => Kind::Unusable,
            Self::Store(_) => Kind::Internal,
        }
    }
}

/// Sets the variable and answers its name.
pub(crate) async fn set(
    app: &App,
    actor: &Actor,
    new: NewVariable<'_>,
) -> Result<String, SetError> {
    actor.require(Right::SeeSecrets)?;
    let (name, environment, value) = match (
        checked_name(new.name),
        checked_environment(new.environment),
        checked_value(new.value),
    ) {
        (Ok(name), Ok(environment), Ok(value)) => (name, environment, value),
        (name, environment, value) => {
            let wrong = together([name.err(), environment.err(), value.err()]);
            return Err(SetError::Refused(wrong.unwrap_or_default()));
        }
    };
    let (scope, whom) = match (new.application, environment) {
        (None, _) => (VariableScope::Account, EVERY_APPLICATION.to_owned()),
        (Some(application), None) => (
            VariableScope::Application(application.id),
            application.name.clone(),
        ),
        (Some(application), Some(environment)) => {
            let whom = format!("{environment} of {}", application.name);
            (
                VariableScope::Environment(application.id, environment),
                whom,
            )
        }
    };
    let id = VariableId::new();
    let variable = Variable {
        id,
        scope,
        name,
        value: seal(&app.vault, id, &value),
        is_secured: new.is_secured,
        changed_by: actor.name.clone(),
        changed_at: actor.at,
    };
    let mut tx = app.db.begin().await?;
    if !variables::set(&mut tx, actor.account, &variable).await? {
        return Err(SetError::Refused(format!(
            "There are {MOST} variables here already, which is the limit; remove one first."
        )));
    }
    let detail = json!({ "for": whom, "secured": new.is_secured });
    actor
        .record(&mut tx, "variable.set", &variable.name, detail)
        .await?;
    tx.commit().await?;
    Ok(variable.name)
}

/// Removes a variable of the account, or of an application of it, and answers its name.
pub(crate) async fn remove(
    app: &App,
    actor: &Actor,
    application: Option<&Application>,
    id: VariableId,
) -> Result<String, SetError> {
    actor.require(Right::SeeSecrets)?;
    let mut tx = app.db.begin().await?;
    let of = application.map(|application| application.id);
    let name = variables::remove(&mut tx, actor.account, of, id)
        .await?
        .ok_or(SetError::NoSuchVariable)?;
    let whom = application.map_or(EVERY_APPLICATION, |application| application.name.as_str());
    actor
        .record(&mut tx, "variable.removed", &name, json!({ "for": whom }))
        .await?;
    tx.commit().await?;
    Ok(name)
}
