//! Posts: written, listed, read, changed and deleted alike on every board.

mod refusals;

use devloop_http::{
    Active, Cacheable, Created, Cursor, Edge, IfMatch, Limit, ListRefused, ListScope, ListView, NoContent, Once,
    Versioned,
};
use domain::{
    attachments::{AttachmentIds, NotUsable},
    boards::Category,
    forums::Forum,
    ids::{PostId, UserId},
    text::{PostContent, PostTitle, Tags},
    time::Time,
};
use serde::Serialize;
use storage::{
    Error, Query, Tx, Write, WriteError, decode,
    items::{Card, Counts, Listing, Post},
    keys,
};
use utoipa::ToSchema;

pub use self::refusals::{NoPost, NotPosted, NotUpdated, PLACES_TAKEN, POST_NOT_FOUND, Untouched};
use crate::{
    AuthorView, Authors, MAX_AGE, Sort, TRIES, Under,
    attachments::{self, FileView},
    limits::Written,
    location, repeats,
};

/// What a board shows of a post, in a list or of one.
pub trait PostView: Serialize + Send + Sized {
    /// Which board.
    type Forum: Forum;

    /// What everybody sees of `post`. In lists it comes without its content.
    fn of(post: Post<Self::Forum>, author: AuthorView) -> Self;

    /// The same with its files, where they are shown.
    #[must_use]
    fn with_files(self, _files: Vec<FileView>) -> Self {
        self
    }
}

/// What everybody sees of one `post` and its files.
fn whole<V: PostView>(app: &Edge, post: Post<V::Forum>, author: AuthorView) -> V {
    let files = FileView::all(&post.files, &app.cdn);
    V::of(post, author).with_files(files)
}

/// What lists show of a post on any board.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PostCard {
    id: PostId,
    title: PostTitle,
    category: Category,
    tags: Tags,
    author: AuthorView,
    comment_count: u32,
    /// May be a moment old.
    like_count: u32,
    created_at: Time,
    /// When its author changed it last.
    #[schema(required)]
    edited_at: Option<Time>,
}

impl PostCard {
    /// What `post` has in common with those of other boards.
    pub fn of<F: Forum>(post: &Post<F>, author: AuthorView) -> Self {
        Self {
            id: post.id,
            title: post.title.clone(),
            category: post.category,
            tags: post.card.tags.clone(),
            author,
            comment_count: post.counts.comments,
            like_count: post.counts.likes,
            created_at: post.created_at,
            edited_at: post.card.edited_at,
        }
    }
}

/// A post to be made.
#[derive(Debug)]
pub struct Draft<F: Forum> {
    /// Its title.
    pub title: PostTitle,
    /// Markdown.
    pub content: PostContent,
    /// What it is about.
    pub category: Category,
    /// What it is found by.
    pub tags: Tags,
    /// What is attached to it.
    pub files: AttachmentIds,
    /// What only its board's posts have.
    pub state: F::State,
}

/// Publishes a draft, once for each key if there is one.
pub async fn create<V: PostView>(
    app: &Edge,
    author: &Active,
    under: Under<'_>,
    draft: Draft<V::Forum>,
) -> Result<Once<Created<V>>, NotPosted> {
    let work = Box::pin(publish(app, author, under, draft));
    app.recorded((author.id(), under.0, under.1), work).await
}

