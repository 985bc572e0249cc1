//! `POST /v1/parties/{postId}/applications/{userId}/accept`: the author of a study party gives an
//! applicant a place. Doing it twice changes nothing; who was declined may be accepted after all.
//!
//! One transaction decides and takes the place, on the condition that the party has one left: of
//! many acceptances at once, as many succeed as there are places.

use boards::{TRIES, posts::POST_NOT_FOUND};
use devloop_http::{Active, Json, PathPair};
use domain::{
    forums::{Admission, Party},
    ids::{PostId, UserId},
    refusal::{Details, Reason, Refusal},
};
use storage::{Error, Tx, TxError, items::Post};

use crate::{
    App,
    applications::{self, APPLICATION_NOT_FOUND, PARTY_FULL, Undecided},
    views::PartyApplicationView,
};

/// Why nobody was given a place.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error(transparent)]
    Undecided(#[from] Undecided),
    #[error("every place is taken")]
    Full,
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Undecided(error.into())
    }
}

impl Refusal for Refused {
    const REASONS: &'static [Reason] = &[POST_NOT_FOUND, APPLICATION_NOT_FOUND, Reason::FORBIDDEN, PARTY_FULL];

    fn reason(&self) -> Reason {
        match self {
            Self::Undecided(undecided) => undecided.reason(),
            Self::Full => PARTY_FULL,
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::Undecided(undecided) => undecided.details(),
            Self::Full => Details::default(),
        }
    }
}

/// Which part did not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lost {
    Application,
    Place,
}

/// Accepts, unless that was done.
pub async fn accept_party_application(
    app: App,
    author: Active,
    PathPair(id, applicant): PathPair<PostId, UserId>,
) -> Result<Json<PartyApplicationView>, Refused> {
    for _ in 0..TRIES {
        let application = applications::to_decide(&app, author.id(), id, applicant).await?;
        if application.state == Admission::Accepted {
            return Ok(Json(applications::view(&app, application).await?));
        }
        let accepted = application.decided(Admission::Accepted, app.clock.now());
        let tx = Tx::once(app.ids.token())
            .and(accepted.replace(&application), Lost::Application)
            .and(Post::<Party>::take_place(id), Lost::Place);
        match tx.commit(&app.table).await {
            Ok(()) => return Ok(Json(applications::view(&app, accepted).await?)),
            // Of another version, the place may have been given already: look again.
            Err(TxError::Unmet(unmet)) if unmet.iter().any(|unmet| unmet.refusal == Lost::Application) => {}
            Err(TxError::Unmet(unmet)) if unmet.iter().any(|unmet| unmet.item.is_none()) => {
                return Err(Undecided::NoParty.into());
            }
            Err(TxError::Unmet(_)) => return Err(Refused::Full),
            Err(TxError::Storage(error)) => return Err(error.into()),
        }
    }
    Err(Error::Busy { operation: "TransactWriteItems" }.into())
}
