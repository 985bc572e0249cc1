use domain::{
    accounts::{Approval, Role, Standing},
    ids::{FamilyId, UserId},
    text::{Email, RealName, Reason, Username, WITHDRAWN, WebUrl},
    time::Time,
};
use serde::{Deserialize, Serialize};

use super::{PublicFile, Stored};
use crate::{
    Write,
    keys::{self, Keys},
};

/// An account.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Where it can be reached; none if a provider withholds it or the account is withdrawn.
    pub email: Option<Email>,
    /// What it is called.
    pub username: Username,
    /// What it may do.
    pub role: Role,
    /// Whether it may be used.
    pub standing: Standing,
    /// Argon2id, as a PHC string; none for accounts of a provider.
    pub password_hash: Option<String>,
    /// What Toss knows the user by: random, never the user's id.
    pub customer_key: String,
    /// Raised with every change of the password: a session of an earlier one is over.
    #[serde(default)]
    pub password_version: u64,
    /// Its picture, if it has chosen one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<PublicFile>,
    /// When it signed up.
    pub created_at: Time,
    /// Raised by every change.
    pub version: u64,
}

impl Stored for User {
    const TYPE: &'static str = "USER";

    fn keys(&self) -> Keys {
        Keys::of(keys::user(self.id))
    }
}

impl User {
    /// Requires that the account is in use: part of every transaction that moves money.
    pub fn must_be_active(id: UserId) -> Write {
        Write::check(keys::user(id)).if_is("standing", Standing::Active)
    }

    /// Makes a plain user in good standing a tutor. An admin stays what they are.
    pub fn become_tutor(id: UserId) -> Write {
        Write::update(keys::user(id))
            .set("role", Role::Tutor)
            .add("version", 1)
            .if_is("role", Role::User)
            .if_is("standing", Standing::Active)
    }

    /// Another name for an account in use.
    pub fn rename(id: UserId, username: &Username) -> Write {
        Write::update(keys::user(id)).set("username", username).add("version", 1).if_is("standing", Standing::Active)
    }

    /// Another picture or none, for an account in use that still has the one that was read.
    pub fn change_image(&self, image: Option<&PublicFile>) -> Write {
        let write = Write::update(keys::user(self.id))
            .set_or_remove("image", image)
            .add("version", 1)
            .if_is("standing", Standing::Active);
        match &self.image {
            Some(present) => write.if_is("image.id", present.id),
            None => write.if_missing("image"),
        }
    }

    /// Replaces the password by that of `hash`, if it is still the one that was read. That ends
    /// every session but those that are told of it: [`Session::keep`].
    pub fn change_password(&self, hash: &str) -> Write {
        Write::update(keys::user(self.id))
            .set("passwordHash", hash)
            .set("passwordVersion", self.password_version.saturating_add(1))
            .add("version", 1)
            .if_is("passwordHash", &self.password_hash)
            .if_is("standing", Standing::Active)
    }

    /// `standing` instead of the one that was read, if nothing changed since.
    pub fn turn(&self, standing: Standing) -> Write {
        Write::update(keys::user(self.id))
            .set("standing", standing)
            .add("version", 1)
            .if_is("standing", self.standing)
            .if_is("version", self.version)
    }

    /// WITHDRAWING → WITHDRAWN: nothing personal is left, if nothing changed since it was read.
    pub fn withdraw(&self) -> Write {
        self.turn(Standing::Withdrawn)
            .set("username", WITHDRAWN)
            .set("customerKey", "")
            .remove("email")
            .remove("passwordHash")
            .remove("image")
    }
}

/// Who has an email address. The address itself is personal and stands in the account only.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EmailGuard {
    /// Of whom.
    pub user_id: UserId,
    /// The address, hashed.
    pub email_hash: String,
}

impl Stored for EmailGuard {
    const TYPE: &'static str = "EMAIL_GUARD";

    fn keys(&self) -> Keys {
        Keys::of(keys::email_guard(&self.email_hash))
    }
}

impl EmailGuard {
    /// Gives `email` to `user_id`.
    pub fn new(email: &Email, user_id: UserId) -> Self {
        Self { user_id, email_hash: keys::hashed(email.as_str()) }
    }

