//! **Run…**: a person chooses a branch or tag, a pipeline and its variables, and starts a build.
//!
//! `form` is what is entered, `offer` what is known here of the ref and its pipelines, `show` and `start` the two
//! requests. The page is drawn from what is known on this machine; only starting asks Bitbucket where the ref stands.

mod form;
mod offer;
mod show;
mod start;

use axum::Router;

use crate::app::App;

pub(super) fn routes() -> Router<App> {
    Router::new().merge(show::routes()).merge(start::routes())
}

#[cfg(test)]
pub(super) use {
    form::{PipelineForm, VariableField},
    offer::{Offer, PipelineLink, ShownFile},
    show::RunPage,
};
