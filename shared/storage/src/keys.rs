//! Every key string of the table. They are built here and nowhere else.

use aws_lc_rs::digest;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    accounts::Approval,
    boards::{Board, Category},
    ids::{
        AttachmentId, CommentId, FamilyId, NoteId, OrderId, PlaceId, PostId, ProductId, PwtId, RefundId,
        RefundRequestId, ReportId, ScheduleId, TodoId, UserId,
    },
    orders::State,
    reports::ReportState,
    time::Time,
};

use crate::table::Item;

/// A primary key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Partition key.
    pub pk: String,
    /// Sort key.
    pub sk: String,
}

impl Key {
    fn new(pk: String, sk: impl Into<String>) -> Self {
        Self { pk, sk: sk.into() }
    }

    /// The key of a whole item.
    pub fn of(item: &Item) -> Option<Self> {
        let part = |name| item.get(name)?.as_s().ok().cloned();
        Some(Self { pk: part("pk")?, sk: part("sk")? })
    }
}

impl From<Key> for Item {
    fn from(key: Key) -> Self {
        Self::from([("pk".to_owned(), AttributeValue::S(key.pk)), ("sk".to_owned(), AttributeValue::S(key.sk))])
    }
}

/// The keys of an item in one of the global indexes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexKey {
    /// Partition key.
    pub pk: String,
    /// Sort key.
    pub sk: String,
}

impl IndexKey {
    fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: sk.into() }
    }
}

/// All keys of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// The primary key.
    pub key: Key,
    /// Lists and due work.
    pub gsi1: Option<IndexKey>,
    /// What a user owns.
    pub gsi2: Option<IndexKey>,
    /// Public posts by category.
    pub gsi3: Option<IndexKey>,
    /// When DynamoDB may delete the item, in epoch seconds.
    pub ttl: Option<i64>,
}

impl Keys {
    /// An item in no index that never expires.
    pub fn of(key: Key) -> Self {
        Self { key, gsi1: None, gsi2: None, gsi3: None, ttl: None }
    }
}

/// One account.
pub fn user(id: UserId) -> Key {
    Key::new(format!("USER#{id}"), "PROFILE")
}

/// Who has an email address, by its [`hashed`] form.
pub fn email_guard(email_hash: &str) -> Key {
    Key::new(format!("EMAIL#{email_hash}"), "GUARD")
}

/// SHA-256 in hex: for keys that must not tell whose they are.
pub fn hashed(text: &str) -> String {
    hex::encode(digest::digest(&digest::SHA256, text.as_bytes()))
}

/// Which order a payment key of Toss was sent for.
pub fn payment_key_guard(payment_key: &str) -> Key {
    Key::new(format!("PAYMENT_KEY#{payment_key}"), "GUARD")
}

/// One refresh-token family.
pub fn session(user: UserId, family: FamilyId) -> Key {
    Key::new(format!("USER#{user}"), format!("SESSION#{family}"))
}

/// Failed log-ins of one subject (an account, an address or both, [`hashed`]) in one window.
pub fn log_in_window(subject_hash: &str, window_start: Time) -> Key {
    Key::new(format!("LOGIN#{subject_hash}"), format!("WINDOW#{window_start}"))
}

/// A user's tutor application.
pub fn tutor_application(user: UserId) -> Key {
    Key::new(format!("USER#{user}"), "TUTOR_APPLICATION")
}

/// All applications in a state, oldest first.
pub fn tutor_applications(state: Approval, created: Time, user: UserId) -> IndexKey {
    IndexKey::new(tutor_applications_in(state), format!("{created}#{user}"))
}

/// The partition of [`tutor_applications`].
pub fn tutor_applications_in(state: Approval) -> String {
    format!("TUTOR_APPLICATION#{}", state.as_str())
}

/// A PWT's post.
pub fn pwt(id: PwtId) -> Key {
    Key::new(format!("PWT#{id}"), "POST")
}

/// All public PWTs by publication.
pub const PUBLIC_PWTS: &str = "PWT";

/// A public PWT in the list.
pub fn public_pwt(published: Time, id: PwtId) -> IndexKey {
    IndexKey::new(PUBLIC_PWTS, format!("{published}#{id}"))
}

/// A public PWT in its category's list.
pub fn public_pwt_in_category(category: Category, published: Time, id: PwtId) -> IndexKey {
    IndexKey::new(public_pwts_in(category), format!("{published}#{id}"))
}

