//! The one place that repeats calls to DynamoDB. The SDK's own retries are off.

use std::{future::Future, time::Duration};

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use clock::Rng;

use crate::Error;

/// How one attempt ended.
pub enum Attempt<T> {
    /// For good.
    Done(Result<T, Error>),
    /// It certainly had no effect; another attempt may.
    NoEffect,
    /// Nobody knows whether it had an effect.
    Unknown,
}

/// What an error of the SDK says about the attempt that met it.
pub enum Failure {
    /// Overload or a conflict: nothing was done.
    Transient,
    /// No answer, or one that does not tell.
    Unknown,
    /// DynamoDB's refusal: code and message.
    Refused(String, String),
}

/// Sorts an SDK error. `code` and `message` are read from a service error's metadata.
pub fn failure<E: aws_sdk_dynamodb::error::ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Failure {
    let SdkError::ServiceError(refused) = error else { return Failure::Unknown };
    let code = refused.err().code().unwrap_or_default();
    match code {
        "ProvisionedThroughputExceededException"
        | "ThrottlingException"
        | "RequestLimitExceeded"
        | "TransactionConflictException" => Failure::Transient,
        // A first try with this token is still at work: ask again with the same one.
        "TransactionInProgressException" | "InternalServerError" | "ServiceUnavailable" => Failure::Unknown,
        _ if refused.raw().status().is_server_error() => Failure::Unknown,
        _ => Failure::Refused(code.to_owned(), refused.err().message().unwrap_or_default().to_owned()),
    }
}

/// How long a call is repeated, and how long one attempt may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// From the first attempt until [`Error::Busy`].
    pub total: Duration,
    /// The first pause; it doubles up to a second, and each is shortened at random by up to half.
    pub first_pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { total: Duration::from_secs(8), first_pause: Duration::from_millis(10) }
    }
}

impl Patience {
    /// Repeats `attempt` until it is done or patience ends. `attempt` is told whether an earlier
    /// one may have had an effect.
    pub async fn repeat<T, F>(
        self,
        rng: &Rng,
        operation: &'static str,
        mut attempt: impl FnMut(bool) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Attempt<T>>,
    {
        let attempts = async {
            let mut pause = self.first_pause;
            let mut maybe_done = false;
            loop {
                match attempt(maybe_done).await {
                    Attempt::Done(result) => return result,
                    Attempt::NoEffect => {}
                    Attempt::Unknown => maybe_done = true,
                }
                let micros = u64::try_from(pause.as_micros()).unwrap_or(u64::MAX);
                let shortened = micros.saturating_sub(rng.below(micros / 2));
                tracing::debug!(operation, pause_micros = shortened, maybe_done, "repeating");
                tokio::time::sleep(Duration::from_micros(shortened)).await;
                pause = pause.saturating_mul(2).min(Duration::from_secs(1));
            }
        };
        tokio::time::timeout(self.total, attempts).await.unwrap_or(Err(Error::Busy { operation }))
    }
}
