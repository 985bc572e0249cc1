//! Another seam under the SDK client: every call goes through a [`Passage`], which decides what becomes of it.

use std::{fmt, sync::Arc};

use aws_sdk_dynamodb::config::{RuntimeComponents, SharedHttpClient};
use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
    orchestrator::HttpRequest,
    result::ConnectorError,
};
use clock::{Clock, Rng};
use dynoxide::Database;
use futures::future::BoxFuture;
use serde_json::Value;
use storage::{Connection, Table};

use crate::{Call, embedded, wire::response};

/// No answer comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost;

/// What is between a client and its DynamoDB.
pub trait Passage: fmt::Debug + Send + Sync {
    /// Status and JSON of the answer to a call.
    fn pass(&self, call: Call) -> BoxFuture<'_, Result<(u16, String), Lost>>;
}

/// A DynamoDB in memory, called without any wire.
#[derive(Clone)]
pub struct Embedded(Database);

impl fmt::Debug for Embedded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Embedded")
    }
}

impl Embedded {
    /// An empty one.
    ///
    /// # Panics
    /// If an empty database cannot be made.
    pub fn memory() -> Self {
        Self(Database::memory().unwrap_or_else(|error| panic!("an empty database: {error}")))
    }

    /// Answers one call at once: status and JSON.
    pub fn answer(&self, operation: &str, body: &Value) -> (u16, String) {
        embedded::answer(&self.0, operation, body)
    }
}

/// An HTTP client for another of the SDK's clients whose calls go through `passage`, too.
pub fn client_through(passage: Arc<dyn Passage>, by: &'static str) -> SharedHttpClient {
    SharedHttpClient::new(Through { passage, by })
}

/// A table whose every call goes through `passage`. `by` is what the calls are labelled with.
pub async fn table_through(passage: Arc<dyn Passage>, by: &'static str, name: &str, clock: &Clock, rng: &Rng) -> Table {
    let connection = Connection {
        table: name.to_owned(),
        endpoint: Some("http://dynamodb.test".to_owned()),
        region: "ap-northeast-2".to_owned(),
        credentials: Some(("test".to_owned(), "test".to_owned())),
        http: Some(client_through(passage, by)),
    };
    Table::connect(connection, clock, rng).await
}

#[derive(Clone, Debug)]
struct Through {
    passage: Arc<dyn Passage>,
    by: &'static str,
}

impl HttpClient for Through {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Through {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let this = self.clone();
        HttpConnectorFuture::new(async move {
            let call = Call::of(this.by, &request);
            let lost = |_lost| ConnectorError::timeout("lost on the wire".into());
            let (status, json) = this.passage.pass(call).await.map_err(lost)?;
            response(status, json)
        })
    }
}
