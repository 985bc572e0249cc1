//! The way to the origin: the bucket, asked over HTTP and signed as origin access control signs.
//!
//! <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html>

use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{
        PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
        UriPathNormalizationMode, sign,
    },
    sign::v4,
};
use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, Request, StatusCode, header},
};
use domain::time::Time;
use reqwest::redirect::Policy;
use url::Url;

/// CloudFront waits so long for a connection and for an answer.
const CONNECT_TIME_OUT: Duration = Duration::from_secs(10);
const TIME_OUT: Duration = Duration::from_secs(30);

/// What of an answer belongs to the object; the rest was for the way.
const SAID: [HeaderName; 9] = [
    header::CACHE_CONTROL,
    header::CONTENT_DISPOSITION,
    header::CONTENT_ENCODING,
    header::CONTENT_LANGUAGE,
    header::CONTENT_TYPE,
    header::ETAG,
    header::EXPIRES,
    header::LAST_MODIFIED,
    header::CONTENT_RANGE,
];

/// Who the CDN is to the bucket.
#[derive(Clone)]
pub struct OriginAccess {
    /// An access key's id.
    pub id: String,
    /// Its secret.
    pub secret: String,
    /// The bucket's region.
    pub region: String,
}

impl std::fmt::Debug for OriginAccess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OriginAccess").field("id", &self.id).field("region", &self.region).finish_non_exhaustive()
    }
}

/// The client cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("there is no client for the CDN's origin: {0}")]
pub struct CannotFetch(#[from] reqwest::Error);

/// The origin gave no answer that could be read.
#[derive(Debug, thiserror::Error)]
#[error("the origin gave no answer: {0}")]
pub(super) struct NoAnswer(String);

/// Where files come from.
#[derive(Clone, Debug)]
pub struct Origin {
    /// A path of the CDN stands behind this.
    base_url: Url,
    access: OriginAccess,
    client: reqwest::Client,
}

/// What is asked of the origin, beyond the path.
#[derive(Clone, Debug, Default)]
pub(super) struct Wish {
    /// Only if it has another tag than this one.
    pub unless: Option<String>,
    /// Only these bytes, as the client asks.
    pub range: Option<String>,
}

/// An answer whose body is still to come.
#[derive(Debug)]
pub(super) struct Fetched {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub length: Option<u64>,
    answer: reqwest::Response,
}

impl Origin {
    /// The bucket at `base_url`, such as `http://127.0.0.1:9000/devloop-media`.
    pub fn new(base_url: Url, access: OriginAccess) -> Result<Self, CannotFetch> {
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIME_OUT)
            .read_timeout(TIME_OUT)
            .redirect(Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self { base_url, access, client })
    }

    /// Asks for what is at `path`, at the instant `now`.
    pub(super) async fn fetch(&self, path: &str, wish: &Wish, now: Time) -> Result<Fetched, NoAnswer> {
        let no_answer = |error: &dyn std::fmt::Display| NoAnswer(error.to_string());
        let url = format!("{}{path}", self.base_url.as_str().trim_end_matches('/'));
        let mut request = Request::get(&url);
        if let Some(tag) = &wish.unless {
            request = request.header(header::IF_NONE_MATCH, tag);
        }
        if let Some(range) = &wish.range {
            request = request.header(header::RANGE, range);
        }
        let mut request = request.body(Vec::new()).map_err(|error| no_answer(&error))?;
        self.sign(&mut request, &url, now).map_err(|error| no_answer(&error))?;
        let request = reqwest::Request::try_from(request).map_err(|error| no_answer(&error))?;
        let answer = self.client.execute(request).await.map_err(|error| no_answer(&error))?;
        let said = |name: HeaderName| Some((name.clone(), answer.headers().get(&name)?.clone()));
        let headers = SAID.into_iter().filter_map(said).collect();
        Ok(Fetched { status: answer.status(), headers, length: answer.content_length(), answer })
    }

    fn sign(&self, request: &mut Request<Vec<u8>>, url: &str, now: Time) -> Result<(), Box<dyn std::error::Error>> {
        let OriginAccess { id, secret, region } = &self.access;
        let identity = Credentials::new(id, secret, None, None, "settings").into();
        let mut settings = SigningSettings::default();
        // As S3 has it: keys are taken as they are, and the hash of the body is a header.
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let millis = u64::try_from(now.unix_millis()).unwrap_or_default();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name("s3")
            .time(UNIX_EPOCH + Duration::from_millis(millis))
            .settings(settings)
            .build()?
            .into();
        let headers = request.headers().iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let signable = SignableRequest::new("GET", url, headers, SignableBody::Bytes(&[]))?;
        let (instructions, _signature) = sign(signable, &params)?.into_parts();
        instructions.apply_to_request_http1x(request);
        Ok(())
    }
}

impl Fetched {
    /// All of the body.
    pub async fn whole(self) -> Result<bytes::Bytes, NoAnswer> {
        self.answer.bytes().await.map_err(|error| NoAnswer(error.to_string()))
    }

    /// The body, piece by piece as it comes.
    pub fn stream(self) -> Body {
        let pieces = futures::stream::unfold(self.answer, |mut answer| async {
            let piece = answer.chunk().await.transpose()?;
            Some((piece, answer))
        });
        Body::from_stream(pieces)
    }
}
