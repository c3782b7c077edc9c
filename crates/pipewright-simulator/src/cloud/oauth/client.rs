//! Which consumer speaks to the token endpoint.

use http::{HeaderMap, header};

use super::store::{Consumer, OauthStore};
use crate::cloud::auth::basic;

/// The consumer of a request: key and secret by HTTP Basic, or as `client_id` and `client_secret` in the form.
pub(super) fn consumer(
    store: &OauthStore,
    headers: &HeaderMap,
    form: &[(String, String)],
) -> Option<Consumer> {
    let field = |name: &str| {
        form.iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
    };
    let authorization = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let (key, secret) = match authorization.and_then(|value| value.strip_prefix("Basic ")) {
        Some(pair) => basic(pair)?,
        None => (field("client_id")?, field("client_secret")?),
    };
    store
        .consumer(&key)
        .filter(|consumer| consumer.secret == secret)
        .cloned()
}
