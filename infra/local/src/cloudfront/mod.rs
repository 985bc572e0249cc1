//! A stand-in for CloudFront: its API on one port, one edge location on another.
//!
//! It lives by the clock that it is handed: move that, and invalidations are done and copies grow old. Everything is kept in
//! memory: after a restart nothing is cached, so nothing has to be forgotten.
//!
//! Played: invalidations with their limits, references and time; signed URLs with canned and custom policies; copies with the
//! time that the origin gives them, their revalidation, ranges and conditions; what response headers policy and cache policy
//! of `infra/cdn.yaml` say; requests to the origin that are signed as origin access control signs them. Not played: other
//! edge locations, signed cookies, several ranges in one request (all is answered), compression, HTTP/2, logs.
//!
//! Sources: <https://docs.aws.amazon.com/cloudfront/latest/APIReference/>,
//! <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/>. Where they are silent, the choice is written at the
//! place that makes it.

mod api;
mod cache;
mod conditions;
mod edge;
mod errors;
mod in_process;
mod invalidations;
mod origin;
pub mod policies;
mod signed;

use std::{
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use axum::Router;
use clock::{Clock, Ids, Rng};
use domain::time::Time;

use self::{cache::Cache, invalidations::Invalidations};
pub use self::{
    cache::Kept,
    invalidations::{Invalidation, Status},
    origin::{CannotFetch, Origin, OriginAccess},
    signed::{NotAKey, TrustedKey},
};

/// The distribution that is here.
pub const DISTRIBUTION: &str = "ELOCALSTANDIN";
/// What the edge says of itself in each answer.
const VIA: &str = "1.1 devloop-local (a stand-in for CloudFront)";

/// What this one is like.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long an invalidation takes, in seconds of the local clock.
    pub invalidation_seconds: i64,
    /// Waited before each request to the origin, as if that were far away. Declared: it is no property of S3.
    pub origin_delay: Duration,
    /// Who may sign URLs of private files.
    pub key_group: Vec<TrustedKey>,
    /// The pages that may read files from scripts; `*` for all.
    pub origins: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { invalidation_seconds: 5, origin_delay: Duration::ZERO, key_group: vec![], origins: vec![] }
    }
}

/// The stand-in. Clones share it.
#[derive(Clone, Debug)]
pub struct CloudFront(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: Settings,
    origin: Origin,
    clock: Clock,
    ids: Ids,
    state: Mutex<State>,
    base_url: OnceLock<String>,
}

#[derive(Debug, Default)]
struct State {
    cache: Cache,
    invalidations: Invalidations,
}

impl CloudFront {
    /// One that fetches from `origin`.
    pub fn new(settings: Settings, origin: Origin, clock: Clock, rng: Rng) -> Self {
        let ids = Ids::new(clock.clone(), rng);
        Self(Arc::new(Inner { settings, origin, clock, ids, state: Mutex::default(), base_url: OnceLock::new() }))
    }

    /// The API, as the SDK speaks to it.
    pub fn api(&self) -> Router {
        api::router(self)
    }

    /// The edge, as browsers speak to it.
    pub fn edge(&self) -> Router {
        edge::router(self)
    }

    /// Where the edge answers. Only the first call counts.
    pub fn set_base_url(&self, url: &str) {
        self.0.base_url.get_or_init(|| url.trim_end_matches('/').to_owned());
    }

    /// The invalidations, the newest first, and `most` of them.
    pub fn invalidations(&self, most: usize) -> Vec<Invalidation> {
        self.state(|state, now| state.invalidations.newest(most, now))
    }

    /// What is cached, by path, and `most` of it.
    pub fn kept(&self, most: usize) -> Vec<Kept> {
        self.state(|state, now| state.cache.kept(most, now))
    }

    /// Works on the state as it is at the present instant: whatever was to be forgotten by now is.
    fn state<T>(&self, work: impl FnOnce(&mut State, Time) -> T) -> T {
        let now = self.0.clock.now();
        let mut state: MutexGuard<'_, State> = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { cache, invalidations } = &mut *state;
        invalidations.take_effect(now, |path| cache.forget(path));
        work(&mut state, now)
    }
}

#[cfg(test)]
mod tests;
