//! What endpoints read from a request.

use std::str::FromStr;

use bytes::Bytes;
use deserr::Deserr;
use domain::{
    refusal::{Details, Kind, Reason},
    validation::{FieldErrors, Invalid},
};
use http::header;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{Body, Head, Language, Problem, openapi::Description};

const INVALID_ID: Reason =
    Reason::new(Kind::Invalid, "INVALID_ID", "올바른 식별자가 아닙니다.", "This is not a valid id.");
const MALFORMED_JSON: Reason =
    Reason::new(Kind::Invalid, "MALFORMED_JSON", "JSON 형식이 올바르지 않습니다.", "The body is not well-formed JSON.");
const UNSUPPORTED_MEDIA_TYPE: Reason = Reason::new(
    Kind::UnsupportedMediaType,
    "UNSUPPORTED_MEDIA_TYPE",
    "Content-Type은 application/json이어야 합니다.",
    "The content type must be application/json.",
);
pub(crate) const BODY_TOO_LARGE: Reason = Reason::new(
    Kind::TooLarge,
    "BODY_TOO_LARGE",
    "본문은 256KiB를 넘을 수 없습니다.",
    "The body must not exceed 256 KiB.",
);
const PRECONDITION_REQUIRED: Reason = Reason::new(
    Kind::PreconditionRequired,
    "PRECONDITION_REQUIRED",
    "If-Match 헤더에 읽은 버전을 지정해야 합니다.",
    "Say in If-Match which version this is based on.",
);

/// Something that an endpoint reads from a request.
pub trait Input: Sized + Send {
    /// How reading it can be refused.
    const REASONS: &'static [Reason];

    /// Reads it. The body is taken by the one input that wants it.
    fn read(head: &Head, body: &mut Option<Body>) -> Result<Self, Problem>;

    /// Tells the OpenAPI document of it.
    fn describe(description: &mut Description);
}

/// Nothing at all: what an endpoint without path, query and body reads.
pub type NoBody = ();

impl Input for () {
    const REASONS: &'static [Reason] = &[];

    fn read(_: &Head, _: &mut Option<Body>) -> Result<Self, Problem> {
        Ok(())
    }

    fn describe(_: &mut Description) {}
}

impl<X: Input, Y: Input> Input for (X, Y) {
    const REASONS: &'static [Reason] = &[];

    fn read(head: &Head, body: &mut Option<Body>) -> Result<Self, Problem> {
        Ok((X::read(head, body)?, Y::read(head, body)?))
    }

    fn describe(description: &mut Description) {
        X::describe(description);
        Y::describe(description);
    }
}

impl<X: Input, Y: Input, Z: Input> Input for (X, Y, Z) {
    const REASONS: &'static [Reason] = &[];

    fn read(head: &Head, body: &mut Option<Body>) -> Result<Self, Problem> {
        Ok((X::read(head, body)?, Y::read(head, body)?, Z::read(head, body)?))
    }

    fn describe(description: &mut Description) {
        <(X, Y)>::describe(description);
        Z::describe(description);
    }
}

fn parameter<T: FromStr>(head: &Head, position: usize) -> Result<T, Problem> {
    head.parameter(position).parse().map_err(|_not_one| Problem::new(INVALID_ID))
}

/// The only path parameter.
#[derive(Clone, Copy, Debug)]
pub struct Path<T>(pub T);

impl<T: FromStr + ToSchema + Send> Input for Path<T> {
    const REASONS: &'static [Reason] = &[INVALID_ID];

    fn read(head: &Head, _: &mut Option<Body>) -> Result<Self, Problem> {
        parameter(head, 0).map(Self)
    }

    fn describe(description: &mut Description) {
        description.path_parameter::<T>(0);
        description.refuses(Self::REASONS);
    }
}

/// Two path parameters, in order.
#[derive(Clone, Copy, Debug)]
pub struct PathPair<T, U>(pub T, pub U);

