//! `DELETE /v1/users/me/image`: the caller has the picture of everybody who has chosen none.

use devloop_http::{Active, NoContent, UNAUTHENTICATED};
use domain::{
    accounts::Standing,
    refusal::{Details, Reason, Refusal},
};
use storage::{Error, items::User, keys};

use crate::{
    App,
    images::{self, TRIES},
};

/// Why the picture stays.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("the account is not in use")]
    NotActive,
    #[error(transparent)]
    Storage(#[from] Error),
}

impl Refusal for Refused {
    const REASONS: &'static [Reason] = &[UNAUTHENTICATED];

    fn reason(&self) -> Reason {
        match self {
            Self::NotActive => UNAUTHENTICATED,
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::NotActive => Details::default(),
            Self::Storage(error) => error.details(),
        }
    }
}

/// Releases it, if there is one.
pub async fn remove_profile_image(app: App, caller: Active, (): ()) -> Result<NoContent, Refused> {
    let mut account = caller.account;
    for _ in 0..TRIES {
        if account.standing != Standing::Active {
            return Err(Refused::NotActive);
        }
        if account.image.is_none() || images::change(&app, &account, None, None).await? {
            return Ok(NoContent);
        }
        let present: Option<User> = app.table.get_now(keys::user(account.id)).await?;
        account = present.ok_or(Refused::NotActive)?;
    }
    Err(Error::Busy { operation: "TransactWriteItems" }.into())
}
