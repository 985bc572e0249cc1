//! `GET /v1/users/me/pwts`: the caller's own projects in any state, newest first.

use devloop_http::{Json, ListRefused, ListScope, ListView, Paging, Query, Tutor};
use storage::{items::Pwt, keys};

use crate::{App, views::PwtCard};

/// Reads a page.
pub async fn list_my_pwts(
    app: App,
    tutor: Tutor,
    Query(paging): Query<Paging>,
) -> Result<Json<ListView<PwtCard>>, ListRefused> {
    let now = app.clock.now();
    let scope = ListScope::new("list_my_pwts", tutor.id, ());
    let after = app.position(&scope, paging.cursor())?;
    let query = storage::Query::index("gsi2", keys::pwts_of(tutor.id)).newest_first();
    let page = app.table.page(&query, after, paging.limit(), |_: &Pwt| true).await?;
    Ok(Json(app.list(&scope, page.map(|pwt| PwtCard::of(pwt, now)))))
}
