//! `GET /v1/admin/tutor-applications`: applications in a state, oldest first.

use deserr::Deserr;
use devloop_http::{Admin, Cursor, Json, Limit, ListRefused, ListScope, ListView, Query};
use domain::{accounts::Approval, validation::FieldErrors};
use storage::{items::TutorApplication, keys};
use utoipa::ToSchema;

use crate::{App, views::ApplicationView};

/// Which applications.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
pub struct Filter {
    /// `PENDING` unless said otherwise.
    #[deserr(default)]
    state: Option<Approval>,
    #[deserr(default)]
    limit: Option<Limit>,
    #[deserr(default)]
    cursor: Option<Cursor>,
}

/// Reads a page.
pub async fn list_tutor_applications(
    app: App,
    _: Admin,
    Query(filter): Query<Filter>,
) -> Result<Json<ListView<ApplicationView>>, ListRefused> {
    let state = filter.state.unwrap_or(Approval::Pending);
    let scope = ListScope::new("list_tutor_applications", "admin", state);
    let after = app.edge.position(&scope, filter.cursor.as_ref())?;
    let query = storage::Query::index("gsi1", keys::tutor_applications_in(state));
    let limit = filter.limit.unwrap_or_default().get();
    let page = app.edge.table.page(&query, after, limit, |_: &TutorApplication| true).await?;
    Ok(Json(app.edge.list(&scope, page.map(ApplicationView::of))))
}