impl<T: FromStr + ToSchema + Send, U: FromStr + ToSchema + Send> Input for PathPair<T, U> {
    const REASONS: &'static [Reason] = &[INVALID_ID];

    fn read(head: &Head, _: &mut Option<Body>) -> Result<Self, Problem> {
        Ok(Self(parameter(head, 0)?, parameter(head, 1)?))
    }

    fn describe(description: &mut Description) {
        description.path_parameter::<T>(0);
        description.path_parameter::<U>(1);
        description.refuses(Self::REASONS);
    }
}

/// The query string, as a value all of whose fields are texts.
#[derive(Clone, Debug)]
pub struct Query<T>(pub T);

impl<T: Deserr<FieldErrors> + ToSchema + Send> Input for Query<T> {
    const REASONS: &'static [Reason] = &[Reason::VALIDATION_FAILED];

    fn read(head: &Head, _: &mut Option<Body>) -> Result<Self, Problem> {
        let mut fields = Map::new();
        for (name, value) in url::form_urlencoded::parse(head.query.as_bytes()) {
            if fields.insert(name.clone().into_owned(), Value::String(value.into_owned())).is_some() {
                let twice = Invalid::new("REPEATED", "한 번만 지정할 수 있습니다.", "must be given only once");
                return Err(FieldErrors::one(name, twice).into());
            }
        }
        Ok(Self(deserr::deserialize::<T, _, FieldErrors>(Value::Object(fields))?))
    }

    fn describe(description: &mut Description) {
        description.query_parameters::<T>();
        description.refuses(Self::REASONS);
    }
}

/// A JSON body; as an output, 200 with one.
#[derive(Clone, Debug)]
pub struct Json<T>(pub T);

/// The bytes of a body that says that it is JSON.
pub(crate) fn json_bytes(head: &Head, body: &mut Option<Body>) -> Result<Bytes, Problem> {
    let media_type = head.header(&header::CONTENT_TYPE).unwrap_or("").split(';').next().unwrap_or("").trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        return Err(Problem::new(UNSUPPORTED_MEDIA_TYPE));
    }
    body.take().map_or_else(|| Ok(Bytes::new()), |body| body.0)
}

/// Reads JSON into a value, with every refused field named.
pub(crate) fn parse_json<T: Deserr<FieldErrors>>(bytes: &[u8]) -> Result<T, Problem> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| Problem {
        cause: Some(format!("line {}, column {}", error.line(), error.column())),
        ..Problem::new(MALFORMED_JSON)
    })?;
    if !value.is_object() {
        let not_an_object = Invalid::new("WRONG_TYPE", "JSON 객체여야 합니다.", "must be a JSON object");
        return Err(FieldErrors::one("", not_an_object).into());
    }
    Ok(deserr::deserialize::<T, _, FieldErrors>(value)?)
}

impl<T: Deserr<FieldErrors> + ToSchema + Send> Input for Json<T> {
    const REASONS: &'static [Reason] =
        &[MALFORMED_JSON, Reason::VALIDATION_FAILED, UNSUPPORTED_MEDIA_TYPE, BODY_TOO_LARGE];

    fn read(head: &Head, body: &mut Option<Body>) -> Result<Self, Problem> {
        parse_json(&json_bytes(head, body)?).map(Self)
    }

    fn describe(description: &mut Description) {
        description.body::<T>();
        description.refuses(Self::REASONS);
    }
}

/// Where the request comes from, if anybody can tell.
#[derive(Clone, Copy, Debug)]
pub struct From(pub Option<std::net::IpAddr>);

impl Input for From {
    const REASONS: &'static [Reason] = &[];

    fn read(head: &Head, _: &mut Option<Body>) -> Result<Self, Problem> {
        Ok(Self(head.address))
    }

    fn describe(_: &mut Description) {}
}

