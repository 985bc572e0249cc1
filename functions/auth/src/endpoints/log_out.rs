//! `POST /v1/auth/logout`: revokes the family of a refresh token. Doing it twice is fine.

use deserr::Deserr;
use devloop_http::{Json, NoContent, Public};
use domain::{
    refusal::{Details, Reason, Refusal},
    validation::FieldErrors,
};
use utoipa::ToSchema;

use super::refresh_session::{NOT_GOOD, revoke};
use crate::App;

/// The session to end.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
#[schema(example = json!({
    "refreshToken": "01KB2M3N4P5Q6R7S8T9V0W1X2Y.01KB2M3N4P5Q6R7S8T9V0W1X2Z.1.c2VjcmV0.c2VhbA",
}))]
pub struct LogOut {
    /// Any token of the family, used or not.
    refresh_token: String,
}

/// Why nothing was ended.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("not a refresh token of ours")]
    NotOurs,
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

impl Refusal for Refused {
    const REASONS: &'static [Reason] = &[NOT_GOOD];

    fn reason(&self) -> Reason {
        match self {
            Self::NotOurs => NOT_GOOD,
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::NotOurs => Details::default(),
            Self::Storage(error) => error.details(),
        }
    }
}

/// Revokes the family.
pub async fn log_out(app: App, _: Public, Json(body): Json<LogOut>) -> Result<NoContent, Refused> {
    let token = app.refresh_key.open(&body.refresh_token).ok_or(Refused::NotOurs)?;
    revoke(&app, &token).await?;
    Ok(NoContent)
}
