//! `GET /v1/users/me/calendar`: the todos of all the caller's schedules that overlap a range, by
//! their start.
//!
//! Each page reads a piece of every schedule and merges them, so it must not be too many: the 100
//! newest projects that the caller takes part in, and the 100 newest that they lead.

use devloop_http::{Json, ListScope, ListView, Query, SignedIn};
use domain::{accounts::Approval, ids::UserId};
use futures::stream::{self, StreamExt, TryStreamExt};
use storage::{
    Error, Page,
    items::{Purchase, Pwt, Todo},
    keys,
};

use crate::{
    App,
    calendar::{self, CalendarEntry, CalendarQuery, NotListed},
};

/// How many schedules of either kind are looked at.
const MOST_SCHEDULES: usize = 100;
/// How many are read at once.
const AT_ONCE: usize = 10;

/// Reads a piece of each schedule, and answers as much of them as is known to be complete.
pub async fn get_my_calendar(
    app: App,
    caller: SignedIn,
    Query(query): Query<CalendarQuery>,
) -> Result<Json<ListView<CalendarEntry>>, NotListed> {
    let scope = ListScope::new("get_my_calendar", caller.id, (query.from, query.to));
    let mut after = app.position(&scope, query.cursor.as_ref())?;
    let range = calendar::range(&query, &mut after, app.clock.now())?;
    let (first, last) = keys::todos_between(range.earliest_start(), range.to);
    let first = calendar::seen(&mut after).map_or(first, |seen| keys::todos_after(&seen));
    let limit = query.limit.get();
    let read = |partition: String| {
        let todos = storage::Query::index("gsi1", partition).between(first.clone(), last.clone());
        let table = &app.table;
        async move { table.page(&todos, None, limit, |todo: &Todo| range.is_reached_by(todo.end)).await }
    };
    let schedules = schedules_of(&app, caller.id).await?;
    let calendars: Vec<Page<Todo>> = stream::iter(schedules).map(read).buffered(AT_ONCE).try_collect().await?;
    let mut page = calendar::merged(calendars, limit);
    page.next = page.next.map(|position| calendar::note(range, position));
    Ok(Json(app.list(&scope, page.map(CalendarEntry::of))))
}

/// The partitions of the schedules that somebody is on by their purchases or as a tutor.
async fn schedules_of(app: &App, user: UserId) -> Result<Vec<String>, Error> {
    let bought = storage::Query::partition(keys::user_partition(user), keys::PURCHASE).newest_first();
    let bought: Vec<Purchase> = app.table.all(&bought, MOST_SCHEDULES).await?;
    let bought = bought.iter().filter(|purchase| !purchase.refunding).map(|purchase| purchase.product_id.into());
    let led = storage::Query::index("gsi2", keys::pwts_of(user)).newest_first();
    let led: Vec<Pwt> = app.table.all(&led, MOST_SCHEDULES).await?;
    let led = led.iter().filter(|pwt| pwt.approval == Approval::Approved).map(|pwt| pwt.id);
    let mut schedules: Vec<_> = bought.chain(led).map(|pwt| keys::schedule_partition(pwt.into())).collect();
    // A tutor of today may have bought a seat of it before.
    schedules.sort_unstable();
    schedules.dedup();
    Ok(schedules)
}
