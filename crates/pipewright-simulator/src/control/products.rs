//! Calls that only one product has.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::ControlError;
use super::world::World;
use crate::cloud::{CloudSettings, TokenGeneration};
use crate::datacenter::Version;

type Done = Result<StatusCode, ControlError>;
type Told = Result<Json<Value>, ControlError>;

fn borrowed(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

#[derive(Debug, Deserialize)]
pub(super) struct NewConsumer {
    workspace: String,
    name: String,
    callback_url: String,
    scopes: Vec<String>,
    #[serde(default)]
    private: bool,
}

pub(super) async fn add_consumer(State(world): State<World>, Json(new): Json<NewConsumer>) -> Told {
    let scopes = borrowed(&new.scopes);
    let (key, secret) = if new.private {
        world.cloud.add_private_oauth_consumer(
            &new.workspace,
            &new.name,
            &new.callback_url,
            &scopes,
        )?
    } else {
        world
            .cloud
            .add_oauth_consumer(&new.workspace, &new.name, &new.callback_url, &scopes)?
    };
    Ok(Json(json!({ "key": key, "secret": secret })))
}

pub(super) async fn delete_consumer(State(world): State<World>, Path(key): Path<String>) -> Done {
    if world.cloud.delete_oauth_consumer(&key) {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(ControlError::not_found("there is no such consumer"))
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Grant {
    user: String,
    consumer: String,
}

pub(super) async fn revoke_grant(State(world): State<World>, Json(grant): Json<Grant>) -> Done {
    let revoked = world.cloud.revoke_grant(&grant.user, &grant.consumer)?;
    if revoked {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(ControlError::not_found("there is no such grant"))
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct NewApiToken {
    user: String,
    scopes: Vec<String>,
}

pub(super) async fn add_api_token(
    State(world): State<World>,
    Json(new): Json<NewApiToken>,
) -> Told {
    Ok(Json(
        json!({ "token": world.cloud.add_api_token(&new.user, &borrowed(&new.scopes), None)? }),
    ))
}

#[derive(Debug, Deserialize)]
pub(super) struct NewAccessToken {
    of: String,
    scopes: Vec<String>,
}

pub(super) async fn add_access_token(
    State(world): State<World>,
    Json(new): Json<NewAccessToken>,
) -> Told {
    Ok(Json(
        json!({ "token": world.cloud.add_access_token(&new.of, &borrowed(&new.scopes))? }),
    ))
}

pub(super) async fn settings(State(world): State<World>) -> Json<CloudSettings> {
    Json(world.cloud.settings())
}

pub(super) async fn set_settings(
    State(world): State<World>,
    Json(settings): Json<CloudSettings>,
) -> StatusCode {
    world.cloud.set_settings(settings);
    StatusCode::NO_CONTENT
}

pub(super) async fn set_generation(
    State(world): State<World>,
    Json(generation): Json<TokenGeneration>,
) -> StatusCode {
    world.cloud.set_token_generation(generation);
    StatusCode::NO_CONTENT
}

pub(super) async fn set_version(State(world): State<World>, Json(version): Json<String>) -> Done {
    let version: Version = version
        .parse()
        .map_err(|error| ControlError::bad_request(format!("{error}")))?;
    world.datacenter.set_version(version);
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn set_basic(State(world): State<World>, Json(allowed): Json<bool>) -> StatusCode {
    if allowed {
        world.datacenter.allow_basic();
    } else {
        world.datacenter.disable_basic();
    }
    StatusCode::NO_CONTENT
}