/// The partition of [`public_pwt_in_category`].
pub fn public_pwts_in(category: Category) -> String {
    format!("PWT#{}", category.as_str())
}

/// A PWT that is not public, under its approval.
pub fn unpublished_pwt(approval: Approval, id: PwtId) -> IndexKey {
    IndexKey::new(unpublished_pwts_in(approval), id.to_string())
}

/// The partition of [`unpublished_pwt`].
pub fn unpublished_pwts_in(approval: Approval) -> String {
    format!("PWT#{}", approval.as_str())
}

/// A PWT among its tutor's.
pub fn pwt_of(tutor: UserId, id: PwtId) -> IndexKey {
    IndexKey::new(pwts_of(tutor), id.to_string())
}

/// The partition of [`pwt_of`].
pub fn pwts_of(tutor: UserId) -> String {
    format!("USER#{tutor}#PWT")
}

/// One shard of a PWT's seats.
pub fn seats(pwt: PwtId, shard: u32) -> Key {
    Key::new(format!("SEATS#{pwt}#{shard}"), "SEATS")
}

/// A buyer of a product: the product's side of a purchase.
pub fn buyer(product: ProductId, user: UserId) -> Key {
    Key::new(buyers_of(product), format!("{BUYER}{user}"))
}

/// The partition of [`buyer`].
pub fn buyers_of(product: ProductId) -> String {
    format!("PRODUCT#{product}")
}

/// How the sort keys of buyers begin.
pub const BUYER: &str = "BUYER#";

/// One todo.
pub fn todo(schedule: ScheduleId, id: TodoId) -> Key {
    Key::new(schedule_partition(schedule), format!("{TODO}{id}"))
}

/// How the sort keys of todos begin.
pub const TODO: &str = "TODO#";

/// A todo in its schedule's calendar.
pub fn todo_at(schedule: ScheduleId, start: Time, id: TodoId) -> IndexKey {
    IndexKey::new(schedule_partition(schedule), format!("{start}#{id}"))
}

/// The sort keys of [`todo_at`] from the first that begins at `from` to the last at `to`.
pub fn todos_between(from: Time, to: Time) -> (String, String) {
    // `$` is what follows `#`: after every id of that instant.
    (from.to_string(), format!("{to}$"))
}

/// Where the sort keys of [`todo_at`] go on after `seen`, which is one of them.
pub fn todos_after(seen: &str) -> String {
    // All are of one length: what is longer by one character comes next.
    format!("{seen}$")
}

/// The partition of [`todo_at`].
pub fn schedule_partition(schedule: ScheduleId) -> String {
    format!("SCHEDULE#{schedule}")
}

/// One line of a cart.
pub fn cart_line(user: UserId, product: ProductId) -> Key {
    Key::new(user_partition(user), format!("{CART_LINE}{product}"))
}

/// How the sort keys of cart lines begin.
pub const CART_LINE: &str = "CART#";

/// Everything that hangs on one account.
pub fn user_partition(user: UserId) -> String {
    format!("USER#{user}")
}

/// One order.
pub fn order(id: OrderId) -> Key {
    Key::new(format!("ORDER#{id}"), "ORDER")
}

/// An order among its buyer's.
pub fn order_of(buyer: UserId, id: OrderId) -> IndexKey {
    IndexKey::new(orders_of(buyer), id.to_string())
}

/// The partition of [`order_of`].
pub fn orders_of(buyer: UserId) -> String {
    format!("USER#{buyer}#ORDER")
}

/// How many partitions the orders with work left are spread over.
pub const DUE_SHARDS: u32 = 8;

/// The partition of an order among those of its kind.
fn order_shard(id: OrderId) -> u32 {
    let random = ulid::Ulid::from(id).random();
    u32::try_from(random % u128::from(DUE_SHARDS)).unwrap_or_default()
}

/// An order with work left, by when it is to be done.
pub fn due_order(id: OrderId, due: Time) -> IndexKey {
    IndexKey::new(due_orders(order_shard(id)), format!("{due}#{id}"))
}

/// The partition of [`due_order`].
pub fn due_orders(shard: u32) -> String {
    format!("ORDERS_DUE#{shard}")
}

/// The payment of a settled order.
pub fn payment(order: OrderId) -> Key {
    Key::new(format!("ORDER#{order}"), "PAYMENT")
}

