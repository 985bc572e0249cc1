//! The whole API in process, over a fresh table, a standing clock and seeded ids.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use auth::{Cost, Hasher, SigningKey};
use bytes::Bytes;
use cdn::Distribution;
use clock::{Movable, Rng};
use config::{Invalidation, Payments, Secret, Settings, Supplier};
use devloop_http::{ClientAddress, Route, router};
use devloop_local::{
    cloudfront::{self, CloudFront, DISTRIBUTION, Origin, OriginAccess},
    functions::{Parts, toss_over},
    queues::{Played, Pump, declare},
    sqs::{self, Sqs},
    stream::{self, StreamPump},
    toss_sandbox::{Location, TossSandbox},
};
use domain::time::Time;
use futures::future::BoxFuture;
use http::{HeaderMap, Method, Request};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use storage::{Table, Write, items::User, keys};
use testkit::Wire;
use toss::{NoAnswer, Transport};
use tower::ServiceExt;

use crate::{
    cdn::CdnWire,
    contract,
    objects::{ObjectWire, Stored},
    policies,
    queues::QueueWire,
};

pub const PASSWORD: &str = "correct horse battery";
const TOSS: &str = "http://toss.test";
const TOSS_SECRET_KEY: &str = "test_sk_local";
/// Where public files are read from.
pub const CDN: &str = "https://cdn.test";

/// How many paths a month the CDN forgets for nothing.
const FREE_PATHS: u64 = 1_000;

/// Where the CDN finds nothing: tests that read files bring an origin of their own.
fn nowhere() -> Origin {
    let access = OriginAccess { id: "test".to_owned(), secret: "test".to_owned(), region: "test".to_owned() };
    Origin::new("http://127.0.0.1:9".parse().unwrap(), access).unwrap()
}

/// Somebody with an account, signed in.
#[derive(Clone, Debug)]
pub struct Account {
    pub id: String,
    pub email: String,
    pub token: String,
    pub refresh: String,
}

pub struct TestApp {
    pub clock: Movable,
    pub wire: Wire,
    pub table: Table,
    pub parts: Parts,
    pub routes: Vec<Route>,
    pub sandbox: TossSandbox,
    pub sqs: Sqs,
    pub queues: QueueWire,
    pub stream: StreamPump,
    pub cloudfront: CloudFront,
    pub cdn: CdnWire,
    pub objects: ObjectWire,
    asked: Asked,
    router: axum::Router,
}

/// The way to Toss, with how often it was gone, and with what last.
#[derive(Clone, Debug)]
struct Asked {
    onward: Arc<dyn Transport>,
    times: Arc<AtomicUsize>,
    last: Arc<Mutex<Bytes>>,
}

impl Transport for Asked {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, NoAnswer>> {
        self.times.fetch_add(1, Ordering::Relaxed);
        *self.last.lock().unwrap() = request.body().clone();
        self.onward.send(request)
    }
}

/// The way from Toss to us.
#[derive(Debug)]
struct FrontDoor(axum::Router);

impl Transport for FrontDoor {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, NoAnswer>> {
        Box::pin(async {
            let (parts, body) = self.0.clone().oneshot(request.map(axum::body::Body::from)).await.unwrap().into_parts();
            Ok(http::Response::from_parts(parts, body.collect().await.unwrap().to_bytes()))
        })
    }
}

pub fn settings() -> Settings {
    let key = SigningKey::generate(&Rng::from_seed(1)).unwrap();
    Settings {
        table: "devloop".to_owned(),
        region: "ap-northeast-2".to_owned(),
        dynamodb_endpoint: None,
        token_private_key: Some(key.private_pem),
        token_public_keys: key.public_jwks,
        refresh_key: Some(Secret::new("refresh-key-of-tests")),
        cursor_key: Secret::new("cursor-key-of-tests"),
        account_key: Some(Secret::new("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff")),
        payments: Some(Payments {
            toss_base_url: TOSS.to_owned(),
            toss_secret_key: Secret::new(TOSS_SECRET_KEY),
            toss_client_key: "test_ck_local".to_owned(),
            success_url: "http://localhost/pay/success".to_owned(),
            fail_url: "http://localhost/pay/fail".to_owned(),
            max_order_total: 500_000_000,
            commission: 1_000,
            supplier: Supplier {
                name: "주식회사 데브루프".to_owned(),
                representative: "김대표".to_owned(),
                registration_number: "000-00-00000".to_owned(),
                mail_order_number: "제2026-서울강남-00000호".to_owned(),
                address: "서울특별시 강남구 테헤란로 1".to_owned(),
                contact: "help@devloop.example".to_owned(),
            },
            pwt_deposit_hours: 0,
        }),
        queues: None,
        cdn_queue: None,
        invalidation: Some(Invalidation { distribution_id: DISTRIBUTION.to_owned(), free_paths: 1_000 }),
        cloudfront_endpoint: None,
        sqs_endpoint: None,
        cdn_base_url: CDN.to_owned(),
        media_bucket: Some("devloop-media".to_owned()),
        s3_endpoint: None,
        build: "test".to_owned(),
    }
}

