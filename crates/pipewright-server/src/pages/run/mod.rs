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

pub(in crate::pages) use form::PipelineForm;
pub(in crate::pages) use offer::{Offer, offer, ref_of, refs_known, shown_ref};

#[cfg(test)]
pub(super) use {
    form::VariableField,
    offer::{PipelineLink, ShownFile},
    show::RunPage,
};
