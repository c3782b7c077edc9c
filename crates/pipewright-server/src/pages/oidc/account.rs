//! The account's page: its issuer, its keys, and with which algorithm they sign.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use pipewright_core::{Right, Timestamp};
use pipewright_store::oidc::{self, SigningAlgorithm};

use crate::app::App;
use crate::oidc::{Standing, ensure, issuer, standing};
use crate::web::{Html, MemberOf, Page, PageError, Rail};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/{account}/settings/oidc", get(show))
}

/// The page.
#[derive(Debug, Template)]
#[template(path = "oidc/account.html")]
pub(crate) struct AccountPage {
    pub(crate) page: Page,
    pub(crate) may_change: bool,
    pub(crate) issuer: String,
    /// False where verifiers in the cloud do not take the issuer.
    pub(crate) is_https: bool,
    pub(crate) is_es256: bool,
    pub(crate) keys: Vec<ShownKey>,
}

/// A key as the page lists it.
#[derive(Debug, Clone)]
pub(crate) struct ShownKey {
    pub(crate) key_id: String,
    pub(crate) algorithm: &'static str,
    pub(crate) class: &'static str,
    pub(crate) word: &'static str,
    pub(crate) made_at: Timestamp,
    pub(crate) signs_from: Timestamp,
    pub(crate) published_until: Option<Timestamp>,
}

async fn show(State(app): State<App>, member: MemberOf) -> Result<Html<AccountPage>, PageError> {
    let account = member.account.id;
    let keys = ensure(&app, account).await.map_err(PageError::internal)?;
    let chosen = oidc::chosen(&app.db, account)
        .await
        .map_err(PageError::internal)?;
    // After the keys, which may have been made only now.
    let now = app.clock.now();
    let shown = keys
        .iter()
        .map(|key| {
            let (class, word) = match standing(&keys, key, now) {
                Standing::Next => ("wait", "signs soon"),
                Standing::Signs => ("ok", "signs"),
                Standing::Past => ("off", "was used"),
            };
            ShownKey {
                key_id: key.key_id.clone(),
                algorithm: key.algorithm.as_str(),
                class,
                word,
                made_at: key.made_at,
                signs_from: key.signs_from,
                published_until: key.published_until,
            }
        })
        .collect();
    Ok(Html(AccountPage {
        may_change: member.may(Right::SeeSecrets),
        issuer: issuer(&app.config, account),
        is_https: app.config.public_url.scheme() == "https",
        is_es256: chosen == Some(SigningAlgorithm::Es256),
        keys: shown,
        page: member.page("OpenID Connect").rail(Rail::Oidc),
    }))
}

#[cfg(test)]
mod tests {
    use super::{AccountPage, ShownKey};
    use crate::pages::samples::frame::{NOW, check, pages};
    use crate::web::check_html::HOSTILE;

    #[test]
    fn the_page_renders_whatever_stands_in_it() {
        for page in pages() {
            for filled in [true, false] {
                let key = ShownKey {
                    key_id: HOSTILE.to_owned(),
                    algorithm: "RS256",
                    class: "ok",
                    word: "signs",
                    made_at: NOW,
                    signs_from: NOW,
                    published_until: filled.then_some(NOW),
                };
                let sample = AccountPage {
                    page: page.clone(),
                    may_change: filled,
                    issuer: HOSTILE.to_owned(),
                    is_https: filled,
                    is_es256: filled,
                    keys: vec![key],
                };
                check("oidc of an account", &sample);
            }
        }
    }
}
