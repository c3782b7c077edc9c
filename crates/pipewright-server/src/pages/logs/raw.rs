//! The raw log: the bytes as they were printed, less the marks that the runner puts before commands. They are as many as
//! `attempts.log_bytes` says.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use pipewright_store::attempts::Attempt;
use pipewright_store::{builds, logs, steps};

use crate::app::App;
use crate::web::{MemberOf, PageError};

/// Bytes read at a time.
const CHUNK: usize = 256 * 1024;

/// The longest part of a file's name that a step's name makes, in bytes.
const LONGEST_NAME: usize = 60;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/{account}/logs/{attempt}/raw", get(raw))
}

async fn raw(
    State(app): State<App>,
    member: MemberOf,
    Path((_, attempt)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let attempt = super::find(&app, &member, &attempt).await?;
    if attempt.log_removed_at.is_some() {
        return Err(PageError::Conflict(
            "This log is no longer kept. The account's settings say under Storage how long logs are kept."
                .to_owned(),
        ));
    }
    let name = file_name(&app, &member, &attempt).await?;
    let attempt = attempt.id;
    let store = app.logs.clone();
    let end = tokio::task::spawn_blocking(move || logs::extent(&store, attempt))
        .await
        .map_err(PageError::internal)??
        .bytes;
    let chunks = stream::try_unfold(0_u64, move |offset| {
        let store = app.logs.clone();
        async move {
            let limit = usize::try_from(end.saturating_sub(offset))
                .unwrap_or(usize::MAX)
                .min(CHUNK);
            if limit == 0 {
                return Ok::<_, std::io::Error>(None);
            }
            let read = tokio::task::spawn_blocking(move || {
                logs::read_bytes(&store, attempt, offset, limit)
            });
            let mut bytes = read.await.map_err(std::io::Error::other)??;
            if bytes.is_empty() {
                return Ok(None);
            }
            let next = offset + bytes.len() as u64;
            bytes.retain(|byte| *byte != logs::COMMAND_MARK);
            Ok(Some((Bytes::from(bytes), next)))
        }
    });
    let headers = [
        (CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
        (CONTENT_DISPOSITION, format!("inline; filename=\"{name}\"")),
    ];
    Ok((headers, Body::from_stream(chunks)).into_response())
}

/// What the log is saved as: `checkout-api-12-unit-tests.log`, with the attempt's number where there were more.
async fn file_name(app: &App, member: &MemberOf, attempt: &Attempt) -> Result<String, PageError> {
    let build = builds::get(&app.db, member.account.id, attempt.build_id)
        .await?
        .ok_or(PageError::NotFound)?;
    let steps = steps::list(&app.db, build.id).await?;
    let step = steps.iter().find(|step| step.id == attempt.step_id);
    let again = if attempt.number > 1 {
        format!("-{}", attempt.number)
    } else {
        String::new()
    };
    Ok(format!(
        "{}-{}-{}{again}.log",
        build.application_slug,
        build.number,
        step.map(|step| plain(&step.name)).unwrap_or_default()
    ))
}

/// A name as it can stand in the name of a file on any machine: small Latin letters, digits and hyphens.
fn plain(name: &str) -> String {
    let mut plain = String::new();
    for character in any_ascii::any_ascii(name).chars() {
        if character.is_ascii_alphanumeric() {
            plain.push(character.to_ascii_lowercase());
        } else if !plain.is_empty() && !plain.ends_with('-') {
            plain.push('-');
        }
        if plain.len() == LONGEST_NAME {
            break;
        }
    }
    let plain = plain.trim_end_matches('-');
    if plain.is_empty() { "step" } else { plain }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn a_file_name_is_plain_whatever_the_step_is_called() {
        for (name, expected) in [
            ("Unit tests", "unit-tests"),
            ("Prüfen / größer", "prufen-grosser"),
            ("\"; rm -rf ../*", "rm-rf"),
            ("…", "step"),
        ] {
            assert_eq!(plain(name), expected);
        }
        assert!(plain(&"x".repeat(500)).len() <= 60);
    }
}
