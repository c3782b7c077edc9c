//! The artifacts of a build, and downloading one.

use std::io::{self, Write};
use std::time::Duration;

use askama::Template;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use pipewright_core::Timestamp;
use pipewright_core::ids::ArtifactId;
use pipewright_core::wire::ArtifactKind;
use pipewright_runner::archive::convert_to_gzip;
use pipewright_store::artifacts::{self, Artifact};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, OwnedPermit};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::head::{Head, Tab};
use super::tabs::{self, Asked};
use crate::app::App;
use crate::web::{BuildOf, Html, Page, PageError, format};

/// Pieces of a download that wait for the reader; when they are full the archive is not read.
const PIECES: usize = 8;

/// Bytes of one piece.
const PIECE_BYTES: usize = 64 << 10;

/// A reader who takes no piece for so long is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Downloads that are made at the same time: each has a thread while its reader takes it. More wait, for [`TURN`].
const DOWNLOADS_AT_ONCE: usize = 32;

/// How long a download waits for its turn.
const TURN: Duration = Duration::from_secs(5);

static DOWNLOADS: Semaphore = Semaphore::const_new(DOWNLOADS_AT_ONCE);

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route(
            "/{account}/applications/{application}/builds/{number}/artifacts",
            get(show),
        )
        .route(
            "/{account}/applications/{application}/builds/{number}/artifacts/{artifact}",
            get(download),
        )
}

/// The page.
#[derive(Debug, Template)]
#[template(path = "builds/artifacts.html")]
pub(in crate::pages) struct ArtifactsPage {
    pub(in crate::pages) page: Page,
    pub(in crate::pages) head: Head,
    pub(in crate::pages) artifacts: Vec<ShownArtifact>,
    /// How long artifacts are kept.
    pub(in crate::pages) keep_days: u64,
}

/// An artifact, as it is shown.
#[derive(Debug, Clone)]
pub(in crate::pages) struct ShownArtifact {
    pub(in crate::pages) name: String,
    /// Whom it is for, where that is not every later step.
    pub(in crate::pages) note: &'static str,
    pub(in crate::pages) step: String,
    pub(in crate::pages) files: i64,
    pub(in crate::pages) size: String,
    pub(in crate::pages) expires_at: Timestamp,
    /// `in 13 days`.
    pub(in crate::pages) expires: String,
    /// Where it is downloaded; none where it has expired.
    pub(in crate::pages) path: Option<String>,
    /// Names and sizes of its first files.
    pub(in crate::pages) listing: Vec<(String, String)>,
    /// How many files are not listed.
    pub(in crate::pages) more: i64,
}

async fn show(
    State(app): State<App>,
    BuildOf { member, build }: BuildOf,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let (looked, head) = tabs::open(&app, &member, build, Tab::Artifacts).await?;
    if asked.is_for_head() {
        return Ok(Html(head).into_response());
    }
    let found = artifacts::of_build(&app.db, looked.build.id).await?;
    let artifacts = found
        .into_iter()
        .map(|artifact| shown(artifact, &head.path, member.now()))
        .collect();
    let keep_days = app.config.artifact_keep.as_secs() / 86_400;
    Ok(Html(ArtifactsPage {
        page: head.page.clone(),
        artifacts,
        keep_days,
        head,
    })
    .into_response())
}

fn shown(artifact: Artifact, build: &str, now: Timestamp) -> ShownArtifact {
    let listed = artifact.listing.len() as i64;
    ShownArtifact {
        note: match artifact.kind {
            ArtifactKind::Shared => "",
            ArtifactKind::Scoped => "only for people",
            ArtifactKind::TestReports => "test reports",
        },
        step: if artifact.attempt_number > 1 {
            format!(
                "{}, attempt {}",
                artifact.step_name, artifact.attempt_number
            )
        } else {
            artifact.step_name
        },
        files: artifact.files,
        size: format::bytes(artifact.bytes as u64),
        expires: time_left(now, artifact.expires_at),
        expires_at: artifact.expires_at,
        path: artifact
            .removed_at
            .is_none()
            .then(|| format!("{build}/artifacts/{}", artifact.id)),
        listing: artifact
            .listing
            .into_iter()
            .map(|(name, bytes)| (name, format::bytes(bytes)))
            .collect(),
        more: (artifact.files - listed).max(0),
        name: artifact.name,
    }
}

/// When it goes, as people say it.
fn time_left(now: Timestamp, then: Timestamp) -> String {
    match then.since(now).as_secs() / 3600 {
        0 => "within the hour".to_owned(),
        hours @ 1..48 => format!("in {}", format::count(hours as usize, "hour")),
        hours => format!("in {} days", hours / 24),
    }
}

