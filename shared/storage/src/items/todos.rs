use domain::{
    ids::{ScheduleId, TodoId, UserId},
    text::{TodoContent, TodoTitle},
    time::Time,
};
use serde::{Deserialize, Serialize};

use super::Stored;
use crate::keys::{self, Keys};

/// One entry of a schedule. Lists read it without its content.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Todo {
    /// Its id.
    pub id: TodoId,
    /// On which schedule.
    pub schedule_id: ScheduleId,
    /// Its title.
    pub title: TodoTitle,
    /// Markdown; absent where it was read from the calendar's index.
    pub content: Option<TodoContent>,
    /// When it begins.
    pub start: Time,
    /// When it ends; not before it begins.
    pub end: Time,
    /// Who made it.
    pub creator_id: UserId,
    /// Starts at 1; every change names the one it was based on.
    pub version: u64,
    /// When it was made.
    pub created_at: Time,
    /// When it was changed last.
    pub updated_at: Time,
}

impl Stored for Todo {
    const TYPE: &'static str = "TODO";

    fn keys(&self) -> Keys {
        Keys {
            gsi1: Some(keys::todo_at(self.schedule_id, self.start, self.id)),
            ..Keys::of(keys::todo(self.schedule_id, self.id))
        }
    }
}
