//! The way to the queues: the seam where tests watch, break and lie, under the policies that are deployed.

use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
    },
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::body::SdkBody;
use config::Queues;
use devloop_local::{queues::CDN, sqs::Sqs};
use jobs::{CdnJob, Connection, Jobs, Queue};
use serde_json::{Value, json};
use testkit::Action;

use crate::{app::TestApp, policies};

/// A message on its way.
#[derive(Clone, Debug)]
pub struct Sent {
    /// To which queue.
    pub queue: String,
    /// What it says.
    pub message: Value,
    /// How long it is kept back, in seconds.
    pub delay: i64,
}

type Rule = Box<dyn FnMut(&Sent) -> Action + Send>;

#[derive(Default)]
struct Watched {
    sent: Vec<Sent>,
    rule: Option<Rule>,
}

/// The stand-in of SQS and everything that happens on the way to it.
#[derive(Clone)]
pub struct QueueWire {
    sqs: Sqs,
    watched: Arc<Mutex<Watched>>,
    by: &'static str,
}

impl std::fmt::Debug for QueueWire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QueueWire").field("by", &self.by).finish_non_exhaustive()
    }
}

impl QueueWire {
    pub fn to(sqs: &Sqs) -> Self {
        Self { sqs: sqs.clone(), watched: Arc::default(), by: "" }
    }

    /// What `by` sends messages with.
    pub async fn jobs(&self, by: &'static str, queues: &Queues, clock: &clock::Clock, rng: &clock::Rng) -> Jobs {
        Jobs::connect(self.connection(by), queues, clock, rng).await
    }

    /// What `by` sends paths with that the CDN is to forget.
    pub async fn cdn(&self, by: &'static str, clock: &clock::Clock, rng: &clock::Rng) -> Queue<CdnJob> {
        Queue::connect(self.connection(by), &self.sqs.url(CDN), clock, rng).await
    }

    fn connection(&self, by: &'static str) -> Connection {
        Connection {
            endpoint: Some("http://sqs.test".to_owned()),
            region: "ap-northeast-2".to_owned(),
            credentials: Some(("test".to_owned(), "test".to_owned())),
            http: Some(SharedHttpClient::new(Self { by, ..self.clone() })),
        }
    }

    /// What becomes of each message; another rule takes this one's place.
    pub fn rule(&self, rule: impl FnMut(&Sent) -> Action + Send + 'static) {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner).rule = Some(Box::new(rule));
    }

    /// The attempts so far; the record begins anew.
    pub fn take_sent(&self) -> Vec<Sent> {
        std::mem::take(&mut self.watched.lock().unwrap_or_else(PoisonError::into_inner).sent)
    }

    /// What the templates say of a call; the test itself may do everything.
    fn must_be_granted(&self, target: &str, body: &Value) {
        let queue = body["QueueUrl"].as_str().unwrap().rsplit('/').next().unwrap();
        let access = policies::Access::to_queue(&target.replace("AmazonSQS.", "sqs:"), queue);
        let granted = self.by.is_empty() || policies::Policies::deployed().is_granted(self.by, &access);
        assert!(granted, "no template lets {} do {access:?}", self.by);
    }

    async fn pass(self, request: HttpRequest, onward: SharedHttpConnector) -> Result<HttpResponse, ConnectorError> {
        let body: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        let target = request.headers().get("x-amz-target").unwrap_or_default().to_owned();
        if target != "AmazonSQS.SendMessage" {
            self.must_be_granted(&target, &body);
            return onward.call(request).await;
        }
        let sent = Sent {
            queue: body["QueueUrl"].as_str().unwrap().rsplit('/').next().unwrap().to_owned(),
            message: serde_json::from_str(body["MessageBody"].as_str().unwrap()).unwrap(),
            delay: body["DelaySeconds"].as_i64().unwrap(),
        };
        self.must_be_granted(&target, &body);
        let action = {
            let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
            watched.sent.push(sent.clone());
            watched.rule.as_mut().map_or(Action::Pass, |rule| rule(&sent))
        };
        let lost = || ConnectorError::timeout("lost on the wire".into());
        match action {
            Action::LoseRequest => Err(lost()),
            Action::LoseAnswer => onward.call(request).await.and(Err(lost())),
            Action::Refuse { status, code } => {
                let body = json!({ "__type": format!("com.amazonaws.sqs#{code}"), "message": "injected" });
                Ok(HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body.to_string())))
            }
            _ => onward.call(request).await,
        }
    }
}

impl HttpClient for QueueWire {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let onward = self.sqs.http_connector(settings, components);
        SharedHttpConnector::new(Connector { wire: self.clone(), onward })
    }
}

#[derive(Clone, Debug)]
struct Connector {
    wire: QueueWire,
    onward: SharedHttpConnector,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.wire.clone().pass(request, self.onward.clone()))
    }
}

#[tokio::test]
async fn a_message_is_sent_again_until_it_is_taken_or_patience_ends() {
    let app = TestApp::start().await;
    let send = async || {
        let job = jobs::PaymentJob::CheckPayment { order_id: "01KB2M3N4P5Q6R7S8T9V0W1X2Y".parse().unwrap() };
        let jobs = app.jobs_of("confirm_payment").await;
        jobs.payments.send(job, std::time::Duration::from_mins(1)).await
    };
    tokio::time::pause();
    for how in [
        Action::LoseRequest,
        Action::LoseAnswer,
        Action::Refuse { status: 503, code: "ServiceUnavailable" },
        Action::Refuse { status: 400, code: "ThrottlingException" },
    ] {
        let mut left = 2;
        app.queues.take_sent();
        let once = how.clone();
        app.queues.rule(move |_| {
            left -= 1;
            if left > 0 { once.clone() } else { Action::Pass }
        });
        let id = send().await.unwrap();
        let sent = app.queues.take_sent();
        let ids: Vec<&str> = sent.iter().map(|sent| sent.message["id"].as_str().unwrap()).collect();
        assert_eq!(ids, [id.as_str(); 2], "{how:?}");
        app.queues.rule(move |_| how.clone());
        assert!(matches!(send().await, Err(jobs::NotSent::Busy)));
        assert!(app.queues.take_sent().len() > 2);
    }
    app.queues.rule(|_| Action::Refuse { status: 400, code: "QueueDoesNotExist" });
    assert!(matches!(send().await, Err(jobs::NotSent::Refused { code, .. }) if code == "QueueDoesNotExist"));
    assert_eq!(app.queues.take_sent().len(), 1);
}
