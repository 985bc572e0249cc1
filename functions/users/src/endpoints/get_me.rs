//! `GET /v1/users/me`: the caller's profile.

use devloop_http::{SignedIn, Versioned};
use storage::Error;

use crate::{App, profiles::Me};

/// Reads it as it is now; its `ETag` is for changes of the account.
pub async fn get_me(app: App, caller: SignedIn, (): ()) -> Result<Versioned<Me>, Error> {
    let (version, body) = Me::read(&app, caller.id).await?;
    Ok(Versioned { version, body })
}
