//! The next five times of what is typed: a part of the editor, and an address that draws it alone.

use askama::Template;
use axum::Router;
use axum::extract::Query;
use axum::routing::get;
use pipewright_core::Timestamp;
use serde::Deserialize;

use crate::app::App;
use crate::schedules::Timing;
use crate::web::{ApplicationOf, Html, PageError};

/// How many times are shown.
const SHOWN: usize = 5;

pub(super) fn routes() -> Router<App> {
    Router::new().route(
        "/{account}/applications/{application}/schedules/times",
        get(times),
    )
}

/// The part.
#[derive(Debug, Clone, Template)]
#[template(path = "schedules/times.html")]
pub(in crate::pages) struct Times {
    /// Where the part draws itself anew from.
    pub(in crate::pages) from: String,
    /// What is wrong.
    pub(in crate::pages) error: Option<String>,
    pub(in crate::pages) words: String,
    /// The times as the zone's clocks show them, and as moments.
    pub(in crate::pages) times: Vec<(String, Timestamp)>,
    pub(in crate::pages) zone: String,
    /// It is Bitbucket's form, which counts in UTC.
    pub(in crate::pages) is_bitbucket: bool,
}

#[derive(Debug, Deserialize)]
struct Typed {
    #[serde(default)]
    cron: String,
    #[serde(default)]
    zone: String,
}

async fn times(
    ApplicationOf {
        member,
        application,
    }: ApplicationOf,
    Query(typed): Query<Typed>,
) -> Result<Html<Times>, PageError> {
    let from = member.page("").own(&format!(
        "/applications/{}/schedules/times",
        application.slug
    ));
    Ok(Html(Times::of(
        from,
        &typed.cron,
        &typed.zone,
        member.now(),
    )))
}

impl Times {
    /// The times of this expression in this zone.
    pub(super) fn of(from: String, cron: &str, zone: &str, now: Timestamp) -> Self {
        let empty = Self {
            from,
            error: None,
            words: String::new(),
            times: Vec::new(),
            zone: String::new(),
            is_bitbucket: false,
        };
        match Timing::read(cron, zone) {
            Ok(timing) => {
                let times: Vec<_> = timing
                    .next_times(now, SHOWN)
                    .into_iter()
                    .map(|time| (timing.shown(time), time))
                    .collect();
                let error = times
                    .is_empty()
                    .then(|| "This expression never comes true.".to_owned());
                Self {
                    error,
                    words: timing.words(),
                    times,
                    is_bitbucket: timing.is_bitbucket(),
                    zone: timing.zone_name,
                    ..empty
                }
            }
            Err(sentence) => Self {
                error: Some(sentence),
                ..empty
            },
        }
    }
}
