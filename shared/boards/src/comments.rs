//! Comments: reachable only under their own post, and counted on it.

use deserr::Deserr;
use devloop_http::{
    Active, BadCursor, Cacheable, Created, Edge, IfMatch, KeyRefused, ListScope, ListView, NoContent, Once, Paging,
    Versioned, stale,
};
use domain::{
    forums::Forum,
    ids::{CommentId, PostId},
    quota::TooMany,
    refusal::{Details, Reason, Refusal},
    text::CommentContent,
    time::Time,
    validation::FieldErrors,
};
use futures::future::try_join;
use serde::Serialize;
use storage::{
    Error, Query, Tx, TxError, Write, WriteError,
    items::{Comment, Post},
    keys, pick,
};
use utoipa::ToSchema;

use crate::{
    AuthorView, Authors, MAX_AGE, TRIES, Under,
    limits::{TOO_MANY_REQUESTS, Written},
    location,
    posts::{NoPost, POST_NOT_FOUND, find, written_by},
    repeats,
};

/// There is no such comment under this post.
pub const COMMENT_NOT_FOUND: Reason =
    Reason::not_found("COMMENT_NOT_FOUND", "존재하지 않는 댓글입니다.", "There is no such comment.");

/// What to say.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
#[schema(example = json!({ "content": "`Arc<Mutex<T>>` 대신 채널을 써 보세요." }))]
pub struct WriteComment {
    /// Markdown source.
    content: CommentContent,
}

/// A comment.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "id": "01KB2M3N4P5Q6R7S8T9V0W1X2Y", "postId": "01KB2M3N4P5Q6R7S8T9V0W1X30",
    "author": { "id": "01KB2M3N4P5Q6R7S8T9V0W1X2Z", "username": "김개발" },
    "content": "`Arc<Mutex<T>>` 대신 채널을 써 보세요.", "createdAt": "2026-11-24T00:00:00.000Z",
    "editedAt": null, "version": 1,
}))]
pub struct CommentView {
    id: CommentId,
    post_id: PostId,
    author: AuthorView,
    /// Markdown source.
    content: CommentContent,
    created_at: Time,
    /// When its writer changed it last.
    #[schema(required)]
    edited_at: Option<Time>,
    /// What `If-Match` names.
    version: u64,
}

impl CommentView {
    fn of(comment: Comment, author: AuthorView) -> Self {
        let Comment { id, post_id, content, created_at, edited_at, version, .. } = comment;
        Self { id, post_id, author, content, created_at, edited_at, version }
    }
}

