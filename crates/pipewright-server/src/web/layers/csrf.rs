//! Refuses forms that another site's page sent: browsers say where a request comes from (`Sec-Fetch-Site`, `Origin`).
//! Requests without either are not a browser's, and carry no cookie of ours unless their sender put it there. The
//! webhooks' path does not pass here: Bitbucket is another site, and its requests are signed.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use tower_http::csrf::{ConfigError, CsrfLayer, ProtectionError};

use crate::config::ServerConfig;
use crate::web::problem::PageError;

type Refusal = fn(ProtectionError) -> Response<Body>;

pub(crate) fn layer(config: &ServerConfig) -> Result<CsrfLayer<Refusal>, ConfigError> {
    let layer = CsrfLayer::new().with_rejection_response(refuse as Refusal);
    // Behind a proxy that rewrites `Host`, the public address is what browsers name as their origin.
    layer.add_trusted_origin(config.public_url.origin().ascii_serialization())
}

fn refuse(_: ProtectionError) -> Response {
    PageError::Forbidden(
        "This form was sent from another site, so it was rejected. Open Pipewright in its own tab and try again; where it is behind a \
         proxy, the address people use must be the one Pipewright is configured with as its public URL."
            .to_owned(),
    )
    .into_response()
}