/// Whether the table is another than the embedded one. Paused time and a server elsewhere do not
/// go together: its answers would come after every time-out.
pub fn table_is_elsewhere() -> bool {
    config::Reader::from_environment().optional::<String>("TEST_DYNAMODB").is_some()
}

impl TestApp {
    pub async fn start() -> Self {
        Self::start_with(settings()).await
    }

    pub async fn start_with(mut settings: Settings) -> Self {
        let mut environment = config::Reader::from_environment();
        if environment.optional::<String>("TEST_LOG").is_some() {
            telemetry::start();
        }
        let clock = Movable::standing_at("2026-11-24T00:00:00Z".parse::<Time>().unwrap());
        let (wire, rng) = match environment.optional::<String>("TEST_DYNAMODB") {
            // Tests share it: each has a table of its own, and client tokens that no other test sends.
            Some(url) => {
                let rng = Rng::from_system();
                settings.table = format!("devloop-{}", rng.below(u64::MAX));
                (Wire::remote(&url), rng)
            }
            None => (Wire::embedded(), Rng::from_seed(42)),
        };
        let table = wire.table(&settings.table, &clock.clock(), &rng).await;
        table.create_if_missing().await.unwrap();
        let hasher = Hasher::inline(Cost::TOY, rng.clone()).unwrap();
        let sandbox = TossSandbox::open(&Location::Memory, clock.clock(), Rng::from_seed(43), TOSS_SECRET_KEY).unwrap();
        let asked = Asked { onward: sandbox.transport(), times: Arc::default(), last: Arc::default() };
        let toss = toss_over(Arc::new(asked.clone()), TOSS, TOSS_SECRET_KEY).unwrap();
        let sqs = Sqs::open(&sqs::Location::Memory, clock.clock(), Rng::from_seed(44)).unwrap();
        settings.queues = Some(declare(&sqs).unwrap());
        let queues = QueueWire::to(&sqs);
        let jobs = queues.jobs("", settings.queues.as_ref().unwrap(), &clock.clock(), &rng).await;
        let cdn = queues.cdn("", &clock.clock(), &rng).await;
        let cloudfront = CloudFront::new(cloudfront::Settings::default(), nowhere(), clock.clock(), Rng::from_seed(45));
        let cdn_wire = CdnWire::to(&cloudfront);
        let objects = ObjectWire::new(&clock.clock());
        let bucket = objects.bucket("", &clock.clock(), &rng).await;
        let parts = Parts { settings, clock: clock.clock(), rng: rng.clone(), hasher, toss, jobs, bucket, cdn };
        let own = wire.labelled("event_router").table(&parts.settings.table, &parts.clock, &rng).await;
        let followed = parts.event_router(own).unwrap();
        let stream = StreamPump::new(wire.connection(&parts.settings.table), followed, sqs.clone()).await;
        // Every operation has a client of its own, as every function has: the wire knows who calls.
        let mut routes = vec![];
        for id in parts.routes(&table).unwrap().iter().map(|route| route.id) {
            let own = wire.labelled(id).table(&parts.settings.table, &parts.clock, &rng).await;
            let jobs = queues.jobs(id, parts.settings.queues.as_ref().unwrap(), &parts.clock, &rng).await;
            let cdn = queues.cdn(id, &parts.clock, &rng).await;
            let mut parts = Parts { jobs, cdn, ..parts.clone() };
            if id.ends_with("_attachment") {
                parts.bucket = objects.bucket(id, &parts.clock, &rng).await;
            }
            routes.extend(parts.routes(&own).unwrap().into_iter().filter(|route| route.id == id));
        }
        wire.take_calls();
        wire.standing_rule(policies::enforce);
        let router = router(routes.clone());
        Self {
            clock,
            wire,
            table,
            parts,
            routes,
            sandbox,
            sqs,
            queues,
            stream,
            cloudfront,
            cdn: cdn_wire,
            objects,
            asked,
            router,
        }
    }

    /// The cdn-invalidator's app, with so many paths free each month.
    pub async fn invalidator(&self, free_paths: u64) -> fn_cdn::App {
        let worker = "cdn_invalidator";
        let parts =
            Parts { cdn: self.queues.cdn(worker, &self.parts.clock, &self.parts.rng).await, ..self.parts.clone() };
        let distribution = Distribution::connect(self.cdn.connection(worker), DISTRIBUTION, &self.parts.rng).await;
        fn_cdn::App { free_paths, ..parts.invalidator(self.table_of(worker).await, distribution).unwrap() }
    }

