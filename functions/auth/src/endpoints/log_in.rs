//! `POST /v1/auth/login`: answers tokens for email and password.
//!
//! A wrong address and a wrong password are refused alike, after the same work.

use deserr::Deserr;
use devloop_http::{From, Json, Public};
use domain::{
    accounts::Standing,
    quota::TooMany,
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
    log_in_windows::Try,
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
    #[error("no such account, or not its password")]
    InvalidCredentials,
    #[error("too many failures")]
    TooMany(TooMany),
    #[error(transparent)]
    Unsigned(#[from] Unsigned),
    #[error(transparent)]
    Hashing(#[from] auth::HashFailed),
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

const INVALID_CREDENTIALS: Reason = Reason::new(
    Kind::Unauthenticated,
    "INVALID_CREDENTIALS",
    "이메일 또는 비밀번호가 올바르지 않습니다.",
    "Email or password is wrong.",
);
const TOO_MANY_REQUESTS: Reason = Reason::new(
    Kind::TooManyRequests,
    "TOO_MANY_REQUESTS",
    "로그인 시도가 너무 많습니다. 잠시 후 다시 시도해 주세요.",
    "Too many attempts to log in; please try again later.",
);

impl Refusal for Refused {
    const REASONS: &'static [Reason] = &[INVALID_CREDENTIALS, TOO_MANY_REQUESTS];

    fn reason(&self) -> Reason {
        match self {
            Self::InvalidCredentials => INVALID_CREDENTIALS,
            Self::TooMany(_) => TOO_MANY_REQUESTS,
            Self::Unsigned(_) | Self::Hashing(_) => Reason::INTERNAL,
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::TooMany(too_many) => too_many.details(),
            Self::Storage(error) => error.details(),
            _ => Details::default(),
        }
    }
}

/// Checks the password and opens a session.
pub async fn log_in(
    app: App,
    _: Public,
    (From(address), Json(body)): (From, Json<LogIn>),
) -> Result<Json<Tokens>, Refused> {
    let edge = &app.edge;
    let attempt = Try::begin(edge, &body.email, address).await?.map_err(Refused::TooMany)?;
    let account = find(&app, &body.email).await?;
    let stored = account.as_ref().and_then(|account| account.password_hash.as_deref());
    let right = app.hasher.verify(body.password.expose(), stored).await?;
    let Some(account) = account.filter(|_| right) else {
        attempt.failed(edge).await?;
        return Err(Refused::InvalidCredentials);
    };
    attempt.succeeded(edge).await?;
    let now = edge.clock.now();
    let (session, token) = app.open_session(account.id, now);
    match edge.table.write(Write::put(&session)).await {
        Ok(()) | Err(WriteError::Unmet(_)) => {}
        Err(WriteError::Storage(error)) => return Err(error.into()),
    }
    Ok(Json(app.tokens(&token, account.role, session.expires_at, now)?))
}

/// The account of an address, if it may be used.
async fn find(app: &App, email: &Email) -> Result<Option<User>, storage::Error> {
    let Some(guard) = app.edge.table.get_now::<EmailGuard>(EmailGuard::key(email)).await? else { return Ok(None) };
    let account: Option<User> = app.edge.table.get_now(keys::user(guard.user_id)).await?;
    Ok(account.filter(|account| account.standing == Standing::Active))
}
