//! `POST /v1/auth/signup`: creates a local account. The role is always `USER`.

use auth::is_common;
use deserr::Deserr;
use devloop_http::{Created, Json, Public};
use domain::{
    accounts::{Role, Standing},
    refusal::{Details, Reason, Refusal},
    text::{Email, Password, Username},
    validation::FieldErrors,
};
use serde::Serialize;
use storage::{
    Tx, Write,
    items::{EmailGuard, User},
};
use utoipa::ToSchema;

use crate::{
    App,
    passwords::COMMON_PASSWORD,
    sessions::{AccountView, Tokens, Unsigned},
};

/// Who wants an account.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
#[schema(example = json!({ "email": "kim@example.com", "password": "correct horse battery", "username": "김개발" }))]
pub struct SignUp {
    /// Compared without regard to case, and unique.
    email: Email,
    /// Not one of the most common ones.
    password: Password,
    /// Not unique.
    username: Username,
}

/// A new account and its first session.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "user": { "id": "01KB2M3N4P5Q6R7S8T9V0W1X2Y", "email": "kim@example.com", "username": "김개발", "role": "USER" },
    "tokens": {
        "accessToken": "eyJhbGciOiJFZERTQSJ9.e30.c2lnbmF0dXJl", "expiresIn": 900,
        "refreshToken": "01KB2M3N4P5Q6R7S8T9V0W1X2Y.01KB2M3N4P5Q6R7S8T9V0W1X2Z.1.c2VjcmV0.c2VhbA",
        "refreshExpiresAt": "2026-12-07T09:00:00.000Z",
    },
}))]
pub struct SignedUp {
    user: AccountView,
    tokens: Tokens,
}

/// Why nobody was signed up.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("the email address has an account")]
    EmailTaken,
    #[error("the password is a common one")]
    CommonPassword,
    #[error(transparent)]
    Unsigned(#[from] Unsigned),
    #[error(transparent)]
    Hashing(#[from] auth::HashFailed),
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

const EMAIL_TAKEN: Reason =
    Reason::conflict("EMAIL_TAKEN", "이미 가입된 이메일입니다.", "There is an account with this email address.");

impl Refusal for Refused {
    const REASONS: &'static [Reason] = &[EMAIL_TAKEN, Reason::VALIDATION_FAILED];

    fn reason(&self) -> Reason {
        match self {
            Self::EmailTaken => EMAIL_TAKEN,
            Self::CommonPassword => Reason::VALIDATION_FAILED,
            Self::Unsigned(_) | Self::Hashing(_) => Reason::INTERNAL,
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::CommonPassword => FieldErrors::one("password", COMMON_PASSWORD).details(),
            Self::Storage(error) => error.details(),
            _ => Details::default(),
        }
    }
}

/// Creates the account and opens its first session, in one transaction with the guard that makes
/// the address unique.
pub async fn sign_up(app: App, _: Public, Json(body): Json<SignUp>) -> Result<Created<SignedUp>, Refused> {
    if is_common(&body.password) {
        return Err(Refused::CommonPassword);
    }
    let now = app.edge.clock.now();
    let user = User {
        id: app.edge.ids.id(),
        email: Some(body.email.clone()),
        username: body.username,
        role: Role::User,
        standing: Standing::Active,
        password_hash: Some(app.hasher.hash(&body.password).await?),
        customer_key: hex::encode(app.edge.rng.bytes::<16>()),
        password_version: 1,
        image: None,
        created_at: now,
        version: 1,
    };
    let guard = EmailGuard::new(&body.email, user.id);
    let (session, token) = app.open_session(&user, now);
    Tx::once(app.edge.ids.token())
        .and(Write::put(&guard).if_absent(), Refused::EmailTaken)
        .and(Write::put(&user).if_absent(), Refused::EmailTaken)
        .and(Write::put(&session), Refused::EmailTaken)
        .commit(&app.edge.table)
        .await
        .map_err(|error| error.first(Refused::Storage))?;
    let tokens = app.tokens(&token, user.role, session.expires_at, now)?;
    Ok(Created {
        location: "/v1/users/me".to_owned(),
        version: None,
        body: SignedUp { user: AccountView::of(user), tokens },
    })
}
