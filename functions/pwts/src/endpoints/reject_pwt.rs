//! `POST /v1/admin/pwts/{pwtId}/reject`: rejects a project with a reason.

use deserr::Deserr;
use devloop_http::{Admin, IfMatch, Json, Path, Versioned, stale};
use domain::{
    accounts::Approval,
    ids::PwtId,
    refusal::{Details, Reason, Refusal},
    text,
    validation::FieldErrors,
};
use serde_json::Value;
use storage::{Error, Write, WriteError, items::Pwt, keys};
use utoipa::ToSchema;

use crate::{
    App,
    reading::{self, PWT_NOT_FOUND},
    views::AdminPwtView,
};

/// Why the project is rejected.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
#[schema(example = json!({ "reason": "커리큘럼을 더 자세히 적어 주세요." }))]
pub struct RejectPwt {
    /// The tutor reads it.
    reason: text::Reason,
}

/// Why nothing was rejected.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("no such project")]
    NotFound,
    #[error("the project was approved")]
    Approved,
    #[error("another version than the one that was seen")]
    Stale(u64, Value),
    #[error(transparent)]
    Storage(#[from] Error),
}

const PWT_APPROVED: Reason =
    Reason::conflict("PWT_APPROVED", "이미 승인된 프로젝트입니다.", "This project was approved already.");

impl Refusal for Refused {
    const REASONS: &'static [Reason] = &[PWT_NOT_FOUND, PWT_APPROVED, Reason::VERSION_CONFLICT];

    fn reason(&self) -> Reason {
        match self {
            Self::NotFound => PWT_NOT_FOUND,
            Self::Approved => PWT_APPROVED,
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

/// Rejects what was seen. A rejected project keeps its first reason, whatever version is named.
pub async fn reject_pwt(
    app: App,
    _: Admin,
    (Path(id), seen, Json(body)): (Path<PwtId>, IfMatch, Json<RejectPwt>),
) -> Result<Versioned<AdminPwtView>, Refused> {
    for _ in 0..TRIES {
        let pwt: Pwt = app.table.get_now(keys::pwt(id)).await?.ok_or(Refused::NotFound)?;
        let version = pwt.version;
        match pwt.approval {
            Approval::Pending => {}
            Approval::Approved => return Err(Refused::Approved),
            Approval::Rejected => {
                return Ok(Versioned { version, body: reading::view_for_admin(&app, pwt).await? });
            }
        }
        if !seen.is(version) {
            let current = reading::view_for_admin(&app, pwt).await?;
            return Err(Refused::Stale(version, reading::as_member(&current)?));
        }
        let rejected = Pwt {
            approval: Approval::Rejected,
            reason: Some(body.reason.clone()),
            version: version.saturating_add(1),
            ..pwt
        };
        let write = Write::put(&rejected).if_is("approval", Approval::Pending).if_is("version", version);
        match app.table.write(write).await {
            Ok(()) => {
                let (version, body) = (rejected.version, reading::view_for_admin(&app, rejected).await?);
                return Ok(Versioned { version, body });
            }
            Err(WriteError::Unmet(_)) => {}
            Err(WriteError::Storage(error)) => return Err(error.into()),
        }
    }
    Err(Error::Busy { operation: "reject_pwt" }.into())
}
