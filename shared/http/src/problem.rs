//! Refusals as `application/problem+json` (RFC 9457).

use std::fmt::Write as _;

use domain::refusal::{Details, Kind, Reason, Refusal};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};

use crate::{Answer, Head, Language};

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// A refusal on its way to the client: what to say, and what to log.
#[derive(Debug)]
pub struct Problem {
    /// Kind, code and sentences.
    pub reason: Reason,
    /// What goes along.
    pub details: Box<Details>,
    /// For the log only, with all sources; `None` where there is nothing to add to the reason.
    pub cause: Option<String>,
    /// Headers that belong to this refusal.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

impl<R: Refusal> From<R> for Problem {
    fn from(refusal: R) -> Self {
        let mut cause = refusal.to_string();
        let mut source = std::error::Error::source(&refusal);
        while let Some(error) = source {
            // Writing into a String cannot fail.
            let _ = write!(cause, ": {error}");
            source = error.source();
        }
        Self { reason: refusal.reason(), details: Box::new(refusal.details()), cause: Some(cause), headers: vec![] }
    }
}

/// The one table of statuses.
pub(crate) fn status(kind: Kind) -> StatusCode {
    match kind {
        Kind::Invalid => StatusCode::BAD_REQUEST,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::Stale => StatusCode::PRECONDITION_FAILED,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Kind::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::PreconditionRequired => StatusCode::PRECONDITION_REQUIRED,
        Kind::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        Kind::ProviderUnavailable => StatusCode::BAD_GATEWAY,
        Kind::Busy => StatusCode::SERVICE_UNAVAILABLE,
    }
}

impl Problem {
    /// A refusal that is nothing but its reason.
    pub fn new(reason: Reason) -> Self {
        Self { reason, details: Box::default(), cause: None, headers: vec![] }
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    /// The status it is answered with.
    pub fn status(&self) -> StatusCode {
        status(self.reason.kind)
    }

    /// The response, in the language of the request.
    pub fn answer(self, head: &Head) -> Answer {
        let tell = |ko: &str, en: &str| match head.language {
            Language::Korean => ko.to_owned(),
            Language::English => en.to_owned(),
        };
        let status = self.status();
        let mut body = Map::from_iter([
            ("type".to_owned(), json!(format!("urn:devloop:problem:{}", self.reason.code))),
            ("title".to_owned(), json!(status.canonical_reason().unwrap_or("Error"))),
            ("status".to_owned(), json!(status.as_u16())),
            ("code".to_owned(), json!(self.reason.code)),
            ("detail".to_owned(), json!(tell(self.reason.ko, self.reason.en))),
            ("instance".to_owned(), json!(head.path)),
            ("requestId".to_owned(), json!(head.request_id)),
        ]);
        if let Some(fields) = self.details.fields {
            let errors = fields.0.into_iter().map(|error| {
                let message = tell(&error.invalid.ko, &error.invalid.en);
                json!({ "field": error.field, "code": error.invalid.code, "message": message })
            });
            body.insert("errors".to_owned(), errors.collect());
        }
        body.extend(self.details.members);
        let mut answer = Answer::json(status, &Value::Object(body));
        answer.set(header::CONTENT_TYPE, "application/problem+json");
        answer.set(header::CACHE_CONTROL, "no-store");
        answer.set(
            header::CONTENT_LANGUAGE,
            match head.language {
                Language::Korean => "ko",
                Language::English => "en",
            },
        );
        if let Some(seconds) = self.details.retry_after {
            answer.set(header::RETRY_AFTER, &seconds.to_string());
            if let Some((quota, window)) = self.details.quota {
                // draft-ietf-httpapi-ratelimit-headers
                answer.set(RATE_LIMIT, &format!("\"{}\";r=0;t={seconds}", head.operation));
                answer.set(RATE_LIMIT_POLICY, &format!("\"{}\";q={quota};w={window}", head.operation));
            }
        }
        if let Some(methods) = self.details.allow {
            answer.set(header::ALLOW, &methods);
        }
        if let Some(version) = self.details.version {
            answer.set(header::ETAG, &format!("\"{version}\""));
        }
        if status == StatusCode::UNAUTHORIZED {
            answer.set(header::WWW_AUTHENTICATE, "Bearer realm=\"devloop\"");
        }
        for (name, value) in self.headers {
            answer.headers.insert(name, value);
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the inside: canary")]
    struct Inside;

    impl Refusal for Inside {
        const REASONS: &'static [Reason] = &[];

        fn reason(&self) -> Reason {
            Reason::INTERNAL
        }
    }

    #[test]
    fn a_500_tells_nothing_of_the_inside() {
        let head = crate::operation::tests::head("");
        let answer = Problem::from(Inside).answer(&head);
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!String::from_utf8(answer.body).unwrap().contains("canary"));
    }
}
