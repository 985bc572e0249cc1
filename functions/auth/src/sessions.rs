//! Opening a session: the tokens that a sign-up, a log-in or a refresh answers.

use auth::{Claims, RefreshToken};
use config::Secret;
use devloop_http::Edge;
use domain::{accounts::Role, ids::UserId, text::Username, time::Time};
use serde::{Serialize, Serializer};
use storage::items::{Session, User};
use utoipa::ToSchema;

use crate::App;

/// How long a refresh token is good for.
pub const REFRESH_SECONDS: i64 = 14 * 24 * 60 * 60;

fn expose<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

/// Tokens, for their owner only.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "accessToken": "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIwMUtCMk0zTjRQNVE2UjdTOFQ5VjBXMVgyWSJ9.c2lnbmF0dXJl",
    "expiresIn": 900,
    "refreshToken": "01KB2M3N4P5Q6R7S8T9V0W1X2Y.01KB2M3N4P5Q6R7S8T9V0W1X2Z.1.c2VjcmV0.c2VhbA",
    "refreshExpiresAt": "2026-12-07T09:00:00.000Z",
}))]
pub struct Tokens {
    /// Sent as `Authorization: Bearer`.
    #[serde(serialize_with = "expose")]
    #[schema(value_type = String)]
    pub access_token: Secret,
    /// Seconds until the access token ends.
    pub expires_in: i64,
    /// Good once, for new tokens.
    #[serde(serialize_with = "expose")]
    #[schema(value_type = String)]
    pub refresh_token: Secret,
    /// When the refresh token ends.
    pub refresh_expires_at: Time,
}

/// An account, for its owner.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "id": "01KB2M3N4P5Q6R7S8T9V0W1X2Y", "email": "kim@example.com", "username": "김개발", "role": "USER",
}))]
pub struct AccountView {
    /// Its id.
    pub id: UserId,
    /// Its address, if it has one.
    #[schema(required)]
    pub email: Option<String>,
    /// Its name.
    pub username: Username,
    /// What it may do.
    pub role: Role,
}

impl AccountView {
    /// What its owner sees of an account.
    pub fn of(user: User) -> Self {
        Self { id: user.id, email: user.email.map(String::from), username: user.username, role: user.role }
    }
}

/// A signing that failed: our fault, whatever the reason.
#[derive(Debug, thiserror::Error)]
#[error("an access token could not be signed")]
pub struct Unsigned;

impl App {
    /// A new family for `user`, as it is stored, and its first refresh token.
    pub fn open_session(&self, user: &User, now: Time) -> (Session, RefreshToken) {
        let Edge { ids, rng, .. } = &self.edge;
        let token = self.refresh_key.first(user.id, ids.id(), rng);
        let session = Session {
            user_id: user.id,
            family: token.family,
            n: token.n,
            secret_hash: token.secret_hash(),
            previous_hash: None,
            rotated_at: now,
            expires_at: now.plus_seconds(REFRESH_SECONDS),
            revoked: false,
            password_version: user.password_version,
        };
        (session, token)
    }

    /// The tokens that the holder of `token` gets.
    pub fn tokens(&self, token: &RefreshToken, role: Role, expires_at: Time, now: Time) -> Result<Tokens, Unsigned> {
        let claims = Claims::new(token.user, role, token.family, now);
        let access_token = self.signer.sign(&claims).map_err(|_unsignable| Unsigned)?;
        Ok(Tokens {
            access_token: Secret::new(access_token),
            expires_in: Claims::LIFETIME_SECONDS,
            refresh_token: self.refresh_key.seal(token),
            refresh_expires_at: expires_at,
        })
    }
}
