//! The page.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use pipewright_core::Right;
use pipewright_store::application_ssh::{self, ApplicationKey, KnownHost};
use pipewright_store::applications::Application;

use crate::app::App;
use crate::ssh_keys::Offered;
use crate::web::{ApplicationOf, Html, MemberOf, Nav, Page, PageError};

pub(super) fn routes() -> Router<App> {
    Router::new().route(
        "/{account}/applications/{application}/ssh-keys",
        get(of_application),
    )
}

/// The page.
#[derive(Debug, Template)]
#[template(path = "ssh_keys/show.html")]
pub(crate) struct SshKeysPage {
    pub(crate) page: Page,
    /// The application's name, and its part of addresses.
    pub(crate) name: String,
    pub(crate) slug: String,
    pub(crate) may_change: bool,
    pub(crate) key: Option<ApplicationKey>,
    pub(crate) hosts: Vec<KnownHost>,
    pub(crate) asked: Asked,
}

/// What a host was asked, and what it showed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    pub(crate) host: String,
    pub(crate) port: String,
    pub(crate) offered: Option<Offered>,
    pub(crate) refusal: Option<String>,
}

async fn of_application(
    State(app): State<App>,
    ApplicationOf {
        member,
        application,
    }: ApplicationOf,
) -> Result<Html<SshKeysPage>, PageError> {
    let page = context(&app, &member, &application, Asked::default()).await?;
    Ok(Html(page))
}

/// Gathers the page.
pub(super) async fn context(
    app: &App,
    member: &MemberOf,
    application: &Application,
    asked: Asked,
) -> Result<SshKeysPage, PageError> {
    let account = member.account.id;
    Ok(SshKeysPage {
        page: member
            .page(format!("SSH keys of {}", application.name))
            .nav(Nav::Applications),
        name: application.name.clone(),
        slug: application.slug.clone(),
        may_change: member.may(Right::SeeSecrets),
        key: application_ssh::key(&app.db, account, application.id).await?,
        hosts: application_ssh::known_hosts(&app.db, account, application.id).await?,
        asked,
    })
}

impl SshKeysPage {
    /// Where the forms go.
    pub(crate) fn path(&self) -> String {
        self.page
            .own(&format!("/applications/{}/ssh-keys", self.slug))
    }
}

#[cfg(test)]
mod tests {
    use pipewright_core::ids::KnownHostId;
    use pipewright_store::Sealed;
    use pipewright_store::application_ssh::{ApplicationKey, KnownHost};

    use super::{Asked, SshKeysPage};
    use crate::pages::samples::frame::{NOW, check, pages};
    use crate::ssh_keys::Offered;
    use crate::web::check_html::HOSTILE;

    #[test]
    fn the_page_renders_whatever_hosts_and_keys_are_called() {
        let text = || HOSTILE.to_owned();
        let host = KnownHost {
            id: KnownHostId::new(),
            host: text(),
            kind: text(),
            public_key: text(),
            fingerprint: text(),
            changed_by: text(),
            changed_at: NOW,
        };
        let key = ApplicationKey {
            public_line: text(),
            fingerprint: text(),
            private_key: Sealed::from(Vec::new()),
            changed_by: text(),
            changed_at: NOW,
        };
        for page in pages() {
            for (filled, may_change) in [(false, false), (false, true), (true, false), (true, true)]
            {
                let offered = Offered {
                    host: text(),
                    keys: vec![(text(), text())],
                    lines: text(),
                };
                let sample = SshKeysPage {
                    page: page.clone(),
                    name: text(),
                    slug: "shop".to_owned(),
                    may_change,
                    key: filled.then(|| key.clone()),
                    hosts: if filled {
                        vec![host.clone()]
                    } else {
                        Vec::new()
                    },
                    asked: Asked {
                        host: text(),
                        port: text(),
                        offered: filled.then_some(offered),
                        refusal: (!filled).then(text),
                    },
                };
                check("ssh keys", &sample);
            }
        }
    }
}
