//! History: the audit log of an account.

mod audit_log;

use axum::Router;

use crate::app::App;

/// The addresses of this noun.
pub(crate) fn routes() -> Router<App> {
    audit_log::routes()
}

#[cfg(test)]
pub(crate) use audit_log::{AuditLogPage, ShownEvent};
