//! Projects with a tutor: posts, seats, buyers, schedules, waitlists.

use domain::{
    accounts::Approval,
    boards::Category,
    ids::{PlaceId, ProductId, PwtId, ScheduleId, TodoId, UserId},
    time::Time,
};

use super::{IndexKey, Key, user_partition};

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

/// Whose calendar an address shows, by the [`hashed`] secret in it.
pub fn feed_guard(secret_hash: &str) -> Key {
    Key::new(format!("FEED#{secret_hash}"), "GUARD")
}

/// Which address shows a schedule to one of its members.
pub fn feed(user: UserId, schedule: ScheduleId) -> Key {
    Key::new(user_partition(user), format!("FEED#{schedule}"))
}
