//! Cross-origin requests: one list, used by the local server and compared with the template.

use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, header};
use tower_http::cors::CorsLayer;

/// Request headers that frontends may send.
pub const ALLOW_HEADERS: [&str; 6] =
    ["authorization", "content-type", "idempotency-key", "if-match", "if-none-match", "accept-language"];
/// Response headers that frontends may read.
pub const EXPOSE_HEADERS: [&str; 6] =
    ["etag", "location", "retry-after", "ratelimit", "x-request-id", "idempotent-replayed"];
/// Methods that frontends may use.
pub const ALLOW_METHODS: [Method; 5] = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
/// How long a browser may remember the answer to a preflight, in seconds.
pub const MAX_AGE_SECONDS: u64 = 600;

/// Answers preflights and marks responses for these origins. Deployed, the gateway does it.
pub fn layer(origins: &[String]) -> CorsLayer {
    let origins: Vec<HeaderValue> = origins.iter().filter_map(|origin| origin.parse().ok()).collect();
    CorsLayer::new()
        .allow_origin(origins)
        .allow_methods(ALLOW_METHODS)
        .allow_headers(ALLOW_HEADERS.map(HeaderName::from_static))
        .expose_headers(EXPOSE_HEADERS.map(HeaderName::from_static))
        .max_age(Duration::from_secs(MAX_AGE_SECONDS))
        .vary([header::ORIGIN])
}
