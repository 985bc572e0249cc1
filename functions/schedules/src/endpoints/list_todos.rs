//! `GET /v1/schedules/{scheduleId}/todos`: the todos that overlap a range, by their start.

use devloop_http::{Json, ListScope, ListView, Path, Query};
use domain::ids::ScheduleId;
use storage::{items::Todo, keys};

use crate::{
    App,
    calendar::{self, CalendarEntry, CalendarQuery, NotListed},
    members::ScheduleMember,
};

/// Reads those that begin within a todo's greatest span before the range, and drops those that
/// end before it.
pub async fn list_todos(
    app: App,
    member: ScheduleMember,
    (Path(schedule), Query(query)): (Path<ScheduleId>, Query<CalendarQuery>),
) -> Result<Json<ListView<CalendarEntry>>, NotListed> {
    let scope = ListScope::new("list_todos", member.schedule(), (query.from, query.to));
    let mut after = app.position(&scope, query.cursor.as_ref())?;
    let range = calendar::range(&query, &mut after, app.clock.now())?;
    let (first, last) = keys::todos_between(range.earliest_start(), range.to);
    let todos = storage::Query::index("gsi1", keys::schedule_partition(schedule)).between(first, last);
    let reaches = |todo: &Todo| range.is_reached_by(todo.end);
    let mut page = app.table.page(&todos, after, query.limit.get(), reaches).await?;
    page.next = page.next.map(|position| calendar::note(range, position));
    Ok(Json(app.list(&scope, page.map(CalendarEntry::of))))
}
