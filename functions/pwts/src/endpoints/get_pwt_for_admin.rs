//! `GET /v1/admin/pwts/{pwtId}`: a project in any state, with its tutor's address.

use devloop_http::{Admin, Path, Versioned};
use domain::{
    ids::PwtId,
    refusal::{Details, Reason, Refusal},
};
use storage::{items::Pwt, keys};

use crate::{
    App,
    reading::{self, PWT_NOT_FOUND},
    views::AdminPwtView,
};

/// Why there is nothing to show.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("no such project")]
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

/// Reads the project as it is now. Its `ETag` is what approving and rejecting name.
pub async fn get_pwt_for_admin(app: App, _: Admin, Path(id): Path<PwtId>) -> Result<Versioned<AdminPwtView>, Refused> {
    let pwt: Pwt = app.table.get_now(keys::pwt(id)).await?.ok_or(Refused::NotFound)?;
    Ok(Versioned { version: pwt.version, body: reading::view_for_admin(&app, pwt).await? })
}
