//! Every address of the server, and the layers around it.
//!
//! `/` · `/setup/{token}` · `/sign-in` · `/sign-out` · `/invitations/{token}` · `/profile` · `/theme` · `/accounts/new` ·
//! `/administration/bitbucket-cloud` · `/oauth/bitbucket/callback` · `/hooks/{path}` · `/oidc/{account}/.well-known/{file}` · `/health` · `/static/{hash}/{file}` ·
//! `/{account}/applications…` · `/{account}/builds…` · `/{account}/deliveries…` ·
//! `/{account}/settings/{integrations|variables|oidc|members|storage|audit-log}…`. First parts that are not an account's are reserved words:
//! see `accounts::slug`.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};

use crate::app::App;
use crate::web::{PageError, layers, statics, theme};

/// The longest form that is taken, in bytes. The webhooks' path has its own limit.
const BODY_LIMIT: usize = 1024 * 1024;

/// Everything the server answers, under the configured sub-path.
///
/// # Panics
///
/// Never: an origin made by the `url` crate is one that the CSRF layer takes.
pub fn router(app: App) -> Router {
    let base = app.config.base_path().to_owned();
    let csrf = layers::csrf::layer(&app.config)
        .expect("cannot fail because an http or https URL has an ASCII origin without a path");
    let policy = layers::security_headers::policy(&app.config);
    let routes = routes()
        .fallback(async || PageError::NotFound)
        .method_not_allowed_fallback(async || PageError::MethodNotAllowed)
        // The last added is the outermost: read from the bottom up. A request gets its id, then its answer's headers
        // are set whatever it is; problems are drawn inside the compression and outside of everything that may refuse. What follows the database's layer
        // asks the database.
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(csrf)
        .layer(from_fn(layers::timeout::layer))
        .layer(layers::panics::layer())
        .layer(from_fn_with_state(app.clone(), layers::streams::layer))
        .layer(from_fn_with_state(app.clone(), layers::problems::layer))
        .layer(from_fn_with_state(app.clone(), layers::flash::layer))
        .layer(from_fn_with_state(app.clone(), layers::database::layer))
        .layer(layers::compression::layer())
        .layer(from_fn_with_state(policy, layers::security_headers::layer))
        .layer(from_fn(layers::request_id::layer))
        // Bitbucket is no browser: its deliveries pass none of the layers above, only the net under bugs.
        .merge(crate::deliveries::routes().layer(layers::panics::layer()))
        .with_state(app);
    layers::base_path::mount(routes, &base)
}

fn routes() -> Router<App> {
    Router::new()
        .merge(statics::routes())
        .merge(theme::routes())
        .merge(crate::pages::routes())
}
