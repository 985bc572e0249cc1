//! `POST /v1/admin/pwts/{pwtId}/approve`: puts a project on sale.
//!
//! One transaction publishes the post and creates its seats; the schedule of a project is there
//! as soon as the post is approved. Of any number of approvals one takes effect, and all succeed.

use devloop_http::{Admin, IfMatch, Path, Versioned, stale};
use domain::{
    accounts::Approval,
    ids::PwtId,
    refusal::{Details, Reason, Refusal},
    seats,
    time::Time,
};
use serde_json::Value;
use storage::{
    Error, Tx, TxError, Write,
    items::{Pwt, SaleFacts, User},
    keys,
};

use crate::{
    App,
    reading::{self, PWT_NOT_FOUND},
    stock,
    views::AdminPwtView,
};

/// Why nothing was approved.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("no such project")]
    NotFound,
    #[error("the project was rejected")]
    Rejected,
    #[error("the deadline has passed or comes before the sale")]
    DeadlinePassed,
    #[error("the tutor's account is not in use")]
    TutorGone,
    #[error("another version than the one that was seen")]
    Stale(u64, Value),
    #[error(transparent)]
    Storage(#[from] Error),
}

const PWT_REJECTED: Reason = Reason::conflict(
    "PWT_REJECTED",
    "반려된 프로젝트입니다. 튜터가 수정하면 다시 승인할 수 있습니다.",
    "This project was rejected; it can be approved after its tutor changes it.",
);
const DEADLINE_PASSED: Reason = Reason::conflict(
    "DEADLINE_PASSED",
    "모집 마감이 지나 승인할 수 없습니다.",
    "The deadline has passed: there is nothing left to sell.",
);
const TUTOR_NOT_ELIGIBLE: Reason = Reason::conflict(
    "TUTOR_NOT_ELIGIBLE",
    "탈퇴했거나 탈퇴 중인 튜터의 프로젝트는 승인할 수 없습니다.",
    "The tutor of this project has left or is leaving.",
);

impl Refusal for Refused {
    const REASONS: &'static [Reason] =
        &[PWT_NOT_FOUND, PWT_REJECTED, DEADLINE_PASSED, TUTOR_NOT_ELIGIBLE, Reason::VERSION_CONFLICT];

    fn reason(&self) -> Reason {
        match self {
            Self::NotFound => PWT_NOT_FOUND,
            Self::Rejected => PWT_REJECTED,
            Self::DeadlinePassed => DEADLINE_PASSED,
            Self::TutorGone => TUTOR_NOT_ELIGIBLE,
            Self::Stale(..) => Reason::VERSION_CONFLICT,
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::Stale(version, current) => stale(*version, current.clone()),
            Self::Storage(error) => error.details(),
            _ => Details::default(),
        }
    }
}

/// How often a decision is looked at again that somebody else was faster with.
const TRIES: usize = 3;

/// Approves what was seen. An approved project is answered as it is, whatever version is named.
pub async fn approve_pwt(
    app: App,
    _: Admin,
    (Path(id), seen): (Path<PwtId>, IfMatch),
) -> Result<Versioned<AdminPwtView>, Refused> {
    for _ in 0..TRIES {
        let pwt: Pwt = app.table.get_now(keys::pwt(id)).await?.ok_or(Refused::NotFound)?;
        let version = pwt.version;
        match pwt.approval {
            Approval::Pending => {}
            Approval::Approved => {
                return Ok(Versioned { version, body: reading::view_for_admin(&app, pwt).await? });
            }
            Approval::Rejected => return Err(Refused::Rejected),
        }
        if !seen.is(version) {
            let current = reading::view_for_admin(&app, pwt).await?;
            return Err(Refused::Stale(version, reading::as_member(&current)?));
        }
        let (approved, sale) = approved(pwt, app.clock.now()).ok_or(Refused::DeadlinePassed)?;
        let post = Write::put(&approved).if_is("approval", Approval::Pending).if_is("version", version);
        let seats = stock::opened(&approved, sale).into_iter().map(|shard| (Write::put(&shard).if_absent(), false));
        // A tutor who leaves is asked for projects first: none may become public behind that.
        let tutor = User::must_be_active(approved.tutor_id);
        match Tx::once(app.ids.token()).and(tutor, true).and(post, false).and_all(seats).commit(&app.table).await {
            Ok(()) => {
                let (version, body) = (approved.version, reading::view_for_admin(&app, approved).await?);
                return Ok(Versioned { version, body });
            }
            Err(TxError::Unmet(unmet)) if unmet.iter().any(|unmet| unmet.refusal) => return Err(Refused::TutorGone),
            // Somebody was faster: what they did decides.
            Err(TxError::Unmet(_)) => {}
            Err(TxError::Storage(error)) => return Err(error.into()),
        }
    }
    Err(Error::Busy { operation: "approve_pwt" }.into())
}

/// The project as it is sold from `now` on; `None` if there would be no time to sell.
fn approved(pwt: Pwt, now: Time) -> Option<(Pwt, SaleFacts)> {
    let sales_from = pwt.sales_from.unwrap_or(now);
    let pwt = Pwt {
        approval: Approval::Approved,
        sales_from: Some(sales_from),
        seat_shards: seats::shard_count(pwt.max_participants),
        published_at: Some(now),
        version: pwt.version.saturating_add(1),
        ..pwt
    };
    let sale = pwt.sale_facts()?;
    (now < pwt.deadline && sales_from < pwt.deadline).then_some((pwt, sale))
}