/// Why nothing was said.
#[derive(Debug, thiserror::Error)]
pub enum NotCommented {
    /// There is no such post.
    #[error("no such post")]
    NoPost,
    /// Too often.
    #[error("too many comments in this minute")]
    TooMany(TooMany),
    /// The key that it was sent under.
    #[error(transparent)]
    Key(#[from] KeyRefused),
    /// The table.
    #[error(transparent)]
    Storage(#[from] Error),
}

impl Refusal for NotCommented {
    const REASONS: &'static [Reason] = &[POST_NOT_FOUND, TOO_MANY_REQUESTS];

    fn reason(&self) -> Reason {
        match self {
            Self::NoPost => POST_NOT_FOUND,
            Self::TooMany(_) => TOO_MANY_REQUESTS,
            Self::Key(error) => error.reason(),
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::NoPost => Details::default(),
            Self::TooMany(too_many) => too_many.details(),
            Self::Key(error) => error.details(),
            Self::Storage(error) => error.details(),
        }
    }
}

/// Writes a comment, once for each key if there is one.
pub async fn create<F: Forum>(
    app: &Edge,
    writer: &Active,
    under: Under<'_>,
    post: PostId,
    body: WriteComment,
) -> Result<Once<Created<CommentView>>, NotCommented> {
    let work = Box::pin(publish::<F>(app, writer, under, post, body));
    app.recorded((writer.id(), under.0, under.1), work).await
}

/// Writes a comment, counts it on its post and against its writer's limit and records the answer, in
/// one transaction.
async fn publish<F: Forum>(
    app: &Edge,
    writer: &Active,
    under: Under<'_>,
    post: PostId,
    body: WriteComment,
) -> Result<Created<CommentView>, NotCommented> {
    let now = app.clock.now();
    let comment = Comment {
        id: app.ids.id(),
        board: F::BOARD,
        post_id: post,
        author_id: writer.id(),
        content: body.content,
        created_at: now,
        edited_at: None,
        version: 1,
    };
    let (count, too_many) = Written::Comment.count(&writer.account, now);
    let put = Write::put(&comment).if_absent();
    let location = format!("{}/comments/{}", location(F::BOARD, post), comment.id);
    let body = CommentView::of(comment, AuthorView::of(&writer.account));
    let created = Created { location, version: Some(body.version), body };
    // The key has a record meanwhile, or somebody else's new comment has the same id: another try tells.
    let taken = || NotCommented::Storage(Error::Busy { operation: "TransactWriteItems" });
    let record = repeats::record(under, writer.id(), &created, now)?;
    Tx::once(app.ids.token())
        .and_all(record.map(|record| (record, taken())))
        .and(put, taken())
        .and(Post::<F>::count_comment(post, 1), NotCommented::NoPost)
        .and(count, NotCommented::TooMany(too_many))
        .commit(&app.table)
        .await
        .map_err(|error| error.first(NotCommented::Storage))?;
    Ok(created)
}

/// Why no comments are listed.
#[derive(Debug, thiserror::Error)]
pub enum NotListed {
    /// There is no such post.
    #[error(transparent)]
    NoPost(#[from] NoPost),
    /// The cursor.
    #[error(transparent)]
    BadCursor(#[from] BadCursor),
    /// The table.
    #[error(transparent)]
    Storage(#[from] Error),
}

impl Refusal for NotListed {
    const REASONS: &'static [Reason] = &[POST_NOT_FOUND, BadCursor::REASON];

    fn reason(&self) -> Reason {
        match self {
            Self::NoPost(none) => none.reason(),
            Self::BadCursor(error) => error.reason(),
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::NoPost(none) => none.details(),
            Self::BadCursor(error) => error.details(),
            Self::Storage(error) => error.details(),
        }
    }
}

/// A page of a post's comments, oldest first, with their writers in one batch. `operation` is
/// whose cursors they are.
pub async fn page<F: Forum>(
    app: &Edge,
    operation: &'static str,
    post: PostId,
    paging: &Paging,
) -> Result<Cacheable<ListView<CommentView>>, NotListed> {
    let scope = ListScope::new(operation, "public", post);
    let after = app.position(&scope, paging.cursor())?;
    let comments = Query::partition(keys::post_partition(F::BOARD, post), keys::COMMENT);
    let there = async { Ok::<_, NotListed>(find::<F>(app, post).await?) };
    let found = async { Ok(app.table.page(&comments, after, paging.limit(), |_: &Comment| true).await?) };
    let (_, found) = Box::pin(try_join(there, found)).await?;
    let authors = Authors::read(&app.table, found.items.iter().map(|comment| comment.author_id)).await?;
    let view = |comment: Comment| {
        let author = authors.view(comment.author_id);
        CommentView::of(comment, author)
    };
    Ok(Cacheable { max_age: MAX_AGE, version: None, body: app.list(&scope, found.map(view)) })
}

/// Why a comment is left as it is.
#[derive(Debug, thiserror::Error)]
pub enum Untouched {
    /// There is no such post.
    #[error("no such post")]
    NoPost,
    /// There is no such comment under it.
    #[error("no such comment")]
    NoComment,
    /// Somebody else's.
    #[error("somebody else's comment")]
    Forbidden,
    /// Another version than the one that was seen; here is the present one.
    #[error("another version than the one that was seen")]
    Stale(Box<CommentView>),
    /// The table.
    #[error(transparent)]
    Storage(#[from] Error),
}

impl Refusal for Untouched {
    const REASONS: &'static [Reason] =
        &[POST_NOT_FOUND, COMMENT_NOT_FOUND, Reason::FORBIDDEN, Reason::VERSION_CONFLICT];

    fn reason(&self) -> Reason {
        match self {
            Self::NoPost => POST_NOT_FOUND,
            Self::NoComment => COMMENT_NOT_FOUND,
            Self::Forbidden => Reason::FORBIDDEN,
            Self::Stale(_) => Reason::VERSION_CONFLICT,
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::NoPost | Self::NoComment | Self::Forbidden => Details::default(),
            Self::Stale(current) => stale(current.version, serde_json::to_value(current).unwrap_or_default()),
            Self::Storage(error) => error.details(),
        }
    }
}

/// A comment and its post as they are now.
async fn under<F: Forum>(app: &Edge, post: PostId, id: CommentId) -> Result<(Post<F>, Comment), Untouched> {
    let both = [keys::post(F::BOARD, post), keys::comment(F::BOARD, post, id)];
    let found = app.table.get_mixed_now(both).await?;
    // Those of a deleted post are still there for a while.
    let post = pick(&found)?.ok_or(Untouched::NoPost)?;
    Ok((post, pick(&found)?.ok_or(Untouched::NoComment)?))
}

/// Refuses whoever saw another version.
async fn must_be(app: &Edge, comment: &Comment, seen: Option<IfMatch>) -> Result<(), Untouched> {
    if seen.is_none_or(|seen| seen.is(comment.version)) {
        return Ok(());
    }
    let author = Authors::read(&app.table, [comment.author_id]).await?.view(comment.author_id);
    Err(Untouched::Stale(Box::new(CommentView::of(comment.clone(), author))))
}

/// Its writer changes a comment: the version that was seen, or else whatever it is by now.
pub async fn update<F: Forum>(
    app: &Edge,
    writer: &Active,
    (post, id): (PostId, CommentId),
    seen: Option<IfMatch>,
    body: WriteComment,
) -> Result<Versioned<CommentView>, Untouched> {
    for _ in 0..TRIES {
        let (_, comment) = under::<F>(app, post, id).await?;
        if comment.author_id != writer.id() {
            return Err(Untouched::Forbidden);
        }
        must_be(app, &comment, seen).await?;
        let version = comment.version.saturating_add(1);
        let revised =
            Comment { content: body.content.clone(), edited_at: Some(app.clock.now()), version, ..comment.clone() };
        match app.table.write(revised.revise(comment.version)).await {
            Ok(()) => {
                return Ok(Versioned { version, body: CommentView::of(revised, AuthorView::of(&writer.account)) });
            }
            Err(WriteError::Unmet(_)) => {}
            Err(WriteError::Storage(error)) => return Err(error.into()),
        }
    }
    Err(Error::Busy { operation: "UpdateItem" }.into())
}

/// Which part of a deletion did not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lost {
    Comment,
    Post,
}

/// Its writer, the post's author or an admin deletes a comment. In the same transaction the post
/// counts it no more, and no longer stands on it.
pub async fn delete<F: Forum>(
    app: &Edge,
    caller: &Active,
    (post, id): (PostId, CommentId),
    seen: Option<IfMatch>,
) -> Result<NoContent, Untouched> {
    for _ in 0..TRIES {
        let (post, comment) = under::<F>(app, post, id).await?;
        if comment.author_id != caller.id() && !written_by(&post, caller.id()) && !caller.is_admin() {
            return Err(Untouched::Forbidden);
        }
        must_be(app, &comment, seen).await?;
        let post = match F::without(&post.card.state, id) {
            Some(state) => post.stand(&state),
            None => post.unchanged().add("rev", 1),
        };
        let deleted = Tx::once(app.ids.token())
            .and(comment.delete(), Lost::Comment)
            .and(post.add("counts.comments", -1), Lost::Post)
            .commit(&app.table)
            .await;
        match deleted {
            Ok(()) => return Ok(NoContent),
            // Another version of either: look again.
            Err(TxError::Unmet(_)) => {}
            Err(TxError::Storage(error)) => return Err(error.into()),
        }
    }
    Err(Error::Busy { operation: "TransactWriteItems" }.into())
}
