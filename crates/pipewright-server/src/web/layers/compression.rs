//! Compresses answers, except live streams: those must leave at once, and a compressor holds bytes back. What is
//! compressed already is left as it is.

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{And, Predicate, SizeAbove};

/// Answers shorter than this, in bytes, are not worth compressing.
const WORTH_IT: u16 = 1024;

pub(crate) fn layer() -> CompressionLayer<And<SizeAbove, NotLive>> {
    CompressionLayer::new()
        .gzip(true)
        .compress_when(SizeAbove::new(WORTH_IT.into()).and(NotLive))
}

/// True for everything but live streams and archives.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NotLive;

impl Predicate for NotLive {
    fn should_compress<B: axum::body::HttpBody>(&self, response: &http::Response<B>) -> bool {
        !is_live(response.headers()) && !is_compressed(response.headers())
    }
}

fn is_compressed(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes() == b"application/gzip")
}

fn is_live(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}
