//! `POST /v1/admin/reports/{reportId}/resolve`: an admin decides on a report, and its maker hears of it.
//!
//! What was reported is deleted by its own operation; this says what came of the report. Deciding
//! the same twice changes nothing.

use deserr::Deserr;
use devloop_http::{Admin, Json, Path};
use domain::{
    ids::ReportId,
    refusal::{Details, Reason, Refusal},
    reports::{Outcome, ReportState},
    validation::FieldErrors,
};
use storage::{
    Error, Tx, TxError, Write,
    items::{Note, NoteKind, Report, User},
    keys,
};
use utoipa::ToSchema;

use crate::{
    App,
    reports::{self, AdminReportView, REPORT_NOT_FOUND},
};

/// What was decided.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
#[schema(example = json!({ "outcome": "ACTED" }))]
pub struct ResolveReport {
    outcome: Outcome,
}

/// Why nothing was decided.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("no such report")]
    NotFound,
    #[error("decided otherwise")]
    Resolved,
    #[error(transparent)]
    Storage(#[from] Error),
}

const REPORT_RESOLVED: Reason =
    Reason::conflict("REPORT_RESOLVED", "이미 다르게 처리된 신고입니다.", "This report was decided otherwise already.");

impl Refusal for Refused {
    const REASONS: &'static [Reason] = &[REPORT_NOT_FOUND, REPORT_RESOLVED];

    fn reason(&self) -> Reason {
        match self {
            Self::NotFound => REPORT_NOT_FOUND,
            Self::Resolved => REPORT_RESOLVED,
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::NotFound | Self::Resolved => Details::default(),
            Self::Storage(error) => error.details(),
        }
    }
}

/// How often a decision is looked at again that somebody else was faster with.
const TRIES: usize = 5;

/// Which part did not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lost {
    Report,
    Reporter,
}

/// Decides, and leaves the reporter a notification in the same transaction, unless they have left.
pub async fn resolve_report(
    app: App,
    _: Admin,
    (Path(id), Json(body)): (Path<ReportId>, Json<ResolveReport>),
) -> Result<Json<AdminReportView>, Refused> {
    let mut is_there = true;
    for _ in 0..TRIES {
        let report: Report = app.table.get_now(keys::report(id)).await?.ok_or(Refused::NotFound)?;
        if report.state == ReportState::Resolved {
            let same = report.card.outcome == Some(body.outcome);
            return if same { view(&app, report).await } else { Err(Refused::Resolved) };
        }
        let now = app.clock.now();
        let resolved = report.resolved(body.outcome, now);
        let kind = NoteKind::ReportResolved { report_id: id, outcome: body.outcome };
        let note = Note { id: app.ids.id(), user_id: report.user_id, kind, created_at: now };
        let told = [User::must_be_active(report.user_id), Write::put(&note).if_absent()];
        let told = told.into_iter().filter(|_| is_there).map(|write| (write, Lost::Reporter));
        match Tx::once(app.ids.token())
            .and(resolved.replace(&report), Lost::Report)
            .and_all(told)
            .commit(&app.table)
            .await
        {
            Ok(()) => return view(&app, resolved).await,
            Err(TxError::Unmet(unmet)) => {
                is_there = is_there && !unmet.iter().any(|unmet| unmet.refusal == Lost::Reporter);
            }
            Err(TxError::Storage(error)) => return Err(error.into()),
        }
    }
    Err(Error::Busy { operation: "TransactWriteItems" }.into())
}

async fn view(app: &App, report: Report) -> Result<Json<AdminReportView>, Refused> {
    let view = reports::views(app, vec![report]).await?.pop();
    view.map(Json).ok_or(Refused::NotFound)
}