/// One refund of an order.
pub fn refund(order: OrderId, id: RefundId) -> Key {
    Key::new(format!("ORDER#{order}"), format!("{REFUND}{id}"))
}

/// All refunds with work left.
pub const DUE_REFUNDS: &str = "REFUNDS_DUE";

/// A refund with work left, by when it is to be done.
pub fn due_refund(order: OrderId, due: Time) -> IndexKey {
    IndexKey::new(DUE_REFUNDS, format!("{due}#{order}"))
}

/// An entry of the ledger: `id` tells the entries of one order apart, and lets none be made twice.
pub fn ledger_entry(order: OrderId, id: &str) -> Key {
    Key::new(format!("ORDER#{order}"), format!("LEDGER#{id}"))
}

/// An entry among those of its day, which is Seoul's.
pub fn ledger_of_day(at: Time, order: OrderId, id: &str) -> IndexKey {
    IndexKey::new(ledger_day(&at.korean_date()), format!("{at}#{order}#{id}"))
}

/// The partition of [`ledger_of_day`]; `day` such as `2026-11-24`.
pub fn ledger_day(day: &str) -> String {
    format!("LEDGER#{day}")
}

/// How far Toss's list of transactions was matched with the orders.
pub fn transactions_matched() -> Key {
    Key::new("TRANSACTIONS".to_owned(), "MATCHED".to_owned())
}

/// An entry among its tutor's.
pub fn ledger_of_tutor(tutor: UserId, at: Time, order: OrderId, id: &str) -> IndexKey {
    IndexKey::new(ledger_of(tutor), format!("{at}#{order}#{id}"))
}

/// The partition of [`ledger_of_tutor`].
pub fn ledger_of(tutor: UserId) -> String {
    format!("USER#{tutor}#LEDGER")
}

/// The guard that lets a user have one unpaid order per product.
pub fn open_order(user: UserId, product: ProductId) -> Key {
    Key::new(user_partition(user), format!("{OPEN_ORDER}{product}"))
}

/// How the sort keys of open-order guards begin.
pub const OPEN_ORDER: &str = "OPEN#";

/// How often a user let a hold on a product expire lately.
pub fn lapses(user: UserId, product: ProductId) -> Key {
    Key::new(user_partition(user), format!("LAPSES#{product}"))
}

/// A user's right to a product.
pub fn purchase(user: UserId, product: ProductId) -> Key {
    Key::new(user_partition(user), format!("{PURCHASE}{product}"))
}

/// How the sort keys of purchases begin.
pub const PURCHASE: &str = "PURCHASE#";

/// A purchase among its user's; `at` is when it was made.
pub fn purchase_of(user: UserId, at: Time, product: ProductId) -> IndexKey {
    IndexKey::new(purchases_of(user), format!("{at}#{product}"))
}

/// The partition of [`purchase_of`].
pub fn purchases_of(user: UserId) -> String {
    format!("USER#{user}#PURCHASE")
}

/// What one user's idempotency key of one operation led to.
pub fn idempotency(user: UserId, operation: &str, key: &str) -> Key {
    Key::new(idempotency_of(user), format!("RECORD#{operation}#{key}"))
}

/// The partition of [`idempotency`]: apart from the account's own, because a repeat reads nothing else.
pub fn idempotency_of(user: UserId) -> String {
    format!("IDEMPOTENCY#{user}")
}

/// The waitlist of a PWT. Its places and guards are in the same partition.
pub fn waitlist(pwt: PwtId) -> Key {
    Key::new(format!("PWT#{pwt}"), "WAITLIST")
}

/// One place on a waitlist.
pub fn place(pwt: PwtId, id: PlaceId) -> Key {
    Key::new(format!("PWT#{pwt}"), format!("{PLACE}{id}"))
}

/// How the sort keys of places begin.
pub const PLACE: &str = "WAIT#";

/// The sort keys of the places up to and including `id`: its place in line.
pub fn places_up_to(id: PlaceId) -> (String, String) {
    (PLACE.to_owned(), format!("{PLACE}{id}"))
}

/// The guard that lets a user have one place on a waitlist.
pub fn waiter(pwt: PwtId, user: UserId) -> Key {
    Key::new(format!("PWT#{pwt}"), format!("WAITER#{user}"))
}

/// A place among its user's.
pub fn place_of(user: UserId, id: PlaceId) -> IndexKey {
    IndexKey::new(places_of(user), id.to_string())
}

