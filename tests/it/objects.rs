//! The way to the bucket: the seam where tests watch, break and lie, under the policies that are deployed.

use std::{
    fmt,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_sdk_s3::{
    Client,
    config::{
        BehaviorVersion, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
        retry::RetryConfig,
    },
};
use aws_smithy_async::time::TimeSource;
use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
    },
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use clock::{Clock, Rng};
use devloop_local::s3::{Access, S3};
use http::{HeaderMap, Method, Request};
use http_body_util::BodyExt;
use media::{Bucket, Connection};
use tempfile::TempDir;
use testkit::Action;

use crate::policies::{self, Policies};

/// The bucket's name.
pub const BUCKET: &str = "devloop-media";
/// A frontend whose pages may upload.
pub const ORIGIN: &str = "http://localhost:3000";
const ENDPOINT: &str = "http://s3.test";

/// A call on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Who makes it.
    pub by: &'static str,
    /// Such as `PUT`.
    pub method: Method,
    /// The key.
    pub key: String,
    /// What is copied there, if it is a copy.
    pub source: Option<String>,
}

impl Asked {
    fn of(by: &'static str, request: &HttpRequest) -> Self {
        let path = request.uri().parse::<http::Uri>().unwrap().path().to_owned();
        let key = |path: &str| {
            path.trim_start_matches('/')
                .strip_prefix(BUCKET)
                .and_then(|path| path.strip_prefix('/'))
                .unwrap()
                .to_owned()
        };
        let source = request.headers().get("x-amz-copy-source").map(key);
        Self { by, method: request.method().parse().unwrap(), key: key(&path), source }
    }

    /// The permissions that it needs. A `HEAD` is a way of reading.
    fn needs(&self) -> Vec<policies::Access> {
        let action = match self.method {
            Method::GET | Method::HEAD => "s3:GetObject",
            Method::PUT => "s3:PutObject",
            Method::DELETE => "s3:DeleteObject",
            ref other => panic!("{other}"),
        };
        let copied = self.source.iter().map(|source| policies::Access::to_object("s3:GetObject", source));
        copied.chain([policies::Access::to_object(action, &self.key)]).collect()
    }
}

type Rule = Box<dyn FnMut(&Asked) -> Action + Send>;

#[derive(Default)]
struct Watched {
    asked: Vec<Asked>,
    rule: Option<Rule>,
}

/// The embedded S3 and everything that happens on the way to it. It is there from its first use on: most tests have none.
#[derive(Clone)]
pub struct ObjectWire {
    far: Arc<OnceLock<(S3, TempDir)>>,
    clock: Clock,
    watched: Arc<Mutex<Watched>>,
    by: &'static str,
}

impl fmt::Debug for ObjectWire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectWire").field("by", &self.by).finish_non_exhaustive()
    }
}

/// An answer of S3.
#[derive(Clone, Debug)]
pub struct Stored {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Stored {
    /// The code of a refusal.
    pub fn code(&self) -> String {
        let body = String::from_utf8_lossy(&self.body).into_owned();
        let code = body.split("<Code>").nth(1).and_then(|rest| rest.split("</Code>").next());
        code.unwrap_or_default().to_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// An object as it is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    pub bytes: Vec<u8>,
    pub content_type: String,
    pub disposition: String,
    pub cache_control: String,
}

#[derive(Debug)]
struct ByClock(Clock);

impl TimeSource for ByClock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.0.now().unix_millis().try_into().unwrap())
    }
}

