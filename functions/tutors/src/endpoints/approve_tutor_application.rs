//! `POST /v1/admin/tutor-applications/{userId}/approve`: makes the applicant a tutor.

use devloop_http::{Admin, Json, Path};
use domain::{
    accounts::Approval,
    ids::UserId,
    refusal::{Details, Reason, Refusal},
};
use storage::{
    Error, Tx, TxError, Write,
    items::{TutorApplication, User},
    keys,
};

use crate::{
    App,
    views::{ApplicationView, NOT_FOUND},
};

/// Why nobody became a tutor.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("never applied")]
    NotFound,
    #[error("the application was rejected")]
    Rejected,
    #[error("the account is withdrawn or no plain user's")]
    NotEligible,
    #[error("the application changed meanwhile")]
    Changed,
    #[error(transparent)]
    Storage(#[from] Error),
}

const APPLICATION_REJECTED: Reason = Reason::conflict(
    "APPLICATION_REJECTED",
    "이미 반려된 신청입니다. 다시 신청하면 승인할 수 있습니다.",
    "This application was rejected; the user may apply again.",
);
const NOT_ELIGIBLE: Reason = Reason::conflict(
    "APPLICANT_NOT_ELIGIBLE",
    "탈퇴했거나 튜터가 될 수 없는 계정입니다.",
    "This account is withdrawn or cannot become a tutor.",
);

impl Refusal for Refused {
    const REASONS: &'static [Reason] = &[NOT_FOUND, APPLICATION_REJECTED, NOT_ELIGIBLE];

    fn reason(&self) -> Reason {
        match self {
            Self::NotFound => NOT_FOUND,
            Self::Rejected => APPLICATION_REJECTED,
            Self::NotEligible => NOT_ELIGIBLE,
            Self::Changed => Reason::BUSY,
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::Changed => Details::retry_after(1),
            Self::Storage(error) => error.details(),
            _ => Details::default(),
        }
    }
}

/// How often a decision is looked at again that somebody else was faster with.
const TRIES: usize = 3;

/// Approves the application and gives the role, in one transaction. Doing it twice is fine.
pub async fn approve_tutor_application(
    app: App,
    _: Admin,
    Path(user): Path<UserId>,
) -> Result<Json<ApplicationView>, Refused> {
    for _ in 0..TRIES {
        let pending: Option<TutorApplication> = app.edge.table.get_now(keys::tutor_application(user)).await?;
        let pending = pending.ok_or(Refused::NotFound)?;
        match pending.state {
            Approval::Pending => {}
            Approval::Approved => return Ok(Json(ApplicationView::of(pending))),
            Approval::Rejected => return Err(Refused::Rejected),
        }
        let version = pending.version;
        let approved = TutorApplication { state: Approval::Approved, version: version.saturating_add(1), ..pending };
        let decision = Write::put(&approved).if_is("state", Approval::Pending).if_is("version", version);
        let committed = Tx::once(app.edge.ids.token())
            .and(decision, Refused::Changed)
            .and(User::become_tutor(user), Refused::NotEligible)
            .commit(&app.edge.table)
            .await;
        match committed.map_err(|error: TxError<Refused>| error.first(Refused::Storage)) {
            Ok(()) => return Ok(Json(ApplicationView::of(approved))),
            Err(Refused::Changed) => {}
            Err(refused) => return Err(refused),
        }
    }
    Err(Refused::Changed)
}