/// The artifact as a `.tar.gz`, made while it is sent.
async fn download(
    State(app): State<App>,
    BuildOf { member, build }: BuildOf,
    Path((_, _, _, artifact)): Path<(String, String, String, String)>,
) -> Result<Response, PageError> {
    let id: ArtifactId = artifact.parse().map_err(|_| PageError::NotFound)?;
    let artifact = artifacts::get(&app.db, member.account.id, build.id, id).await?;
    let artifact = artifact
        .filter(|artifact| artifact.removed_at.is_none())
        .ok_or(PageError::NotFound)?;
    let permit = turn(&DOWNLOADS, TURN).await?;
    let blobs = app.blobs.clone();
    let file = tokio::task::spawn_blocking(move || blobs.reader(id))
        .await
        .map_err(PageError::internal)??;
    // One place more, kept for the error that a download may end with.
    let (sender, pieces) = mpsc::channel(PIECES + 1);
    let last = sender
        .clone()
        .reserve_owned()
        .await
        .map_err(PageError::internal)?;
    let reader = Handle::current();
    tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let mut target = Pieces {
            sender,
            reader,
            patience: PATIENCE,
            piece: Vec::with_capacity(PIECE_BYTES),
        };
        end(last, convert_to_gzip(io::BufReader::new(file), &mut target));
    });
    let body = stream::unfold(pieces, async |mut pieces| {
        pieces.recv().await.map(|piece| (piece, pieces))
    });
    let name = file_name(&build.application_slug, build.number, &artifact.name);
    let headers = [
        (CONTENT_TYPE, "application/gzip".to_owned()),
        (
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
    ];
    Ok((headers, Body::from_stream(body)).into_response())
}

/// Waits for a download's turn.
async fn turn(downloads: &Semaphore, patience: Duration) -> Result<SemaphorePermit<'_>, PageError> {
    match tokio::time::timeout(patience, downloads.acquire()).await {
        Ok(permit) => permit.map_err(PageError::internal),
        Err(_) => Err(PageError::Unavailable(
            "Too many artifacts are being downloaded right now; try again in a minute.".to_owned(),
        )),
    }
}

/// Tells the reader where a download broke off, so that it is not taken for a whole one.
fn end(last: OwnedPermit<io::Result<Bytes>>, made: io::Result<()>) {
    if let Err(error) = made {
        // Whoever went away reads no error either.
        last.send(Err(error));
    }
}

/// Letters, digits and a few signs: the name came from a pipeline file.
fn file_name(application: &str, number: i64, artifact: &str) -> String {
    let plain: String = artifact
        .chars()
        .map(|character| {
            if character.is_ascii_alphanumeric() || "._-".contains(character) {
                character
            } else {
                '-'
            }
        })
        .collect();
    let plain = plain.trim_matches(['-', '.']);
    let plain: String = if plain.is_empty() { "artifact" } else { plain }
        .chars()
        .take(60)
        .collect();
    format!("{application}-{number}-{plain}.tar.gz")
}

/// A blocking writer whose bytes leave in pieces. Where no piece is taken for `patience`, writing fails.
struct Pieces {
    sender: mpsc::Sender<io::Result<Bytes>>,
    reader: Handle,
    patience: Duration,
    piece: Vec<u8>,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE_BYTES));
        match self.reader.block_on(async {
            tokio::time::timeout(self.patience, self.sender.send(Ok(Bytes::from(piece)))).await
        }) {
            Ok(sent) => sent.map_err(|_| io::ErrorKind::BrokenPipe.into()),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::time::Duration;

    use http::StatusCode;
    use tokio::runtime::Handle;
    use tokio::sync::{Semaphore, mpsc};

    use super::{PIECE_BYTES, Pieces, end, file_name, turn};

    #[tokio::test]
    async fn a_reader_who_takes_nothing_is_given_up_and_finds_no_whole_download() {
        let (sender, mut pieces) = mpsc::channel(3);
        let last = sender.clone().reserve_owned().await.expect("a place");
        let reader = Handle::current();
        let made = tokio::task::spawn_blocking(move || {
            let mut target = Pieces {
                sender,
                reader,
                patience: Duration::ZERO,
                piece: Vec::new(),
            };
            end(
                last,
                (0..9).try_for_each(|_| target.write_all(&[7].repeat(PIECE_BYTES))),
            );
        });
        made.await.expect("the thread is free again");
        let mut seen = Vec::new();
        while let Some(piece) = pieces.recv().await {
            seen.push(piece.map(|bytes| bytes.len()).map_err(|error| error.kind()));
        }
        assert_eq!(
            seen,
            [
                Ok(PIECE_BYTES),
                Ok(PIECE_BYTES),
                Err(io::ErrorKind::TimedOut)
            ]
        );
    }

    #[tokio::test]
    async fn a_download_whose_turn_does_not_come_is_answered() {
        let downloads = Semaphore::new(1);
        let held = turn(&downloads, Duration::ZERO).await.expect("the first");
        let refused = turn(&downloads, Duration::ZERO).await.expect_err("another");
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(
            refused.to_string().contains("try again in a minute"),
            "{refused}"
        );
        drop(held);
        drop(turn(&downloads, Duration::ZERO).await.expect("its turn"));
    }

    #[test]
    fn a_download_has_a_plain_name() {
        for (artifact, expected) in [
            ("jar", "app-7-jar.tar.gz"),
            ("dist/**, report.txt", "app-7-dist-----report.txt.tar.gz"),
            ("\"; rm -rf \r\nX: y", "app-7-rm--rf---X--y.tar.gz"),
            ("**", "app-7-artifact.tar.gz"),
            ("größe", "app-7-gr--e.tar.gz"),
        ] {
            assert_eq!(file_name("app", 7, artifact), expected);
        }
    }
}
