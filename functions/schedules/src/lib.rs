//! Schedules: the calendar of an approved PWT, its members and its todos.

mod calendar;
mod endpoints;
mod icalendar;
mod members;
mod rules;
mod todos;

use devloop_http::{Operation, Route, mount};
use endpoints::{
    create_todo, delete_todo, get_my_calendar, get_schedule, get_schedule_feed, get_todo, issue_schedule_feed,
    list_todos, update_todo,
};
pub use members::{PwtMember, ScheduleMember};

/// What this domain is given.
pub type App = devloop_http::Edge;

/// The endpoints of this domain.
pub fn operations() -> Vec<Operation<App>> {
    vec![
        Operation::get(
            "get_schedule",
            "/v1/pwts/{pwtId}/schedule",
            "Tells the schedule of a PWT and who is on it",
            get_schedule::get_schedule,
        ),
        Operation::get(
            "list_todos",
            "/v1/schedules/{scheduleId}/todos",
            "Lists the todos that overlap a range, by their start",
            list_todos::list_todos,
        ),
        Operation::post("create_todo", "/v1/schedules/{scheduleId}/todos", "Adds a todo", create_todo::create_todo),
        Operation::get("get_todo", "/v1/schedules/{scheduleId}/todos/{todoId}", "Tells one todo", get_todo::get_todo),
        Operation::patch(
            "update_todo",
            "/v1/schedules/{scheduleId}/todos/{todoId}",
            "Changes a todo, if it is still the version that was seen",
            update_todo::update_todo,
        ),
        Operation::delete(
            "delete_todo",
            "/v1/schedules/{scheduleId}/todos/{todoId}",
            "Deletes a todo, if it is still the version that was seen",
            delete_todo::delete_todo,
        ),
        Operation::get(
            "get_my_calendar",
            "/v1/users/me/calendar",
            "Lists the todos of all the caller's schedules that overlap a range, by their start",
            get_my_calendar::get_my_calendar,
        ),
        Operation::post(
            "issue_schedule_feed",
            "/v1/schedules/{scheduleId}/feed",
            "Issues the secret address of a schedule's iCalendar, and ends the one before",
            issue_schedule_feed::issue_schedule_feed,
        ),
        Operation::get(
            "get_schedule_feed",
            "/v1/feeds/{file}",
            "A schedule as iCalendar, at its secret address",
            get_schedule_feed::get_schedule_feed,
        )
        .with_secret_path(),
    ]
}

/// The endpoints, ready to be served.
pub fn routes(app: &App) -> Vec<Route> {
    mount(operations(), app)
}
