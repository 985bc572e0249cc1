//! The seam to the network: bytes out, bytes back.

use std::{fmt, time::Duration};

use bytes::Bytes;
use futures::future::BoxFuture;

/// Carries one request to Toss and brings its answer.
///
/// It follows no redirect and sends nothing twice. Every answer that arrived whole is `Ok`,
/// whatever its status.
pub trait Transport: Send + Sync + fmt::Debug {
    /// Sends `request`, whose URI is absolute. A [`TimeOut`] among its extensions replaces the
    /// transport's own.
    fn send(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, NoAnswer>>;
}

/// How long to wait for the whole answer to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeOut(pub Duration);

impl TimeOut {
    /// For confirm, query and cancel: what leaves a function of 28 s time to act on the answer.
    pub const USUAL: Self = Self(Duration::from_secs(20));
    /// For lists, which Toss may take up to a minute to put together.
    pub const LISTS: Self = Self(Duration::from_mins(1));
}

/// No whole answer came. Whether the request took effect is unknown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no answer from Toss: {cause}")]
pub struct NoAnswer {
    cause: String,
}

impl NoAnswer {
    /// `cause` is for the log: it names neither keys nor addresses.
    pub fn new(cause: impl fmt::Display) -> Self {
        Self { cause: cause.to_string() }
    }

    /// What happened instead of an answer.
    pub fn cause(&self) -> &str {
        &self.cause
    }
}
