//! Cross-origin requests, as the deployed bucket's configuration allows them.

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::errors::Refused;

/// What pages do with the bucket.
pub const ALLOW_METHODS: [Method; 3] = [Method::GET, Method::HEAD, Method::PUT];
/// What they may send: what upload URLs ask for.
pub const ALLOW_HEADERS: [&str; 1] = ["content-type"];
/// What they may read.
pub const EXPOSE_HEADERS: [&str; 1] = ["etag"];
/// For how long a browser may remember the answer to a preflight, in seconds.
pub const MAX_AGE_SECONDS: u64 = 600;

/// The origins of pages that may ask.
#[derive(Clone, Debug)]
pub(super) struct Origins(Vec<HeaderValue>);

/// What a request asked about origins, and what it is told.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// The origin that it may tell its page the answer of.
    granted: Option<HeaderValue>,
    /// Whether a browser only asks for leave, and what came of that.
    preflight: Option<bool>,
}

impl Origins {
    pub fn new(origins: &[String]) -> Self {
        Self(origins.iter().filter_map(|origin| origin.parse().ok()).collect())
    }

    pub fn ask(&self, method: &Method, headers: &HeaderMap) -> Asked {
        let granted = headers.get(header::ORIGIN).filter(|origin| self.0.contains(origin)).cloned();
        let wanted = headers.get(header::ACCESS_CONTROL_REQUEST_METHOD).filter(|_| method == Method::OPTIONS);
        let preflight = wanted.map(|wanted| {
            let method_is_allowed = ALLOW_METHODS.iter().any(|allowed| wanted == allowed.as_str());
            let headers = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS).map_or(Ok(""), HeaderValue::to_str);
            let headers_are_allowed = headers.is_ok_and(|names| {
                let mut names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
                names.all(|name| ALLOW_HEADERS.iter().any(|allowed| allowed.eq_ignore_ascii_case(name)))
            });
            granted.is_some() && method_is_allowed && headers_are_allowed
        });
        Asked { granted, preflight }
    }
}

impl Asked {
    /// The answer to whoever only asks for leave.
    pub fn preflight(&self) -> Option<Response> {
        let is_allowed = self.preflight?;
        let mut response =
            if is_allowed { StatusCode::OK.into_response() } else { Refused::ANOTHER_ORIGIN.into_response() };
        if is_allowed {
            self.mark(&mut response);
            let methods = ALLOW_METHODS.map(|method| method.to_string()).join(", ");
            let told = [
                (header::ACCESS_CONTROL_ALLOW_METHODS, methods),
                (header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOW_HEADERS.join(", ")),
                (header::ACCESS_CONTROL_MAX_AGE, MAX_AGE_SECONDS.to_string()),
            ];
            for (name, value) in told {
                set(&mut response, name, &value);
            }
        }
        Some(response)
    }

    /// Lets the page read an answer, if its origin may.
    pub fn mark(&self, response: &mut Response) {
        response.headers_mut().append(header::VARY, HeaderValue::from_static("Origin"));
        if let Some(origin) = &self.granted {
            response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            set(response, header::ACCESS_CONTROL_EXPOSE_HEADERS, &EXPOSE_HEADERS.join(", "));
        }
    }
}

fn set(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
