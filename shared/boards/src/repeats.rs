//! Repeats: what is written under an `Idempotency-Key` carries the record of its answer.

use devloop_http::{Created, IdempotencyKey};
use domain::{ids::UserId, time::Time};
use serde::Serialize;
use storage::{Error, Write};

/// Which operation works, and the key that its request came under, if any.
pub type Under<'a> = (&'static str, Option<&'a IdempotencyKey>);

/// The write that records an answer under its key, if there is one: part of the transaction that is the effect.
pub(crate) fn record<T: Serialize>(
    (operation, key): Under<'_>,
    user: UserId,
    created: &Created<T>,
    now: Time,
) -> Result<Option<Write>, Error> {
    let Some(key) = key else { return Ok(None) };
    let answer = created.recorded().map_err(|error| Error::Malformed(error.to_string()))?;
    Ok(Some(key.succeed(user, operation, answer, now)))
}
