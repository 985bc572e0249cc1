//! `POST /v1/admin/tutor-applications/{userId}/reject`: rejects an application with a reason.

use deserr::Deserr;
use devloop_http::{Admin, Json, Path};
use domain::{
    accounts::Approval,
    ids::UserId,
    refusal::{Details, Reason, Refusal},
    text,
    validation::FieldErrors,
};
use storage::{Write, WriteError, items::TutorApplication, keys};
use utoipa::ToSchema;

use crate::{
    App,
    views::{ApplicationView, NOT_FOUND},
};

/// Why the application is rejected.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
#[schema(example = json!({ "reason": "포트폴리오를 열 수 없습니다." }))]
pub struct RejectTutorApplication {
    /// The applicant reads it.
    reason: text::Reason,
}

/// Why nothing was rejected.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("never applied")]
    NotFound,
    #[error("the application was approved")]
    Approved,
    #[error("the application changed meanwhile")]
    Changed,
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

const APPLICATION_APPROVED: Reason =
    Reason::conflict("APPLICATION_APPROVED", "이미 승인된 신청입니다.", "This application was approved already.");

impl Refusal for Refused {
    const REASONS: &'static [Reason] = &[NOT_FOUND, APPLICATION_APPROVED];

    fn reason(&self) -> Reason {
        match self {
            Self::NotFound => NOT_FOUND,
            Self::Approved => APPLICATION_APPROVED,
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

/// Rejects it. One that was rejected keeps its first reason.
pub async fn reject_tutor_application(
    app: App,
    _: Admin,
    (Path(user), Json(body)): (Path<UserId>, Json<RejectTutorApplication>),
) -> Result<Json<ApplicationView>, Refused> {
    for _ in 0..TRIES {
        let pending: Option<TutorApplication> = app.edge.table.get_now(keys::tutor_application(user)).await?;
        let pending = pending.ok_or(Refused::NotFound)?;
        match pending.state {
            Approval::Pending => {}
            Approval::Approved => return Err(Refused::Approved),
            Approval::Rejected => return Ok(Json(ApplicationView::of(pending))),
        }
        let version = pending.version;
        let rejected = TutorApplication {
            state: Approval::Rejected,
            reason: Some(body.reason.clone()),
            version: version.saturating_add(1),
            ..pending
        };
        let decision = Write::put(&rejected).if_is("state", Approval::Pending).if_is("version", version);
        match app.edge.table.write(decision).await {
            Ok(()) => return Ok(Json(ApplicationView::of(rejected))),
            Err(WriteError::Unmet(_)) => {}
            Err(WriteError::Storage(error)) => return Err(error.into()),
        }
    }
    Err(Refused::Changed)
}
