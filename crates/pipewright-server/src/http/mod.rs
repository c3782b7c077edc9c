//! Pages, API and webhooks over HTTP: the router, its layers, who is asking, and what answers look like.
//!
//! A handler extracts, calls one use case and renders. Everything about one noun (its routes, handlers and templates'
//! contexts) lives in that noun's folder; here is only what all of them share. Links are written without the sub-path
//! and get it from [`Page::base`] or [`SeeOther`]; the router sees addresses without it.

mod cookies;
mod form;
pub(crate) mod format;
mod health;
mod html;
mod layers;
mod member_of;
mod page;
mod problem;
mod redirect;
mod router;
mod signed_in;
pub(crate) mod spark;
pub(crate) mod states;
mod statics;
mod theme;
mod visitor;

#[cfg(test)]
pub(crate) mod check_html;
#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub(crate) use cookies::{own_cookie, remove_cookie};
pub(crate) use form::PageForm;
pub(crate) use html::Html;
pub(crate) use member_of::MemberOf;
pub(crate) use page::{Nav, Page, Rail};
pub(crate) use problem::PageError;
pub(crate) use redirect::SeeOther;
pub use router::router;
pub(crate) use signed_in::SignedIn;
pub(crate) use theme::own_path;
pub(crate) use visitor::{SESSION_COOKIE, Visitor};
