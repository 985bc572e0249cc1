//! An edge location: answers from its copies, and asks the origin for what it has none of.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    response::Response,
};

use super::{
    CloudFront, VIA,
    cache::{Copy, LARGEST},
    conditions::{Part, part},
    origin::{Fetched, NoAnswer, Wish},
    policies::{CONTENT_POLICY, EXPOSED, HTTPS_SECONDS, METHODS, PREFLIGHT_SECONDS, PRIVATE, PUBLIC, REFUSAL_SECONDS},
    signed,
};

/// How an answer came about, as CloudFront's `X-Cache` tells it.
const HIT: &str = "Hit from cloudfront";
const MISS: &str = "Miss from cloudfront";
const REFRESHED: &str = "RefreshHit from cloudfront";
const REFUSED: &str = "Error from cloudfront";

pub(super) fn router(cloudfront: &CloudFront) -> Router {
    Router::new().fallback(answer).with_state(cloudfront.clone())
}

/// What the edge answers before it is dressed.
enum Found {
    /// A copy, and how it came about.
    Copy(Arc<Copy>, &'static str),
    /// Too large to be kept: it passes through.
    Passing(Box<Fetched>),
}

async fn answer(State(cloudfront): State<CloudFront>, request: Request) -> Response {
    let (asked, _nothing) = request.into_parts();
    let mut response = cloudfront.answer(&asked).await;
    cloudfront.dress(&asked, &mut response);
    response
}

impl CloudFront {
    async fn answer(&self, asked: &Parts) -> Response {
        if !METHODS.contains(&asked.method.as_str()) {
            let told = "This distribution is not configured to allow the HTTP request method that was used.";
            return refusal(StatusCode::FORBIDDEN, "MethodNotAllowed", told);
        }
        let path = asked.uri.path();
        if path.starts_with(PRIVATE) {
            if let Err(refused) = self.check(asked) {
                return refusal(StatusCode::FORBIDDEN, refused.code(), refused.message());
            }
        } else if !PUBLIC.iter().any(|folder| path.starts_with(folder)) {
            // The bucket lets the CDN read nothing else.
            return refusal(StatusCode::FORBIDDEN, "AccessDenied", "Access Denied");
        }
        match self.find(path, &asked.headers).await {
            Ok(Found::Copy(copy, how)) => self.show(&copy, how, &asked.headers),
            Ok(Found::Passing(fetched)) => passing(*fetched),
            Err(error) => {
                tracing::warn!(%error, "the CDN cannot ask its origin");
                refusal(StatusCode::BAD_GATEWAY, "BadGateway", "CloudFront could not reach the origin.")
            }
        }
    }

    /// Whether a private file was asked for with a good signature.
    fn check(&self, asked: &Parts) -> Result<(), signed::Refused> {
        let client = asked.extensions.get::<ConnectInfo<SocketAddr>>();
        let client = client.map_or([127, 0, 0, 1].into(), |ConnectInfo(address)| address.ip());
        let base = match (self.0.base_url.get(), asked.headers.get(header::HOST).and_then(|host| host.to_str().ok())) {
            (Some(base), _) => base.clone(),
            (None, host) => format!("https://{}", host.unwrap_or_default()),
        };
        signed::check(&asked.uri, &base, client, &self.0.settings.key_group, self.0.clock.now())
    }

    async fn find(&self, path: &str, asked: &HeaderMap) -> Result<Found, NoAnswer> {
        let (old, now) = self.state(|state, now| (state.cache.find(path), now));
        if let Some(copy) = old.as_ref().filter(|copy| now < copy.good_until) {
            return Ok(Found::Copy(copy.clone(), HIT));
        }
        let unless = old.as_ref().filter(|copy| copy.status.is_success());
        let unless = unless.and_then(|copy| copy.headers.get(header::ETAG)?.to_str().ok().map(str::to_owned));
        let fetched = match (self.fetch(path, &Wish { unless, range: None }).await, &old) {
            (Ok(fetched), Some(copy)) if fetched.status == StatusCode::NOT_MODIFIED => {
                let copy = Arc::new(copy.again(&fetched.headers, now));
                self.keep(path, &copy);
                return Ok(Found::Copy(copy, REFRESHED));
            }
            // While the origin cannot be asked, an old copy is better than none.
            (Err(_), Some(copy)) if copy.status.is_success() => return Ok(Found::Copy(copy.clone(), HIT)),
            (Ok(fetched), Some(copy)) if fetched.status.is_server_error() && copy.status.is_success() => {
                return Ok(Found::Copy(copy.clone(), HIT));
            }
            (fetched, _) => fetched?,
        };
        let fits = fetched.length.is_some_and(|length| length <= u64::try_from(LARGEST).unwrap_or(u64::MAX));
        if fetched.status.is_success() && !fits {
            let range = asked.get(header::RANGE).and_then(|range| range.to_str().ok()).map(str::to_owned);
            return match range {
                None => Ok(Found::Passing(Box::new(fetched))),
                range => Ok(Found::Passing(Box::new(self.fetch(path, &Wish { unless: None, range }).await?))),
            };
        }
        // Who may not list a bucket is not told whether something is missing.
        let status = if fetched.status == StatusCode::NOT_FOUND { StatusCode::FORBIDDEN } else { fetched.status };
        let headers = fetched.headers.clone();
        let copy = Arc::new(Copy::new(status, headers, fetched.whole().await?, now));
        self.keep(path, &copy);
        Ok(Found::Copy(copy, MISS))
    }

