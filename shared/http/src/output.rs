//! What endpoints answer.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Head, Json, openapi::Description};

/// A response, complete and in memory.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
}

impl Answer {
    /// An answer without a body.
    pub fn empty(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: vec![] }
    }

    /// A JSON answer that nobody may cache.
    pub fn json(status: StatusCode, body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(body) => {
                let mut answer = Self { status, headers: HeaderMap::new(), body };
                answer.set(header::CONTENT_TYPE, "application/json");
                answer.set(header::CACHE_CONTROL, "no-store");
                answer
            }
            Err(error) => {
                tracing::error!(%error, "an answer could not be written");
                Self::empty(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }

    /// Sets a header; a value that cannot be one is left out.
    pub fn set(&mut self, name: HeaderName, value: &str) {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
    }
}

/// Something that an endpoint may answer.
pub trait Output: Send {
    /// The response.
    fn answer(self, head: &Head) -> Answer;

    /// Tells the OpenAPI document of it.
    fn describe(description: &mut Description);
}

impl<T: Serialize + ToSchema + Send> Output for Json<T> {
    fn answer(self, _: &Head) -> Answer {
        Answer::json(StatusCode::OK, &self.0)
    }

    fn describe(description: &mut Description) {
        description.answers::<T>(StatusCode::OK, "OK", &[]);
    }
}

/// 201 with `Location`.
#[derive(Debug)]
pub struct Created<T> {
    /// Where it is now.
    pub location: String,
    /// Its version, if it can be changed.
    pub version: Option<u64>,
    /// What was made.
    pub body: T,
}

impl<T: Serialize + ToSchema + Send> Output for Created<T> {
    fn answer(self, _: &Head) -> Answer {
        let mut answer = Answer::json(StatusCode::CREATED, &self.body);
        answer.set(header::LOCATION, &self.location);
        if let Some(version) = self.version {
            answer.set(header::ETAG, &format!("\"{version}\""));
        }
        answer
    }

    fn describe(description: &mut Description) {
        description.answers::<T>(StatusCode::CREATED, "Created", &["Location", "ETag"]);
    }
}

/// What was asked to be there is there: 201 if it was made for that, 200 if it was there already.
#[derive(Debug)]
pub enum Ensured<T> {
    /// Made now.
    Created(Created<T>),
    /// As it was found.
    Found(T),
}

impl<T: Serialize + ToSchema + Send> Output for Ensured<T> {
    fn answer(self, head: &Head) -> Answer {
        match self {
            Self::Created(created) => created.answer(head),
            Self::Found(body) => Json(body).answer(head),
        }
    }

    fn describe(description: &mut Description) {
        Created::<T>::describe(description);
        Json::<T>::describe(description);
    }
}

/// 200 with the version as `ETag`, for `If-Match`.
#[derive(Debug)]
pub struct Versioned<T> {
    /// The present version.
    pub version: u64,
    /// The resource.
    pub body: T,
}

impl<T: Serialize + ToSchema + Send> Output for Versioned<T> {
    fn answer(self, _: &Head) -> Answer {
        let mut answer = Answer::json(StatusCode::OK, &self.body);
        answer.set(header::ETAG, &format!("\"{}\"", self.version));
        answer
    }

    fn describe(description: &mut Description) {
        description.answers::<T>(StatusCode::OK, "OK", &["ETag"]);
    }
}

/// 204.
#[derive(Clone, Copy, Debug)]
pub struct NoContent;

impl Output for NoContent {
    fn answer(self, _: &Head) -> Answer {
        Answer::empty(StatusCode::NO_CONTENT)
    }

    fn describe(description: &mut Description) {
        description.answers_nothing(StatusCode::NO_CONTENT, "Done");
    }
}

/// 200 that caches may keep, with an `ETag` of its content; 304 where the client has it.
#[derive(Debug)]
pub struct Cacheable<T> {
    /// For how long, in seconds.
    pub max_age: u32,
    /// Its version, if it can be changed. The `ETag` begins with it, so that it is one for `If-Match`, too,
    /// though the content may change without it.
    pub version: Option<u64>,
    /// The body.
    pub body: T,
}

impl<T: Serialize + ToSchema + Send> Output for Cacheable<T> {
    fn answer(self, head: &Head) -> Answer {
        cacheable(head, "public", self.max_age, self.version, Answer::json(StatusCode::OK, &self.body))
    }

    fn describe(description: &mut Description) {
        description.answers::<T>(StatusCode::OK, "OK", &["ETag", "Cache-Control"]);
        description.answers_nothing(StatusCode::NOT_MODIFIED, "The client has it already");
    }
}

fn cacheable(head: &Head, whose: &str, max_age: u32, version: Option<u64>, mut answer: Answer) -> Answer {
    let digest = hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &answer.body));
    let tag = version.map_or_else(|| format!("\"{digest}\""), |version| format!("\"{version}.{digest}\""));
    answer.set(header::CACHE_CONTROL, &format!("{whose}, max-age={max_age}"));
    answer.set(header::ETAG, &tag);
    // If-None-Match compares weakly: a proxy may have weakened our tag.
    let known = head.header(&header::IF_NONE_MATCH).unwrap_or("");
    if known.split(',').any(|one| one.trim() == "*" || one.trim().trim_start_matches("W/") == tag) {
        answer.status = StatusCode::NOT_MODIFIED;
        answer.headers.remove(header::CONTENT_TYPE);
        answer.body = vec![];
    }
    answer
}

