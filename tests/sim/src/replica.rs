//! What reads show that need not be consistent: the table as it was some moments ago.

use std::{collections::VecDeque, time::Duration};

use serde_json::Value;
use testkit::{Call, Embedded};
use tokio::time::Instant;

/// A copy that follows the table, write by write, and late.
#[derive(Debug)]
pub struct Replica {
    copy: Embedded,
    behind: VecDeque<(Instant, Call)>,
}

impl Replica {
    /// Of an empty table.
    pub fn new() -> Self {
        Self { copy: Embedded::memory(), behind: VecDeque::new() }
    }

    /// Hears of a write that took effect, and shows it `lag` after `now`, after all before it.
    pub fn follow(&mut self, call: &Call, now: Instant, lag: Duration) {
        let due = self.behind.back().map_or(now, |(due, _)| *due).max(now + lag);
        self.behind.push_back((due, call.clone()));
    }

    /// What a read of the copy answers.
    pub fn answer(&mut self, call: &Call, now: Instant) -> (u16, String) {
        while self.behind.front().is_some_and(|(due, _)| *due <= now) {
            if let Some((_, write)) = self.behind.pop_front() {
                let (status, json) = self.copy.answer(&write.operation, &write.body);
                assert_eq!(status, 200, "the copy refuses what the table took: {json}");
            }
        }
        self.copy.answer(&call.operation, &call.body)
    }
}

/// Whether DynamoDB may answer a call from another copy than it writes to.
pub fn may_be_stale(call: &Call) -> bool {
    let consistent = |asked: &Value| asked["ConsistentRead"] == true;
    match call.operation.as_str() {
        "GetItem" | "Query" => !consistent(&call.body),
        "BatchGetItem" => call.body["RequestItems"].as_object().is_some_and(|tables| !tables.values().any(consistent)),
        _ => false,
    }
}