/// In which language the client reads: for answers with sentences in them.
impl Input for Language {
    const REASONS: &'static [Reason] = &[];

    fn read(head: &Head, _: &mut Option<Body>) -> Result<Self, Problem> {
        Ok(head.language)
    }

    fn describe(description: &mut Description) {
        description.header_parameter("Accept-Language", false, "`ko`, unless it asks for `en`");
    }
}

/// The version that a change is based on, as `If-Match` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IfMatch(Option<u64>);

impl IfMatch {
    /// Whether the change is based on `version`. What is no version of ours is based on none.
    pub fn is(self, version: u64) -> bool {
        self.0 == Some(version)
    }

    /// The version, as a number that no stored version has where it is none of ours.
    pub fn version(self) -> u64 {
        self.0.unwrap_or(0)
    }
}

impl Input for IfMatch {
    const REASONS: &'static [Reason] = &[PRECONDITION_REQUIRED, Reason::VERSION_CONFLICT];

    fn read(head: &Head, body: &mut Option<Body>) -> Result<Self, Problem> {
        // `*` would say "whatever it is by now": just what must not be said.
        Option::<Self>::read(head, body)?.ok_or_else(|| Problem::new(PRECONDITION_REQUIRED))
    }

    fn describe(description: &mut Description) {
        description.header_parameter("If-Match", true, "The ETag of the version that the change is based on");
        description.refuses(Self::REASONS);
    }
}

/// The version that a change is based on, where it may be based on whatever it is by now.
impl Input for Option<IfMatch> {
    const REASONS: &'static [Reason] = &[Reason::VERSION_CONFLICT];

    fn read(head: &Head, _: &mut Option<Body>) -> Result<Self, Problem> {
        Ok(match head.header(&header::IF_MATCH).map(str::trim) {
            None | Some("" | "*") => None,
            Some(tag) => {
                let tag = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
                // What follows the dot is of the content: see `Cacheable`.
                let version = tag.and_then(|tag| tag.split('.').next()).and_then(|version| version.parse().ok());
                Some(IfMatch(version))
            }
        })
    }

    fn describe(description: &mut Description) {
        description.header_parameter("If-Match", false, "The ETag of the version that the change is based on");
        description.refuses(Self::REASONS);
    }
}

/// The refusal of a stale version, with the present one in the body.
pub fn stale(version: u64, current: Value) -> Details {
    Details { version: Some(version), ..Details::default().with("current", current) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::tests::head;

    fn if_match(value: &str) -> Result<IfMatch, Problem> {
        let mut head = head("");
        head.headers.insert(header::IF_MATCH, value.parse().unwrap());
        IfMatch::read(&head, &mut None)
    }

    #[test]
    fn if_match_takes_one_strong_tag() {
        assert!(if_match("\"7\"").unwrap().is(7));
        assert!(if_match("\"7.c0ffee\"").unwrap().is(7));
        assert_eq!(if_match("*").unwrap_err().reason.code, "PRECONDITION_REQUIRED");
        for stale in ["W/\"7\"", "7", "\"8\"", "\"8.7\"", "\".7\"", "\"7\", \"8\"", "\"\""] {
            assert!(!if_match(stale).unwrap().is(7), "{stale}");
        }
        assert_eq!(IfMatch::read(&head(""), &mut None).unwrap_err().reason.code, "PRECONDITION_REQUIRED");
    }

    #[test]
    fn if_match_may_be_left_out_where_any_version_will_do() {
        let optional = |value: Option<&str>| {
            let mut head = head("");
            if let Some(value) = value {
                head.headers.insert(header::IF_MATCH, value.parse().unwrap());
            }
            Option::<IfMatch>::read(&head, &mut None).unwrap()
        };
        assert_eq!((optional(None), optional(Some("*"))), (None, None));
        assert!(optional(Some("\"7\"")).unwrap().is(7));
        assert!(!optional(Some("W/\"7\"")).unwrap().is(7));
    }
}
