//! History: what it says, and the audit logs of accounts and of the installation.

mod actions;
mod audit_log;
mod sentence;

use axum::Router;

use crate::app::App;

pub(crate) use audit_log::{LogQuery, exported, log_page};

/// The addresses of this noun.
pub(crate) fn routes() -> Router<App> {
    audit_log::routes()
}

pub(crate) use audit_log::AuditLogPage;
#[cfg(test)]
pub(crate) use audit_log::{Choice, ShownEvent};
