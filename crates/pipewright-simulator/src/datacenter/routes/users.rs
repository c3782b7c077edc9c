//! Users.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, Query, State},
};
use serde::Deserialize;

use crate::datacenter::{
    caller::Caller,
    error::{ApiError, ApiResult},
    page::PageQuery,
    server::{Server, ok},
};

/// One user by slug; any signed-in user may look.
pub(in crate::datacenter) async fn user(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path(slug): Path<String>,
) -> ApiResult {
    caller.user().ok_or_else(ApiError::sign_in)?;
    server.render(|render| {
        let user = render
            .tables
            .user_by_slug(&slug)
            .filter(|user| !user.service);
        user.map(|user| ok(render.user(user)))
            .ok_or_else(|| ApiError::no_user(&slug))
    })
}

/// The query of the list of users.
#[derive(Debug, Deserialize)]
pub(in crate::datacenter) struct UsersQuery {
    filter: Option<String>,
    #[serde(flatten)]
    page: PageQuery,
}

/// Users whose name, slug or address contains `filter`.
pub(in crate::datacenter) async fn users(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Query(query): Query<UsersQuery>,
) -> ApiResult {
    caller.user().ok_or_else(ApiError::sign_in)?;
    let wanted = query.filter.unwrap_or_default().to_lowercase();
    server.render(|render| {
        let rows = render.tables.users().filter(|user| {
            let texts = [&user.name, &user.display_name, &user.email];
            !user.service
                && texts
                    .iter()
                    .any(|text| text.to_lowercase().contains(&wanted))
        });
        Ok(ok(server
            .page(rows, &query.page)
            .map(|user| render.user(user))))
    })
}
