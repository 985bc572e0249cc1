//! The way to CloudFront: the seam where tests watch, break and lie, under the policy that is deployed; and CloudFront as
//! the SDK meets it.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_cloudfront::{
    Client,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig},
    error::ProvideErrorMetadata,
    types::{InvalidationBatch, Paths},
};
use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
    },
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::body::SdkBody;
use cdn::Connection;
use clock::{Movable, Rng};
use devloop_local::cloudfront::{CloudFront, DISTRIBUTION, Origin, OriginAccess, Settings};
use testkit::Action;

use crate::policies;

type Rule = Box<dyn FnMut(&mut String) -> Action + Send>;

#[derive(Default)]
struct Watched {
    asked: Vec<String>,
    rule: Option<Rule>,
}

/// The stand-in for CloudFront and everything that happens on the way to it.
#[derive(Clone)]
pub struct CdnWire {
    cloudfront: CloudFront,
    watched: Arc<Mutex<Watched>>,
    by: &'static str,
}

impl std::fmt::Debug for CdnWire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CdnWire").field("by", &self.by).finish_non_exhaustive()
    }
}

impl CdnWire {
    pub fn to(cloudfront: &CloudFront) -> Self {
        Self { cloudfront: cloudfront.clone(), watched: Arc::default(), by: "" }
    }

    /// What `by` speaks to CloudFront with.
    pub fn connection(&self, by: &'static str) -> Connection {
        Connection {
            endpoint: Some("http://cloudfront.test".to_owned()),
            credentials: Some(("test".to_owned(), "test".to_owned())),
            http: Some(SharedHttpClient::new(Self { by, ..self.clone() })),
        }
    }

    /// What becomes of each call, whose body may be changed; another rule takes this one's place.
    pub fn rule(&self, rule: impl FnMut(&mut String) -> Action + Send + 'static) {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner).rule = Some(Box::new(rule));
    }

    /// The bodies of the calls so far; the record begins anew.
    pub fn take_asked(&self) -> Vec<String> {
        std::mem::take(&mut self.watched.lock().unwrap_or_else(PoisonError::into_inner).asked)
    }

    async fn pass(self, mut request: HttpRequest, onward: SharedHttpConnector) -> Result<HttpResponse, ConnectorError> {
        let access = policies::Access::to_invalidate();
        let granted = policies::Policies::deployed().is_granted(self.by, &access);
        assert!(granted && request.method() == "POST", "no template lets {} do {access:?}", self.by);
        let mut body = String::from_utf8(request.body().bytes().unwrap().to_vec()).unwrap();
        let action = {
            let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
            watched.asked.push(body.clone());
            watched.rule.as_mut().map_or(Action::Pass, |rule| rule(&mut body))
        };
        *request.body_mut() = SdkBody::from(body);
        let lost = || ConnectorError::timeout("lost on the wire".into());
        match action {
            Action::LoseRequest => Err(lost()),
            Action::LoseAnswer => onward.call(request).await.and(Err(lost())),
            Action::Refuse { status, code } => {
                let error = format!(
                    "<ErrorResponse><Error><Code>{code}</Code><Message>injected</Message></Error></ErrorResponse>"
                );
                Ok(HttpResponse::new(status.try_into().unwrap(), SdkBody::from(error)))
            }
            _ => onward.call(request).await,
        }
    }
}

impl HttpClient for CdnWire {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let onward = self.cloudfront.http_connector(settings, components);
        SharedHttpConnector::new(Connector { wire: self.clone(), onward })
    }
}

#[derive(Clone, Debug)]
struct Connector {
    wire: CdnWire,
    onward: SharedHttpConnector,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.wire.clone().pass(request, self.onward.clone()))
    }
}

/// A CloudFront of its own, as the SDK meets it.
struct Far {
    client: Client,
    clock: Movable,
}

impl Far {
    fn new() -> Self {
        let clock = Movable::standing_at("2026-11-24T00:00:00Z".parse().unwrap());
        let access = OriginAccess { id: "test".to_owned(), secret: "test".to_owned(), region: "test".to_owned() };
        let origin = Origin::new("http://127.0.0.1:9".parse().unwrap(), access).unwrap();
        let settings = Settings { invalidation_seconds: 60, ..Settings::default() };
        let cloudfront = CloudFront::new(settings, origin, clock.clock(), Rng::from_seed(1));
        let config = aws_sdk_cloudfront::config::Builder::new()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .retry_config(RetryConfig::disabled())
            .endpoint_url("http://cloudfront.test")
            .http_client(cloudfront.http_client());
        Self { client: Client::from_conf(config.build()), clock }
    }

    /// The invalidation's id, or the code of its refusal.
    async fn invalidate(&self, reference: &str, paths: &[String]) -> Result<String, String> {
        self.invalidate_some(reference, paths, paths.len()).await
    }

