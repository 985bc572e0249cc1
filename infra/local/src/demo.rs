//! Demo accounts, projects and posts, made as anybody would make them: by calling the API.
//!
//! Every step looks first whether it was done, so that a start which was killed half-way is
//! finished by the next one.

mod boards;

use axum::{Router, body::Body};
use domain::time::Time;
use http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use serde::Serialize;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::operator::{NewAccount, NotMade, Operator};

/// The password of every demo account. It is printed: these accounts exist on this machine only.
pub const PASSWORD: &str = "devloop-demo-2026";
const ADMIN: &str = "admin@devloop.local";
const TUTOR: &str = "tutor@devloop.local";
const USERS: [(&str, &str); 3] =
    [("user1@devloop.local", "김개발"), ("user2@devloop.local", "이코딩"), ("user3@devloop.local", "최루프")];

/// An account that anybody at this machine may use.
#[derive(Clone, Debug, Serialize)]
pub struct DemoAccount {
    /// Its address.
    pub email: &'static str,
    /// Its password.
    pub password: &'static str,
    /// What it may do.
    pub role: &'static str,
}

/// All demo accounts.
pub fn accounts() -> Vec<DemoAccount> {
    let account = |email, role| DemoAccount { email, password: PASSWORD, role };
    let users = USERS.map(|(email, _)| account(email, "USER"));
    [account(ADMIN, "ADMIN"), account(TUTOR, "TUTOR")].into_iter().chain(users).collect()
}

