//! `DELETE /v1/schedules/{scheduleId}/todos/{todoId}`: deletes a todo, if it is still the version
//! that was seen.

use devloop_http::{IfMatch, NoContent, PathPair};
use domain::ids::{ScheduleId, TodoId};
use storage::{Write, keys};

use crate::{
    App,
    members::ScheduleMember,
    todos::{Untouched, to_change},
};

/// Deletes it, on the condition that nobody changed it.
pub async fn delete_todo(
    app: App,
    member: ScheduleMember,
    (PathPair(schedule, id), seen): (PathPair<ScheduleId, TodoId>, IfMatch),
) -> Result<NoContent, Untouched> {
    let todo = to_change(&app.table, &member, id, seen).await?;
    let write = Write::delete(keys::todo(schedule, id)).if_is("version", todo.version);
    app.table.write(write).await.map_err(Untouched::because)?;
    Ok(NoContent)
}
