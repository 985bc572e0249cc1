//! `POST /v1/auth/login`: answers tokens for email and password.
//!
//! A wrong address and a wrong password are refused alike, after the same work.

use deserr::Deserr;
use devloop_http::{From, Json, Public};
use domain::{
    accounts::Standing,
    refusal::{Details, Kind, Reason, Refusal},
    text::{Email, Password},
    validation::FieldErrors,
};
use storage::{
    Write, WriteError,
    items::{EmailGuard, User},
    keys,
};
use utoipa::ToSchema;

use crate::{
    App,
    passwords::{NotProven, prove},
    sessions::{Tokens, Unsigned},
};

/// Who wants in.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
#[schema(example = json!({ "email": "kim@example.com", "password": "correct horse battery" }))]
pub struct LogIn {
    email: Email,
    password: Password,
}

/// Why nobody was let in.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error(transparent)]
    NotProven(#[from] NotProven),
    #[error(transparent)]
    Unsigned(#[from] Unsigned),
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

const INVALID_CREDENTIALS: Reason = Reason::new(
    Kind::Unauthenticated,
    "INVALID_CREDENTIALS",
    "이메일 또는 비밀번호가 올바르지 않습니다.",
    "Email or password is wrong.",
);

impl Refusal for Refused {
    const REASONS: &'static [Reason] = &[INVALID_CREDENTIALS, NotProven::TOO_MANY_REQUESTS];

    fn reason(&self) -> Reason {
        match self {
            Self::NotProven(NotProven::Wrong) => INVALID_CREDENTIALS,
            Self::NotProven(error) => error.reason(),
            Self::Unsigned(_) => Reason::INTERNAL,
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::NotProven(error) => error.details(),
            Self::Unsigned(_) => Details::default(),
            Self::Storage(error) => error.details(),
        }
    }
}

/// Checks the password and opens a session.
pub async fn log_in(
    app: App,
    _: Public,
    (From(address), Json(body)): (From, Json<LogIn>),
) -> Result<Json<Tokens>, Refused> {
    let found = find(&app, &body.email);
    let account = Box::pin(prove(&app, (body.email.as_str(), address), found, &body.password)).await?;
    let now = app.edge.clock.now();
    let (session, token) = app.open_session(&account, now);
    match app.edge.table.write(Write::put(&session)).await {
        Ok(()) | Err(WriteError::Unmet(_)) => {}
        Err(WriteError::Storage(error)) => return Err(error.into()),
    }
    Ok(Json(app.tokens(&token, account.role, session.expires_at, now)?))
}

/// The account of an address. Who is leaving may log in, to finish that.
async fn find(app: &App, email: &Email) -> Result<Option<User>, storage::Error> {
    let Some(guard) = app.edge.table.get_now::<EmailGuard>(EmailGuard::key(email)).await? else { return Ok(None) };
    let account: Option<User> = app.edge.table.get_now(keys::user(guard.user_id)).await?;
    Ok(account.filter(|account| account.standing != Standing::Withdrawn))
}