/// Publishes a draft, counts it against its author's limit, puts its files to use and records the answer, in one transaction.
async fn publish<V: PostView>(
    app: &Edge,
    author: &Active,
    under: Under<'_>,
    draft: Draft<V::Forum>,
) -> Result<Created<V>, NotPosted> {
    let now = app.clock.now();
    let Draft { title, content, category, tags, files, state } = draft;
    let files = attachments::chosen::<V::Forum>(app, author.id(), &[], &files).await?;
    let counts = Counts { places: V::Forum::places(&state), ..Counts::default() };
    let post = Post::<V::Forum> {
        id: app.ids.id(),
        title,
        content: Some(content),
        category,
        files,
        card: Card { author_id: author.id(), tags, edited_at: None, state },
        counts,
        created_at: now,
        version: 1,
        rev: 1,
    };
    let (count, too_many) = Written::Post.count(&author.account, now);
    // Usable a moment ago: something else uses it now.
    let used = attachments::moved(app, &post, &[], &post.files);
    let used = used.into_iter().map(|(write, id)| (write, NotPosted::File(id, NotUsable::Used)));
    let put = Write::put(&post).if_absent();
    let (location, version) = (location(V::Forum::BOARD, post.id), Some(post.version));
    let created = Created { location, version, body: whole(app, post, AuthorView::of(&author.account)) };
    // The key has a record meanwhile, or somebody else's new post has the same id: another try tells.
    let taken = || NotPosted::Storage(Error::Busy { operation: "TransactWriteItems" });
    let record = repeats::record(under, author.id(), &created, now)?;
    Tx::once(app.ids.token())
        .and_all(record.map(|record| (record, taken())))
        .and(put, taken())
        .and(count, NotPosted::TooMany(too_many))
        .and_all(used)
        .commit(&app.table)
        .await
        .map_err(|error| error.first(NotPosted::Storage))?;
    Ok(created)
}

/// A page of the board in the order of `sort`, with the authors in one batch. A category has an index
/// of its own; `keep` filters while reading, so a page may be short.
pub async fn page<V: PostView>(
    app: &Edge,
    scope: &ListScope,
    (sort, category): (Sort, Option<Category>),
    (limit, cursor): (Option<Limit>, Option<Cursor>),
    keep: impl Fn(&Post<V::Forum>) -> bool,
) -> Result<Cacheable<ListView<V>>, ListRefused> {
    let board = V::Forum::BOARD;
    let (after, limit) = (app.position(scope, cursor.as_ref())?, limit.unwrap_or_default().get());
    let index = if category.is_some() { "gsi3" } else { "gsi1" };
    let query = match (sort.list(), category) {
        (Some(by), category) => Query::index(index, keys::listed_posts(board, category, by)),
        (None, Some(category)) => Query::index(index, keys::public_posts_in(board, category)),
        (None, None) => Query::index(index, keys::public_posts(board)),
    };
    let query = query.newest_first();
    let found = if sort.list().is_some() {
        let keep = |listing: &Listing<V::Forum>| keep(&listing.clone().into());
        app.table.page(&query, after, limit, keep).await?.map(Post::from)
    } else {
        app.table.page(&query, after, limit, keep).await?
    };
    let authors = Authors::read(&app.table, found.items.iter().map(|post| post.card.author_id)).await?;
    let view = |post: Post<V::Forum>| {
        let author = authors.view(post.card.author_id);
        V::of(post, author)
    };
    Ok(Cacheable { max_age: MAX_AGE, version: None, body: app.list(scope, found.map(view)) })
}

/// A post as it is now.
pub async fn find<F: Forum>(app: &Edge, id: PostId) -> Result<Post<F>, NoPost> {
    app.table.get_now(keys::post(F::BOARD, id)).await?.ok_or(NoPost::NotFound)
}

/// The view of a post as it is now.
pub async fn get<V: PostView>(app: &Edge, id: PostId) -> Result<Cacheable<V>, NoPost> {
    let post = find::<V::Forum>(app, id).await?;
    Ok(Cacheable { max_age: MAX_AGE, version: Some(post.version), body: view(app, post).await? })
}

/// The view of a post.
pub async fn view<V: PostView>(app: &Edge, post: Post<V::Forum>) -> Result<V, Error> {
    let author = post.card.author_id;
    let author = Authors::read(&app.table, [author]).await?.view(author);
    Ok(whole(app, post, author))
}

