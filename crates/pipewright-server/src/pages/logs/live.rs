//! The live tail of a log, as server-sent events.
//!
//! A follower is never cut off and never slows the step down: it reads the file at its own pace, woken by the log's
//! growth and, for a log that another server writes, by looking again now and then. One that falls far behind is shown
//! the newest lines and may fetch what it missed. An event's id is the line it goes on from, so a browser that lost the
//! connection resumes where it was.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::get;
use futures_util::stream::{self, Stream};
use http::HeaderMap;
use pipewright_core::ids::{AccountId, AttemptId};
use pipewright_store::attempts::{self, AttemptState};
use pipewright_store::logs::{self, LogExtent};
use serde::Deserialize;
use tokio::sync::watch;

use super::super::ansi::Painter;
use super::window::{Window, paint};
use crate::app::App;
use crate::http::{MemberOf, PageError};
use crate::live::LogLength;

/// The most lines in one event.
const MOST: usize = 500;

/// A follower further behind than this many lines is shown the newest instead.
const FAR_BEHIND: u64 = 4 * MOST as u64;

/// The least time between two events, so that a torrent of lines is gathered.
const PACE: Duration = Duration::from_millis(50);

/// How often to look without having been woken.
const LOOK: Duration = Duration::from_secs(1);

pub(super) fn routes() -> Router<App> {
    Router::new().route("/{account}/logs/{attempt}/live", get(live))
}

#[derive(Debug, Deserialize)]
struct From {
    #[serde(default)]
    from: u64,
}

async fn live(
    State(app): State<App>,
    member: MemberOf,
    Path((_, attempt)): Path<(String, String)>,
    Query(query): Query<From>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, PageError> {
    let attempt = super::find(&app, &member, &attempt).await?;
    let resumed = headers
        .get("last-event-id")
        .and_then(|id| id.to_str().ok())
        .and_then(|id| id.parse().ok());
    let tail = Tail {
        growth: app.live().growth.follow(attempt.id),
        app,
        account: member.account.id,
        attempt: attempt.id,
        next: resumed.unwrap_or(query.from),
        seen: LogExtent::default(),
        painter: None,
        ended: false,
    };
    Ok(Sse::new(stream::unfold(tail, Tail::event))
        .keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

/// Where a follower stands.
struct Tail {
    app: App,
    account: AccountId,
    attempt: AttemptId,
    growth: watch::Receiver<LogLength>,
    /// The line it goes on from.
    next: u64,
    /// How long the log was when it was last read.
    seen: LogExtent,
    /// The colours at `next`; nothing after a leap.
    painter: Option<Painter>,
    ended: bool,
}

impl Tail {
    /// The next event, once there is one; nothing after the end.
    async fn event(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        if self.ended {
            return None;
        }
        loop {
            // Asked before the file is read: what was written until the end is then seen.
            let complete = self.is_complete().await;
            match self.read().await {
                Ok(Some(window)) => {
                    let event = Event::default()
                        .event("lines")
                        .id(self.next.to_string())
                        .json_data(&window)
                        .unwrap_or_default();
                    tokio::time::sleep(PACE).await;
                    return Some((Ok(event), self));
                }
                Ok(None) if complete => {
                    self.ended = true;
                    return Some((
                        Ok(Event::default()
                            .event("end")
                            .id(self.next.to_string())
                            .data("{}")),
                        self,
                    ));
                }
                Ok(None) => self.wait().await,
                Err(error) => {
                    tracing::error!(attempt.id = %self.attempt, error = &error as &dyn std::error::Error, "a log cannot be read");
                    return None;
                }
            }
        }
    }

    async fn is_complete(&self) -> bool {
        if self.growth.borrow().complete {
            return true;
        }
        match attempts::get(&self.app.db, self.account, self.attempt).await {
            Ok(Some(attempt)) => attempt.state == AttemptState::Finished,
            // The attempt went with its application.
            Ok(None) => true,
            Err(_) => false,
        }
    }

    /// The lines that are new; nothing where the log did not grow.
    async fn read(&mut self) -> std::io::Result<Option<Window>> {
        let (store, attempt, seen) = (self.app.logs.clone(), self.attempt, self.seen);
        let (mut next, mut painter) = (self.next, self.painter.take());
        let read = tokio::task::spawn_blocking(move || {
            let extent = logs::extent(&store, attempt)?;
            if extent == seen && next >= extent.lines {
                return Ok((extent, next, painter, None));
            }
            if extent.lines > next + FAR_BEHIND {
                next = extent.lines - MOST as u64;
                painter = None;
            }
            let (window, painter) = paint(&store, attempt, next, MOST, extent, painter)?;
            // An open line is sent, and sent again when it is longer.
            let whole = window.lines.len() as u64 - u64::from(window.open);
            let is_new = whole > 0 || (window.open && extent != seen);
            Ok::<_, std::io::Error>((
                extent,
                next + whole,
                Some(painter),
                is_new.then_some(window),
            ))
        });
        let (extent, next, painter, window) = read.await.map_err(std::io::Error::other)??;
        (self.seen, self.next, self.painter) = (extent, next, painter);
        Ok(window)
    }

    /// Waits until the log may have grown.
    async fn wait(&mut self) {
        let grown = self.growth.changed();
        // A log that grows elsewhere, or is complete, says nothing more here: then only the time wakes.
        let _ = tokio::time::timeout(LOOK, async {
            if grown.await.is_err() {
                std::future::pending::<()>().await;
            }
        })
        .await;
    }
}
