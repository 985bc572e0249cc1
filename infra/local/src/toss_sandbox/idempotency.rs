//! `Idempotency-Key` as Toss keeps it: by key, API key, URL and method, and not by the body.
//!
//! Source: <https://docs.tosspayments.com/reference/using-api/authorization>.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, PoisonError},
};

use axum::http::{HeaderMap, Method, Uri};
use domain::time::Time;

use super::errors::ApiError;

pub(crate) const HEADER: &str = "idempotency-key";
const LONGEST: usize = 300;
const KEPT_SECONDS: i64 = 15 * 24 * 60 * 60;

/// What a request's answer is remembered under; `None` if it is not remembered.
pub(crate) fn scope(
    secret_key: &str,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<Option<String>, ApiError> {
    let Some(key) = headers.get(HEADER).filter(|_| method == Method::POST) else { return Ok(None) };
    let key = key.to_str().ok().filter(|key| (1..=LONGEST).contains(&key.len()));
    let key = key.ok_or_else(|| ApiError::of("INVALID_IDEMPOTENCY_KEY"))?;
    // The books outlive the process and need not hold the secret itself.
    let mut account = DefaultHasher::new();
    secret_key.hash(&mut account);
    Ok(Some(format!("{method} {uri} {:x} {key}", account.finish())))
}

/// Answers first used at this instant or earlier are forgotten.
pub(crate) fn forgotten(now: Time) -> Time {
    now.plus_seconds(-KEPT_SECONDS)
}

/// Whether an answer is kept for its key: not when another attempt may end differently.
pub(crate) fn is_kept(status: u16, code: Option<&str>) -> bool {
    status < 500 && !matches!(code, Some("IDEMPOTENT_REQUEST_PROCESSING" | "FORBIDDEN_CONSECUTIVE_REQUEST"))
}

/// The scopes that are being worked on. In memory: with the process, the work ends too.
#[derive(Debug, Default)]
pub(crate) struct Running(Mutex<HashSet<String>>);

impl Running {
    /// Marks `scope` until the result is dropped (also by a client that went away); `None` if it
    /// is marked already.
    pub fn begin(&self, scope: &str) -> Option<Mark<'_>> {
        let begun = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(scope.to_owned());
        begun.then(|| Mark { running: self, scope: scope.to_owned() })
    }
}

pub(crate) struct Mark<'a> {
    running: &'a Running,
    scope: String,
}

impl Drop for Mark<'_> {
    fn drop(&mut self) {
        self.running.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.scope);
    }
}