/// A document that is sent as it stands, and may be cached.
#[derive(Debug)]
pub struct Raw {
    /// Its media type.
    pub content_type: &'static str,
    /// For how long caches may keep it, in seconds.
    pub max_age: u32,
    /// The document.
    pub body: String,
}

impl Output for Raw {
    fn answer(self, head: &Head) -> Answer {
        let mut answer = Answer { body: self.body.into_bytes(), ..Answer::empty(StatusCode::OK) };
        answer.set(header::CONTENT_TYPE, self.content_type);
        cacheable(head, "public", self.max_age, None, answer)
    }

    fn describe(description: &mut Description) {
        description.answers_document(StatusCode::OK, "The document");
        description.answers_nothing(StatusCode::NOT_MODIFIED, "The client has it already");
    }
}

/// Only what stands in the document itself, and no script.
const NOTHING_FROM_ELSEWHERE: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// An answer that is a document, too: a page to print, a table to open elsewhere.
pub trait Document {
    /// Its media type; its text is UTF-8.
    const MEDIA_TYPE: &'static str;
    /// Under which name it is saved; one without is shown.
    const FILE_NAME: Option<&'static str>;

    /// The document.
    fn document(&self) -> String;
}

/// 200 with JSON, or with the document that the same is, whichever `Accept` prefers.
#[derive(Debug)]
pub struct Negotiated<T>(pub T);

impl<T: Serialize + ToSchema + Document + Send> Output for Negotiated<T> {
    fn answer(self, head: &Head) -> Answer {
        let accept = head.header(&header::ACCEPT).unwrap_or("");
        let mut answer = if quality(accept, T::MEDIA_TYPE) > quality(accept, "application/json") {
            let mut answer = document(&self.0);
            answer.set(header::CACHE_CONTROL, "no-store");
            answer
        } else {
            Answer::json(StatusCode::OK, &self.0)
        };
        answer.set(header::VARY, "Accept");
        answer
    }

    fn describe(description: &mut Description) {
        description.header_parameter("Accept", false, &format!("`application/json` or `{}`", T::MEDIA_TYPE));
        description.answers::<T>(StatusCode::OK, "OK", &[]);
        description.answers_text_too(StatusCode::OK, T::MEDIA_TYPE);
    }
}

fn document<T: Document>(body: &T) -> Answer {
    let mut answer = Answer { body: body.document().into_bytes(), ..Answer::empty(StatusCode::OK) };
    answer.set(header::CONTENT_TYPE, &format!("{}; charset=utf-8", T::MEDIA_TYPE));
    // Should it be opened in a browser, it runs and loads nothing.
    answer.set(header::CONTENT_SECURITY_POLICY, NOTHING_FROM_ELSEWHERE);
    answer.set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    if let Some(name) = T::FILE_NAME {
        answer.set(header::CONTENT_DISPOSITION, &format!("attachment; filename=\"{name}\""));
    }
    answer
}

/// 200 with a document that only its reader's own programs may keep; 304 where they have it.
#[derive(Debug)]
pub struct Private<T> {
    /// For how long, in seconds.
    pub max_age: u32,
    /// What the document is made of.
    pub body: T,
}

impl<T: Document + Send> Output for Private<T> {
    fn answer(self, head: &Head) -> Answer {
        cacheable(head, "private", self.max_age, None, document(&self.body))
    }

    fn describe(description: &mut Description) {
        description.answers_text(StatusCode::OK, T::MEDIA_TYPE);
        description.answers_nothing(StatusCode::NOT_MODIFIED, "The client has it already");
    }
}

/// How much an `Accept` header likes a media type, in thousandths: what its closest range says (RFC 9110, 12.5.1).
fn quality(accept: &str, media_type: &str) -> u32 {
    let of_its_kind = media_type.split('/').next().map(|kind| format!("{kind}/*")).unwrap_or_default();
    let closeness = |range: &str| match range {
        range if range.eq_ignore_ascii_case(media_type) => Some(3),
        range if range.eq_ignore_ascii_case(&of_its_kind) => Some(2),
        "*/*" => Some(1),
        _ => None,
    };
    let ranges = accept.split(',').filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let closeness = closeness(parts.next()?)?;
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        Some((closeness, weight.map_or(1_000, thousandths)))
    });
    ranges.max_by_key(|(closeness, _)| *closeness).map_or(0, |(_, quality)| quality)
}

/// A weight such as `0.8`; what is none counts as nothing.
fn thousandths(weight: &str) -> u32 {
    let (whole, fraction) = weight.split_once('.').unwrap_or((weight, ""));
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    match (whole, digits.parse::<u32>()) {
        ("1", _) => 1_000,
        ("0", Ok(thousandths)) => thousandths,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_range_says_how_much_a_type_is_liked() {
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";
        for (accept, html, json) in [
            ("", 0, 0),
            ("*/*", 1_000, 1_000),
            (browser, 1_000, 800),
            ("application/json", 0, 1_000),
            ("text/*;q=0.5, text/html;q=0.25", 250, 0),
            ("application/json;q=0, */*", 1_000, 0),
            ("TEXT/HTML; charset=utf-8; q=0.125", 125, 0),
            ("text/html;q=2, application/json;q=x", 0, 0),
        ] {
            assert_eq!((quality(accept, "text/html"), quality(accept, "application/json")), (html, json), "{accept}");
        }
    }
}
