//! The built binary as a child process, and a client that speaks to it over real HTTP.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use reqwest::{Client, Method, StatusCode, header::HeaderMap};
use serde_json::{Value, json};

pub const PASSWORD: &str = "correct horse battery";
const READY_WITHIN: Duration = Duration::from_mins(1);

/// A running server. It is killed when this is dropped.
#[derive(Debug)]
pub struct Server {
    /// For signals and its output.
    pub child: Child,
    pub api: String,
    pub toss: String,
    pub data: PathBuf,
}

/// The binary, told nothing by the environment of the tests.
pub fn devloop(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_devloop"));
    for name in ["PORT", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB", "TABLE_NAME", "TOSS_BASE_URL", "RUST_LOG"] {
        command.env_remove(name);
    }
    command.arg("--data").arg(data);
    command
}

impl Server {
    /// Starts on free ports without demo data, and waits until it is ready.
    pub async fn start(data: &Path) -> Self {
        Self::start_with(data, &["--port", "0", "--no-demo", "--toy-hashing"]).await
    }

    pub async fn start_with(data: &Path, options: &[&str]) -> Self {
        let file = data.join("ready.json");
        // What a killed server left there says nothing about this one.
        let _absent = std::fs::remove_file(&file);
        let child = devloop(data).args(options).stdout(Stdio::piped()).spawn().unwrap();
        let mut server = Self { child, api: String::new(), toss: String::new(), data: data.to_owned() };
        let patience = tokio::time::timeout(READY_WITHIN, async {
            loop {
                if let Some(ready) =
                    std::fs::read(&file).ok().and_then(|json| serde_json::from_slice::<Value>(&json).ok())
                {
                    return ready;
                }
                assert_eq!(server.child.try_wait().unwrap(), None, "the server ended");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        let ready = patience.await.unwrap();
        ready["api"].as_str().unwrap().clone_into(&mut server.api);
        ready["toss"].as_str().unwrap().clone_into(&mut server.toss);
        server
    }

    /// `kill -9`. What the system keeps of it is what a restart finds.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

pub fn http() -> Client {
    Client::builder().timeout(Duration::from_mins(2)).no_proxy().build().unwrap()
}

/// One request being put together.
#[derive(Clone, Debug)]
pub struct Call {
    method: Method,
    path: String,
    token: Option<String>,
    headers: Vec<(&'static str, String)>,
    body: Option<Value>,
}

pub fn get(path: &str) -> Call {
    Call { method: Method::GET, path: path.to_owned(), token: None, headers: vec![], body: None }
}

pub fn post(path: &str, body: Value) -> Call {
    Call { method: Method::POST, path: path.to_owned(), token: None, headers: vec![], body: Some(body) }
}

impl Call {
    pub fn by(self, account: &Account) -> Self {
        Self { token: Some(account.token.clone()), ..self }
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Sends it to the server at `base`; an error means that no whole answer came.
    pub async fn try_send(self, http: &Client, base: &str) -> Result<Reply, reqwest::Error> {
        let mut request = http.request(self.method, format!("{base}{}", self.path));
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        if let Some(token) = self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = self.body {
            request = request.json(&body);
        }
        let answer = request.send().await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let bytes = answer.bytes().await?;
        Ok(Reply { status, headers, body: serde_json::from_slice(&bytes).unwrap_or_default() })
    }

    pub async fn send(self, http: &Client, base: &str) -> Reply {
        self.try_send(http, base).await.unwrap()
    }
}

#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Reply {
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self.body
    }

    pub fn text(&self, pointer: &str) -> String {
        self.body
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_else(|| panic!("{pointer} in {}", self.body))
            .to_owned()
    }
}

/// Somebody with an account, signed in.
#[derive(Clone, Debug)]
pub struct Account {
    pub id: String,
    pub token: String,
}

pub async fn sign_up(http: &Client, base: &str, name: &str) -> Account {
    let body = json!({ "email": format!("{name}@example.com"), "password": PASSWORD, "username": name });
    let reply = post("/v1/auth/signup", body).send(http, base).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.body);
    Account { id: reply.text("/user/id"), token: reply.text("/tokens/accessToken") }
}

async fn log_in(http: &Client, base: &str, account: &Account, name: &str) -> Account {
    let body = json!({ "email": format!("{name}@example.com"), "password": PASSWORD });
    let reply = post("/v1/auth/login", body).send(http, base).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.body);
    Account { token: reply.text("/accessToken"), ..account.clone() }
}

/// An admin, made by the operator's command while the server runs.
pub async fn admin(http: &Client, server: &Server) -> Account {
    let account = sign_up(http, &server.api, "admin").await;
    let made = devloop(&server.data).args(["admin", "create", "--email", "admin@example.com"]).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    log_in(http, &server.api, &account, "admin").await
}

/// A tutor whose application was approved.
pub async fn tutor(http: &Client, base: &str, admin: &Account) -> Account {
    let account = sign_up(http, base, "tutor").await;
    let application = json!({
        "realName": "박튜터", "portfolioUrl": "https://github.com/park", "accountNumber": "110123456789",
    });
    post("/v1/tutor-applications", application).by(&account).send(http, base).await.expect(201);
    let approve = format!("/v1/admin/tutor-applications/{}/approve", account.id);
    bodiless(&approve).by(admin).send(http, base).await.expect(200);
    log_in(http, base, &account, "tutor").await
}

fn bodiless(path: &str) -> Call {
    Call { body: None, ..post(path, Value::Null) }
}

/// A project on sale.
pub async fn project(http: &Client, base: &str, tutor: &Account, admin: &Account, seats: u32, price: u32) -> String {
    let now = get("/_local/clock").send(http, base).await.text("/now");
    let year: u32 = now[..4].parse().unwrap();
    let at = |month_and_day: &str| format!("{}-{month_and_day}T00:00:00Z", year + 1);
    let body = json!({
        "title": format!("{seats}석 프로젝트"), "description": "함께 만들어요", "price": price, "deadline": at("10-01"),
        "startsAt": at("11-01"), "endsAt": at("12-01"), "maxParticipants": seats, "level": "MEDIUM", "category": "WEB_DEV",
    });
    let made = post("/v1/pwts", body).by(tutor).send(http, base).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let (id, etag) = (made.text("/id"), made.headers["etag"].to_str().unwrap().to_owned());
    let approve = bodiless(&format!("/v1/admin/pwts/{id}/approve")).by(admin).header("if-match", &etag);
    approve.send(http, base).await.expect(200);
    id
}