    /// Where the guard of an address is.
    pub fn key(email: &Email) -> keys::Key {
        keys::email_guard(&keys::hashed(email.as_str()))
    }

    /// The address is free again, if it was still this user's.
    pub fn release(email: &Email, user_id: UserId) -> Write {
        Write::delete(Self::key(email)).if_absent_or_is("userId", user_id)
    }
}

/// A refresh-token family: one log-in and what descends from it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// Whose.
    pub user_id: UserId,
    /// Its id.
    pub family: FamilyId,
    /// The number of the one token that may be used now.
    pub n: u64,
    /// SHA-256 of that token's secret, in hex.
    pub secret_hash: String,
    /// The same of the token before it, which may ask for its successor a moment longer.
    pub previous_hash: Option<String>,
    /// When the present token was made.
    pub rotated_at: Time,
    /// When the present token ends.
    pub expires_at: Time,
    /// Whether the family was logged out or caught reusing a token.
    pub revoked: bool,
    /// The account's [`User::password_version`] that it belongs to.
    #[serde(default)]
    pub password_version: u64,
}

impl Stored for Session {
    const TYPE: &'static str = "SESSION";

    fn keys(&self) -> Keys {
        Keys { ttl: Some(self.expires_at.unix_seconds()), ..Keys::of(keys::session(self.user_id, self.family)) }
    }
}

impl Session {
    /// Writes the token that was made of `before`'s, if that is still the present one. What else
    /// stands in the session stays as it is by then.
    pub fn rotate(&self, before: &Self) -> Write {
        Write::update(keys::session(self.user_id, self.family))
            .set("n", self.n)
            .set("secretHash", &self.secret_hash)
            .set("previousHash", &self.previous_hash)
            .set("rotatedAt", self.rotated_at)
            .set("expiresAt", self.expires_at)
            .set("ttl", self.expires_at.unix_seconds())
            .if_is("n", before.n)
            .if_is("secretHash", &before.secret_hash)
            .if_is("revoked", false)
    }

    /// It outlives a change of the password to version `password_version`.
    pub fn keep(&self, password_version: u64) -> Write {
        Write::update(keys::session(self.user_id, self.family))
            .set("passwordVersion", password_version)
            .if_is("revoked", false)
    }
}

/// Failed log-ins of one subject in one window.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogInWindow {
    /// Of whom: an account, an address or both, hashed.
    pub subject_hash: String,
    /// When the window opened.
    pub since: Time,
    /// How many.
    pub failures: u32,
    /// Before this instant no further try is looked at.
    pub next_try_at: Option<Time>,
}

impl Stored for LogInWindow {
    const TYPE: &'static str = "LOG_IN_WINDOW";

    fn keys(&self) -> Keys {
        Keys::of(keys::log_in_window(&self.subject_hash, self.since))
    }
}

impl LogInWindow {
    /// How long a window is open.
    pub const SECONDS: u32 = 15 * 60;

    /// Counts `change` more failures of a subject in the window that opened at `since`.
    pub fn count(subject_hash: &str, since: Time, change: i64) -> Write {
        Write::update(keys::log_in_window(subject_hash, since))
            .set("type", Self::TYPE)
            .set("subjectHash", subject_hash)
            .set("since", since)
            .set("ttl", since.plus_seconds(2 * i64::from(Self::SECONDS)).unix_seconds())
            .add("failures", change)
    }
}

/// A user's application to become a tutor.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TutorApplication {
    /// Whose.
    pub user_id: UserId,
    /// As on the bank account.
    pub real_name: RealName,
    /// Their work.
    pub portfolio_url: WebUrl,
    /// The account number, encrypted; absent where it was read from a list index.
    pub account_cipher: Option<String>,
    /// Its last four digits: all that is ever answered.
    pub account_last_four: String,
    /// Where it stands.
    pub state: Approval,
    /// Why it was rejected.
    pub reason: Option<Reason>,
    /// When it was sent.
    pub created_at: Time,
    /// Raised by every change.
    pub version: u64,
}

impl Stored for TutorApplication {
    const TYPE: &'static str = "TUTOR_APPLICATION";

    fn keys(&self) -> Keys {
        Keys {
            gsi1: Some(keys::tutor_applications(self.state, self.created_at, self.user_id)),
            ..Keys::of(keys::tutor_application(self.user_id))
        }
    }
}
