//! `GET /v1/pwts`: approved projects, newest first.
//!
//! A category has an index of its own; level and status are filtered while reading, so a page may
//! be short. The status goes by a hint that may be a moment behind the last seat.

use deserr::Deserr;
use devloop_http::{Cacheable, Cursor, Limit, ListRefused, ListScope, ListView, Public, Query};
use domain::{
    boards::{Category, Level, Recruiting},
    validation::FieldErrors,
};
use storage::{Error, items::Pwt, keys};
use utoipa::ToSchema;

use crate::{
    App, reading,
    rules::recruiting,
    views::{PublicPwtCard, PwtCard, TutorView},
};

/// For how long caches may keep a page, in seconds.
const MAX_AGE: u32 = 5;

/// Which projects.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
pub struct Filter {
    #[deserr(default)]
    category: Option<Category>,
    #[deserr(default)]
    level: Option<Level>,
    #[deserr(default)]
    status: Option<Recruiting>,
    #[deserr(default)]
    limit: Option<Limit>,
    #[deserr(default)]
    cursor: Option<Cursor>,
}

/// Reads a page, and its tutors in one batch.
pub async fn list_pwts(
    app: App,
    _: Public,
    Query(filter): Query<Filter>,
) -> Result<Cacheable<ListView<PublicPwtCard>>, ListRefused> {
    let now = app.clock.now();
    let Filter { category, level, status, limit, cursor } = filter;
    let scope = ListScope::new("list_pwts", "public", (category, level, status));
    let after = app.position(&scope, cursor.as_ref())?;
    let query = match category {
        Some(category) => storage::Query::index("gsi3", keys::public_pwts_in(category)),
        None => storage::Query::index("gsi1", keys::PUBLIC_PWTS),
    };
    let keep = |pwt: &Pwt| {
        level.is_none_or(|level| pwt.level == level)
            && status.is_none_or(|status| recruiting(pwt.sold_out || !pwt.on_sale, pwt.deadline, now) == status)
    };
    let page = app.table.page(&query.newest_first(), after, limit.unwrap_or_default().get(), keep).await?;
    let tutors = reading::tutors_of(&app, &page.items).await?;
    let card = |pwt: Pwt| {
        let tutor = tutors.get(&pwt.tutor_id).ok_or_else(|| reading::no_tutor(&pwt))?;
        Ok(PublicPwtCard { tutor: TutorView::of(tutor), card: PwtCard::of(pwt, now) })
    };
    let items = page.items.into_iter().map(card).collect::<Result<_, Error>>()?;
    let body = app.list(&scope, storage::Page { items, next: page.next });
    Ok(Cacheable { max_age: MAX_AGE, version: None, body })
}
