//! Copies of objects.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    body::Bytes,
    http::{HeaderMap, StatusCode},
};
use domain::time::Time;
use serde::Serialize;

use super::{
    invalidations::matches,
    policies::{REFUSAL_SECONDS, lifetime},
};

/// What is larger is not kept: it passes through, range by range.
pub(super) const LARGEST: usize = 16 * 1024 * 1024;
/// What all copies together may have, in bytes.
const MOST_BYTES: usize = 256 * 1024 * 1024;

/// One answer of the origin.
#[derive(Clone, Debug)]
pub(super) struct Copy {
    pub status: StatusCode,
    /// What the origin said of it, and nothing of how it was sent.
    pub headers: HeaderMap,
    pub body: Bytes,
    /// When the origin was asked.
    pub asked_at: Time,
    /// Until when nobody else is asked.
    pub good_until: Time,
}

impl Copy {
    /// What the origin answered when it was asked at `asked_at`.
    pub fn new(status: StatusCode, headers: HeaderMap, body: Bytes, asked_at: Time) -> Self {
        let seconds = if status.is_success() { lifetime(&headers) } else { REFUSAL_SECONDS };
        Self { status, headers, body, asked_at, good_until: asked_at.plus_seconds(seconds) }
    }

    /// The same, which the origin says is good still.
    pub fn again(&self, headers: &HeaderMap, asked_at: Time) -> Self {
        let mut said = self.headers.clone();
        for (name, value) in headers {
            said.insert(name, value.clone());
        }
        Self::new(self.status, said, self.body.clone(), asked_at)
    }
}

/// A copy, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    /// Of which path.
    pub path: String,
    /// What the origin answered.
    pub status: u16,
    /// How many bytes.
    pub bytes: usize,
    /// For how long it has been here.
    pub age_seconds: u32,
    /// For how long it is good still.
    pub good_seconds: u32,
}

#[derive(Debug, Default)]
pub(super) struct Cache {
    copies: BTreeMap<String, (Arc<Copy>, u64)>,
    bytes: usize,
    uses: u64,
}

impl Cache {
    /// The copy of what is at `path`, good or not.
    pub fn find(&mut self, path: &str) -> Option<Arc<Copy>> {
        self.uses = self.uses.saturating_add(1);
        let (copy, last_use) = self.copies.get_mut(path)?;
        *last_use = self.uses;
        Some(copy.clone())
    }

    /// Keeps a copy; those that nobody has asked for the longest make room.
    pub fn keep(&mut self, path: &str, copy: Arc<Copy>) {
        self.remove(path);
        self.uses = self.uses.saturating_add(1);
        self.bytes = self.bytes.saturating_add(copy.body.len());
        self.copies.insert(path.to_owned(), (copy, self.uses));
        while self.bytes > MOST_BYTES {
            let longest_unused = self.copies.iter().min_by_key(|(_, (_, last_use))| *last_use);
            let Some(path) = longest_unused.map(|(path, _)| path.clone()) else { break };
            self.remove(&path);
        }
    }

    /// Forgets what a path of an invalidation stands for.
    pub fn forget(&mut self, pattern: &str) {
        let paths: Vec<String> = self.copies.keys().filter(|path| matches(pattern, path)).cloned().collect();
        for path in paths {
            self.remove(&path);
        }
    }

    fn remove(&mut self, path: &str) {
        if let Some((copy, _)) = self.copies.remove(path) {
            self.bytes = self.bytes.saturating_sub(copy.body.len());
        }
    }

    pub fn kept(&self, most: usize, now: Time) -> Vec<Kept> {
        let kept = |(path, (copy, _)): (&String, &(Arc<Copy>, u64))| Kept {
            path: path.clone(),
            status: copy.status.as_u16(),
            bytes: copy.body.len(),
            age_seconds: copy.asked_at.seconds_until(now),
            good_seconds: now.seconds_until(copy.good_until),
        };
        self.copies.iter().take(most).map(kept).collect()
    }
}
