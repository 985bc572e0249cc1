//! Applications to a party, and the places that accepted ones have.
//!
//! A place is taken in the transaction that accepts, on the condition that the party has one left,
//! and given back in the one that ends the acceptance: no party ever has more members than places.

use boards::{
    Authors,
    posts::{POST_NOT_FOUND, written_by},
};
use domain::{
    boards::Board,
    forums::Party,
    ids::{PostId, UserId},
    refusal::{Details, Reason, Refusal},
};
use storage::{
    Error, Tx, TxError, Write,
    items::{Application, Post},
    keys, pick,
};

use crate::{App, views::PartyApplicationView};

/// Nobody of that id has applied.
pub const APPLICATION_NOT_FOUND: Reason =
    Reason::not_found("APPLICATION_NOT_FOUND", "존재하지 않는 신청입니다.", "There is no such application.");

/// Every place of the party is taken.
pub const PARTY_FULL: Reason =
    Reason::conflict("PARTY_FULL", "정원이 모두 찼습니다.", "Every place of this party is taken.");

/// Why an application stands where it stood.
#[derive(Debug, thiserror::Error)]
pub enum Undecided {
    #[error("no such party")]
    NoParty,
    #[error("no such application")]
    NoApplication,
    #[error("somebody else's party")]
    Forbidden,
    #[error(transparent)]
    Storage(#[from] Error),
}

impl Refusal for Undecided {
    const REASONS: &'static [Reason] = &[POST_NOT_FOUND, APPLICATION_NOT_FOUND, Reason::FORBIDDEN];

    fn reason(&self) -> Reason {
        match self {
            Self::NoParty => POST_NOT_FOUND,
            Self::NoApplication => APPLICATION_NOT_FOUND,
            Self::Forbidden => Reason::FORBIDDEN,
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::NoParty | Self::NoApplication | Self::Forbidden => Details::default(),
            Self::Storage(error) => error.details(),
        }
    }
}

/// A party and what somebody asked of it, if it is there and they did, as both are now.
pub async fn read(app: &App, id: PostId, user: UserId) -> Result<(Option<Post<Party>>, Option<Application>), Error> {
    let both = [keys::post(Board::Party, id), keys::party_application(id, user)];
    let found = app.table.get_mixed_now(both).await?;
    Ok((pick(&found)?, pick(&found)?))
}

/// An application that `author` is to decide on.
pub async fn to_decide(app: &App, author: UserId, id: PostId, applicant: UserId) -> Result<Application, Undecided> {
    let (party, application) = read(app, id, applicant).await?;
    let party = party.ok_or(Undecided::NoParty)?;
    if !written_by(&party, author) {
        return Err(Undecided::Forbidden);
    }
    application.ok_or(Undecided::NoApplication)
}

/// Ends what an application stands for by `write`, and gives the place back that it has. False if
/// it stands elsewhere by now, or its party is gone: then it is to be looked at again.
pub async fn end(app: &App, application: &Application, write: Write) -> Result<bool, Error> {
    let writes = application.end(write).map(|write| (write, ()));
    match Tx::once(app.ids.token()).and_all(writes).commit(&app.table).await {
        Ok(()) => Ok(true),
        Err(TxError::Unmet(_)) => Ok(false),
        Err(TxError::Storage(error)) => Err(error),
    }
}

/// The view of an application.
pub async fn view(app: &App, application: Application) -> Result<PartyApplicationView, Error> {
    let applicant = Authors::read(&app.table, [application.user_id]).await?.view(application.user_id);
    Ok(PartyApplicationView::of(application, applicant))
}
