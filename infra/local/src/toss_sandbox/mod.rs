//! A stand-in for Toss Payments, on a base URL of its own.
//!
//! It answers the calls that `shared/toss` makes as Toss documents them (and as others measured
//! them), shows a payment window to click through, lists every charge, and fails to order. Its
//! books are on disk and every change is committed before it is answered, so a server that is
//! killed comes back with the same payments. It lives by the clock that it is handed: move that,
//! and authentications expire. It tells of changes by webhook, and repeats what is not answered.
//!
//! Not played: billing, settlements, rate limits.
//!
//! Source: <https://docs.tosspayments.com/reference>. Where that is silent, the choice is written
//! at the place that makes it.

mod api;
mod books;
mod charge;
mod controls;
mod errors;
mod faults;
mod idempotency;
mod in_process;
mod opening;
mod pages;
mod view;
mod webhooks;
mod window;

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::Router;
use clock::{Clock, Ids, Rng};
use serde_json::Value;
use tokio::sync::Notify;
use url::Url;

use self::{
    books::{Books, Page},
    charge::Charge,
    faults::Faults,
    idempotency::Running,
};
pub use self::{
    books::{BooksError, Location},
    charge::{Leaves, Outcome},
    controls::{Authenticated, Authentication, ChargeSeen, ControlError},
    faults::{Fault, FaultKind, Operation},
    webhooks::Webhook,
};

/// The stand-in. Clones share the books.
#[derive(Clone, Debug)]
pub struct TossSandbox(Arc<Inner>);

struct Inner {
    books: Books,
    clock: Clock,
    ids: Ids,
    rng: Rng,
    secret_key: String,
    faults: Faults,
    running: Running,
    delay_millis: AtomicU64,
    public_url: OnceLock<Url>,
    webhook_url: OnceLock<String>,
    /// There is a new event.
    announced: Notify,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner").field("books", &self.books).field("clock", &self.clock).finish_non_exhaustive()
    }
}

/// The sandbox cannot start.
#[derive(Debug, thiserror::Error)]
pub enum CannotOpen {
    /// The books are not usable.
    #[error(transparent)]
    Books(#[from] BooksError),
    /// The secret key is none, or a live one, which has no business here.
    #[error("the sandbox of Toss needs a test secret key (test_sk_… or test_gsk_…)")]
    NotATestKey,
}

impl TossSandbox {
    /// Opens the books at `location`; `secret_key` is the one that callers must show.
    pub fn open(location: &Location, clock: Clock, rng: Rng, secret_key: &str) -> Result<Self, CannotOpen> {
        let parsed: toss::SecretKey = secret_key.parse().map_err(|_not_a_key| CannotOpen::NotATestKey)?;
        if parsed.is_live() {
            return Err(CannotOpen::NotATestKey);
        }
        Ok(Self(Arc::new(Inner {
            books: Books::open(location)?,
            ids: Ids::new(clock.clone(), rng.clone()),
            clock,
            rng,
            secret_key: secret_key.to_owned(),
            faults: Faults::default(),
            running: Running::default(),
            delay_millis: AtomicU64::new(0),
            public_url: OnceLock::new(),
            webhook_url: OnceLock::new(),
            announced: Notify::new(),
        })))
    }

    /// The API under `/v1`, the window under `/window`, the controls under `/sandbox`, the list at `/`.
    pub fn router(&self) -> Router {
        self.router_behind(|api| api)
    }

    /// The same with something before the API alone: window, controls and list stay as they are.
    pub(crate) fn router_behind(&self, before: impl FnOnce(Router) -> Router) -> Router {
        Router::new()
            .merge(window::routes())
            .merge(controls::routes())
            .fallback(api::unknown)
            .with_state(self.clone())
            .merge(before(api::routes().with_state(self.clone())))
    }

    /// Where people reach it: receipts point there. Without it, and before, payments have none.
    /// Only the first call counts.
    pub fn set_public_url(&self, url: Url) {
        self.0.public_url.get_or_init(|| url);
    }

    /// Makes every call of the API take so much (real) time longer, until it is set again.
    pub fn set_delay(&self, delay: Duration) {
        let millis = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        self.0.delay_millis.store(millis, Ordering::Relaxed);
    }

    fn delay(&self) -> Duration {
        Duration::from_millis(self.0.delay_millis.load(Ordering::Relaxed))
    }

    /// The next call of `operation` meets this.
    pub fn fail_next(&self, operation: Operation, kind: FaultKind) {
        self.add_fault(Fault::once(operation, kind));
    }

    /// Adds a fault behind those that wait already.
    pub fn add_fault(&self, fault: Fault) {
        self.0.faults.add(fault);
    }

    /// The faults that still wait for a call.
    pub fn faults(&self) -> Vec<Fault> {
        self.0.faults.list()
    }

    /// Nothing fails to order any more.
    pub fn clear_faults(&self) {
        self.0.faults.clear();
    }

    fn new_key(&self, prefix: &str) -> String {
        format!("{prefix}{}", self.0.ids.token())
    }

    /// Whether a client key is of the same family as the secret key: the most that can be told here.
    fn is_same_pair(&self, client_key: &str) -> bool {
        let family = if self.0.secret_key.starts_with("test_gsk_") { "test_gck_" } else { "test_ck_" };
        client_key.starts_with(family)
    }

    fn payment_json(&self, charge: &Charge) -> Value {
        let receipt =
            self.0.public_url.get().and_then(|base| base.join(&format!("charges#{}", charge.payment_key)).ok());
        view::payment(charge, receipt.map(String::from))
    }

    /// Works on the books at the present instant, in one transaction.
    fn write<T>(
        &self,
        work: impl FnOnce(&Page<'_>, domain::time::Time) -> Result<T, BooksError>,
    ) -> Result<T, BooksError> {
        let now = self.0.clock.now();
        self.0.books.write(|page| work(page, now))
    }
}

#[cfg(test)]
mod tests;
