//! A Data Center that takes statuses and does nothing with them: what Bitbucket does with them is not ours to measure.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use tokio::net::TcpListener;

/// It lives as long as the runtime.
#[derive(Debug)]
pub(crate) struct Sink {
    /// Its address, without a slash at its end.
    pub(crate) url: String,
    taken: Arc<AtomicUsize>,
}

impl Sink {
    pub(crate) async fn open() -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let taken = Arc::new(AtomicUsize::new(0));
        let router = Router::new()
            .route(
                "/rest/api/latest/build/capabilities",
                get(async || {
                    Json(serde_json::json!({"buildStatus": ["richBuildStatus", "cancelledStatus"]}))
                }),
            )
            .route(
                "/rest/api/{version}/projects/{project}/repos/{repository}/commits/{commit}/builds",
                post(take),
            )
            .with_state(Arc::clone(&taken));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { url, taken })
    }

    /// How many statuses it took.
    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }
}

async fn take(State(taken): State<Arc<AtomicUsize>>) -> StatusCode {
    taken.fetch_add(1, Ordering::Relaxed);
    StatusCode::NO_CONTENT
}
