//! Addresses: of pages of ours, from which routes are mounted and links are built, of our webhooks, and of repositories at
//! their Bitbucket.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use pipewright_bitbucket::RepositoryAddress;
use pipewright_store::repositories::Repository;
use pipewright_store::webhooks::Webhook;
use url::Url;

use super::app::App;

/// The page of a build, below the public address.
pub(crate) fn build_page(account: &str, application: &str, number: i64) -> String {
    format!("/{account}/applications/{application}/builds/{number}")
}

/// Where the page stands for a question, below the account.
pub(crate) fn why_page(application: &str, about: &str) -> String {
    format!(
        "/applications/{application}/why?about={}",
        utf8_percent_encode(about, NON_ALPHANUMERIC)
    )
}

/// Where Bitbucket sends the deliveries of a webhook.
pub(crate) fn delivery_url(app: &App, webhook: &Webhook) -> Url {
    let mut url = app.config.public_url.clone();
    url.set_path(&format!(
        "{}/hooks/{}",
        app.config.base_path(),
        webhook.path
    ));
    url
}

/// The address in the form that survives renames: by UUID on Cloud, by key and slug on Data Center.
pub(crate) fn address_of(repository: &Repository) -> RepositoryAddress {
    let by_id = repository.remote_id.starts_with('{') && repository.owner_id.starts_with('{');
    RepositoryAddress {
        remote_id: repository.remote_id.clone(),
        space: if by_id {
            repository.owner_id.clone()
        } else {
            repository.owner.clone()
        },
        slug: repository.slug.clone(),
    }
}
