//! `GET /v1/parties`: study parties, newest first or sorted otherwise.

use boards::{Sort, posts};
use deserr::Deserr;
use devloop_http::{Cacheable, Cursor, Limit, ListRefused, ListScope, ListView, Public, Query};
use domain::{
    boards::Category,
    forums::{Party, PartyStatus},
    validation::FieldErrors,
};
use storage::items::Post;
use utoipa::ToSchema;

use crate::{App, views::PartyPostCard};

/// Which parties.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
pub struct PartyFilter {
    #[deserr(default)]
    category: Option<Category>,
    #[deserr(default)]
    status: Option<PartyStatus>,
    /// `NEWEST` unless said otherwise.
    #[deserr(default)]
    sort: Option<Sort>,
    #[deserr(default)]
    limit: Option<Limit>,
    #[deserr(default)]
    cursor: Option<Cursor>,
}

/// Reads a page, and its authors in one batch.
pub async fn list_party_posts(
    app: App,
    _: Public,
    Query(filter): Query<PartyFilter>,
) -> Result<Cacheable<ListView<PartyPostCard>>, ListRefused> {
    let PartyFilter { category, status, sort, limit, cursor } = filter;
    let sort = sort.unwrap_or_default();
    let scope = ListScope::new("list_party_posts", "public", (category, status, sort));
    let keep = |post: &Post<Party>| status.is_none_or(|status| post.card.state.status == status);
    posts::page(&app, &scope, (sort, category), (limit, cursor), keep).await
}
