//! `GET /v1/tutor-applications/me`: the caller's own application.

use devloop_http::{Json, SignedIn};
use domain::refusal::{Details, Reason, Refusal};
use storage::{items::TutorApplication, keys};

use crate::{
    App,
    views::{ApplicationView, NOT_FOUND},
};

/// Why there is nothing to show.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("never applied")]
    NotFound,
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

impl Refusal for Refused {
    const REASONS: &'static [Reason] = &[NOT_FOUND];

    fn reason(&self) -> Reason {
        match self {
            Self::NotFound => NOT_FOUND,
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

/// Reads it as it is now.
pub async fn get_my_tutor_application(app: App, caller: SignedIn, (): ()) -> Result<Json<ApplicationView>, Refused> {
    let application: Option<TutorApplication> = app.edge.table.get_now(keys::tutor_application(caller.id)).await?;
    application.map(|application| Json(ApplicationView::of(application))).ok_or(Refused::NotFound)
}
