pub mod create_todo;
pub mod delete_todo;
pub mod get_schedule;
pub mod get_todo;
pub mod list_todos;
pub mod update_todo;