    /// The table as a worker reaches it: under the worker's own policy.
    pub async fn table_of(&self, worker: &'static str) -> Table {
        self.wire.labelled(worker).table(&self.parts.settings.table, &self.parts.clock, &self.parts.rng).await
    }

    /// How often Toss was asked for anything since this was last asked.
    pub fn times_toss_was_asked(&self) -> usize {
        self.asked.times.swap(0, Ordering::Relaxed)
    }

    /// The body of what Toss was asked last.
    pub fn last_sent_to_toss(&self) -> Value {
        serde_json::from_slice(&self.asked.last.lock().unwrap()).unwrap_or_default()
    }

    /// What a function sends messages with: under its own policy.
    pub async fn jobs_of(&self, function: &'static str) -> jobs::Jobs {
        let queues = self.parts.settings.queues.as_ref().unwrap();
        self.queues.jobs(function, queues, &self.parts.clock, &self.parts.rng).await
    }

    /// A worker's app: under the worker's own policy.
    pub async fn worker(&self, worker: &'static str) -> fn_orders::App {
        let parts = Parts { jobs: self.jobs_of(worker).await, ..self.parts.clone() };
        parts.orders(self.table_of(worker).await).unwrap()
    }

    /// The upload-sweeper's parts: under its own policy.
    pub async fn upload_sweeper(&self) -> fn_attachments::Sweeper {
        let by = "upload_sweeper";
        let (clock, rng) = (&self.parts.clock, &self.parts.rng);
        let parts = Parts { bucket: self.objects.bucket(by, clock, rng).await, ..self.parts.clone() };
        let app = parts.attachments(self.table_of(by).await).unwrap();
        fn_attachments::Sweeper { app, cdn: self.queues.cdn(by, clock, rng).await }
    }

    /// Plays what waits in the queues into the workers.
    pub async fn pump(&self) -> Played {
        let (reconciler, invalidator) = (self.worker("payment_reconciler").await, self.invalidator(FREE_PATHS).await);
        Box::pin(Pump::new(self.sqs.clone(), reconciler, invalidator).drain()).await.unwrap()
    }

    /// Plays what changed in the table into the event-router.
    pub async fn drain(&self) -> stream::Played {
        Box::pin(self.stream.drain()).await.unwrap()
    }

    /// Another way from the stream, from its start, to `router`.
    pub async fn replay(&self, router: worker::Handler) -> StreamPump {
        StreamPump::new(self.wire.connection(&self.parts.settings.table), router, self.sqs.clone()).await
    }

    /// The event-router, under its own policy.
    pub async fn event_router(&self) -> worker::Handler {
        self.parts.event_router(self.table_of("event_router").await).unwrap()
    }

    /// Sends the webhooks of the sandbox that are due; answers how many arrived.
    pub async fn deliver_webhooks(&self) -> usize {
        self.sandbox.deliver_webhooks(&FrontDoor(self.router.clone())).await.unwrap()
    }