    async fn invalidate_some(&self, reference: &str, paths: &[String], quantity: usize) -> Result<String, String> {
        let quantity = i32::try_from(quantity).unwrap();
        let paths = Paths::builder().quantity(quantity).set_items(Some(paths.to_vec())).build().unwrap();
        let batch = InvalidationBatch::builder().paths(paths).caller_reference(reference).build().unwrap();
        let asked = self.client.create_invalidation().distribution_id(DISTRIBUTION).invalidation_batch(batch);
        match asked.send().await {
            Ok(made) => {
                let invalidation = made.invalidation.unwrap();
                assert!(made.location.unwrap().ends_with(&invalidation.id));
                Ok(invalidation.id)
            }
            Err(refused) => Err(refused.code().unwrap().to_owned()),
        }
    }

    async fn status(&self, id: &str) -> String {
        let asked = self.client.get_invalidation().distribution_id(DISTRIBUTION).id(id);
        asked.send().await.unwrap().invalidation.unwrap().status
    }
}

fn paths(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn many(count: usize, end: &str) -> Vec<String> {
    (0..count).map(|n| format!("/{count}/{n}{end}")).collect()
}

#[tokio::test]
async fn an_invalidation_is_in_progress_and_then_completed() {
    let far = Far::new();
    let id = far.invalidate("one", &paths(&["/a/b", "/a/*", "/%EA%B0%80&"])).await.unwrap();
    let told = far.client.get_invalidation().distribution_id(DISTRIBUTION).id(&id).send().await.unwrap();
    let told = told.invalidation.unwrap();
    let batch = told.invalidation_batch.unwrap();
    assert_eq!(
        (batch.caller_reference(), batch.paths().unwrap().items()),
        ("one", &*paths(&["/a/b", "/a/*", "/%EA%B0%80&"]))
    );
    assert_eq!((told.status.as_str(), told.create_time.secs()), ("InProgress", 1_795_478_400));
    far.clock.advance(60_000);
    assert_eq!(far.status(&id).await, "Completed");
}

#[tokio::test]
async fn one_reference_is_one_invalidation() {
    let far = Far::new();
    let id = far.invalidate("one", &paths(&["/a", "/b"])).await.unwrap();
    assert_eq!(far.invalidate("one", &paths(&["/b", "/a"])).await, Ok(id.clone()));
    far.clock.advance(3_600_000);
    assert_eq!(far.invalidate("one", &paths(&["/a", "/b"])).await, Ok(id.clone()));
    assert_eq!(far.invalidate("one", &paths(&["/a"])).await, Err("InvalidationBatchAlreadyExists".to_owned()));
    assert_ne!(far.invalidate("two", &paths(&["/a", "/b"])).await, Ok(id));
}

#[tokio::test]
async fn as_many_are_in_progress_as_may_be() {
    let far = Far::new();
    let too_many = Err("TooManyInvalidationsInProgress".to_owned());
    far.invalidate("files", &many(2_999, "")).await.unwrap();
    assert_eq!(far.invalidate("two more", &many(2, "")).await, too_many);
    far.invalidate("one more", &many(1, "")).await.unwrap();
    // Wildcards are counted apart.
    far.invalidate("wildcards", &many(15, "/*")).await.unwrap();
    assert_eq!(far.invalidate("wildcard", &many(1, "/*")).await, too_many);
    far.clock.advance(60_000);
    far.invalidate("wildcard", &many(1, "/*")).await.unwrap();
    far.invalidate("two more", &many(2, "")).await.unwrap();
    for (reference, paths) in [("large", many(3_001, "")), ("wide", many(16, "/*"))] {
        assert_eq!(far.invalidate(reference, &paths).await, Err("BatchTooLarge".to_owned()));
    }
}

#[tokio::test]
async fn what_is_no_invalidation_is_refused() {
    let far = Far::new();
    for bad in [&[][..], &["a"], &["/a", "/a*b"], &["/*/a"], &["/가"], &["/a b"]] {
        assert_eq!(far.invalidate("bad", &paths(bad)).await, Err("InvalidArgument".to_owned()), "{bad:?}");
    }
    assert_eq!(far.invalidate("", &paths(&["/a"])).await, Err("InvalidArgument".to_owned()));
    let long = vec![format!("/{}", "a".repeat(4_000))];
    assert_eq!(far.invalidate("long", &long).await, Err("InvalidArgument".to_owned()));
    assert_eq!(far.invalidate_some("miscounted", &paths(&["/a"]), 2).await, Err("InconsistentQuantities".to_owned()));
    let elsewhere = far.client.get_invalidation().distribution_id("E0").id("x").send().await.unwrap_err();
    assert_eq!(elsewhere.code(), Some("NoSuchDistribution"));
    let unknown = far.client.get_invalidation().distribution_id(DISTRIBUTION).id("x").send().await.unwrap_err();
    assert_eq!(unknown.code(), Some("NoSuchInvalidation"));
}
