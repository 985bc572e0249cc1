//! `GET /v1/communities`: community posts, newest first or sorted otherwise.

use boards::{Sort, posts};
use deserr::Deserr;
use devloop_http::{Cacheable, Cursor, Flag, Limit, ListRefused, ListScope, ListView, Public, Query};
use domain::{
    boards::Category,
    forums::{Community, CommunityStatus},
    validation::FieldErrors,
};
use storage::items::Post;
use utoipa::ToSchema;

use crate::{App, views::CommunityPostCard};

/// Which posts.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
pub struct CommunityFilter {
    #[deserr(default)]
    category: Option<Category>,
    #[deserr(default)]
    status: Option<CommunityStatus>,
    /// Only those that nobody has commented on.
    #[deserr(default)]
    #[schema(required = false)]
    unanswered: Flag,
    /// `NEWEST` unless said otherwise.
    #[deserr(default)]
    sort: Option<Sort>,
    #[deserr(default)]
    limit: Option<Limit>,
    #[deserr(default)]
    cursor: Option<Cursor>,
}

/// Reads a page, and its authors in one batch.
pub async fn list_community_posts(
    app: App,
    _: Public,
    Query(filter): Query<CommunityFilter>,
) -> Result<Cacheable<ListView<CommunityPostCard>>, ListRefused> {
    let CommunityFilter { category, status, unanswered: Flag(unanswered), sort, limit, cursor } = filter;
    let sort = sort.unwrap_or_default();
    let scope = ListScope::new("list_community_posts", "public", (category, status, unanswered, sort));
    let keep = |post: &Post<Community>| {
        status.is_none_or(|status| post.card.state.status == status) && !(unanswered && post.counts.comments > 0)
    };
    posts::page(&app, &scope, (sort, category), (limit, cursor), keep).await
}
