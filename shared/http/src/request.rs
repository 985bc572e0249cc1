//! The parts of a request that callers and inputs read.

use std::net::IpAddr;

use bytes::Bytes;
use domain::time::Time;
use http::{HeaderMap, HeaderName};

use crate::problem::Problem;

/// The largest body that is read, in bytes.
pub const MAX_BODY: usize = 256 * 1024;

/// In which language messages are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Korean, unless asked otherwise.
    Korean,
    /// English.
    English,
}

impl Language {
    /// The first language of `Accept-Language` that we speak.
    pub fn of(headers: &HeaderMap) -> Self {
        let accepted = headers.get(http::header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or("");
        let spoken = accepted.split(',').find_map(|range| {
            let tag = range.split([';', '-']).next().unwrap_or("").trim();
            if tag.eq_ignore_ascii_case("en") {
                Some(Self::English)
            } else if tag.eq_ignore_ascii_case("ko") {
                Some(Self::Korean)
            } else {
                None
            }
        });
        spoken.unwrap_or(Self::Korean)
    }
}

/// Where a request comes from: the connection's or the gateway's word, never a header's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// Everything of a request but its body.
#[derive(Debug)]
pub struct Head {
    /// The operation that answers it.
    pub operation: &'static str,
    /// Names the request in logs and answers.
    pub request_id: String,
    /// When it arrived.
    pub now: Time,
    /// In which language it is answered.
    pub language: Language,
    /// Where it comes from, if anybody can tell.
    pub address: Option<IpAddr>,
    /// Its path, for the `instance` of problems.
    pub path: String,
    /// The values of the route's path parameters, in order.
    pub parameters: Vec<(String, String)>,
    /// Its query string, without the question mark.
    pub query: String,
    /// Its headers.
    pub headers: HeaderMap,
}

impl Head {
    /// A header that can be read as text.
    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The value of a path parameter.
    pub fn parameter(&self, position: usize) -> &str {
        self.parameters.get(position).map_or("", |(_, value)| value)
    }
}

/// A request's body, or why it could not be read.
#[derive(Debug)]
pub struct Body(pub Result<Bytes, Problem>);
