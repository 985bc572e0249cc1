//! How a call of S3 can end without success.

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use domain::refusal::{Details, Reason, Refusal};

/// S3 failed. That something is missing or has changed is no failure.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// S3 refused for a reason that trying again does not remove.
    #[error("S3 refused {operation}: {code}: {message}")]
    Refused {
        /// The call.
        operation: &'static str,
        /// S3's error code, or the status where it gave none.
        code: String,
        /// S3's message.
        message: String,
    },
    /// Throttled or unreachable for as long as the caller could wait.
    #[error("S3 was too busy for {operation}")]
    Busy {
        /// The call.
        operation: &'static str,
    },
    /// An upload could not be signed: our mistake.
    #[error("an upload could not be signed: {0}")]
    Unsigned(String),
}

impl Refusal for Error {
    // Every request can meet these two; they are documented once for all operations.
    const REASONS: &'static [Reason] = &[];

    fn reason(&self) -> Reason {
        match self {
            Self::Busy { .. } => Reason::BUSY,
            Self::Refused { .. } | Self::Unsigned(_) => Reason::INTERNAL,
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::Busy { .. } => Details::retry_after(1),
            Self::Refused { .. } | Self::Unsigned(_) => Details::default(),
        }
    }
}

/// The object is gone, or is another one than the one that was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the object is not the one that was looked at any more")]
pub struct Changed;

/// What an error of the SDK says about the attempt that met it.
pub(crate) enum Failure {
    /// There is no such object.
    Missing,
    /// A condition did not hold.
    Changed,
    /// Another attempt may go better; whether this one had an effect, nobody knows.
    Transient,
    /// S3's refusal: code and message.
    Refused(String, String),
}

/// Sorts an error of the SDK. A `HEAD` has no body, so only its status tells what it met.
pub(crate) fn failure<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Failure {
    let SdkError::ServiceError(refused) = error else { return Failure::Transient };
    let status = refused.raw().status();
    let code = refused.err().code().unwrap_or_default();
    match (code, status.as_u16()) {
        ("NoSuchBucket", _) => {}
        (_, 404) => return Failure::Missing,
        (_, 412) => return Failure::Changed,
        ("InternalError" | "SlowDown" | "RequestTimeout" | "ConditionalRequestConflict" | "OperationAborted", _)
        | (_, 429) => {
            return Failure::Transient;
        }
        _ if status.is_server_error() => return Failure::Transient,
        _ => {}
    }
    let code = if code.is_empty() { status.as_u16().to_string() } else { code.to_owned() };
    Failure::Refused(code, refused.err().message().unwrap_or_default().to_owned())
}
