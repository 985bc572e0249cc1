//! `GET /v1/pwts/{pwtId}`: a project, with the seats left.
//!
//! Its `ETag` is the version, for `If-Match` only: the seats change without it, so nobody may cache.

use devloop_http::{Anyone, Path, Versioned};
use domain::{
    ids::PwtId,
    refusal::{Details, Reason, Refusal},
};
use storage::{items::Pwt, keys};

use crate::{
    App,
    reading::{self, PWT_NOT_FOUND},
    rules::may_know,
    views::PwtView,
};

/// Why there is nothing to show.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("no such project, or not the caller's to know of")]
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

/// Reads the project as it is now.
pub async fn get_pwt(app: App, Anyone(reader): Anyone, Path(id): Path<PwtId>) -> Result<Versioned<PwtView>, Refused> {
    let pwt: Option<Pwt> = app.table.get_now(keys::pwt(id)).await?;
    let reader = reader.map(|reader| (reader.id, reader.role));
    let pwt = pwt.filter(|pwt| may_know(pwt, reader)).ok_or(Refused::NotFound)?;
    Ok(Versioned { version: pwt.version, body: reading::view(&app, pwt).await? })
}
