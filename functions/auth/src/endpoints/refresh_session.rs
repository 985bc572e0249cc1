//! `POST /v1/auth/refresh`: rotates the refresh token.
//!
//! A token is good once. The same token within ten seconds is answered with the same successor
//! (two tabs, a lost answer); later it is taken for stolen, and its whole family ends.

use auth::RefreshToken;
use deserr::Deserr;
use devloop_http::{Json, Public};
use domain::{
    accounts::Standing,
    refusal::{Details, Kind, Reason, Refusal},
    time::Time,
    validation::FieldErrors,
};
use storage::{
    Write, WriteError,
    items::{Session, User},
    keys,
};
use utoipa::ToSchema;

use crate::{
    App,
    sessions::{REFRESH_SECONDS, Tokens, Unsigned},
};

/// How long a used token may still ask for its successor.
const REPEAT_SECONDS: i64 = 10;

/// The token to use up.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
#[schema(example = json!({
    "refreshToken": "01KB2M3N4P5Q6R7S8T9V0W1X2Y.01KB2M3N4P5Q6R7S8T9V0W1X2Z.1.c2VjcmV0.c2VhbA",
}))]
pub struct RefreshSession {
    /// As it was answered.
    refresh_token: String,
}

/// Why there are no new tokens.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("not a refresh token that is good now")]
    NotGood,
    #[error("a refresh token was used again")]
    Reused,
    #[error(transparent)]
    Unsigned(#[from] Unsigned),
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

pub(super) const NOT_GOOD: Reason =
    Reason::new(Kind::Unauthenticated, "UNAUTHENTICATED", "로그인이 필요합니다.", "Please log in.");

impl Refusal for Refused {
    const REASONS: &'static [Reason] = &[NOT_GOOD];

    fn reason(&self) -> Reason {
        match self {
            Self::NotGood | Self::Reused => NOT_GOOD,
            Self::Unsigned(_) => Reason::INTERNAL,
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::Storage(error) => error.details(),
            _ => Details::default(),
        }
    }
}

/// Answers the successor of a token, and its new access token.
pub async fn refresh_session(app: App, _: Public, Json(body): Json<RefreshSession>) -> Result<Json<Tokens>, Refused> {
    let now = app.edge.clock.now();
    let token = app.refresh_key.open(&body.refresh_token).ok_or(Refused::NotGood)?;
    let account: Option<User> = app.edge.table.get_now(keys::user(token.user)).await?;
    let account = account.filter(|account| account.standing != Standing::Withdrawn).ok_or(Refused::NotGood)?;
    // Read after the account: a session that outlives a change of the password is never behind it then.
    let session: Option<Session> = app.edge.table.get_now(keys::session(token.user, token.family)).await?;
    let session = session.filter(|session| is_open(session, &account, now)).ok_or(Refused::NotGood)?;
    let (successor, expires_at) = rotate(&app, &token, session, now).await?;
    Ok(Json(app.tokens(&successor, account.role, expires_at, now)?))
}

fn is_open(session: &Session, account: &User, now: Time) -> bool {
    !session.revoked && session.expires_at > now && session.password_version >= account.password_version
}

/// The successor of `token`, made the session's present token unless it is that already.
async fn rotate(app: &App, token: &RefreshToken, session: Session, now: Time) -> Result<(RefreshToken, Time), Refused> {
    let successor = app.refresh_key.successor(token);
    if session.n == successor.n && is_repeat(&session, token, now) {
        return Ok((successor, session.expires_at));
    }
    if session.n != token.n || !token.matches(&session.secret_hash) {
        revoke(app, token).await?;
        return Err(Refused::Reused);
    }
    let expires_at = now.plus_seconds(REFRESH_SECONDS);
    let rotated = Session {
        n: successor.n,
        secret_hash: successor.secret_hash(),
        previous_hash: Some(session.secret_hash.clone()),
        rotated_at: now,
        expires_at,
        ..session.clone()
    };
    match app.edge.table.write(rotated.rotate(&session)).await {
        Ok(()) => Ok((successor, expires_at)),
        Err(WriteError::Storage(error)) => Err(error.into()),
        // Somebody was faster: with the same token they got the same successor.
        Err(WriteError::Unmet(Some(item))) => {
            let present: Session = storage::decode(item)?;
            if !present.revoked && present.n == successor.n && is_repeat(&present, token, now) {
                Ok((successor, present.expires_at))
            } else {
                Err(Refused::NotGood)
            }
        }
        Err(WriteError::Unmet(None)) => Err(Refused::NotGood),
    }
}

fn is_repeat(session: &Session, token: &RefreshToken, now: Time) -> bool {
    now <= session.rotated_at.plus_seconds(REPEAT_SECONDS)
        && session.previous_hash.as_deref().is_some_and(|previous| token.matches(previous))
}

/// Ends a family. That it is gone already is as good.
pub(super) async fn revoke(app: &App, token: &RefreshToken) -> Result<(), storage::Error> {
    let write = Write::update(keys::session(token.user, token.family)).set("revoked", true).if_present();
    match app.edge.table.write(write).await {
        Ok(()) | Err(WriteError::Unmet(_)) => Ok(()),
        Err(WriteError::Storage(error)) => Err(error),
    }
}
