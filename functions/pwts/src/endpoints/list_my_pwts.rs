//! `GET /v1/users/me/pwts`: the caller's own projects in any state, newest first.

use deserr::Deserr;
use devloop_http::{BadCursor, Cursor, Json, Limit, ListScope, ListView, Query, Tutor};
use domain::{
    refusal::{Details, Reason, Refusal},
    validation::FieldErrors,
};
use storage::{items::Pwt, keys};
use utoipa::ToSchema;

use crate::{App, views::PwtCard};

/// Which page.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
pub struct Paging {
    #[deserr(default)]
    limit: Option<Limit>,
    #[deserr(default)]
    cursor: Option<Cursor>,
}

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error(transparent)]
    BadCursor(#[from] BadCursor),
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

impl Refusal for Refused {
    const REASONS: &'static [Reason] = BadCursor::REASONS;

    fn reason(&self) -> Reason {
        match self {
            Self::BadCursor(error) => error.reason(),
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::BadCursor(error) => error.details(),
            Self::Storage(error) => error.details(),
        }
    }
}

/// Reads a page.
pub async fn list_my_pwts(
    app: App,
    tutor: Tutor,
    Query(paging): Query<Paging>,
) -> Result<Json<ListView<PwtCard>>, Refused> {
    let now = app.clock.now();
    let scope = ListScope::new("list_my_pwts", tutor.id, ());
    let after = app.position(&scope, paging.cursor.as_ref())?;
    let query = storage::Query::index("gsi2", keys::pwts_of(tutor.id)).newest_first();
    let limit = paging.limit.unwrap_or_default().get();
    let page = app.table.page(&query, after, limit, |_: &Pwt| true).await?;
    Ok(Json(app.list(&scope, page.map(|pwt| PwtCard::of(pwt, now)))))
}