/// The demo data is not complete.
#[derive(Debug, thiserror::Error)]
pub enum Incomplete {
    /// The admin could not be made.
    #[error(transparent)]
    Admin(#[from] NotMade),
    /// The API refused.
    #[error("{method} {path} answered {status}: {body}")]
    Refused {
        /// What was asked.
        method: Method,
        /// Of what.
        path: String,
        /// The answer.
        status: StatusCode,
        /// Its body: a problem.
        body: String,
    },
    /// An answer was not understood.
    #[error("an answer has no {0}")]
    Unexpected(&'static str),
}

/// A project to make.
struct Project {
    title: &'static str,
    description: &'static str,
    price: u32,
    seats: u32,
    level: &'static str,
    category: &'static str,
    /// Days until the sale opens; it opens on approval if there are none.
    opens_in: Option<i64>,
    approved: bool,
}

const PROJECTS: [Project; 5] = [
    Project {
        title: "러스트로 만드는 서버리스 백엔드",
        description: "# 함께 만들어요\n\n람다 함수 하나로 시작해 결제까지 붙여 봅니다.",
        price: 50_000,
        seats: 10,
        level: "MEDIUM",
        category: "WEB_DEV",
        opens_in: None,
        approved: true,
    },
    Project {
        title: "무료로 시작하는 깃과 코드 리뷰",
        description: "- 브랜치 전략\n- 리뷰 주고받기",
        price: 0,
        seats: 30,
        level: "EASY",
        category: "ETC",
        opens_in: None,
        approved: true,
    },
    Project {
        title: "삼백 명이 함께 만드는 모바일 앱",
        description: "한 기수에 300명, 8주 동안 앱 하나를 출시합니다.",
        price: 120_000,
        seats: 300,
        level: "MEDIUM",
        category: "APP_DEV",
        opens_in: None,
        approved: true,
    },
    Project {
        title: "곧 열리는 인디 게임 공방",
        description: "판매 시작 시각이 되면 자리가 열립니다.",
        price: 80_000,
        seats: 20,
        level: "HARD",
        category: "GAME_DEV",
        opens_in: Some(7),
        approved: true,
    },
    Project {
        title: "승인을 기다리는 데이터 파이프라인",
        description: "관리자가 승인하면 목록에 보입니다.",
        price: 70_000,
        seats: 15,
        level: "HARD",
        category: "ETC",
        opens_in: None,
        approved: false,
    },
];

/// Title, first day and last day after the projects' start.
const TODOS: [(&str, i64, i64); 3] = [("킥오프 미팅", 0, 0), ("1주차 과제 제출", 2, 6), ("중간 발표", 14, 14)];

const DAY: i64 = 24 * 60 * 60;

/// Makes the demo data as of `now`, through `api`.
pub async fn make(api: Router, operator: &Operator, now: Time) -> Result<(), Incomplete> {
    let door = FrontDoor { api };
    let admin = NewAccount { username: Some("운영자".to_owned()), password: Some(PASSWORD.to_owned()) };
    operator.create_admin(ADMIN, admin).await?;
    let admin = door.log_in(ADMIN).await?;
    let tutor = door.tutor(&admin).await?;
    for (email, username) in USERS {
        door.account(email, username).await?;
    }
    let mine = door.ask(Method::GET, "/v1/users/me/pwts?limit=100", Some(&tutor), None).await?;
    let mine = mine.array("items")?;
    for (position, project) in PROJECTS.iter().enumerate() {
        let made = mine.iter().find(|card| card.get("title").and_then(Value::as_str) == Some(project.title));
        let id = match made {
            Some(card) => text(card, "id")?,
            None => door.project(project, &tutor, now).await?,
        };
        if project.approved {
            door.approve(&id, &admin).await?;
        }
        if position == 0 {
            door.todos(&id, &tutor, now).await?;
        }
    }
    door.boards().await
}

/// The API, without a socket.
struct FrontDoor {
    api: Router,
}

struct Reply {
    etag: Option<String>,
    body: Value,
}

impl Reply {
    fn text(&self, name: &'static str) -> Result<String, Incomplete> {
        text(&self.body, name)
    }

    fn array(&self, name: &'static str) -> Result<Vec<Value>, Incomplete> {
        self.body.get(name).and_then(Value::as_array).cloned().ok_or(Incomplete::Unexpected(name))
    }
}

fn text(value: &Value, name: &'static str) -> Result<String, Incomplete> {
    value.get(name).and_then(Value::as_str).map(str::to_owned).ok_or(Incomplete::Unexpected(name))
}

impl FrontDoor {
    async fn ask(
        &self,
        method: Method,
        path: &str,
        by: Option<&str>,
        body: Option<Value>,
    ) -> Result<Reply, Incomplete> {
        self.ask_for(method, path, by, None, body).await
    }

    async fn ask_for(
        &self,
        method: Method,
        path: &str,
        by: Option<&str>,
        version: Option<&str>,
        body: Option<Value>,
    ) -> Result<Reply, Incomplete> {
        let refused =
            |status, body| Incomplete::Refused { method: method.clone(), path: path.to_owned(), status, body };
        let mut request = Request::builder().method(method.clone()).uri(path);
        if let Some(token) = by {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(version) = version {
            request = request.header(header::IF_MATCH, version);
        }
        let body = match body {
            Some(json) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(json.to_string())
            }
            None => Body::empty(),
        };
        let request = request.body(body).map_err(|error| refused(StatusCode::BAD_REQUEST, error.to_string()))?;
        let answer = match self.api.clone().oneshot(request).await {
            Ok(answer) => answer,
            Err(never) => match never {},
        };
        let (head, body) = answer.into_parts();
        let body = body.collect().await.map_err(|error| refused(head.status, error.to_string()))?.to_bytes();
        if !head.status.is_success() {
            return Err(refused(head.status, String::from_utf8_lossy(&body).into_owned()));
        }
        let etag = head.headers.get(header::ETAG).and_then(|etag| etag.to_str().ok()).map(str::to_owned);
        Ok(Reply { etag, body: serde_json::from_slice(&body).unwrap_or_default() })
    }

    async fn log_in(&self, email: &str) -> Result<String, Incomplete> {
        let body = json!({ "email": email, "password": PASSWORD });
        self.ask(Method::POST, "/v1/auth/login", None, Some(body)).await?.text("accessToken")
    }

    /// An account that may be there already; its tokens if it is new.
    async fn account(&self, email: &str, username: &str) -> Result<Option<Value>, Incomplete> {
        let body = json!({ "email": email, "password": PASSWORD, "username": username });
        match self.ask(Method::POST, "/v1/auth/signup", None, Some(body)).await {
            Ok(made) => Ok(made.body.get("tokens").cloned()),
            Err(Incomplete::Refused { status: StatusCode::CONFLICT, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The tutor's token, after an admin has approved their application.
    async fn tutor(&self, admin: &str) -> Result<String, Incomplete> {
        let tokens = self.account(TUTOR, "박튜터").await?;
        let token = match &tokens {
            Some(tokens) => text(tokens, "accessToken")?,
            None => self.log_in(TUTOR).await?,
        };
        let me = self.ask(Method::GET, "/v1/users/me", Some(&token), None).await?.text("id")?;
        let application = json!({
            "realName": "박튜터", "portfolioUrl": "https://github.com/devloop-tutor", "accountNumber": "110123456789",
        });
        match self.ask(Method::POST, "/v1/tutor-applications", Some(&token), Some(application)).await {
            Ok(_) | Err(Incomplete::Refused { status: StatusCode::CONFLICT, .. }) => {}
            Err(error) => return Err(error),
        }
        let approve = format!("/v1/admin/tutor-applications/{me}/approve");
        self.ask(Method::POST, &approve, Some(admin), None).await?;
        // The role is in the token; a refresh reads it anew and costs no hashing.
        match tokens {
            Some(tokens) => {
                let body = json!({ "refreshToken": text(&tokens, "refreshToken")? });
                self.ask(Method::POST, "/v1/auth/refresh", None, Some(body)).await?.text("accessToken")
            }
            None => self.log_in(TUTOR).await,
        }
    }

    async fn project(&self, project: &Project, tutor: &str, now: Time) -> Result<String, Incomplete> {
        let mut body = json!({
            "title": project.title, "description": project.description, "price": project.price,
            "deadline": now.plus_seconds(30 * DAY), "startsAt": now.plus_seconds(40 * DAY),
            "endsAt": now.plus_seconds(96 * DAY), "maxParticipants": project.seats, "level": project.level,
            "category": project.category,
        });
        if let (Some(days), Some(fields)) = (project.opens_in, body.as_object_mut()) {
            fields.insert("salesFrom".to_owned(), json!(now.plus_seconds(days * DAY)));
        }
        self.ask(Method::POST, "/v1/pwts", Some(tutor), Some(body)).await?.text("id")
    }

    async fn approve(&self, id: &str, admin: &str) -> Result<(), Incomplete> {
        let path = format!("/v1/admin/pwts/{id}");
        let seen = self.ask(Method::GET, &path, Some(admin), None).await?;
        if seen.text("approval")? == "PENDING" {
            let version = seen.etag.ok_or(Incomplete::Unexpected("etag"))?;
            self.ask_for(Method::POST, &format!("{path}/approve"), Some(admin), Some(&version), None).await?;
        }
        Ok(())
    }

    async fn todos(&self, id: &str, tutor: &str, now: Time) -> Result<(), Incomplete> {
        let schedule = self.ask(Method::GET, &format!("/v1/pwts/{id}/schedule"), Some(tutor), None).await?;
        let path = format!("/v1/schedules/{}/todos", schedule.text("scheduleId")?);
        let start = now.plus_seconds(40 * DAY);
        let range = format!("{path}?from={start}&to={}", start.plus_seconds(30 * DAY));
        if !self.ask(Method::GET, &range, Some(tutor), None).await?.array("items")?.is_empty() {
            return Ok(());
        }
        for (title, first, last) in TODOS {
            let todo = json!({
                "title": title, "content": "", "start": start.plus_seconds(first * DAY),
                "end": start.plus_seconds(last * DAY + 2 * 60 * 60),
            });
            self.ask(Method::POST, &path, Some(tutor), Some(todo)).await?;
        }
        Ok(())
    }
}
