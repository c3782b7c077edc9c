//! What moves, as server-sent events: the tail of a log, and for the tabs of a browser together the tails of all logs they
//! show and word of what moved in their accounts.
//!
//! A follower is never cut off and never slows the step down: it reads the file at its own pace, woken by the log's
//! growth and, for a log that another server writes, by looking again now and then. One that falls far behind is shown
//! the newest lines and may fetch what it missed. An event's id is the line it goes on from, so a browser that lost the
//! connection resumes where it was.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Query, RawQuery, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::get;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream, Stream};
use http::HeaderMap;
use pipewright_core::ids::{AccountId, AttemptId};
use pipewright_store::attempts::{self, AttemptState};
use pipewright_store::logs::{self, LogExtent};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

use super::super::ansi::Painter;
use super::window::{Window, paint};
use crate::app::App;
use crate::live::{LogLength, NewsItem};
use crate::web::{MemberOf, PageError, SignedIn};

/// The most lines in one event.
const MOST: usize = 500;

/// A follower further behind than this many lines is shown the newest instead.
const FAR_BEHIND: u64 = 4 * MOST as u64;

/// The least time between two events, so that a torrent of lines is gathered.
const PACE: Duration = Duration::from_millis(50);

/// How often a silent connection is kept open.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How often to look without having been woken.
const LOOK: Duration = Duration::from_secs(1);

/// How long one answer lasts at most: who asks is then looked at again.
const LONGEST_ANSWER: Duration = Duration::from_secs(600);

/// The most that one browser is told of at once.
const MOST_WANTED: usize = 100;

/// Word of what moved in an account comes at most this often.
const NEWS_PACE: Duration = Duration::from_millis(200);

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/{account}/logs/{attempt}/live", get(live))
        .route("/live", get(together))
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
    let tail = Tail::of(
        app,
        member.account.id,
        attempt.id,
        resumed.unwrap_or(query.from),
    );
    let events = tail.pieces().map(|(piece, next)| {
        let event = match piece {
            Piece::Lines(window) => Event::default().event("lines").json_data(window),
            Piece::End => Ok(Event::default().event("end").data("{}")),
        };
        Ok(event.unwrap_or_default().id(next.to_string()))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

/// Lines of one of several logs.
#[derive(Serialize)]
struct LinesOf<'a> {
    /// As it was asked for, without the line.
    on: &'a str,
    #[serde(flatten)]
    window: Window,
}

/// Everything that the tabs of one browser want to hear of, over one connection: `on=log:harbor:ATTEMPT:LINE` and
/// `on=news:harbor`, as often as needed. What the user may not see is left out without a word.
async fn together(
    State(app): State<App>,
    user: SignedIn,
    RawQuery(query): RawQuery,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, PageError> {
    let account_of = |slug: &str| {
        let mut memberships = user.visitor.memberships.iter();
        memberships
            .find(|membership| membership.account.slug == slug)
            .map(|membership| membership.account.id)
    };
    let query = query.unwrap_or_default();
    let wanted = url::form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| name == "on")
        .take(MOST_WANTED);
    let mut streams: Vec<BoxStream<'static, Event>> = Vec::new();
    for (_, wish) in wanted {
        match wish.split(':').collect::<Vec<_>>().as_slice() {
            ["log", slug, attempt, line] => {
                let (Some(account), Ok(id)) = (account_of(slug), attempt.parse::<AttemptId>())
                else {
                    continue;
                };
                if attempts::get(&app.db, account, id).await?.is_none() {
                    continue;
                }
                let on = format!("log:{slug}:{attempt}");
                let tail = Tail::of(app.clone(), account, id, line.parse().unwrap_or(0));
                streams.push(Box::pin(tail.pieces().map(move |(piece, _)| {
                    let event = match piece {
                        Piece::Lines(window) => Event::default()
                            .event("lines")
                            .json_data(LinesOf { on: &on, window }),
                        Piece::End => Event::default()
                            .event("end")
                            .json_data(serde_json::json!({ "on": on })),
                    };
                    event.unwrap_or_default()
                })));
            }
            ["news", slug] => {
                if let Some(account) = account_of(slug) {
                    streams.push(Box::pin(news(&app, account, format!("news:{slug}"))));
                }
            }
            _ => {}
        }
    }
    let events = stream::select_all(streams)
        // Without anything wanted the answer still lasts.
        .chain(stream::pending())
        .take_until(tokio::time::sleep(LONGEST_ANSWER))
        .map(Ok);
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

/// Word that something moved in an account. It says that pages may be out of date, not what is new.
fn news(app: &App, account: AccountId, on: String) -> impl Stream<Item = Event> + use<> {
    let follower = app.live().news.follow();
    stream::unfold((follower, on), move |(mut follower, on)| async move {
        loop {
            let is_ours = match follower.recv().await {
                Ok(
                    NewsItem::Build { account: of, .. } | NewsItem::Delivery { account: of, .. },
                ) => of == account,
                // Some were missed, and may have been about this account.
                Err(RecvError::Lagged(_)) => true,
                Err(RecvError::Closed) => return None,
            };
            if is_ours {
                break;
            }
        }
        tokio::time::sleep(NEWS_PACE).await;
        // What came meanwhile is told with this.
        follower = follower.resubscribe();
        let event = Event::default()
            .event("news")
            .json_data(serde_json::json!({ "on": on }))
            .unwrap_or_default();
        Some((event, (follower, on)))
    })
}

/// What a follower of a log is given next.
enum Piece {
    /// Some lines, the last of which may be given again when it is longer.
    Lines(Window),
    /// The log is complete.
    End,
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
    fn of(app: App, account: AccountId, attempt: AttemptId, next: u64) -> Self {
        Self {
            growth: app.live().growth.follow(attempt),
            app,
            account,
            attempt,
            next,
            seen: LogExtent::default(),
            painter: None,
            ended: false,
        }
    }

    /// All that comes, each piece with the line that the log goes on from.
    fn pieces(self) -> impl Stream<Item = (Piece, u64)> {
        stream::unfold(self, Self::piece)
    }

    /// The next piece, once there is one; nothing after the end.
    async fn piece(mut self) -> Option<((Piece, u64), Self)> {
        if self.ended {
            return None;
        }
        loop {
            // Asked before the file is read: what was written until the end is then seen.
            let complete = self.is_complete().await;
            match self.read().await {
                Ok(Some(window)) => {
                    tokio::time::sleep(PACE).await;
                    return Some(((Piece::Lines(window), self.next), self));
                }
                Ok(None) if complete => {
                    self.ended = true;
                    return Some(((Piece::End, self.next), self));
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
