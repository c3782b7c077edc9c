//! What the control API acts on, and the calls about all of it.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{FromRequestParts, Path, State};
use http::StatusCode;
use http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::ControlError;
use crate::clock::SimClock;
use crate::cloud::Cloud;
use crate::datacenter::Datacenter;
use crate::installation::{Installation, Product};
use crate::sample;

/// Both products and their clock.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(super) cloud: Cloud,
    pub(super) datacenter: Datacenter,
    clock: SimClock,
}

impl World {
    pub(crate) fn new(cloud: Cloud, datacenter: Datacenter, clock: SimClock) -> Self {
        Self {
            cloud,
            datacenter,
            clock,
        }
    }

    fn installation(&self, product: Product) -> &Arc<Installation> {
        match product {
            Product::Cloud => &self.cloud,
            Product::Datacenter => self.datacenter.installation(),
        }
    }
}

/// The installation that a path's `{product}` names.
#[derive(Debug)]
pub(super) struct Of(pub(super) Arc<Installation>);

#[derive(Debug, Deserialize)]
struct ProductPath {
    product: Product,
}

impl FromRequestParts<World> for Of {
    type Rejection = ControlError;

    async fn from_request_parts(parts: &mut Parts, world: &World) -> Result<Self, Self::Rejection> {
        let Path(path) = Path::<ProductPath>::from_request_parts(parts, world)
            .await
            .map_err(|_| ControlError::not_found("a product is cloud or datacenter"))?;
        Ok(Self(Arc::clone(world.installation(path.product))))
    }
}

/// The repository that a path names, as `space/slug`.
#[derive(Debug)]
pub(super) struct Repository(pub(super) String);

#[derive(Debug, Deserialize)]
struct RepositoryPath {
    space: String,
    slug: String,
}

impl FromRequestParts<World> for Repository {
    type Rejection = ControlError;

    async fn from_request_parts(parts: &mut Parts, world: &World) -> Result<Self, Self::Rejection> {
        let Path(path) = Path::<RepositoryPath>::from_request_parts(parts, world)
            .await
            .map_err(|_| ControlError::not_found("a repository is named by space and slug"))?;
        Ok(Self(format!("{}/{}", path.space, path.slug)))
    }
}

pub(super) async fn addresses(State(world): State<World>) -> Json<Value> {
    let of = |installation: &Installation| {
        let addresses = installation.addresses();
        json!({
            "web_url": addresses.web_url,
            "api_url": addresses.api_url,
            "ssh_host": addresses.ssh_host,
            "ssh_port": addresses.ssh_port,
        })
    };
    Json(json!({ "cloud": of(&world.cloud), "datacenter": of(world.datacenter.installation()) }))
}

pub(super) async fn clock(State(world): State<World>) -> Json<Value> {
    Json(json!({ "now": world.clock.now().to_string() }))
}

/// How far the clock is moved.
#[derive(Debug, Deserialize)]
pub(super) struct Advance {
    seconds: u64,
}

pub(super) async fn advance(State(world): State<World>, Json(by): Json<Advance>) -> Json<Value> {
    world.clock.advance(Duration::from_secs(by.seconds));
    clock(State(world)).await
}

pub(super) async fn sample_team(State(world): State<World>) -> Result<StatusCode, ControlError> {
    sample::cloud(&world.cloud).await?;
    sample::datacenter(&world.datacenter).await?;
    Ok(StatusCode::NO_CONTENT)
}
