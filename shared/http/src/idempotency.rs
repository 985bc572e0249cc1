//! `Idempotency-Key`: a repeat is answered with the first success.
//!
//! Only final successes are recorded. A record is scoped to user, operation and key, bound to
//! the body's fingerprint, and ends after 24 hours; while a request is at work its key is leased
//! for 30 seconds, so that a crash locks nothing for long.

use aws_lc_rs::digest;
use deserr::Deserr;
use domain::{
    ids::UserId,
    refusal::{Details, Kind, Reason, Refusal},
    time::Time,
    validation::FieldErrors,
};
use http::{HeaderName, StatusCode, header};
use serde::Serialize;
use storage::{
    Error, Tx, TxError, Write, WriteError,
    items::{self, IdempotencyRecord, Progress},
    keys,
};
use utoipa::ToSchema;

use crate::{
    Answer, Body, Created, Edge, Ensured, Head, Input, Json, Output, Problem,
    input::{json_bytes, parse_json},
    openapi::Description,
};

const REQUIRED: Reason = Reason::new(
    Kind::Invalid,
    "IDEMPOTENCY_KEY_REQUIRED",
    "Idempotency-Key 헤더가 필요합니다. (보이는 ASCII 1~255자)",
    "Send an Idempotency-Key header of 1 to 255 visible ASCII characters.",
);
const REUSED: Reason = Reason::new(
    Kind::Unprocessable,
    "IDEMPOTENCY_KEY_REUSED",
    "같은 Idempotency-Key를 다른 요청에 사용했습니다.",
    "This Idempotency-Key was used for another request.",
);
const IN_PROGRESS: Reason = Reason::conflict(
    "REQUEST_IN_PROGRESS",
    "같은 요청을 처리하고 있습니다. 잠시 후 다시 시도해 주세요.",
    "The same request is still being worked on; try again shortly.",
);

const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const KEPT_SECONDS: i64 = 24 * 60 * 60;
const LEASE_SECONDS: i64 = 30;

/// A key and what it was sent with.
#[derive(Clone, Debug)]
pub struct IdempotencyKey {
    key: String,
    fingerprint: String,
}

/// A JSON body that must come with a key.
#[derive(Clone, Debug)]
pub struct Idempotent<T> {
    /// The key.
    pub key: IdempotencyKey,
    /// The body.
    pub body: T,
}

impl<T: Deserr<FieldErrors> + ToSchema + Send> Input for Idempotent<T> {
    const REASONS: &'static [Reason] = &[REQUIRED, REUSED, IN_PROGRESS];

    fn read(head: &Head, body: &mut Option<Body>) -> Result<Self, Problem> {
        let MaybeIdempotent { key, body } = MaybeIdempotent::read(head, body)?;
        Ok(Self { key: key.ok_or_else(|| Problem::new(REQUIRED))?, body })
    }

    fn describe(description: &mut Description) {
        description.header_parameter("Idempotency-Key", true, "1 to 255 visible ASCII characters; kept for 24 hours");
        Json::<T>::describe(description);
        description.refuses(Self::REASONS);
    }
}

/// A body that may be sent under an idempotency key.
#[derive(Clone, Debug)]
pub struct MaybeIdempotent<T> {
    /// The key, if there is one.
    pub key: Option<IdempotencyKey>,
    /// The body.
    pub body: T,
}

/// The key that came along, if it can be one.
fn key(head: &Head) -> Result<Option<String>, Problem> {
    let visible = |key: &str| (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    let Some(value) = head.headers.get(&HEADER) else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| visible(key));
    Ok(Some(key.ok_or_else(|| Problem::new(REQUIRED))?.to_owned()))
}

impl<T: Deserr<FieldErrors> + ToSchema + Send> Input for MaybeIdempotent<T> {
    const REASONS: &'static [Reason] = Idempotent::<T>::REASONS;

    fn read(head: &Head, body: &mut Option<Body>) -> Result<Self, Problem> {
        let key = key(head)?;
        let bytes = json_bytes(head, body)?;
        let body = parse_json(&bytes)?;
        let key = key.map(|key| IdempotencyKey { key, fingerprint: fingerprint(&head.path, &bytes) });
        Ok(Self { key, body })
    }

    fn describe(description: &mut Description) {
        description.header_parameter("Idempotency-Key", false, "1 to 255 visible ASCII characters; kept for 24 hours");
        Json::<T>::describe(description);
        description.refuses(Self::REASONS);
    }
}

