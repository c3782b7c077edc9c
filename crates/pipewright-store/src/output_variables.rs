//! Variables that steps hand to later ones (bitbucket-pipelines-yml.md §5.4).
//!
//! Written with the end of an attempt ([`crate::attempts::finish`]), so that a step's are always those of its last attempt.
//! A script may have put a secured value into one, so they are sealed as secured values are: neither the database nor a copy of
//! it holds them in clear.

use pipewright_core::Secret;
use pipewright_core::ids::{AttemptId, BuildId};

use crate::db::Tx;
use crate::error::StoreError;
use crate::sealed::purpose;
use crate::vault::{Sealed, Vault};

statements! {
    CLEAR = same("DELETE FROM output_variables WHERE step_id = (SELECT step_id FROM attempts WHERE id = $1)");
    INSERT = same(
        "INSERT INTO output_variables (step_id, name, build_id, value, value_sealed) SELECT step_id, $2, build_id, '', $3 FROM attempts WHERE id = $1"
    );
    OF_BUILD = same(
        "SELECT s.position, v.name, v.value, v.value_sealed FROM output_variables v JOIN steps s ON s.id = v.step_id WHERE v.build_id = $1 ORDER BY s.position, v.name"
    );
    // What a step left that was passed over in a rerun is not seen.
    BEFORE = same(
        "SELECT v.name, v.value, v.value_sealed FROM output_variables v JOIN steps s ON s.id = v.step_id
         WHERE v.build_id = $1 AND s.position < $2 AND s.state <> 'skipped' ORDER BY s.position"
    );
}

/// Seals a value that a step of this build hands on.
pub fn seal(vault: &Vault, build: BuildId, name: &str, value: &str) -> Sealed {
    vault.seal(&Secret::new(value), &purpose::output_variable(build, name))
}

/// The value of a row; one of an older version stands in clear.
fn opened(
    vault: &Vault,
    build: BuildId,
    name: &str,
    value: String,
    sealed: Option<Vec<u8>>,
) -> Result<String, StoreError> {
    let Some(sealed) = sealed else {
        return Ok(value);
    };
    vault
        .open(
            &Sealed::from(sealed),
            &purpose::output_variable(build, name),
        )
        .map(|secret| secret.expose().to_owned())
        .map_err(|error| StoreError::Inconsistent {
            table: "output_variables",
            key: name.to_owned(),
            what: error.to_string(),
        })
}

/// Replaces what the attempt's step handed on by this.
pub(crate) async fn replace(
    tx: &mut Tx,
    attempt: AttemptId,
    variables: &[(String, Sealed)],
) -> Result<(), StoreError> {
    within!(tx, CLEAR, |executor, sql| sqlx::query(sql)
        .bind(attempt.as_uuid())
        .execute(executor)
        .await
        .map(drop))?;
    for (name, value) in variables {
        within!(tx, INSERT, |executor, sql| sqlx::query(sql)
            .bind(attempt.as_uuid())
            .bind(name.as_str())
            .bind(value.as_bytes())
            .execute(executor)
            .await
            .map(drop))?;
    }
    Ok(())
}

/// What each step of a build, by its number in the plan, handed on when it last ran, in plan order.
pub async fn of_build(
    tx: &mut Tx,
    vault: &Vault,
    build: BuildId,
) -> Result<Vec<(usize, String, String)>, StoreError> {
    let rows: Vec<(i64, String, String, Option<Vec<u8>>)> =
        within!(tx, OF_BUILD, |executor, sql| sqlx::query_as(sql)
            .bind(build.as_uuid())
            .fetch_all(executor)
            .await)?;
    rows.into_iter()
        .map(|(position, name, value, sealed)| {
            let value = opened(vault, build, &name, value, sealed)?;
            Ok((usize::try_from(position).unwrap_or_default(), name, value))
        })
        .collect()
}

/// What a build's first `steps` steps handed on, each name once: where several wrote it, the last in plan order wins.
pub async fn before(
    tx: &mut Tx,
    vault: &Vault,
    build: BuildId,
    steps: usize,
) -> Result<Vec<(String, String)>, StoreError> {
    // Asked at every claim, and most are of a first step.
    if steps == 0 {
        return Ok(Vec::new());
    }
    let rows: Vec<(String, String, Option<Vec<u8>>)> =
        within!(tx, BEFORE, |executor, sql| sqlx::query_as(sql)
            .bind(build.as_uuid())
            .bind(steps as i64)
            .fetch_all(executor)
            .await)?;
    let mut variables: Vec<(String, String)> = Vec::with_capacity(rows.len());
    for (name, value, sealed) in rows {
        let value = opened(vault, build, &name, value, sealed)?;
        variables.retain(|(other, _)| *other != name);
        variables.push((name, value));
    }
    Ok(variables)
}
