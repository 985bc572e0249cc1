//! One process, and everything that can befall its calls.

use std::{
    future::pending,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use devloop_local::toss_sandbox::{FaultKind, Operation};
use futures::future::BoxFuture;
use http_body_util::BodyExt;
use serde_json::Value;
use testkit::{Call, Lost, Passage};
use tokio::sync::Notify;
use toss::{NoAnswer, TimeOut, Transport};
use tower::ServiceExt;

use super::{World, is_read, sorted};
use crate::faults::{Fault, Service, latency};

/// One process that makes calls: it can die at any of them, and be started anew.
#[derive(Clone, Debug)]
pub struct Host {
    world: World,
    name: Arc<str>,
    doing: Arc<Mutex<(&'static str, Option<i64>)>>,
    killed: Arc<Notify>,
}

impl Host {
    /// A host whose steps are counted under `name`.
    pub fn new(world: &World, name: &str) -> Self {
        Self { world: world.clone(), name: name.into(), doing: Arc::default(), killed: Arc::default() }
    }

    /// What it is about to do: the operation that its calls are labelled with, and the amount
    /// that the client says is to be paid.
    pub fn does(&self, operation: &'static str, amount: Option<i64>) {
        *self.doing.lock().unwrap_or_else(PoisonError::into_inner) = (operation, amount);
    }

    /// Runs one invocation until it ends, dies or is cut off after 28 seconds.
    pub async fn invoke<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.killed.notified() => None,
            done = work => Some(done),
            () = tokio::time::sleep(Duration::from_secs(28)) => None,
        }
    }

    /// Waits where a scenario wants it to.
    async fn pass_gate(&self, told: &str) {
        let gate = self.world.state().gates.meet(&self.name, told);
        if let Some(gate) = gate {
            self.world.note(&format!("{} is held", self.name));
            gate.wait().await;
        }
    }

    async fn die(&self) -> ! {
        self.world.note(&format!("{} dies", self.name));
        self.killed.notify_one();
        pending().await
    }

    async fn dynamo(&self, mut call: Call) -> Result<(u16, String), Lost> {
        let world = &self.world;
        let (operation, amount) = *self.doing.lock().unwrap_or_else(PoisonError::into_inner);
        call.by = operation;
        let service = match call.operation.as_str() {
            "BatchGetItem" => Service::BatchRead,
            operation if is_read(operation) => Service::Read,
            _ => Service::Write,
        };
        let (step, fault) = world.step(&self.name, service);
        if let Some(bug) = world.0.bug {
            bug.alter(&mut call);
        }
        let told = format!(
            "{step} {} {} {}",
            call.operation,
            fault.map_or(String::new(), |fault| format!("{fault:?}")),
            sorted(&call.body)
        );
        tokio::time::sleep(latency(world.seed(), &step, "to")).await;
        world.note(&told);
        self.pass_gate(&told).await;
        let effect = || world.dynamo_effect(&call);
        let answer = match fault {
            None => effect(),
            Some(Fault::CrashBefore) => self.die().await,
            Some(Fault::CrashAfter) => {
                effect();
                self.die().await
            }
            Some(Fault::AnswerLost | Fault::BrokenAfter) => {
                let _unheard = effect();
                if fault == Some(Fault::AnswerLost) {
                    return Err(Lost);
                }
                error(500, "InternalServerError")
            }
            Some(fault @ (Fault::Late | Fault::VeryLate)) => {
                let (world, call) = (world.clone(), call.clone());
                later(fault.lateness(), async move {
                    world.note(&format!("late {} {}", call.operation, sorted(&call.body)));
                    let _unheard = world.dynamo_effect(&call);
                });
                tokio::time::sleep(Duration::from_secs(2)).await;
                return Err(Lost);
            }
            Some(Fault::Throttled) => error(400, "ProvisionedThroughputExceededException"),
            Some(Fault::Conflict) => conflict(&call),
            Some(Fault::Broken) => error(500, "InternalServerError"),
            Some(Fault::Unprocessed) => {
                let unread = serde_json::json!({ "Responses": {}, "UnprocessedKeys": call.body["RequestItems"] });
                (200, unread.to_string())
            }
            Some(_) => return Err(Lost),
        };
        tokio::time::sleep(latency(world.seed(), &step, "back")).await;
        world.note(&format!("{step} {}", answer.0));
        let answer = match world.0.bug {
            Some(bug) => bug.alter_answer(&call, amount, answer),
            None => answer,
        };
        Ok(answer)
    }

    /// A message on its way into a queue.
    async fn queue(&self, mut call: Call) -> Result<(u16, String), Lost> {
        let world = &self.world;
        if let Some(bug) = world.0.bug {
            bug.alter_message(&mut call);
        }
        let (step, fault) = world.step(&self.name, Service::Queue);
        tokio::time::sleep(latency(world.seed(), &step, "to")).await;
        world.note(&format!("{step} {} {fault:?} {}", call.operation, sorted(&call.body)));
        let send = async || {
            let mut request = http::Request::new(axum::body::Body::from(call.body.to_string()));
            *request.method_mut() = http::Method::POST;
            let target = format!("AmazonSQS.{}", call.operation);
            request.headers_mut().insert("x-amz-target", target.parse().unwrap());
            request.headers_mut().insert("content-type", "application/x-amz-json-1.0".parse().unwrap());
            world.state().queued += 1;
            let response = world.sqs().router().oneshot(request).await.unwrap();
            let status = response.status().as_u16();
            let body = response.into_body().collect().await.unwrap().to_bytes();
            (status, String::from_utf8_lossy(&body).into_owned())
        };
        let answer = match fault {
            None => send().await,
            Some(Fault::CrashBefore) => self.die().await,
            Some(Fault::CrashAfter) => {
                send().await;
                self.die().await
            }
            Some(Fault::AnswerLost) => {
                send().await;
                return Err(Lost);
            }
            Some(Fault::Twice) => {
                send().await;
                send().await
            }
            Some(Fault::Broken) => error(500, "InternalError"),
            Some(_) => return Err(Lost),
        };
        tokio::time::sleep(latency(world.seed(), &step, "back")).await;
        Ok(answer)
    }

    async fn toss(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, NoAnswer> {
        let world = &self.world;
        let TimeOut(limit) = request.extensions().get().copied().unwrap_or(TimeOut::USUAL);
        let posts = request.method() == http::Method::POST;
        let service = if posts { Service::TossPost } else { Service::TossQuery };
        let (step, fault) = world.step(&self.name, service);
        let request = match world.0.bug {
            Some(bug) => bug.alter_toss(request, &step),
            None => request,
        };
        let path = request.uri().path().to_owned();
        let key = request.headers().get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or("").to_owned();
        tokio::time::sleep(latency(world.seed(), &step, "to")).await;
        let told =
            format!("{step} {} {path} {key} {} {fault:?}", request.method(), String::from_utf8_lossy(request.body()));
        world.note(&told);
        self.pass_gate(&told).await;
        let none = || NoAnswer::new("lost on the wire");
        let operation = match (posts, path.ends_with("/cancel")) {
            (true, true) => Operation::Cancel,
            (true, false) => Operation::Confirm,
            (false, _) => Operation::Get,
        };
        let strike = |status, code: &str| {
            world.sandbox().fail_next(operation, FaultKind::Error { status, code: code.to_owned() });
        };
        match fault {
            Some(Fault::CrashBefore) => self.die().await,
            Some(Fault::RequestLost) => {
                tokio::time::sleep(limit).await;
                return Err(none());
            }
            Some(fault @ (Fault::Late | Fault::VeryLate)) => {
                let (world, copy) = (world.clone(), copy(&request));
                later(fault.lateness(), async move {
                    world.note("late at Toss");
                    let _unheard = world.at_toss(copy).await;
                });
                tokio::time::sleep(limit).await;
                return Err(none());
            }
            Some(Fault::Broken) => return Ok(broken()),
            Some(Fault::Twice) => drop(world.at_toss(copy(&request)).await),
            Some(Fault::ProviderError) => strike(400, "PROVIDER_ERROR"),
            Some(Fault::StillProcessing) => strike(409, "IDEMPOTENT_REQUEST_PROCESSING"),
            Some(Fault::TooSoon) => strike(403, "FORBIDDEN_CONSECUTIVE_REQUEST"),
            Some(Fault::UnknownCode) if operation == Operation::Confirm => strike(400, "ALREADY_PROCESSED_PAYMENT"),
            Some(Fault::UnknownCode) => strike(400, "INVALID_REQUEST"),
            // Toss repeats what it answered to a key, and refuses nothing that it has done.
            Some(Fault::Refused) if world.state().keys_at_toss.contains(&key) => {}
            Some(Fault::Refused) if operation == Operation::Confirm => strike(403, "REJECT_CARD_COMPANY"),
            Some(Fault::Refused) => strike(403, "REFUND_REJECTED"),
            Some(Fault::WrongAmount) => world.sandbox().fail_next(operation, FaultKind::WrongAmount),
            Some(Fault::WrongOrder) => world.sandbox().fail_next(operation, FaultKind::WrongOrder),
            _ => {}
        }
        let answer = match world.0.bug {
            Some(bug) if bug.fakes(&request) => Ok(bug.fake(&request)),
            _ => world.at_toss(request).await,
        };
        // One that found nothing to strike must not strike another call.
        world.sandbox().clear_faults();
        match fault {
            Some(Fault::CrashAfter) => self.die().await,
            Some(Fault::AnswerLost) => {
                tokio::time::sleep(limit).await;
                return Err(none());
            }
            Some(Fault::BrokenAfter) => return Ok(broken()),
            Some(Fault::Slow) => tokio::time::sleep(Duration::from_secs(10)).await,
            _ => {}
        }
        let answer = match (world.0.bug, answer) {
            (Some(bug), Ok(answer)) => Ok(bug.alter_toss_answer(&path, answer)),
            (_, answer) => answer,
        };
        tokio::time::sleep(latency(world.seed(), &step, "back")).await;
        world.note(&format!("{step} {}", answer.as_ref().map_or(0, |answer| answer.status().as_u16())));
        answer
    }
}

impl World {
    /// What Toss does with a request, and answers.
    async fn at_toss(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, NoAnswer> {
        let posts = request.method() == http::Method::POST;
        if let Some(key) = request.headers().get("idempotency-key").and_then(|key| key.to_str().ok()) {
            self.state().keys_at_toss.insert(key.to_owned());
        }
        let answer = self.0.sandbox.transport().send(request).await?;
        if posts {
            self.0.toss_moved.notify_one();
        }
        let Ok(mut payment) = serde_json::from_slice::<Value>(answer.body()) else { return Ok(answer) };
        let key = payment["paymentKey"].as_str().unwrap_or_default();
        if payment["status"] == "WAITING_FOR_DEPOSIT" && self.state().pays_at_once.remove(key) {
            self.pay_in(key);
        }
        if payment["status"] != "DONE" || !self.state().taken_back.contains(key) {
            return Ok(answer);
        }
        payment["status"] = "WAITING_FOR_DEPOSIT".into();
        Ok(answer.map(|_| payment.to_string().into()))
    }
}

impl Passage for Host {
    fn pass(&self, call: Call) -> BoxFuture<'_, Result<(u16, String), Lost>> {
        if call.operation == "SendMessage" {
            return Box::pin(self.queue(call));
        }
        Box::pin(self.dynamo(call))
    }
}

impl Transport for Host {
    fn send(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, NoAnswer>> {
        Box::pin(self.toss(request))
    }
}

/// Does something after a while, whatever becomes of who asked for it.
pub fn later(wait: Duration, work: impl Future<Output = ()> + Send + 'static) {
    #[expect(clippy::disallowed_methods, reason = "what was sent arrives, whatever becomes of the sender")]
    tokio::spawn(async move {
        tokio::time::sleep(wait).await;
        work.await;
    });
}

fn copy(request: &http::Request<Bytes>) -> http::Request<Bytes> {
    let mut copy = http::Request::new(request.body().clone());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    copy
}

fn broken() -> http::Response<Bytes> {
    let body = r#"{"code":"FAILED_INTERNAL_SYSTEM_PROCESSING","message":""}"#;
    let mut response = http::Response::new(Bytes::from_static(body.as_bytes()));
    *response.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
    response
}

fn error(status: u16, code: &str) -> (u16, String) {
    (
        status,
        serde_json::json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": "injected" })
            .to_string(),
    )
}

fn conflict(call: &Call) -> (u16, String) {
    let Some(writes) = call.body.get("TransactItems").and_then(Value::as_array) else {
        return error(400, "TransactionConflictException");
    };
    let reasons: Vec<Value> = (0..writes.len())
        .map(|n| serde_json::json!({ "Code": if n == 0 { "TransactionConflict" } else { "None" } }))
        .collect();
    let kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
    (400, serde_json::json!({ "__type": kind, "message": "injected", "CancellationReasons": reasons }).to_string())
}
