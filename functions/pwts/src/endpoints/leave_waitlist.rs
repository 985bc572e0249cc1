//! `DELETE /v1/pwts/{pwtId}/waitlist/me`: gives up a place, and with it the seat that is kept for
//! it, if one is: the order-sweeper keeps that for who is next.

use devloop_http::{NoContent, Path, SignedIn};
use domain::{
    ids::PwtId,
    refusal::{Details, Reason, Refusal},
};
use storage::Error;

use crate::{App, waitlist};

/// Why the place was not given up.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error(transparent)]
    Storage(#[from] Error),
}

impl Refusal for Refused {
    const REASONS: &'static [Reason] = &[];

    fn reason(&self) -> Reason {
        let Self::Storage(error) = self;
        error.reason()
    }

    fn details(&self) -> Details {
        let Self::Storage(error) = self;
        error.details()
    }
}

/// How often the place is looked at again because a seat was kept for it meanwhile.
const TRIES: usize = 3;

/// Leaves; who does not wait has left already.
pub async fn leave_waitlist(app: App, caller: SignedIn, Path(id): Path<PwtId>) -> Result<NoContent, Refused> {
    for _ in 0..TRIES {
        let Some(place) = waitlist::place_of(&app, id, caller.id).await? else { return Ok(NoContent) };
        if waitlist::end(&app, &place).await? {
            return Ok(NoContent);
        }
    }
    Err(Error::Busy { operation: "leave_waitlist" }.into())
}