    async fn fetch(&self, path: &str, wish: &Wish) -> Result<Fetched, NoAnswer> {
        let delay = self.0.settings.origin_delay;
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        self.0.origin.fetch(path, wish, self.0.clock.now()).await
    }

    /// Keeps a copy, unless it may be of what was to be forgotten since the origin was asked.
    pub(super) fn keep(&self, path: &str, copy: &Arc<Copy>) {
        self.state(|state, now| {
            if now < copy.good_until && !state.invalidations.hit_since(path, copy.asked_at, now) {
                state.cache.keep(path, copy.clone());
            }
        });
    }

    /// A copy as it is asked for.
    fn show(&self, copy: &Copy, how: &'static str, asked: &HeaderMap) -> Response {
        let length = copy.body.len();
        let mut response = Response::new(Body::empty());
        *response.headers_mut() = copy.headers.clone();
        let how = if copy.status.is_success() { how } else { REFUSED };
        response.headers_mut().insert("x-cache", HeaderValue::from_static(how));
        let age = copy.asked_at.seconds_until(self.0.clock.now());
        if [HIT, REFRESHED].contains(&how) {
            response.headers_mut().insert(header::AGE, age.into());
        }
        let part = if copy.status.is_success() { part(asked, &copy.headers, length) } else { Part::Whole };
        let (status, body) = match part {
            Part::Whole => (copy.status, copy.body.clone()),
            Part::Unchanged => (StatusCode::NOT_MODIFIED, bytes::Bytes::new()),
            Part::Beyond => {
                set(&mut response, header::CONTENT_RANGE, &format!("bytes */{length}"));
                (StatusCode::RANGE_NOT_SATISFIABLE, bytes::Bytes::new())
            }
            Part::Bytes(range) => {
                let last = range.end.saturating_sub(1);
                set(&mut response, header::CONTENT_RANGE, &format!("bytes {}-{last}/{length}", range.start));
                (StatusCode::PARTIAL_CONTENT, copy.body.slice(range))
            }
        };
        *response.status_mut() = status;
        if copy.status.is_success() {
            response.headers_mut().insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        }
        if status != StatusCode::NOT_MODIFIED {
            response.headers_mut().insert(header::CONTENT_LENGTH, body.len().into());
        }
        *response.body_mut() = Body::from(body);
        response
    }

    /// What the response headers policy adds, and what the edge says of itself.
    fn dress(&self, asked: &Parts, response: &mut Response) {
        if asked.method == Method::HEAD {
            *response.body_mut() = Body::empty();
        }
        set(response, header::VIA, VIA);
        set(response, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
        set(response, header::CONTENT_SECURITY_POLICY, CONTENT_POLICY);
        set(response, header::STRICT_TRANSPORT_SECURITY, &format!("max-age={HTTPS_SECONDS}"));
        set(response, header::HeaderName::from_static("cross-origin-resource-policy"), "cross-origin");
        let Some(origin) = asked.headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok()) else {
            return;
        };
        let origins = &self.0.settings.origins;
        let allowed = if origins.iter().any(|one| one == "*") {
            "*"
        } else if origins.iter().any(|one| one == origin) {
            origin
        } else {
            return;
        };
        set(response, header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        set(response, header::ACCESS_CONTROL_ALLOW_METHODS, &METHODS.join(", "));
        set(response, header::ACCESS_CONTROL_EXPOSE_HEADERS, &EXPOSED.join(", "));
        set(response, header::ACCESS_CONTROL_MAX_AGE, &PREFLIGHT_SECONDS.to_string());
        if allowed != "*" {
            set(response, header::VARY, "Origin");
        }
    }
}

fn set(response: &mut Response, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// What is too large for the cache, as the origin answers it.
fn passing(fetched: Fetched) -> Response {
    let (status, headers, length) = (fetched.status, fetched.headers.clone(), fetched.length);
    let mut response = Response::new(fetched.stream());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response.headers_mut().insert("x-cache", HeaderValue::from_static(MISS));
    response.headers_mut().insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Some(length) = length {
        response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    }
    response
}

/// What the edge refuses by itself.
fn refusal(status: StatusCode, code: &str, message: &str) -> Response {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    set(&mut response, header::CONTENT_TYPE, "text/xml");
    set(&mut response, header::CACHE_CONTROL, &format!("max-age={REFUSAL_SECONDS}"));
    response.headers_mut().insert("x-cache", HeaderValue::from_static(REFUSED));
    response
}
