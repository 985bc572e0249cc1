//! `GET /v1/admin/pwts`: projects by approval, newest first, with their tutors.

use deserr::Deserr;
use devloop_http::{Admin, Cursor, Json, Limit, ListRefused, ListScope, ListView, Query};
use domain::{accounts::Approval, validation::FieldErrors};
use storage::{Error, items::Pwt, keys};
use utoipa::ToSchema;

use crate::{
    App, reading,
    views::{AdminPwtCard, PublicPwtCard, PwtCard, TutorView},
};

/// Which projects.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
pub struct Filter {
    /// `PENDING` unless said otherwise.
    #[deserr(default)]
    approval: Option<Approval>,
    #[deserr(default)]
    limit: Option<Limit>,
    #[deserr(default)]
    cursor: Option<Cursor>,
}

/// Reads a page, and its tutors in one batch.
pub async fn list_pwts_for_admin(
    app: App,
    _: Admin,
    Query(filter): Query<Filter>,
) -> Result<Json<ListView<AdminPwtCard>>, ListRefused> {
    let now = app.clock.now();
    let approval = filter.approval.unwrap_or(Approval::Pending);
    let scope = ListScope::new("list_pwts_for_admin", "admin", approval);
    let after = app.position(&scope, filter.cursor.as_ref())?;
    let partition = match approval {
        Approval::Approved => keys::PUBLIC_PWTS.to_owned(),
        Approval::Pending | Approval::Rejected => keys::unpublished_pwts_in(approval),
    };
    let query = storage::Query::index("gsi1", partition).newest_first();
    let limit = filter.limit.unwrap_or_default().get();
    let page = app.table.page(&query, after, limit, |_: &Pwt| true).await?;
    let tutors = reading::tutors_of(&app, &page.items).await?;
    let card = |pwt: Pwt| {
        let tutor = tutors.get(&pwt.tutor_id).ok_or_else(|| reading::no_tutor(&pwt))?;
        let card = PublicPwtCard { tutor: TutorView::of(tutor), card: PwtCard::of(pwt, now) };
        Ok(AdminPwtCard { card, tutor_email: tutor.email.clone() })
    };
    let items = page.items.into_iter().map(card).collect::<Result<_, Error>>()?;
    Ok(Json(app.list(&scope, storage::Page { items, next: page.next })))
}
