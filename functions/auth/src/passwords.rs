//! Proving a password: by the same rules at log-in, when it is changed and when somebody leaves.

use std::net::IpAddr;

use domain::{
    quota::TooMany,
    refusal::{Details, Kind, Reason, Refusal},
    text::Password,
    validation::Invalid,
};
use storage::{Error, items::User};

use crate::{App, log_in_windows::Try};

/// A password that everybody would guess first.
pub const COMMON_PASSWORD: Invalid = Invalid::new(
    "COMMON_PASSWORD",
    "너무 흔한 비밀번호입니다. 다른 비밀번호를 사용해 주세요.",
    "is too common; please choose another one",
);

/// Why a password proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum NotProven {
    #[error("no such account, or not its password")]
    Wrong,
    #[error("too many failures")]
    TooMany(TooMany),
    #[error(transparent)]
    Hashing(#[from] auth::HashFailed),
    #[error(transparent)]
    Storage(#[from] Error),
}

impl NotProven {
    /// The password is wrong.
    pub const INVALID_CREDENTIALS: Reason = Reason::new(
        Kind::Unauthenticated,
        "INVALID_CREDENTIALS",
        "비밀번호가 올바르지 않습니다.",
        "The password is wrong.",
    );
    /// Whoever guesses has to wait.
    pub const TOO_MANY_REQUESTS: Reason = Reason::new(
        Kind::TooManyRequests,
        "TOO_MANY_REQUESTS",
        "비밀번호를 입력한 횟수가 너무 많습니다. 잠시 후 다시 시도해 주세요.",
        "Too many tries of a password; please try again later.",
    );
}

impl Refusal for NotProven {
    const REASONS: &'static [Reason] = &[Self::INVALID_CREDENTIALS, Self::TOO_MANY_REQUESTS];

    fn reason(&self) -> Reason {
        match self {
            Self::Wrong => Self::INVALID_CREDENTIALS,
            Self::TooMany(_) => Self::TOO_MANY_REQUESTS,
            Self::Hashing(_) => Reason::INTERNAL,
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::TooMany(too_many) => too_many.details(),
            Self::Storage(error) => error.details(),
            Self::Wrong | Self::Hashing(_) => Details::default(),
        }
    }
}

/// The account that `find` finds, if `typed` is its password. Tries are counted by `name`, the
/// account's name for whoever guesses, before anything is looked at.
pub async fn prove(
    app: &App,
    (name, address): (&str, Option<IpAddr>),
    find: impl Future<Output = Result<Option<User>, Error>>,
    typed: &Password,
) -> Result<User, NotProven> {
    let attempt = Try::begin(&app.edge, name, address).await?.map_err(NotProven::TooMany)?;
    let account = find.await?;
    let stored = account.as_ref().and_then(|account| account.password_hash.as_deref());
    let right = app.hasher.verify(typed.expose(), stored).await?;
    let Some(account) = account.filter(|_| right) else {
        attempt.failed(&app.edge).await?;
        return Err(NotProven::Wrong);
    };
    attempt.succeeded(&app.edge).await?;
    Ok(account)
}

/// [`prove`] for somebody who is signed in. Tries are counted together with those at log-in.
pub async fn prove_again(
    app: &App,
    account: User,
    address: Option<IpAddr>,
    typed: &Password,
) -> Result<User, NotProven> {
    let name = account.email.as_ref().map_or_else(|| account.id.to_string(), |email| email.as_str().to_owned());
    prove(app, (&name, address), std::future::ready(Ok(Some(account))), typed).await
}
