//! `GET /v1/pwts/{pwtId}/seats`: all seats of a project by state, as of one instant.

use devloop_http::{Json, Path, Public};
use domain::{
    accounts::Approval,
    ids::PwtId,
    refusal::{Details, Reason, Refusal},
    time::Time,
};
use serde::Serialize;
use storage::{items::Pwt, keys};
use utoipa::ToSchema;

use crate::{
    App,
    reading::{PWT_NOT_FOUND, sorted},
    stock,
};

/// The seats of a project: held, sold and available ones add up to the total.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({ "total": 10, "held": 2, "sold": 5, "available": 3, "asOf": "2026-12-01T09:00:00.000Z" }))]
pub struct SeatsView {
    total: u32,
    /// Taken by unpaid orders, or kept for somebody on the waitlist.
    held: u32,
    sold: u32,
    available: u32,
    as_of: Time,
}

/// Why there is nothing to count.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("no such project on sale")]
    NotFound,
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

impl Refusal for Refused {
    const REASONS: &'static [Reason] = &[PWT_NOT_FOUND];

    fn reason(&self) -> Reason {
        match self {
            Self::NotFound => PWT_NOT_FOUND,
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::NotFound => Details::default(),
            Self::Storage(error) => error.details(),
        }
    }
}

/// Adds up the shards.
pub async fn get_pwt_seats(app: App, _: Public, Path(id): Path<PwtId>) -> Result<Json<SeatsView>, Refused> {
    let pwt: Option<Pwt> = app.table.get_now(keys::pwt(id)).await?;
    let pwt = pwt.filter(|pwt| pwt.approval == Approval::Approved).ok_or(Refused::NotFound)?;
    let shards = sorted(&pwt, app.table.transact_get(pwt.seat_keys()).await?)?;
    if shards.is_empty() {
        return Err(Refused::NotFound);
    }
    let seats = stock::counted(&shards);
    Ok(Json(SeatsView {
        total: seats.total(),
        held: seats.held.saturating_add(seats.claimed),
        sold: seats.sold,
        available: seats.available,
        as_of: app.clock.now(),
    }))
}
