//! `POST /v1/pwts/{pwtId}/close`: its tutor, or an admin, ends the sale of a project for good.
//!
//! One transaction tells the post and all shards of the seats, so that no seat is taken after it.
//! What was held before may still be paid. Seats that come back later do not reopen the sale.

use devloop_http::{Active, Path, Versioned};
use domain::{
    accounts::Approval,
    ids::PwtId,
    refusal::{Details, Reason, Refusal},
};
use storage::{
    Error, Tx, TxError,
    items::{Pwt, SeatShard},
};

use crate::{
    App,
    reading::{self, NotYours, PWT_NOT_FOUND},
    views::PwtView,
};

/// Why the sale goes on.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error(transparent)]
    NotYours(#[from] NotYours),
    #[error("it was never on sale")]
    NotApproved,
    #[error(transparent)]
    Storage(#[from] Error),
}

const PWT_NOT_APPROVED: Reason = Reason::conflict(
    "PWT_NOT_APPROVED",
    "승인되지 않은 프로젝트는 마감할 수 없습니다.",
    "This project was not approved: it is not on sale.",
);

impl Refusal for Refused {
    const REASONS: &'static [Reason] = &[PWT_NOT_FOUND, Reason::FORBIDDEN, PWT_NOT_APPROVED];

    fn reason(&self) -> Reason {
        match self {
            Self::NotYours(refused) => refused.reason(),
            Self::NotApproved => PWT_NOT_APPROVED,
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::NotYours(refused) => refused.details(),
            Self::NotApproved => Details::default(),
            Self::Storage(error) => error.details(),
        }
    }
}

/// How often the project is looked at again because it was changed meanwhile.
const TRIES: usize = 5;

/// Closes; a closed project is answered as it is.
pub async fn close_pwt(app: App, caller: Active, Path(id): Path<PwtId>) -> Result<Versioned<PwtView>, Refused> {
    for _ in 0..TRIES {
        let pwt = reading::yours(&app, &caller.account, id).await?;
        if pwt.approval != Approval::Approved {
            return Err(Refused::NotApproved);
        }
        if !pwt.on_sale {
            return Ok(Versioned { version: pwt.version, body: reading::view(&app, pwt).await? });
        }
        let shards = (0..pwt.seat_shards).map(|shard| (SeatShard::close(id, shard), ()));
        match Tx::once(app.ids.token()).and(pwt.close(), ()).and_all(shards).commit(&app.table).await {
            Ok(()) => {
                let closed = Pwt { on_sale: false, version: pwt.version.saturating_add(1), ..pwt };
                return Ok(Versioned { version: closed.version, body: reading::view(&app, closed).await? });
            }
            // It was changed, closed or deleted meanwhile.
            Err(TxError::Unmet(_)) => {}
            Err(TxError::Storage(error)) => return Err(error.into()),
        }
    }
    Err(Error::Busy { operation: "close_pwt" }.into())
}
