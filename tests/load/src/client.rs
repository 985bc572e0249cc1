//! HTTP as a frontend speaks it, and accounts.

use std::time::Duration;

use futures::{StreamExt, stream};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

pub const PASSWORD: &str = "correct horse battery";
/// The merchant's key at the local server's sandbox of Toss.
const SANDBOX_KEY: &str = "test_sk_devloop_local";

/// A client of one base URL. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub etag: Option<String>,
    /// After how many seconds the server wants to be asked again.
    pub retry_after: Option<u64>,
    body: Vec<u8>,
}

impl Reply {
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Somebody with an account, signed in.
#[derive(Clone, Debug)]
pub struct Account {
    pub id: String,
    pub email: String,
    pub token: String,
}

impl Client {
    pub fn new(base: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_mins(1)).build().unwrap();
        Self { http, base: base.to_owned() }
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.get_by(path, None).await
    }

    pub async fn get_by(&self, path: &str, by: Option<&Account>) -> Reply {
        let request = self.http.get(format!("{}{path}", self.base));
        self.send(by.into_iter().fold(request, |request, account| request.bearer_auth(&account.token))).await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        self.send(self.http.delete(format!("{}{path}", self.base))).await
    }

    pub async fn post(&self, path: &str, by: Option<&Account>, key: Option<&str>, body: &Value) -> Reply {
        self.try_post(path, by, key, body).await.unwrap()
    }

    /// The same, of a server that may be gone.
    pub async fn try_post(
        &self,
        path: &str,
        by: Option<&Account>,
        key: Option<&str>,
        body: &Value,
    ) -> Result<Reply, reqwest::Error> {
        let mut request = self.http.request(Method::POST, format!("{}{path}", self.base)).json(body);
        if let Some(account) = by {
            request = request.bearer_auth(&account.token);
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        try_send(request).await
    }

    /// A call of the merchant to Toss's sandbox, past our server.
    pub async fn toss(&self, path: &str, body: &Value) -> Reply {
        let request = self.http.post(format!("{}{path}", self.base)).basic_auth(SANDBOX_KEY, Some("")).json(body);
        self.send(request).await
    }

    /// An admin's decision: no body, but the version that was seen.
    pub async fn decide(&self, path: &str, by: &Account, seen: Option<&str>) -> Reply {
        let mut request = self.http.post(format!("{}{path}", self.base)).bearer_auth(&by.token);
        if let Some(seen) = seen {
            request = request.header("if-match", seen);
        }
        self.send(request).await
    }

    /// A call to DynamoDB, as the SDK sends it. The local one looks at the shape of a signature only.
    pub async fn dynamodb(&self, operation: &str, body: &Value) -> Reply {
        let credential = "AWS4-HMAC-SHA256 Credential=local/20261124/ap-northeast-2/dynamodb/aws4_request, \
                          SignedHeaders=host;x-amz-date;x-amz-target, Signature=00";
        let request = self.http.post(&self.base).header("content-type", "application/x-amz-json-1.0");
        let request = request.header("x-amz-target", format!("DynamoDB_20120810.{operation}"));
        let request = request.header("x-amz-date", "20261124T000000Z").header("authorization", credential);
        self.send(request.body(body.to_string())).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Reply {
        try_send(request).await.unwrap()
    }

    pub async fn sign_up(&self, name: &str) -> Account {
        let email = format!("{name}@example.com");
        let body = json!({ "email": email, "password": PASSWORD, "username": name });
        let made = self.post("/v1/auth/signup", None, None, &body).await.expect(201).json();
        Account { id: text(&made, "/user/id"), email, token: text(&made, "/tokens/accessToken") }
    }

    pub async fn sign_up_many(&self, prefix: &str, count: usize) -> Vec<Account> {
        let names: Vec<String> = (0..count).map(|n| format!("{prefix}-{n}")).collect();
        stream::iter(&names).map(|name| self.sign_up(name)).buffer_unordered(16).collect().await
    }

    pub async fn log_in(&self, account: &Account) -> Account {
        let body = json!({ "email": account.email, "password": PASSWORD });
        let tokens = self.post("/v1/auth/login", None, None, &body).await.expect(200).json();
        Account { token: text(&tokens, "/accessToken"), ..account.clone() }
    }
}

async fn try_send(request: reqwest::RequestBuilder) -> Result<Reply, reqwest::Error> {
    let answer = request.send().await?;
    let status = answer.status();
    let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let (etag, retry_after) = (header("etag"), header("retry-after").map(|seconds| seconds.parse().unwrap()));
    Ok(Reply { status, etag, retry_after, body: answer.bytes().await?.into() })
}

#[track_caller]
pub fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer} in {value}")).to_owned()
}
