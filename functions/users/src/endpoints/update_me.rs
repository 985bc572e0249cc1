//! `PATCH /v1/users/me`: changes the caller's username.

use deserr::Deserr;
use devloop_http::{IfMatch, Json, SignedIn, UNAUTHENTICATED, Versioned, stale};
use domain::{
    accounts::Standing,
    refusal::{Details, Reason, Refusal},
    text::Username,
    validation::FieldErrors,
};
use storage::{Error, WriteError, decode, items::User};
use utoipa::ToSchema;

use crate::{App, profiles::Me};

/// What changes.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
#[schema(example = json!({ "username": "김개발자" }))]
pub struct UpdateMe {
    /// Not unique.
    username: Username,
}

/// Why nothing changed.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("the account is not in use")]
    NotActive,
    #[error("it is version {0} by now")]
    Stale(u64, Box<Me>),
    #[error(transparent)]
    Storage(#[from] Error),
}

impl Refusal for Refused {
    const REASONS: &'static [Reason] = &[UNAUTHENTICATED, Reason::VERSION_CONFLICT];

    fn reason(&self) -> Reason {
        match self {
            Self::NotActive => UNAUTHENTICATED,
            Self::Stale(..) => Reason::VERSION_CONFLICT,
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::NotActive => Details::default(),
            Self::Stale(version, current) => stale(*version, serde_json::to_value(current).unwrap_or_default()),
            Self::Storage(error) => error.details(),
        }
    }
}

/// Changes it, if the account is still the version that was seen, where one is named.
pub async fn update_me(
    app: App,
    caller: SignedIn,
    (seen, Json(change)): (Option<IfMatch>, Json<UpdateMe>),
) -> Result<Versioned<Me>, Refused> {
    let rename = User::rename(caller.id, &change.username);
    let rename = match seen {
        Some(seen) => rename.if_is("version", seen.version()),
        None => rename,
    };
    let written = app.table.write(rename).await;
    let account: Option<User> = match written {
        Ok(()) => None,
        Err(WriteError::Unmet(item)) => Some(item.map(decode).transpose()?.ok_or(Refused::NotActive)?),
        Err(WriteError::Storage(error)) => return Err(error.into()),
    };
    if account.as_ref().is_some_and(|account| account.standing != Standing::Active) {
        return Err(Refused::NotActive);
    }
    let (version, body) = Me::read(&app, caller.id).await?;
    match account {
        None => Ok(Versioned { version, body }),
        Some(_) => Err(Refused::Stale(version, Box::new(body))),
    }
}
