//! The answer to a request that waits for Toss: what became of the order, or that nobody knows yet.

use devloop_http::{Answer, Head, Json, Output, openapi::Description};
use http::{StatusCode, header};
use storage::items;

use crate::views::OrderView;

/// When asking again makes sense while Toss has not answered.
pub const RETRY_SECONDS: u32 = 5;

/// An order after Toss was asked.
#[derive(Debug)]
pub enum Outcome {
    /// 200: done.
    Final(OrderView),
    /// 202 with `Retry-After`: ask again, or read the order.
    Unknown(OrderView),
}

impl Outcome {
    /// What a repeat under the same idempotency key is answered with: only what is final.
    pub fn recorded(&self) -> Option<items::Answer> {
        let Self::Final(view) = self else { return None };
        // A view is written as JSON in every answer; without a record a repeat does the work again.
        let body = serde_json::to_string(view).ok()?;
        Some(items::Answer { status: 200, body, location: None, version: None })
    }
}

impl Output for Outcome {
    fn answer(self, head: &Head) -> Answer {
        match self {
            Self::Final(view) => Json(view).answer(head),
            Self::Unknown(view) => {
                let mut answer = Answer::json(StatusCode::ACCEPTED, &view);
                answer.set(header::RETRY_AFTER, &RETRY_SECONDS.to_string());
                answer
            }
        }
    }

    fn describe(description: &mut Description) {
        Json::<OrderView>::describe(description);
        description.answers::<OrderView>(
            StatusCode::ACCEPTED,
            "Toss has not answered finally; ask again",
            &["Retry-After"],
        );
    }
}
