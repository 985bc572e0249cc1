//! `GET /v1/parties/{postId}/applications`: the applications to the caller's own study party,
//! oldest first.

use boards::{
    Authors,
    posts::{self, POST_NOT_FOUND, Untouched},
};
use deserr::Deserr;
use devloop_http::{BadCursor, Cursor, Json, Limit, ListScope, ListView, Path, Query, SignedIn};
use domain::{
    forums::{Admission, Party},
    ids::PostId,
    refusal::{Details, Reason, Refusal},
    validation::FieldErrors,
};
use storage::{Error, items::Application, keys};
use utoipa::ToSchema;

use crate::{App, views::PartyApplicationView};

/// Which applications.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
pub struct ApplicationFilter {
    #[deserr(default)]
    state: Option<Admission>,
    #[deserr(default)]
    limit: Option<Limit>,
    #[deserr(default)]
    cursor: Option<Cursor>,
}

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error(transparent)]
    NotYours(#[from] Untouched),
    #[error(transparent)]
    BadCursor(#[from] BadCursor),
    #[error(transparent)]
    Storage(#[from] Error),
}

impl Refusal for Refused {
    const REASONS: &'static [Reason] = &[POST_NOT_FOUND, Reason::FORBIDDEN, BadCursor::REASON];

    fn reason(&self) -> Reason {
        match self {
            Self::NotYours(refused) => refused.reason(),
            Self::BadCursor(error) => error.reason(),
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::NotYours(refused) => refused.details(),
            Self::BadCursor(error) => error.details(),
            Self::Storage(error) => error.details(),
        }
    }
}

/// Reads a page, and the applicants in one batch.
pub async fn list_party_applications(
    app: App,
    author: SignedIn,
    (Path(id), Query(filter)): (Path<PostId>, Query<ApplicationFilter>),
) -> Result<Json<ListView<PartyApplicationView>>, Refused> {
    posts::own::<Party>(&app, author.id, id).await?;
    let ApplicationFilter { state, limit, cursor } = filter;
    let scope = ListScope::new("list_party_applications", id, state);
    let after = app.position(&scope, cursor.as_ref())?;
    let query = storage::Query::index("gsi1", keys::applications_to(id));
    let keep = |application: &Application| state.is_none_or(|state| application.state == state);
    let page = app.table.page(&query, after, limit.unwrap_or_default().get(), keep).await?;
    let applicants = Authors::read(&app.table, page.items.iter().map(|application| application.user_id)).await?;
    let view = |application: Application| {
        let applicant = applicants.view(application.user_id);
        PartyApplicationView::of(application, applicant)
    };
    Ok(Json(app.list(&scope, page.map(view))))
}
