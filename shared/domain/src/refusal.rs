//! Refusals: why something was not done, in the words of the product and without HTTP.

use serde_json::{Map, Value};

use crate::validation::FieldErrors;

/// What sort of refusal it is. One table in `shared/http` turns kinds into statuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request cannot be understood or breaks a field's rule.
    Invalid,
    /// Nobody is signed in, or the proof is not good.
    Unauthenticated,
    /// The caller is known and may not.
    Forbidden,
    /// There is no such thing, or the caller may not know of it.
    NotFound,
    /// The route exists, but not for this method.
    MethodNotAllowed,
    /// The state of things does not allow it now.
    Conflict,
    /// The caller saw an older version.
    Stale,
    /// The body is too large.
    TooLarge,
    /// The body is not JSON by its declared type.
    UnsupportedMediaType,
    /// The request is well formed and contradicts what is stored.
    Unprocessable,
    /// The caller must say which version was seen.
    PreconditionRequired,
    /// Too often; `retry_after` tells when again.
    TooManyRequests,
    /// A provider's answer is missing or no use.
    ProviderUnavailable,
    /// Too much at once; trying again helps.
    Busy,
    /// Our fault. Tells nothing of the inside.
    Internal,
}

/// A refusal's fixed part: kind, stable code and a sentence in each language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The sort of refusal.
    pub kind: Kind,
    /// Stable, upper snake case.
    pub code: &'static str,
    /// For people who read Korean.
    pub ko: &'static str,
    /// For people who read English.
    pub en: &'static str,
}

impl Reason {
    /// A reason of any kind.
    pub const fn new(kind: Kind, code: &'static str, ko: &'static str, en: &'static str) -> Self {
        Self { kind, code, ko, en }
    }

    /// A [`Kind::Conflict`].
    pub const fn conflict(code: &'static str, ko: &'static str, en: &'static str) -> Self {
        Self::new(Kind::Conflict, code, ko, en)
    }

    /// A [`Kind::NotFound`].
    pub const fn not_found(code: &'static str, ko: &'static str, en: &'static str) -> Self {
        Self::new(Kind::NotFound, code, ko, en)
    }

    /// Something failed inside.
    pub const INTERNAL: Self =
        Self::new(Kind::Internal, "INTERNAL", "서버에서 오류가 발생했습니다.", "Something went wrong on our side.");
    /// The table is overloaded or unreachable.
    pub const BUSY: Self = Self::new(
        Kind::Busy,
        "BUSY",
        "요청이 많습니다. 잠시 후 다시 시도해 주세요.",
        "Too busy right now. Please try again shortly.",
    );
    /// Fields are missing, unknown or out of their limits.
    pub const VALIDATION_FAILED: Self =
        Self::new(Kind::Invalid, "VALIDATION_FAILED", "입력값을 확인해 주세요.", "Some fields are not acceptable.");
    /// The caller's role or ownership does not allow it.
    pub const FORBIDDEN: Self = Self::new(Kind::Forbidden, "FORBIDDEN", "권한이 없습니다.", "You may not do this.");
    /// `If-Match` names another version than the current one.
    pub const VERSION_CONFLICT: Self = Self::new(
        Kind::Stale,
        "VERSION_CONFLICT",
        "다른 곳에서 먼저 수정되었습니다. 최신 내용을 확인해 주세요.",
        "It has been changed since you read it; here is the current version.",
    );
}

/// What a refusal adds to its fixed part.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Details {
    /// The refused fields, if that is the reason.
    pub fields: Option<FieldErrors>,
    /// Seconds after which trying again makes sense.
    pub retry_after: Option<u32>,
    /// The quota that was used up: how many, in how many seconds.
    pub quota: Option<(u32, u32)>,
    /// The methods that the route does have.
    pub allow: Option<String>,
    /// Members of the problem document beyond the standard ones.
    pub members: Map<String, Value>,
    /// The version of the resource in `members.current`, for its `ETag`.
    pub version: Option<u64>,
}

impl Details {
    /// Only "try again in `seconds`".
    pub fn retry_after(seconds: u32) -> Self {
        Self { retry_after: Some(seconds), ..Self::default() }
    }

    /// Adds one member to the problem document.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }
}

/// Why a use case was refused. Its `Display` and sources are for the log, its reason for the client.
pub trait Refusal: std::error::Error + Send + Sync + 'static {
    /// Every reason that this refusal can have, beyond those that any request can meet.
    const REASONS: &'static [Reason];

    /// The reason of this one.
    fn reason(&self) -> Reason;

    /// What it adds.
    fn details(&self) -> Details {
        Details::default()
    }
}

impl Refusal for std::convert::Infallible {
    const REASONS: &'static [Reason] = &[];

    fn reason(&self) -> Reason {
        match *self {}
    }
}

impl Refusal for FieldErrors {
    const REASONS: &'static [Reason] = &[Reason::VALIDATION_FAILED];

    fn reason(&self) -> Reason {
        Reason::VALIDATION_FAILED
    }

    fn details(&self) -> Details {
        Details { fields: Some(self.clone()), ..Details::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_keep_what_they_are_given() {
        let details = Details::retry_after(7).with("state", "PAID");
        assert_eq!((details.retry_after, details.members.get("state")), (Some(7), Some(&"PAID".into())));
    }

    #[test]
    fn refused_fields_are_told() {
        let errors = FieldErrors::default();
        assert_eq!(errors.details().fields, Some(errors));
    }
}