/// The key of a request without a body, if there is one.
impl Input for Option<IdempotencyKey> {
    const REASONS: &'static [Reason] = &[REQUIRED, REUSED, IN_PROGRESS];

    fn read(head: &Head, _: &mut Option<Body>) -> Result<Self, Problem> {
        Ok(key(head)?.map(|key| IdempotencyKey { key, fingerprint: fingerprint(&head.path, &[]) }))
    }

    fn describe(description: &mut Description) {
        description.header_parameter("Idempotency-Key", false, "1 to 255 visible ASCII characters; kept for 24 hours");
        description.refuses(Self::REASONS);
    }
}

/// What a key is bound to: the body, and what the path names.
fn fingerprint(path: &str, body: &[u8]) -> String {
    let mut digest = digest::Context::new(&digest::SHA256);
    digest.update(path.as_bytes());
    digest.update(b"\n");
    digest.update(body);
    hex::encode(digest.finish())
}

/// Why a key cannot be worked under.
#[derive(Debug, thiserror::Error)]
pub enum KeyRefused {
    /// It was used with another body.
    #[error("the key was used for another body")]
    Reused,
    /// Another request holds it; seconds until its lease ends.
    #[error("the key is at work")]
    InProgress(u32),
    /// The table failed.
    #[error(transparent)]
    Storage(#[from] Error),
}

impl Refusal for KeyRefused {
    const REASONS: &'static [Reason] = &[REUSED, IN_PROGRESS];

    fn reason(&self) -> Reason {
        match self {
            Self::Reused => REUSED,
            Self::InProgress(_) => IN_PROGRESS,
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::Reused => Details::default(),
            Self::InProgress(seconds) => Details::retry_after((*seconds).max(1)),
            Self::Storage(error) => error.details(),
        }
    }
}

/// A key that is ours for a while.
#[derive(Debug)]
struct Lease {
    record: IdempotencyRecord,
    id: String,
}

/// What became of asking for a key.
#[derive(Debug)]
enum Leased {
    /// It had succeeded before.
    Replay(items::Answer),
    /// It is ours.
    Held(Lease),
}

impl IdempotencyKey {
    fn record(&self, user: UserId, operation: &str, progress: Progress, expires_at: Time) -> IdempotencyRecord {
        IdempotencyRecord {
            user_id: user,
            operation: operation.to_owned(),
            key: self.key.clone(),
            fingerprint: self.fingerprint.clone(),
            progress,
            expires_at,
        }
    }

    /// The write that records a success, to be made in the transaction that is the effect. Its
    /// condition fails if the key has a record that has not ended.
    pub fn succeed(&self, user: UserId, operation: &str, answer: items::Answer, now: Time) -> Write {
        self.record(user, operation, Progress::Done { answer }, now.plus_seconds(KEPT_SECONDS)).claim(now)
    }
}

impl<T: Serialize> Created<T> {
    /// What a repeat is answered with.
    pub fn recorded(&self) -> serde_json::Result<items::Answer> {
        let body = serde_json::to_string(&self.body)?;
        Ok(items::Answer { status: 201, body, location: Some(self.location.clone()), version: self.version })
    }
}

impl<T: Serialize> Ensured<T> {
    /// What a repeat is answered with.
    pub fn recorded(&self) -> serde_json::Result<items::Answer> {
        match self {
            Self::Created(created) => created.recorded(),
            Self::Found(found) => {
                let body = serde_json::to_string(found)?;
                Ok(items::Answer { status: 200, body, location: None, version: None })
            }
        }
    }
}

impl Edge {
    /// Writes one item, together with the record of its success if there is one to be made: then
    /// both are there or none, and no crash comes between.
    pub async fn write_recorded(&self, write: Write, record: Option<Write>) -> Result<(), WriteError> {
        let Some(record) = record else { return self.table.write(write).await };
        let both = Tx::once(self.ids.token()).and(record, ()).and(write, ());
        both.commit(&self.table).await.map_err(|error| match error {
            TxError::Unmet(_) => WriteError::Unmet(None),
            TxError::Storage(error) => WriteError::Storage(error),
        })
    }

    /// Does `work`, whose effect records its own success under the key. What stands in its way
    /// may be just that.
    pub async fn recorded<O, E>(
        &self,
        (user, operation, key): (UserId, &str, Option<&IdempotencyKey>),
        work: impl Future<Output = Result<O, E>>,
    ) -> Result<Once<O>, E>
    where
        E: From<KeyRefused>,
    {
        let refused = match work.await {
            Ok(done) => return Ok(Once::Fresh(done)),
            Err(refused) => refused,
        };
        let Some(key) = key else { return Err(refused) };
        match self.replay(user, operation, key).await? {
            Some(answer) => Ok(Once::Replayed(answer)),
            None => Err(refused),
        }
    }

