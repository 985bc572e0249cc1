//! Reading only what has, or has not, a certain `ETag`: `s3s-fs` reads whatever is there.

use axum::{
    body::Bytes,
    http::{HeaderName, Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};

use super::{S3, errors::Refused};

impl S3 {
    /// The answer to a reader whose condition does not hold.
    pub(super) async fn unmet(&self, request: &Parts) -> Result<Option<Response>, Refused> {
        let wanted = |name: &HeaderName| request.headers.get(name).and_then(|value| value.to_str().ok());
        let (same, other) = (wanted(&header::IF_MATCH), wanted(&header::IF_NONE_MATCH));
        let reads = [Method::GET, Method::HEAD].contains(&request.method);
        if !reads || (same, other) == (None, None) {
            return Ok(None);
        }
        let mut head = http::Request::new(Bytes::new());
        *head.method_mut() = Method::HEAD;
        *head.uri_mut() = request.uri.clone();
        let found = self.pass(head).await?;
        let tag = found.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok());
        // Where there is nothing, the read itself says so.
        let Some(tag) = tag.filter(|_| found.status().is_success()) else { return Ok(None) };
        let names = |tags: &str| {
            tags.split(',').map(str::trim).any(|one| one == "*" || one == tag || one == tag.trim_matches('"'))
        };
        Ok(match (same, other) {
            (Some(tags), _) if !names(tags) => Some(Refused::ANOTHER_OBJECT.into_response()),
            (None, Some(tags)) if names(tags) => {
                Some((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response())
            }
            _ => None,
        })
    }
}
