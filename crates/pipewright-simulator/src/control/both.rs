//! Calls about an installation that both products have.

use axum::Json;
use axum::extract::Path;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::ControlError;
use super::show;
use super::world::Of;
use crate::installation::Installation;
use crate::state::{DeliveryId, Permission};

type Done = Result<StatusCode, ControlError>;

#[derive(Debug, Deserialize)]
pub(super) struct NewUser {
    name: String,
    display: String,
    email: String,
    password: String,
}

pub(super) async fn add_user(Of(installation): Of, Json(new): Json<NewUser>) -> Done {
    installation.add_user(&new.name, &new.display, &new.email, &new.password)?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize)]
pub(super) struct NewKey {
    key: String,
    #[serde(default)]
    label: String,
}

pub(super) async fn add_ssh_key(
    Of(installation): Of,
    Path((_, user)): Path<(String, String)>,
    Json(new): Json<NewKey>,
) -> Done {
    installation.add_user_ssh_key(&user, &new.key, &new.label)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn ssh_keys(
    Of(installation): Of,
    Path((_, user)): Path<(String, String)>,
) -> Result<Json<Value>, ControlError> {
    Ok(Json(
        installation
            .user_ssh_keys(&user)?
            .iter()
            .map(show::key)
            .collect(),
    ))
}

#[derive(Debug, Deserialize)]
pub(super) struct NewSpace {
    key: String,
    name: String,
    #[serde(default)]
    personal_of: Option<String>,
}

pub(super) async fn add_space(Of(installation): Of, Json(new): Json<NewSpace>) -> Done {
    installation.add_space(&new.key, &new.name, new.personal_of.as_deref())?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize)]
pub(super) struct NewMember {
    space: String,
    user: String,
    permission: Permission,
}

pub(super) async fn add_member(Of(installation): Of, Json(new): Json<NewMember>) -> Done {
    installation.add_member(&new.space, &new.user, new.permission)?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize)]
pub(super) struct NewRepository {
    space: String,
    slug: String,
    private: bool,
}

pub(super) async fn add_repository(Of(installation): Of, Json(new): Json<NewRepository>) -> Done {
    installation.add_repository(&new.space, &new.slug, new.private)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn redeliver(
    Of(installation): Of,
    Path((_, id)): Path<(String, u64)>,
) -> Result<Json<Value>, ControlError> {
    let again = installation.redeliver(DeliveryId(id));
    again
        .map(|id| Json(json!({ "id": id })))
        .ok_or_else(|| ControlError::not_found("there is no such delivery, or its webhook is gone"))
}

pub(super) async fn settled(Of(installation): Of) -> StatusCode {
    installation.settled().await;
    StatusCode::NO_CONTENT
}

pub(super) async fn host_key(Of(installation): Of) -> Json<Value> {
    Json(told(&installation))
}

pub(super) async fn change_host_key(Of(installation): Of) -> Json<Value> {
    installation.change_ssh_host_key();
    Json(told(&installation))
}

fn told(installation: &Installation) -> Value {
    let (key, addresses) = (installation.ssh_host_key(), installation.addresses());
    json!({
        "key": key.openssh(),
        "fingerprint": key.fingerprint(),
        "known_hosts": key.known_hosts_line(&addresses.ssh_host, addresses.ssh_port),
    })
}
