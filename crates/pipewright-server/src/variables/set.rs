//! Setting a variable: checked, sealed, in place of one of the same name.

use pipewright_core::Timestamp;
use pipewright_core::ids::{AccountId, VariableId};
use pipewright_store::variables::{self, MOST, Variable, VariableScope};
use pipewright_store::{StoreError, Tx};

use super::check::{checked_name, checked_value};
use super::give::seal;
use crate::app::App;

/// A variable as somebody typed it.
#[derive(Clone)]
pub(crate) struct NewVariable<'a> {
    /// Whom it is for; an application in it is the account's.
    pub(crate) scope: VariableScope,
    /// Its name.
    pub(crate) name: &'a str,
    /// Its value.
    pub(crate) value: &'a str,
    /// Whether it is never shown again.
    pub(crate) is_secured: bool,
}

/// A variable was not set.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SetError {
    /// A sentence that says why, and what to do.
    #[error("{0}")]
    Refused(String),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Sets the variable in the caller's transaction and answers its name.
pub(crate) async fn set(
    app: &App,
    tx: &mut Tx,
    account: AccountId,
    new: NewVariable<'_>,
    who: &str,
    now: Timestamp,
) -> Result<String, SetError> {
    let name = checked_name(new.name).map_err(SetError::Refused)?;
    let value = checked_value(new.value).map_err(SetError::Refused)?;
    let id = VariableId::new();
    let value = seal(&app.vault, id, &value);
    let (scope, is_secured) = (new.scope, new.is_secured);
    let variable = Variable {
        id,
        scope,
        name,
        value,
        is_secured,
        changed_by: who.to_owned(),
        changed_at: now,
    };
    if variables::set(tx, account, &variable).await? {
        Ok(variable.name)
    } else {
        Err(SetError::Refused(format!(
            "There are {MOST} variables here already, which is the limit; remove one first."
        )))
    }
}
