//! `PUT /v1/auth/password`: changes the password, and ends every session but the caller's.
//!
//! A session belongs to the password that it was opened under. So one transaction changes the
//! account and takes the caller's session along, and leaves none of the others open.

use auth::is_common;
use deserr::Deserr;
use devloop_http::{From, Json, NoContent, SignedIn, UNAUTHENTICATED};
use domain::{
    accounts::Standing,
    refusal::{Details, Reason, Refusal},
    text::Password,
    validation::FieldErrors,
};
use storage::{
    Error, Tx,
    items::{Session, User},
    keys, pick,
};
use utoipa::ToSchema;

use crate::{
    App,
    passwords::{COMMON_PASSWORD, NotProven, prove_again},
};

/// The password that is, and the one that shall be.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
#[schema(example = json!({ "oldPassword": "correct horse battery", "newPassword": "staple the horse 7" }))]
pub struct ChangePassword {
    /// The present one.
    old_password: Password,
    /// Not one of the most common ones.
    new_password: Password,
}

/// Why the password stays.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("the new password is a common one")]
    CommonPassword,
    #[error("the account is not in use, or the session is over")]
    SignedOut,
    #[error(transparent)]
    NotProven(#[from] NotProven),
    #[error(transparent)]
    Hashing(#[from] auth::HashFailed),
    #[error(transparent)]
    Storage(#[from] Error),
}

impl Refusal for Refused {
    const REASONS: &'static [Reason] =
        &[Reason::VALIDATION_FAILED, UNAUTHENTICATED, NotProven::INVALID_CREDENTIALS, NotProven::TOO_MANY_REQUESTS];

    fn reason(&self) -> Reason {
        match self {
            Self::CommonPassword => Reason::VALIDATION_FAILED,
            Self::SignedOut => UNAUTHENTICATED,
            Self::NotProven(error) => error.reason(),
            Self::Hashing(_) => Reason::INTERNAL,
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::CommonPassword => FieldErrors::one("newPassword", COMMON_PASSWORD).details(),
            Self::SignedOut | Self::Hashing(_) => Details::default(),
            Self::NotProven(error) => error.details(),
            Self::Storage(error) => error.details(),
        }
    }
}

/// Changes it, once: of two changes of one password the later one finds that it is another by now.
pub async fn change_password(
    app: App,
    caller: SignedIn,
    (From(address), Json(body)): (From, Json<ChangePassword>),
) -> Result<NoContent, Refused> {
    if is_common(&body.new_password) {
        return Err(Refused::CommonPassword);
    }
    let table = &app.edge.table;
    let found = table.get_mixed_now([keys::user(caller.id), keys::session(caller.id, caller.family)]).await?;
    let account = pick::<User>(&found)?.filter(|account| account.standing == Standing::Active);
    let account = account.ok_or(Refused::SignedOut)?;
    let session = pick::<Session>(&found)?.filter(|session| session.password_version == account.password_version);
    let session = session.ok_or(Refused::SignedOut)?;
    let account = prove_again(&app, account, address, &body.old_password).await?;
    let hash = app.hasher.hash(&body.new_password).await?;
    Tx::once(app.edge.ids.token())
        .and(account.change_password(&hash), Refused::NotProven(NotProven::Wrong))
        .and(session.keep(account.password_version.saturating_add(1)), Refused::SignedOut)
        .commit(table)
        .await
        .map_err(|error| error.first(Refused::Storage))?;
    Ok(NoContent)
}