    /// The recorded success of a key, if there is one.
    pub async fn replay(
        &self,
        user: UserId,
        operation: &str,
        key: &IdempotencyKey,
    ) -> Result<Option<items::Answer>, KeyRefused> {
        let now = self.clock.now();
        let record: Option<IdempotencyRecord> =
            self.table.get_now(keys::idempotency(user, operation, &key.key)).await?;
        match record.filter(|record| record.expires_at > now) {
            None => Ok(None),
            Some(record) if record.fingerprint != key.fingerprint => Err(KeyRefused::Reused),
            Some(IdempotencyRecord { progress: Progress::Done { answer }, .. }) => Ok(Some(answer)),
            Some(record) => Err(KeyRefused::InProgress(now.seconds_until(record.expires_at))),
        }
    }

    /// Does `work` under a key, unless it has succeeded before. Of what comes out, `success` tells
    /// what is to be repeated.
    pub async fn once<O, E>(
        &self,
        (user, operation, key): (UserId, &str, &IdempotencyKey),
        work: impl Future<Output = Result<O, E>>,
        success: impl FnOnce(&O) -> Option<items::Answer>,
    ) -> Result<Once<O>, E>
    where
        E: From<KeyRefused> + From<Error>,
    {
        let lease = match self.lease(user, operation, key).await? {
            Leased::Replay(answer) => return Ok(Once::Replayed(answer)),
            Leased::Held(lease) => lease,
        };
        let done = work.await;
        self.end(lease, done.as_ref().ok().and_then(success)).await?;
        done.map(Once::Fresh)
    }

    /// Takes a key for as long as a request may run, unless it has succeeded or is taken.
    async fn lease(&self, user: UserId, operation: &str, key: &IdempotencyKey) -> Result<Leased, KeyRefused> {
        let now = self.clock.now();
        let id = self.ids.token();
        let progress = Progress::AtWork { lease: id.clone() };
        let record = key.record(user, operation, progress, now.plus_seconds(LEASE_SECONDS));
        match self.table.write(record.claim(now)).await {
            Ok(()) => Ok(Leased::Held(Lease { record, id })),
            Err(WriteError::Storage(error)) => Err(error.into()),
            Err(WriteError::Unmet(_)) => match self.replay(user, operation, key).await? {
                Some(answer) => Ok(Leased::Replay(answer)),
                None => Err(KeyRefused::InProgress(1)),
            },
        }
    }

    /// Ends a lease: with the success to repeat, or with nothing. A lease that was lost meanwhile
    /// is nobody's problem: the effect below is itself safe to repeat.
    async fn end(&self, lease: Lease, success: Option<items::Answer>) -> Result<(), Error> {
        let write = match success {
            Some(answer) => {
                let expires_at = self.clock.now().plus_seconds(KEPT_SECONDS);
                IdempotencyRecord { progress: Progress::Done { answer }, expires_at, ..lease.record }.follow(&lease.id)
            }
            None => lease.record.release(&lease.id),
        };
        match self.table.write(write).await {
            Ok(()) | Err(WriteError::Unmet(_)) => Ok(()),
            Err(WriteError::Storage(error)) => Err(error),
        }
    }
}

/// An answer that is new, or that of the first success.
#[derive(Debug)]
pub enum Once<O> {
    /// New.
    Fresh(O),
    /// The first success again.
    Replayed(items::Answer),
}

impl<O: Output> Output for Once<O> {
    fn answer(self, head: &Head) -> Answer {
        match self {
            Self::Fresh(output) => output.answer(head),
            Self::Replayed(recorded) => {
                let mut answer = Answer {
                    body: recorded.body.into_bytes(),
                    ..Answer::empty(StatusCode::from_u16(recorded.status).unwrap_or(StatusCode::OK))
                };
                answer.set(header::CONTENT_TYPE, "application/json");
                answer.set(header::CACHE_CONTROL, "no-store");
                answer.set(REPLAYED, "true");
                if let Some(location) = recorded.location {
                    answer.set(header::LOCATION, &location);
                }
                if let Some(version) = recorded.version {
                    answer.set(header::ETAG, &format!("\"{version}\""));
                }
                answer
            }
        }
    }

    fn describe(description: &mut Description) {
        O::describe(description);
    }
}
