//! Accounts, and what they do: sessions, applications, repeated requests, limits.

use domain::{
    accounts::Approval,
    ids::{FamilyId, NoteId, UserId},
    time::Time,
};

use super::{IndexKey, Key};

/// One account.
pub fn user(id: UserId) -> Key {
    Key::new(format!("USER#{id}"), "PROFILE")
}

/// Who has an email address, by its [`hashed`](super::hashed) form.
pub fn email_guard(email_hash: &str) -> Key {
    Key::new(format!("EMAIL#{email_hash}"), "GUARD")
}

/// One refresh-token family.
pub fn session(user: UserId, family: FamilyId) -> Key {
    Key::new(format!("USER#{user}"), format!("SESSION#{family}"))
}

/// Failed log-ins of one subject (an account, an address or both, [`hashed`](super::hashed)) in one window.
pub fn log_in_window(subject_hash: &str, window_start: Time) -> Key {
    Key::new(format!("LOGIN#{subject_hash}"), format!("WINDOW#{window_start}"))
}

/// A user's tutor application.
pub fn tutor_application(user: UserId) -> Key {
    Key::new(format!("USER#{user}"), "TUTOR_APPLICATION")
}

/// All applications in a state, oldest first.
pub fn tutor_applications(state: Approval, created: Time, user: UserId) -> IndexKey {
    IndexKey::new(tutor_applications_in(state), format!("{created}#{user}"))
}

/// The partition of [`tutor_applications`].
pub fn tutor_applications_in(state: Approval) -> String {
    format!("TUTOR_APPLICATION#{}", state.as_str())
}

/// Everything that hangs on one account.
pub fn user_partition(user: UserId) -> String {
    format!("USER#{user}")
}

/// What one user's idempotency key of one operation led to.
pub fn idempotency(user: UserId, operation: &str, key: &str) -> Key {
    Key::new(idempotency_of(user), format!("RECORD#{operation}#{key}"))
}

/// The partition of [`idempotency`]: apart from the account's own, because a repeat reads nothing else.
pub fn idempotency_of(user: UserId) -> String {
    format!("IDEMPOTENCY#{user}")
}

/// One notification to a user.
pub fn note(user: UserId, id: NoteId) -> Key {
    Key::new(user_partition(user), format!("NOTE#{id}"))
}

/// How often a user did something of a `kind` in the window that began at `since`.
pub fn posting_window(user: UserId, kind: &str, since: Time) -> Key {
    Key::new(posting_windows_of(user), format!("{kind}#{since}"))
}

/// The partition of [`posting_window`].
pub fn posting_windows_of(user: UserId) -> String {
    format!("POSTING#{user}")
}
