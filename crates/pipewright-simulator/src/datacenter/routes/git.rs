//! Git over HTTP, below `scm/`. Basic and Bearer both sign in here, under the same rules as for REST.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};

use crate::{
    datacenter::{caller::Caller, server::Server},
    git::http::{GitService, serve, service},
    state::{Actor, Permission},
};

/// One request of the smart protocol to `{project}/{repository}.git`.
pub(in crate::datacenter) async fn smart(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, file, rest)): Path<(String, String, String)>,
    request: Request,
) -> Response {
    let Some(service) = service(request.method(), &rest, request.uri().query()) else {
        return (StatusCode::NOT_FOUND, "Not a git request\n").into_response();
    };
    let slug = file.strip_suffix(".git").unwrap_or(&file);
    let needed = match service {
        GitService::UploadPack => Permission::Read,
        GitService::ReceivePack => Permission::Write,
    };
    let found = server.installation.read(|tables| {
        let repository = tables.repository_by_path(&key, slug)?;
        Some((
            repository.id,
            repository.archived,
            caller.on_repository(tables, repository),
        ))
    });
    let Some((id, archived, permission)) = found else {
        return ask_or_refuse(
            &caller,
            StatusCode::NOT_FOUND,
            "Repository does not exist\n",
        );
    };
    if permission < Some(needed) {
        return ask_or_refuse(
            &caller,
            StatusCode::FORBIDDEN,
            "You do not have permission for this repository\n",
        );
    }
    if archived && service == GitService::ReceivePack {
        return (
            StatusCode::FORBIDDEN,
            "The repository is archived and read-only\n",
        )
            .into_response();
    }
    let actor = caller.user().map_or(Actor::Unknown, Actor::User);
    serve(Arc::clone(&server.installation), id, actor, &rest, request).await
}

/// Git sends its credentials only when asked; whoever gave some already is refused.
fn ask_or_refuse(caller: &Caller, status: StatusCode, text: &'static str) -> Response {
    if *caller != Caller::Anonymous {
        return (status, text).into_response();
    }
    let mut answer = (StatusCode::UNAUTHORIZED, "Authentication required\n").into_response();
    let challenge = HeaderValue::from_static("Basic realm=\"Atlassian Bitbucket\"");
    answer
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, challenge);
    answer
}