/// A post as it is now, for its author.
pub async fn own<F: Forum>(app: &Edge, author: UserId, id: PostId) -> Result<Post<F>, Untouched> {
    let post = find(app, id).await?;
    if written_by(&post, author) { Ok(post) } else { Err(Untouched::Forbidden) }
}

/// Whether `user` is the author.
pub fn written_by<F: Forum>(post: &Post<F>, user: UserId) -> bool {
    post.card.author_id == user
}

/// Refuses whoever saw another version, with a view of the present one.
async fn must_be<V: PostView>(app: &Edge, post: &Post<V::Forum>, seen: Option<IfMatch>) -> Result<(), Untouched> {
    if seen.is_none_or(|seen| seen.is(post.version)) {
        return Ok(());
    }
    let current = view::<V>(app, post.clone()).await?;
    let current = serde_json::to_value(current).map_err(|error| Error::Corrupt(error.to_string()))?;
    Err(Untouched::Stale(post.version, current))
}

/// Its author changes a post: the version that was seen, or else whatever it is by now. `files` are all that it has
/// from then on, if they are named.
pub async fn update<V: PostView>(
    app: &Edge,
    author: &Active,
    id: PostId,
    (seen, files): (Option<IfMatch>, Option<&AttachmentIds>),
    change: impl Fn(&mut Post<V::Forum>),
) -> Result<Versioned<V>, Untouched> {
    for _ in 0..TRIES {
        let post = own::<V::Forum>(app, author.id(), id).await?;
        must_be::<V>(app, &post, seen).await?;
        let mut revised = post.clone();
        change(&mut revised);
        if let Some(files) = files {
            revised.files = attachments::chosen::<V::Forum>(app, author.id(), &post.files, files).await?;
        }
        let moved = attachments::moved(app, &post, &post.files, &revised.files);
        revised.card.edited_at = Some(app.clock.now());
        revised.version = post.version.saturating_add(1);
        match attachments::commit(app, revised.revise(&post), moved).await {
            // A file moved on: whether it can still be used, another look tells.
            Ok(false) => {}
            Ok(true) => {
                let (places, taken) = (V::Forum::places(&revised.card.state), taken(&post));
                revised.counts.places = places.saturating_sub(taken);
                let (version, body) = (revised.version, whole(app, revised, AuthorView::of(&author.account)));
                return Ok(Versioned { version, body });
            }
            Err(WriteError::Unmet(None)) => return Err(Untouched::NotFound),
            Err(WriteError::Unmet(Some(item))) => {
                let present: Post<V::Forum> = decode(item)?;
                if present.version == post.version {
                    return Err(Untouched::PlacesTaken(taken(&present)));
                }
            }
            Err(WriteError::Storage(error)) => return Err(error.into()),
        }
    }
    Err(Error::Busy { operation: "UpdateItem" }.into())
}

/// How many people have a place.
pub fn taken<F: Forum>(post: &Post<F>) -> u32 {
    F::places(&post.card.state).saturating_sub(post.counts.places)
}

/// Its author or an admin deletes a post and releases its files: the version that was seen, or else whatever it is by now.
pub async fn delete<V: PostView>(
    app: &Edge,
    caller: &Active,
    id: PostId,
    seen: Option<IfMatch>,
) -> Result<NoContent, Untouched> {
    for _ in 0..TRIES {
        let post = find::<V::Forum>(app, id).await?;
        if !written_by(&post, caller.id()) && !caller.is_admin() {
            return Err(Untouched::Forbidden);
        }
        must_be::<V>(app, &post, seen).await?;
        let released = attachments::moved(app, &post, &post.files, &[]);
        match attachments::commit(app, post.delete(), released).await {
            Ok(true) => return Ok(NoContent),
            Ok(false) | Err(WriteError::Unmet(_)) => {}
            Err(WriteError::Storage(error)) => return Err(error.into()),
        }
    }
    Err(Error::Busy { operation: "DeleteItem" }.into())
}
