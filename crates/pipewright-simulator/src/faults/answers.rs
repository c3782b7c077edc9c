//! Slow and failing answers, as a middleware in front of everything an installation serves over HTTP.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use super::{AnswerFault, Faults};
use crate::installation::{Installation, Product};

/// What is in store for the next requests.
#[derive(Debug, Default)]
pub(crate) struct AnswerFaults {
    pub(super) delay: Option<(Duration, Option<String>)>,
    pub(super) queue: Vec<AnswerFault>,
}

/// What one request meets.
#[derive(Debug, Default)]
pub(crate) struct Injected {
    pub(crate) delay: Option<Duration>,
    pub(crate) answer: Option<AnswerFault>,
}

impl Faults {
    /// Takes what is in store for one request.
    pub(crate) fn take(&self, method: &str, path: &str) -> Injected {
        let mut faults = self.answers();
        let delay = faults
            .delay
            .as_ref()
            .filter(|(_, prefix)| {
                prefix
                    .as_deref()
                    .is_none_or(|prefix| path.starts_with(prefix))
            })
            .map(|(delay, _)| *delay);
        let position = faults.queue.iter().position(|fault| {
            fault
                .path_prefix
                .as_deref()
                .is_none_or(|prefix| path.starts_with(prefix))
                && fault
                    .method
                    .as_deref()
                    .is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
                && fault.requests != Some(0)
        });
        let answer = position.map(|position| {
            let fault = &mut faults.queue[position];
            if let Some(requests) = &mut fault.requests {
                *requests -= 1;
            }
            fault.clone()
        });
        faults.queue.retain(|fault| fault.requests != Some(0));
        Injected { delay, answer }
    }
}

/// The middleware.
pub(crate) async fn inject(
    State(installation): State<Arc<Installation>>,
    request: Request,
    next: Next,
) -> Response {
    let injected = installation
        .faults()
        .take(request.method().as_str(), request.uri().path());
    if let Some(delay) = injected.delay {
        tokio::time::sleep(delay).await;
    }
    match injected.answer {
        None => next.run(request).await,
        Some(fault) => {
            if fault.after_the_fact {
                let _done = next.run(request).await;
            }
            answer(installation.product(), &fault)
        }
    }
}

fn answer(product: Product, fault: &AnswerFault) -> Response {
    let status = StatusCode::from_u16(fault.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = match (product, status) {
        (Product::Cloud, StatusCode::TOO_MANY_REQUESTS) => axum::Json(serde_json::json!({
            "type": "error",
            "error": { "message": "Rate limit for this resource has been exceeded" },
        }))
        .into_response(),
        (Product::Datacenter, StatusCode::TOO_MANY_REQUESTS) => axum::Json(serde_json::json!({
            "errors": [{ "context": null, "message": "You are sending too many requests.", "exceptionName": null }],
        }))
        .into_response(),
        // Both products answer their own failures with a page for people.
        _ => ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], format!("<!doctype html><title>{status}</title><h1>{status}</h1>"))
            .into_response(),
    };
    *response.status_mut() = status;
    if let Some(seconds) = fault.retry_after {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_used_up_and_keeps_to_its_prefix_and_method() {
        let faults = Faults::default();
        faults.answer(AnswerFault {
            path_prefix: Some("/2.0/user".to_owned()),
            method: Some("GET".to_owned()),
            ..AnswerFault::next(1, 503)
        });
        assert!(faults.take("GET", "/2.0/repositories").answer.is_none());
        assert!(faults.take("POST", "/2.0/user").answer.is_none());
        assert_eq!(
            faults
                .take("GET", "/2.0/user")
                .answer
                .map(|fault| fault.status),
            Some(503)
        );
        assert!(faults.take("GET", "/2.0/user").answer.is_none());
    }

    #[test]
    fn a_fault_without_a_count_stays_until_cleared() {
        let faults = Faults::default();
        faults.answer(AnswerFault::under("/2.0/", 500));
        for _ in 0..3 {
            assert!(faults.take("GET", "/2.0/user").answer.is_some());
        }
        faults.clear();
        assert!(faults.take("GET", "/2.0/user").answer.is_none());
    }
}
