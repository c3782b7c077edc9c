//! The button that has an account's repositories listed anew.

mod refresh;

pub(super) use refresh::routes;
