//! What of an account's variables a step is given, and what fills the templates of its pipeline file.

use std::fmt;

use pipewright_core::Secret;
use pipewright_core::ids::{AccountId, ApplicationId, VariableId};
use pipewright_spec::plan::Values;
use pipewright_store::sealed::purpose;
use pipewright_store::variables::{self, Variable};
use pipewright_store::{Db, OpenSecretError, Sealed, StoreError, Vault};

use crate::app::App;

/// The variables of one step.
#[derive(Clone, Default)]
pub(crate) struct Given {
    /// Names and values; later ones win.
    pub(crate) variables: Vec<(String, String)>,
    /// The values that must not be shown.
    pub(crate) secured: Vec<Secret>,
}

impl fmt::Debug for Given {
    /// Names alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.variables.iter().map(|(name, _)| name))
            .finish()
    }
}

/// A variable cannot be given.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GiveError {
    /// It does not open.
    #[error("the variable {name} cannot be read: {source}; set it again")]
    Sealed {
        /// Its name.
        name: String,
        /// Why.
        source: OpenSecretError,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Opens what a step that names this environment is given.
pub(crate) fn given(
    vault: &Vault,
    known: &[Variable],
    environment: Option<&str>,
) -> Result<Given, GiveError> {
    let mut given = Given::default();
    for variable in known.iter().filter(|variable| variable.is_for(environment)) {
        let value = open(vault, variable).map_err(|source| GiveError::Sealed {
            name: variable.name.clone(),
            source,
        })?;
        // Into the environment of the step's processes, which is what variables are for.
        given
            .variables
            .push((variable.name.clone(), value.expose().to_owned()));
        if variable.is_secured {
            given.secured.push(value);
        }
    }
    Ok(given)
}

/// What fills `${{ NAME }}` in the application's pipeline file: a plan is stored and shown, so no secured value does.
pub(crate) async fn template_values(
    app: &App,
    account: AccountId,
    application: ApplicationId,
) -> Result<Values, StoreError> {
    let known = variables::known(&app.db, account, application).await?;
    let shown: Vec<Variable> = known
        .into_iter()
        .filter(|variable| !variable.is_secured)
        .collect();
    match given(&app.vault, &shown, None) {
        Ok(given) => Ok(given.variables.into_iter().collect()),
        // The template then stays as written, and the file's warning names it.
        Err(error) => {
            tracing::warn!(%application, %error, "variables cannot fill templates");
            Ok(Values::new())
        }
    }
}

/// Everything that the application's steps may be given.
pub(crate) async fn known(
    db: &Db,
    account: AccountId,
    application: Option<ApplicationId>,
) -> Result<Vec<Variable>, StoreError> {
    match application {
        Some(application) => variables::known(db, account, application).await,
        None => variables::of_account(db, account).await,
    }
}

/// Opens a variable's value.
pub(crate) fn open(vault: &Vault, variable: &Variable) -> Result<Secret, OpenSecretError> {
    vault.open(&variable.value, &purpose::variable(variable.id))
}

/// Seals a value for the variable of this id.
pub(super) fn seal(vault: &Vault, id: VariableId, value: &Secret) -> Sealed {
    vault.seal(value, &purpose::variable(id))
}
