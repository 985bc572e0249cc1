//! The HTTP connector under the SDK client: the seam where tests watch, break and lie.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use aws_sdk_dynamodb::config::{RuntimeComponents, SharedHttpClient};
use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
};
use aws_smithy_types::body::SdkBody;
use clock::{Clock, Rng};
use dynoxide::Database;
use serde_json::Value;
use storage::{Connection, Table};
use tokio::sync::Notify;

use crate::embedded;

/// One call to DynamoDB. Rules may change its body.
#[derive(Clone, Debug)]
pub struct Call {
    /// Who calls: the operation that the client was labelled with.
    pub by: &'static str,
    /// Which call, such as `TransactWriteItems`.
    pub operation: String,
    /// Its JSON.
    pub body: Value,
}

impl Call {
    pub(crate) fn of(by: &'static str, request: &HttpRequest) -> Self {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.split_once('.').map_or(target, |(_, operation)| operation).to_owned();
        let body = serde_json::from_slice(request.body().bytes().unwrap_or_default()).unwrap_or_default();
        Self { by, operation, body }
    }

    /// Every key, item or expression in the body that mentions `text`.
    pub fn mentions(&self, text: &str) -> bool {
        self.body.to_string().contains(text)
    }

    /// Removes the conditions of every write in this call whose key or item mentions `item`: what
    /// would happen if the guard had been forgotten.
    pub fn strip_conditions(&mut self, item: &str) {
        let strip = |write: &mut Value| {
            let Some(write) = write.as_object_mut() else { return };
            let target = write.get("Key").or_else(|| write.get("Item")).map(Value::to_string).unwrap_or_default();
            if target.contains(item) {
                write.remove("ConditionExpression");
                prune(write);
            }
        };
        if let Some(actions) = self.body.get_mut("TransactItems").and_then(Value::as_array_mut) {
            actions.retain(|action| {
                let check = action.get("ConditionCheck");
                check.is_none_or(|check| !check.to_string().contains(item))
            });
            for action in actions.iter_mut().filter_map(Value::as_object_mut) {
                action.values_mut().for_each(strip);
            }
        } else {
            strip(&mut self.body);
        }
    }
}

/// DynamoDB refuses names and values that no expression uses.
fn prune(write: &mut serde_json::Map<String, Value>) {
    let used = write.get("UpdateExpression").map(Value::to_string).unwrap_or_default();
    for attributes in ["ExpressionAttributeNames", "ExpressionAttributeValues"] {
        let Some(Value::Object(mentioned)) = write.get_mut(attributes) else { continue };
        mentioned.retain(|name, _| {
            let mut after = used.split(name.as_str()).skip(1);
            after.any(|rest| !rest.starts_with(|next: char| next.is_ascii_digit()))
        });
        if mentioned.is_empty() {
            write.remove(attributes);
        }
    }
}

/// What a call cost, by the database's own word.
#[derive(Clone, Debug)]
pub struct Cost {
    /// Who called.
    pub by: &'static str,
    /// Which call.
    pub operation: String,
    /// `ConsumedCapacity` of its answer: one, or one for each table.
    pub consumed: Value,
}

/// A gate that opens for one who waits, or who comes to wait.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<Notify>);

impl Gate {
    /// Opens it.
    pub fn open(&self) {
        self.0.notify_one();
    }

    /// Waits until it is opened.
    pub async fn passed(&self) {
        self.0.notified().await;
    }
}

impl PartialEq for Gate {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Gate {}

/// What a rule does with a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Lets it through.
    Pass,
    /// Lets it through once the gate is opened: for a race whose order matters.
    Wait(Gate),
    /// Answers with a DynamoDB error instead.
    Refuse {
        /// HTTP status.
        status: u16,
        /// Such as `ThrottlingException`.
        code: &'static str,
    },
    /// Cancels the transaction for a conflict on its first write.
    Conflict,
    /// The request is lost: no effect and no answer.
    LoseRequest,
    /// The answer is lost: the effect happens.
    LoseAnswer,
}

type Rule = Box<dyn FnMut(&mut Call) -> Action + Send>;

enum Far {
    Embedded(Database),
    Remote { url: String, client: SharedHttpClient },
}

#[derive(Default)]
struct Watched {
    standing: Vec<Rule>,
    rules: Vec<Rule>,
    calls: Vec<Call>,
    costs: Vec<Cost>,
}

/// A DynamoDB and everything that happens on the way to it.
#[derive(Clone)]
pub struct Wire {
    far: Arc<Far>,
    watched: Arc<Mutex<Watched>>,
    by: &'static str,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").field("by", &self.by).finish_non_exhaustive()
    }
}

impl Wire {
    /// A wire to a fresh DynamoDB in memory.
    ///
    /// # Panics
    /// If an empty database cannot be made.
    pub fn embedded() -> Self {
        Self::to(Far::Embedded(Database::memory().unwrap_or_else(|error| panic!("an empty database: {error}"))))
    }

    /// A wire to a DynamoDB elsewhere.
    pub fn remote(url: &str) -> Self {
        let client = aws_smithy_http_client::Builder::new().build_http();
        Self::to(Far::Remote { url: url.to_owned(), client })
    }

    fn to(far: Far) -> Self {
        Self { far: Arc::new(far), watched: Arc::default(), by: "" }
    }

