//! Posts of both boards, what hangs on them, and parties.

use domain::{
    boards::{Board, Category},
    ids::{CommentId, PostId, ReportId, UserId},
    reports::ReportState,
    time::Time,
};

use super::{IndexKey, Key, user_partition};

/// A post on a board. Whatever hangs on it is in the same partition.
pub fn post(board: Board, id: PostId) -> Key {
    Key::new(post_partition(board, id), "POST")
}

/// A post with its comments, and a party with its applications.
pub fn post_partition(board: Board, id: PostId) -> String {
    format!("{}#{id}", board.as_str())
}

/// The post that a key is of, if it is a post's on a board that anybody posts on.
pub fn as_post(key: &Key) -> Option<(Board, PostId)> {
    post_with(key).filter(|_| key.sk == "POST")
}

/// The post that a key is of, or whose post it hangs on, on a board that anybody posts on.
pub fn post_with(key: &Key) -> Option<(Board, PostId)> {
    let (board, id) = key.pk.split_once('#')?;
    let board = [Board::Community, Board::Party].into_iter().find(|one| one.as_str() == board)?;
    Some((board, id.parse().ok()?))
}

/// A post in its board's list.
pub fn public_post(board: Board, published: Time, id: PostId) -> IndexKey {
    IndexKey::new(public_posts(board), format!("{published}#{id}"))
}

/// The partition of [`public_post`].
pub fn public_posts(board: Board) -> &'static str {
    board.as_str()
}

/// A post in its category's list.
pub fn public_post_in_category(board: Board, category: Category, published: Time, id: PostId) -> IndexKey {
    IndexKey::new(public_posts_in(board, category), format!("{published}#{id}"))
}

/// The partition of [`public_post_in_category`].
pub fn public_posts_in(board: Board, category: Category) -> String {
    format!("{}#{}", board.as_str(), category.as_str())
}

/// A post among its author's.
pub fn post_of(author: UserId, board: Board, id: PostId) -> IndexKey {
    IndexKey::new(posts_of(author, board), id.to_string())
}

/// The partition of [`post_of`].
pub fn posts_of(author: UserId, board: Board) -> String {
    format!("USER#{author}#{}", board.as_str())
}

/// A comment on a post.
pub fn comment(board: Board, post: PostId, id: CommentId) -> Key {
    Key::new(post_partition(board, post), format!("{COMMENT}{id}"))
}

/// How the sort keys of comments begin.
pub const COMMENT: &str = "COMMENT#";

/// A list of posts that is sorted by a copy of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ListedBy {
    /// By how many people like them, and then by age.
    #[default]
    Likes,
    /// By age, and only those without a comment.
    Unanswered,
}

impl ListedBy {
    /// Every such list.
    pub const ALL: [Self; 2] = [Self::Likes, Self::Unanswered];

    fn as_str(self) -> &'static str {
        match self {
            Self::Likes => "LIKES",
            Self::Unanswered => "UNANSWERED",
        }
    }
}

/// The copy of a post that is in a list.
pub fn listing(board: Board, post: PostId, by: ListedBy) -> Key {
    Key::new(post_partition(board, post), format!("LISTED#{}", by.as_str()))
}

/// A copy in its list: the board's, or its category's.
pub fn listed_post(
    board: Board,
    category: Option<Category>,
    by: ListedBy,
    (likes, published, post): (u32, Time, PostId),
) -> IndexKey {
    let age = format!("{published}#{post}");
    let sk = match by {
        ListedBy::Likes => format!("{likes:010}#{age}"),
        ListedBy::Unanswered => age,
    };
    IndexKey::new(listed_posts(board, category, by), sk)
}

/// The partition of [`listed_post`].
pub fn listed_posts(board: Board, category: Option<Category>, by: ListedBy) -> String {
    let category = category.map(|category| format!("{}#", category.as_str())).unwrap_or_default();
    format!("{}#{category}{}", board.as_str(), by.as_str())
}

/// Somebody's like of a post.
pub fn like(board: Board, post: PostId, user: UserId) -> Key {
    Key::new(post_partition(board, post), format!("{LIKE}{user}"))
}

/// How the sort keys of likes begin.
pub const LIKE: &str = "LIKE#";

/// Somebody's bookmark of a post.
pub fn bookmark(board: Board, post: PostId, user: UserId) -> Key {
    Key::new(post_partition(board, post), format!("{BOOKMARK}{user}"))
}

/// How the sort keys of bookmarks begin.
pub const BOOKMARK: &str = "BOOKMARK#";

/// A bookmark among its user's, by when it was made.
pub fn bookmark_of(user: UserId, made: Time, post: PostId) -> IndexKey {
    IndexKey::new(bookmarks_of(user), format!("{made}#{post}"))
}

/// The partition of [`bookmark_of`].
pub fn bookmarks_of(user: UserId) -> String {
    format!("USER#{user}#BOOKMARK")
}

/// One report.
pub fn report(id: ReportId) -> Key {
    Key::new(format!("REPORT#{id}"), "REPORT")
}

/// A report among those of its state, oldest first; `since` is when it came into that.
pub fn report_by_state(state: ReportState, since: Time, id: ReportId) -> IndexKey {
    IndexKey::new(reports_in(state), format!("{since}#{id}"))
}

/// The partition of [`report_by_state`].
pub fn reports_in(state: ReportState) -> String {
    format!("REPORTS#{}", state.as_str())
}

/// What keeps somebody from reporting one thing twice.
pub fn report_guard(user: UserId, board: Board, post: PostId, comment: Option<CommentId>) -> Key {
    let comment = comment.map(|comment| format!("#{comment}")).unwrap_or_default();
    Key::new(user_partition(user), format!("REPORTED#{}#{post}{comment}", board.as_str()))
}

/// Somebody's application to a party.
pub fn party_application(party: PostId, user: UserId) -> Key {
    Key::new(post_partition(Board::Party, party), format!("{APPLICATION}{user}"))
}

/// How the sort keys of applications begin.
pub const APPLICATION: &str = "APPLICATION#";

/// An application among those to its party, oldest first.
pub fn application_to(party: PostId, applied: Time, user: UserId) -> IndexKey {
    IndexKey::new(applications_to(party), format!("{applied}#{user}"))
}

/// An application among its user's.
pub fn application_of(user: UserId, party: PostId) -> IndexKey {
    IndexKey::new(applications_of(user), party.to_string())
}

/// The partition of [`application_of`].
pub fn applications_of(user: UserId) -> String {
    format!("USER#{user}#APPLICATION")
}

/// The partition of [`application_to`].
pub fn applications_to(party: PostId) -> String {
    format!("{}#APPLICATION", post_partition(Board::Party, party))
}
