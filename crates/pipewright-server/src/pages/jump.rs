//! The jump box: applications, builds by number, branches and tags of the account. A page of its own, and a part for the
//! box that the script opens with "/".

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::HeaderMap;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use pipewright_core::RefName;
use pipewright_store::jump;
use serde::Deserialize;

use crate::app::App;
use crate::web::states::{self, Pill};
use crate::web::{Html, MemberOf, Page, PageError};

/// The most of each kind.
const MOST: i64 = 8;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/{account}/jump", get(show))
}

/// The page.
#[derive(Debug, Template)]
#[template(path = "jump.html")]
pub(in crate::pages) struct JumpPage {
    pub(in crate::pages) page: Page,
    pub(in crate::pages) q: String,
    pub(in crate::pages) found: Vec<Place>,
}

/// Only what was found, for the script.
#[derive(Debug, Template)]
#[template(path = "jump.html", block = "found")]
struct Found<'a> {
    q: &'a str,
    found: &'a [Place],
}

/// Somewhere to go.
#[derive(Debug, Clone)]
pub(in crate::pages) struct Place {
    /// `Application`, `Build`, `Branch` or `Tag`.
    pub(in crate::pages) kind: &'static str,
    pub(in crate::pages) name: String,
    /// What else tells it apart.
    pub(in crate::pages) note: String,
    pub(in crate::pages) pill: Option<Pill>,
    pub(in crate::pages) path: String,
}

#[derive(Debug, Deserialize)]
struct Asked {
    #[serde(default)]
    q: String,
}

async fn show(
    State(app): State<App>,
    member: MemberOf,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let q: String = asked.q.trim().chars().take(200).collect();
    let page = member.page("Jump to");
    let found = find(&app, &member, &page, &q).await?;
    if headers.contains_key("x-fragment") {
        let part = Found {
            q: &q,
            found: &found,
        };
        return Ok(Html(part).into_response());
    }
    Ok(Html(JumpPage { page, q, found }).into_response())
}

async fn find(app: &App, member: &MemberOf, page: &Page, q: &str) -> Result<Vec<Place>, PageError> {
    let account = member.account.id;
    let mut found = Vec::new();
    if let Ok(number) = q.trim_start_matches('#').parse::<i64>() {
        for build in jump::builds(&app.db, account, number, MOST).await? {
            let message = build.commit_message.as_deref().unwrap_or_default();
            found.push(Place {
                kind: "Build",
                name: format!("#{} of {}", build.number, build.name),
                note: message.lines().next().unwrap_or_default().to_owned(),
                pill: Some(states::of_build(build.seen())),
                path: page.own(&format!(
                    "/applications/{}/builds/{}",
                    build.slug, build.number
                )),
            });
        }
    }
    for application in jump::applications(&app.db, account, q, MOST).await? {
        found.push(Place {
            kind: "Application",
            path: page.own(&format!("/applications/{}", application.slug)),
            name: application.name,
            note: String::new(),
            pill: None,
        });
    }
    if !q.is_empty() {
        for one in jump::refs(&app.db, account, q, MOST).await? {
            let Ok(ref_name) = one.ref_name.parse::<RefName>() else {
                continue;
            };
            let query = if ref_name.is_branch() {
                ref_name.short()
            } else {
                ref_name.full()
            };
            found.push(Place {
                kind: if ref_name.is_branch() {
                    "Branch"
                } else {
                    "Tag"
                },
                name: ref_name.short().to_owned(),
                note: one.name,
                pill: None,
                path: page.own(&format!(
                    "/applications/{}/builds?branch={}",
                    one.slug,
                    utf8_percent_encode(query, NON_ALPHANUMERIC)
                )),
            });
        }
    }
    Ok(found)
}