    pub fn request(&self, method: Method, path: &str) -> Call<'_> {
        let address = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7));
        Call { app: self, method, path: path.to_owned(), headers: HeaderMap::new(), body: vec![], address }
    }

    pub fn get(&self, path: &str) -> Call<'_> {
        self.request(Method::GET, path)
    }

    pub fn post(&self, path: &str) -> Call<'_> {
        self.request(Method::POST, path)
    }

    pub fn put(&self, path: &str) -> Call<'_> {
        self.request(Method::PUT, path)
    }

    pub fn patch(&self, path: &str) -> Call<'_> {
        self.request(Method::PATCH, path)
    }

    pub fn delete(&self, path: &str) -> Call<'_> {
        self.request(Method::DELETE, path)
    }

    /// Signs somebody up through the front door.
    pub async fn sign_up(&self, name: &str) -> Account {
        let email = format!("{name}@example.com");
        let body = json!({ "email": email, "password": PASSWORD, "username": name });
        let body = self.post("/v1/auth/signup").json(&body).send().await.expect(201);
        Account {
            id: body["user"]["id"].as_str().unwrap().to_owned(),
            email,
            token: body["tokens"]["accessToken"].as_str().unwrap().to_owned(),
            refresh: body["tokens"]["refreshToken"].as_str().unwrap().to_owned(),
        }
    }

    /// Logs somebody in anew: after a change of role.
    pub async fn log_in(&self, account: &Account) -> Account {
        let body = json!({ "email": account.email, "password": PASSWORD });
        let body = self.post("/v1/auth/login").json(&body).send().await.expect(200);
        Account {
            token: body["accessToken"].as_str().unwrap().to_owned(),
            refresh: body["refreshToken"].as_str().unwrap().to_owned(),
            ..account.clone()
        }
    }

    /// An admin: made in the table, as the operator's command does.
    pub async fn admin(&self, name: &str) -> Account {
        let account = self.sign_up(name).await;
        self.table.write(Write::update(keys::user(account.id.parse().unwrap())).set("role", "ADMIN")).await.unwrap();
        self.log_in(&account).await
    }

    /// A tutor whose application was approved through the front door.
    pub async fn tutor(&self, name: &str) -> Account {
        let account = self.sign_up(name).await;
        let admin = self.admin(&format!("{name}-approver")).await;
        let application = json!({
            "realName": "박튜터", "portfolioUrl": "https://github.com/park", "accountNumber": "110123456789",
        });
        self.post("/v1/tutor-applications").by(&account).json(&application).send().await.expect(201);
        let approve = format!("/v1/admin/tutor-applications/{}/approve", account.id);
        self.post(&approve).by(&admin).send().await.expect(200);
        self.log_in(&account).await
    }

    /// A PWT on sale, made and approved through the front door. `changes` overwrite its fields.
    pub async fn approved_pwt(&self, tutor: &Account, admin: &Account, changes: Value) -> String {
        let mut body = pwt_body();
        body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let made = self.post("/v1/pwts").by(tutor).json(&body).send().await;
        let etag = made.header("etag").to_owned();
        let id = made.expect(201)["id"].as_str().unwrap().to_owned();
        self.post(&format!("/v1/admin/pwts/{id}/approve")).by(admin).header("if-match", &etag).send().await.expect(200);
        id
    }

    /// Orders a free seat.
    pub async fn buy_free(&self, buyer: &Account, pwt: &str) -> Value {
        let order = self.post("/v1/orders").by(buyer).header("idempotency-key", &format!("free-{}-{pwt}", buyer.id));
        order.json(&json!({ "productIds": [pwt] })).send().await.expect(201)
    }

    /// Uploads `bytes` as a browser does, to where an answer of `create_attachment` says: under the policy of whoever
    /// signed that.
    pub async fn upload(&self, asked: &Value, bytes: &[u8]) -> Stored {
        let upload = &asked["upload"];
        let url = upload["url"].as_str().unwrap();
        let key = url.split(['?', '/']).nth(5).unwrap();
        let access = policies::Access::to_object("s3:PutObject", &format!("uploads/{key}"));
        assert!(policies::Policies::deployed().is_granted("create_attachment", &access), "{access:?}");
        let length = bytes.len().to_string();
        let mut headers = vec![("content-length", length.as_str())];
        let asked = upload["headers"].as_object().unwrap();
        headers.extend(asked.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())));
        self.objects.browse(upload["method"].as_str().unwrap().parse().unwrap(), url, &headers, bytes).await
    }

    /// The stored account.
    pub async fn account(&self, account: &Account) -> User {
        self.table.get_now(keys::user(account.id.parse().unwrap())).await.unwrap().unwrap()
    }
}

/// A PWT's body that is acceptable at the test clock's start.
pub fn pwt_body() -> Value {
    json!({
        "title": "러스트로 만드는 서버리스", "description": "# 함께 만들어요", "price": 50_000,
        "deadline": "2026-12-24T00:00:00Z", "startsAt": "2027-01-04T00:00:00Z", "endsAt": "2027-02-04T00:00:00Z",
        "maxParticipants": 10, "level": "MEDIUM", "category": "WEB_DEV",
    })
}

pub struct Call<'a> {
    app: &'a TestApp,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Vec<u8>,
    address: IpAddr,
}

impl Call<'_> {
    pub fn by(self, account: &Account) -> Self {
        let token = format!("Bearer {}", account.token);
        self.header("authorization", &token)
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(name, value.parse().unwrap());
        self
    }

    pub fn json(self, body: &Value) -> Self {
        self.body(body.to_string()).header("content-type", "application/json")
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub fn from(mut self, address: [u8; 4]) -> Self {
        self.address = IpAddr::from(address);
        self
    }

    pub async fn send(self) -> Reply {
        let mut request = Request::new(axum::body::Body::from(self.body));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.path.parse().unwrap();
        *request.headers_mut() = self.headers;
        request.extensions_mut().insert(ClientAddress(self.address));
        let response = self.app.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let media_type = parts.headers.get("content-type").map_or("", |value| value.to_str().unwrap());
        let body = if bytes.is_empty() {
            Value::Null
        } else if media_type.starts_with("text/") {
            String::from_utf8(bytes.to_vec()).unwrap().into()
        } else {
            serde_json::from_slice(&bytes).unwrap()
        };
        let reply = Reply { status: parts.status.as_u16(), headers: parts.headers, body };
        contract::must_know(&self.app.routes, &self.method, &self.path, &reply);
        reply
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Reply {
    /// The body of an answer with this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    /// The problem document of this refusal.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Value {
        assert_eq!((self.status, self.body["code"].as_str()), (status, Some(code)), "{}", self.body);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        self.body
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}
