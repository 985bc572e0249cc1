//! `GET /v1/admin/reports`: reports in a state, oldest first, with what they are of.

use deserr::Deserr;
use devloop_http::{Admin, Cursor, Json, Limit, ListRefused, ListScope, ListView, Query};
use domain::{reports::ReportState, validation::FieldErrors};
use storage::{Page, items::Report, keys};
use utoipa::ToSchema;

use crate::{
    App,
    reports::{self, AdminReportView},
};

/// Which reports.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
pub struct ReportFilter {
    /// `OPEN` unless said otherwise.
    #[deserr(default)]
    state: Option<ReportState>,
    #[deserr(default)]
    limit: Option<Limit>,
    #[deserr(default)]
    cursor: Option<Cursor>,
}

/// Reads a page, and what it is of.
pub async fn list_reports(
    app: App,
    _: Admin,
    Query(filter): Query<ReportFilter>,
) -> Result<Json<ListView<AdminReportView>>, ListRefused> {
    let state = filter.state.unwrap_or(ReportState::Open);
    let scope = ListScope::new("list_reports", "admin", state);
    let after = app.position(&scope, filter.cursor.as_ref())?;
    let query = storage::Query::index("gsi1", keys::reports_in(state));
    let page = app.table.page(&query, after, filter.limit.unwrap_or_default().get(), |_: &Report| true).await?;
    let items = reports::views(&app, page.items).await?;
    Ok(Json(app.list(&scope, Page { items, next: page.next })))
}