/// The partition of [`place_of`].
pub fn places_of(user: UserId) -> String {
    format!("USER#{user}#WAIT")
}

/// A waitlist, by when it is to be looked after.
pub fn due_waitlist(pwt: PwtId, due: Time) -> IndexKey {
    IndexKey::new(WAITS_DUE, format!("{due}#{pwt}"))
}

/// The partition of [`due_waitlist`].
pub const WAITS_DUE: &str = "WAITS_DUE";

/// A claim, by when it ends.
pub fn due_claim(id: PlaceId, until: Time) -> IndexKey {
    IndexKey::new(CLAIMS_DUE, format!("{until}#{id}"))
}

/// The partition of [`due_claim`].
pub const CLAIMS_DUE: &str = "CLAIMS_DUE";

/// One notification to a user.
pub fn note(user: UserId, id: NoteId) -> Key {
    Key::new(user_partition(user), format!("NOTE#{id}"))
}

/// A buyer's request for a refund of an order.
pub fn refund_request(order: OrderId, id: RefundRequestId) -> Key {
    Key::new(format!("ORDER#{order}"), format!("REFUND_REQUEST#{id}"))
}

/// A request that waits for an admin, oldest first.
pub fn open_refund_request(asked: Time, id: RefundRequestId) -> IndexKey {
    IndexKey::new(OPEN_REFUND_REQUESTS, format!("{asked}#{id}"))
}

/// The partition of [`open_refund_request`].
pub const OPEN_REFUND_REQUESTS: &str = "REFUND_REQUESTS";

/// An order without work left, among those of its state by age.
pub fn idle_order(id: OrderId, state: State) -> IndexKey {
    IndexKey::new(idle_orders(state, order_shard(id)), id.to_string())
}

/// The partition of [`idle_order`]; there are [`DUE_SHARDS`].
pub fn idle_orders(state: State, shard: u32) -> String {
    format!("ORDERS#{}#{shard}", state.as_str())
}

/// An order in the one of the two lists where it belongs.
pub fn order_by_work(id: OrderId, state: State, due: Option<Time>) -> IndexKey {
    due.map_or_else(|| idle_order(id, state), |due| due_order(id, due))
}

/// How the sort keys of refunds begin.
pub const REFUND: &str = "REFUND#";

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

/// How often a user did something of a `kind` in the window that began at `since`.
pub fn posting_window(user: UserId, kind: &str, since: Time) -> Key {
    Key::new(posting_windows_of(user), format!("{kind}#{since}"))
}

/// The partition of [`posting_window`].
pub fn posting_windows_of(user: UserId) -> String {
    format!("POSTING#{user}")
}

/// Whose calendar an address shows, by the [`hashed`] secret in it.
pub fn feed_guard(secret_hash: &str) -> Key {
    Key::new(format!("FEED#{secret_hash}"), "GUARD")
}

/// Which address shows a schedule to one of its members.
pub fn feed(user: UserId, schedule: ScheduleId) -> Key {
    Key::new(user_partition(user), format!("FEED#{schedule}"))
}

/// How many paths the CDN was told to forget in the month of `at`, as Amazon counts months: UTC's.
pub fn forgotten_paths(at: Time) -> Key {
    let month = at.to_string().chars().take(7).collect::<String>();
    Key::new(format!("CDN#{month}"), "PATHS")
}

/// Something that others told us of, or that we did at theirs, and that is not to count twice.
pub fn seen(source: &str, id: &str) -> Key {
    Key::new(format!("EVENT#{source}#{id}"), "SEEN")
}

/// One uploaded file.
pub fn attachment(id: AttachmentId) -> Key {
    Key::new(format!("ATTACHMENT#{id}"), "ATTACHMENT")
}

/// A file that the upload-sweeper has to look at, by when.
pub fn due_attachment(id: AttachmentId, due: Time) -> IndexKey {
    IndexKey::new(ATTACHMENTS_DUE, format!("{due}#{id}"))
}

/// A file among its owner's.
pub fn attachment_of(owner: UserId, id: AttachmentId) -> IndexKey {
    IndexKey::new(attachments_of(owner), id.to_string())
}

/// The partition of [`attachment_of`].
pub fn attachments_of(owner: UserId) -> String {
    format!("USER#{owner}#ATTACHMENT")
}

/// The partition of [`due_attachment`].
pub const ATTACHMENTS_DUE: &str = "ATTACHMENTS_DUE";

#[cfg(test)]
mod tests;
