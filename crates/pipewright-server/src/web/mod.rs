//! What any page needs: who is asking, the frame, forms, the layers around every request, and what answers look like.
//!
//! Links are written without the sub-path and get it from [`Page::base`] or [`SeeOther`]; the router sees addresses without
//! it.

mod application_of;
mod build_of;
mod cookies;
mod form;
pub(crate) mod format;
mod html;
pub(crate) mod layers;
mod member_of;
mod outside;
mod page;
pub(crate) mod pager;
mod problem;
mod redirect;
mod signed_in;
pub(crate) mod spark;
pub(crate) mod states;
pub(crate) mod statics;
pub(crate) mod theme;
mod visitor;

#[cfg(test)]
pub(crate) mod check_html;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub(crate) use application_of::ApplicationOf;
pub(crate) use build_of::BuildOf;
pub(crate) use cookies::{own_cookie, remove_cookie};
pub(crate) use form::PageForm;
pub(crate) use html::Html;
pub(crate) use member_of::MemberOf;
#[cfg(test)]
pub(crate) use page::{Flash, PageAccount, PageUser, Theme};
pub(crate) use page::{Nav, Page, Rail};
pub(crate) use problem::PageError;
pub(crate) use redirect::SeeOther;
pub(crate) use signed_in::SignedIn;
pub(crate) use theme::own_path;
pub(crate) use visitor::{BROWSER_COOKIE, SESSION_COOKIE, Visitor, source};
