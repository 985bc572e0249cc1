//! `DELETE /v1/pwts/{pwtId}`: its tutor, or an admin, deletes a project that nobody has a seat of.
//!
//! One transaction deletes the post and all shards of its seats, each on the condition that none
//! of its seats is held, sold or kept for somebody who waited.

use devloop_http::{Active, IfMatch, NoContent, Path, stale};
use domain::{
    ids::PwtId,
    refusal::{Details, Reason, Refusal},
};
use serde_json::Value;
use storage::{Error, Tx, TxError, Write, items::SeatShard, keys};

use crate::{
    App,
    reading::{self, NotYours, PWT_NOT_FOUND},
};

/// Why nothing was deleted.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error(transparent)]
    NotYours(#[from] NotYours),
    #[error("another version than the one that was seen")]
    Stale(u64, Value),
    #[error("somebody has a seat of it")]
    HasBuyers,
    #[error(transparent)]
    Storage(#[from] Error),
}

const HAS_BUYERS: Reason = Reason::conflict(
    "HAS_BUYERS",
    "구매자나 결제 대기 중인 사람이 있는 프로젝트는 삭제할 수 없습니다. 마감은 할 수 있습니다.",
    "Somebody has a seat of this project: it cannot be deleted, only closed.",
);

impl Refusal for Refused {
    const REASONS: &'static [Reason] = &[PWT_NOT_FOUND, Reason::FORBIDDEN, Reason::VERSION_CONFLICT, HAS_BUYERS];

    fn reason(&self) -> Reason {
        match self {
            Self::NotYours(refused) => refused.reason(),
            Self::Stale(..) => Reason::VERSION_CONFLICT,
            Self::HasBuyers => HAS_BUYERS,
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::NotYours(refused) => refused.details(),
            Self::Stale(version, current) => stale(*version, current.clone()),
            Self::HasBuyers => Details::default(),
            Self::Storage(error) => error.details(),
        }
    }
}

/// Which part of the deletion did not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lost {
    Post,
    Seats,
}

/// How often the project is looked at again because it was changed meanwhile.
const TRIES: usize = 3;

/// Deletes the version that was seen.
pub async fn delete_pwt(
    app: App,
    caller: Active,
    (Path(id), seen): (Path<PwtId>, IfMatch),
) -> Result<NoContent, Refused> {
    for _ in 0..TRIES {
        let pwt = reading::yours(&app, &caller.account, id).await?;
        let version = pwt.version;
        if !seen.is(version) {
            return Err(Refused::Stale(version, reading::as_member(&reading::view(&app, pwt).await?)?));
        }
        let post = Write::delete(keys::pwt(id)).if_is("version", version);
        let shards = (0..pwt.seat_shards).map(|shard| (SeatShard::delete(id, shard), Lost::Seats));
        match Tx::once(app.ids.token()).and(post, Lost::Post).and_all(shards).commit(&app.table).await {
            Ok(()) => return Ok(NoContent),
            // Of another version, the shards may be others, too: look again.
            Err(TxError::Unmet(unmet)) if unmet.iter().any(|unmet| unmet.refusal == Lost::Post) => {}
            Err(TxError::Unmet(_)) => return Err(Refused::HasBuyers),
            Err(TxError::Storage(error)) => return Err(error.into()),
        }
    }
    Err(Error::Busy { operation: "delete_pwt" }.into())
}