/// The SDK's own client, which repeats nothing; by the machine's clock unless there is another.
pub fn client(endpoint: &str, http: SharedHttpClient, clock: Option<Clock>) -> Client {
    let Access { id, secret } = Access::local();
    let mut config = aws_sdk_s3::config::Builder::new()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("ap-northeast-2"))
        .credentials_provider(Credentials::new(id, secret, None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .endpoint_url(endpoint)
        .force_path_style(true)
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .http_client(http);
    if let Some(clock) = clock {
        config = config.time_source(ByClock(clock));
    }
    Client::from_conf(config.build())
}

impl ObjectWire {
    pub fn new(clock: &Clock) -> Self {
        Self { far: Arc::default(), clock: clock.clone(), watched: Arc::default(), by: "" }
    }

    /// The S3 itself: past the wire, and past every policy.
    pub fn s3(&self) -> &S3 {
        let open = || {
            let folder = tempfile::tempdir().unwrap();
            let origins = [ORIGIN.to_owned()];
            (S3::open(folder.path(), BUCKET, Access::local(), &origins, self.clock.clone()).unwrap(), folder)
        };
        &self.far.get_or_init(open).0
    }

    /// The bucket as `by` reaches it.
    pub async fn bucket(&self, by: &'static str, clock: &Clock, rng: &Rng) -> Bucket {
        let Access { id, secret } = Access::local();
        let connection = Connection {
            bucket: BUCKET.to_owned(),
            endpoint: Some(ENDPOINT.to_owned()),
            region: "ap-northeast-2".to_owned(),
            credentials: Some((id, secret)),
            http: Some(SharedHttpClient::new(Self { by, ..self.clone() })),
        };
        Bucket::connect(connection, clock, rng).await
    }

    /// What becomes of each call; another rule takes this one's place.
    pub fn rule(&self, rule: impl FnMut(&Asked) -> Action + Send + 'static) {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner).rule = Some(Box::new(rule));
    }

    /// The calls so far; the record begins anew.
    pub fn take_asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.watched.lock().unwrap_or_else(PoisonError::into_inner).asked)
    }

    /// A request as a browser makes it, to a URL that was handed out.
    pub async fn browse(&self, method: Method, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Stored {
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(axum::body::Body::from(body.to_vec())).unwrap();
        let (parts, body) = self.s3().answer(request).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Stored { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// The keys of everything that is there, in their order: read from the folder.
    pub fn keys(&self) -> Vec<String> {
        fn walk(folder: &std::path::Path, before: &str, found: &mut Vec<String>) {
            for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
                let name = format!("{before}{}", entry.file_name().to_str().unwrap());
                if entry.path().is_dir() { walk(&entry.path(), &format!("{name}/"), found) } else { found.push(name) }
            }
        }
        self.s3();
        let mut found = vec![];
        walk(&self.far.get().unwrap().1.path().join(BUCKET), "", &mut found);
        found.sort_unstable();
        found
    }

    /// The bytes under a key, and what they are served with.
    pub async fn served(&self, key: &str) -> Option<Served> {
        let client = client(ENDPOINT, self.s3().http_client(), Some(self.clock.clone()));
        let found = client.get_object().bucket(BUCKET).key(key).send().await.ok()?;
        Some(Served {
            content_type: found.content_type.unwrap_or_default(),
            disposition: found.content_disposition.unwrap_or_default(),
            cache_control: found.cache_control.unwrap_or_default(),
            bytes: found.body.collect().await.unwrap().to_vec(),
        })
    }

    async fn pass(self, request: HttpRequest, onward: SharedHttpConnector) -> Result<HttpResponse, ConnectorError> {
        let asked = Asked::of(self.by, &request);
        for access in asked.needs() {
            self.must_be_granted(&access);
        }
        let action = {
            let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
            watched.asked.push(asked.clone());
            watched.rule.as_mut().map_or(Action::Pass, |rule| rule(&asked))
        };
        let lost = || ConnectorError::timeout("lost on the wire".into());
        match action {
            Action::LoseRequest => return Err(lost()),
            Action::LoseAnswer => return onward.call(request).await.and(Err(lost())),
            Action::Wait(gate) => gate.passed().await,
            Action::Refuse { status, code } => {
                let body = format!("<Error><Code>{code}</Code><Message>injected</Message></Error>");
                return Ok(HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body)));
            }
            _ => {}
        }
        let response = onward.call(request).await?;
        if response.status().as_u16() == 404 {
            // Whoever may not list is told 403 of what is not there.
            self.must_be_granted(&policies::Access::to_list());
        }
        Ok(response)
    }

    /// The test itself may do everything.
    fn must_be_granted(&self, access: &policies::Access) {
        let granted = self.by.is_empty() || Policies::deployed().is_granted(self.by, access);
        assert!(granted, "no template lets {} do {access:?}", self.by);
    }
}

impl HttpClient for ObjectWire {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let onward = self.s3().http_connector(settings, components);
        SharedHttpConnector::new(Connector { wire: self.clone(), onward })
    }
}

#[derive(Clone, Debug)]
struct Connector {
    wire: ObjectWire,
    onward: SharedHttpConnector,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.wire.clone().pass(request, self.onward.clone()))
    }
}