    /// The same wire for a client of its own.
    #[must_use]
    pub fn labelled(&self, by: &'static str) -> Self {
        Self { by, ..self.clone() }
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a rule. The first that does not pass a call decides; all may change it.
    pub fn rule(&self, rule: impl FnMut(&mut Call) -> Action + Send + 'static) {
        self.watched().rules.push(Box::new(rule));
    }

    /// Adds a rule that comes before those and that nothing removes.
    pub fn standing_rule(&self, rule: impl FnMut(&mut Call) -> Action + Send + 'static) {
        self.watched().standing.push(Box::new(rule));
    }

    /// Removes all rules but the standing ones.
    pub fn clear(&self) {
        self.watched().rules.clear();
    }

    /// The calls so far; the record begins anew.
    pub fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.watched().calls)
    }

    /// What the calls cost that a rule gave `ReturnConsumedCapacity`; the record begins anew. The
    /// embedded database only.
    pub fn take_costs(&self) -> Vec<Cost> {
        std::mem::take(&mut self.watched().costs)
    }

    /// What a client of this wire is made of.
    pub fn connection(&self, table: &str) -> Connection {
        let endpoint = match &*self.far {
            Far::Embedded(_) => "http://dynamodb.test".to_owned(),
            Far::Remote { url, .. } => url.clone(),
        };
        Connection {
            table: table.to_owned(),
            endpoint: Some(endpoint),
            region: "ap-northeast-2".to_owned(),
            credentials: Some(("test".to_owned(), "test".to_owned())),
            http: Some(SharedHttpClient::new(self.clone())),
        }
    }

    /// A client of this wire.
    pub async fn table(&self, name: &str, clock: &Clock, rng: &Rng) -> Table {
        Table::connect(self.connection(name), clock, rng).await
    }
}

impl HttpClient for Wire {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let onward = match &*self.far {
            Far::Embedded(_) => None,
            Far::Remote { client, .. } => Some(client.http_connector(settings, components)),
        };
        SharedHttpConnector::new(Connector { wire: self.clone(), onward })
    }
}

#[derive(Clone, Debug)]
struct Connector {
    wire: Wire,
    onward: Option<SharedHttpConnector>,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let this = self.clone();
        HttpConnectorFuture::new(async move { this.pass(request).await })
    }
}

impl Connector {
    async fn pass(&self, mut request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let mut call = Call::of(self.wire.by, &request);
        let action = {
            let watched = &mut *self.wire.watched();
            let before = call.clone();
            watched.calls.push(before);
            let mut decided = Action::Pass;
            for rule in watched.standing.iter_mut().chain(&mut watched.rules) {
                let action = rule(&mut call);
                if matches!(decided, Action::Pass) {
                    decided = action;
                }
            }
            decided
        };
        let lost = || ConnectorError::timeout("lost on the wire".into());
        // The embedded database answers at once: without this, whole requests would run one after
        // the other, and no race would be one.
        tokio::task::yield_now().await;
        match &action {
            Action::Pass | Action::LoseAnswer => {}
            Action::Wait(gate) => gate.passed().await,
            Action::LoseRequest => return Err(lost()),
            Action::Refuse { status, code } => return response(*status, error(code, "injected", None)),
            Action::Conflict => {
                let writes = call.body.get("TransactItems").and_then(Value::as_array).map_or(1, Vec::len);
                let reasons: Vec<Value> = (0..writes)
                    .map(|n| serde_json::json!({ "Code": if n == 0 { "TransactionConflict" } else { "None" } }))
                    .collect();
                return if call.operation.starts_with("Transact") {
                    response(400, error("TransactionCanceledException", "injected", Some(reasons)))
                } else {
                    response(400, error("TransactionConflictException", "injected", None))
                };
            }
        }
        let answer = match (&*self.wire.far, &self.onward) {
            (Far::Embedded(database), _) => {
                let (status, json) = embedded::answer(database, &call.operation, &call.body);
                if call.body.get("ReturnConsumedCapacity").is_some() {
                    let answer: Value = serde_json::from_str(&json).unwrap_or_default();
                    let consumed = answer.get("ConsumedCapacity").cloned().unwrap_or_default();
                    self.wire.watched().costs.push(Cost { by: call.by, operation: call.operation.clone(), consumed });
                }
                response(status, json)
            }
            (Far::Remote { .. }, Some(onward)) => {
                *request.body_mut() = SdkBody::from(call.body.to_string());
                request.headers_mut().remove("content-length");
                onward.call(request).await
            }
            (Far::Remote { .. }, None) => Err(lost()),
        };
        if matches!(action, Action::LoseAnswer) { answer.and(Err(lost())) } else { answer }
    }
}

fn error(code: &str, message: &str, reasons: Option<Vec<Value>>) -> String {
    let kind = format!("com.amazonaws.dynamodb.v20120810#{code}");
    let mut error = serde_json::json!({ "__type": kind, "message": message });
    if let (Some(reasons), Some(error)) = (reasons, error.as_object_mut()) {
        error.insert("CancellationReasons".to_owned(), reasons.into());
    }
    error.to_string()
}

pub(crate) fn response(status: u16, json: String) -> Result<HttpResponse, ConnectorError> {
    let status = status.try_into().map_err(|error| ConnectorError::other(Box::new(error), None))?;
    let mut response = HttpResponse::new(status, SdkBody::from(json));
    response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
    Ok(response)
}
