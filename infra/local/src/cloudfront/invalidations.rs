//! Invalidations, from being asked for until everything is forgotten.

use domain::time::Time;
use serde::Serialize;

use super::errors::Refused;

/// The most files in progress.
/// <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/InvalidationLimits.html>
const MOST_FILES: usize = 3_000;
/// The most wildcards in progress, which are counted apart.
const MOST_WILDCARDS: usize = 15;
/// The longest path.
const LONGEST_PATH: usize = 4_000;

/// How far an invalidation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Status {
    /// Copies may still be answered.
    InProgress,
    /// None is.
    Completed,
}

impl Status {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "InProgress",
            Self::Completed => "Completed",
        }
    }
}

/// One invalidation, as it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Invalidation {
    /// Its id.
    pub id: String,
    /// Under which name its caller asked for it.
    pub reference: String,
    /// What is forgotten.
    pub paths: Vec<String>,
    /// When it was asked for.
    pub created_at: Time,
    /// How far it has come.
    pub status: Status,
}

#[derive(Clone, Debug)]
struct Batch {
    id: String,
    reference: String,
    paths: Vec<String>,
    created_at: Time,
    done_at: Time,
    has_taken_effect: bool,
}

impl Batch {
    fn told(&self, now: Time) -> Invalidation {
        let Self { id, reference, paths, created_at, done_at, .. } = self.clone();
        let status = if done_at <= now { Status::Completed } else { Status::InProgress };
        Invalidation { id, reference, paths, created_at, status }
    }
}

/// All that there were, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Invalidations(Vec<Batch>);

impl Invalidations {
    /// Begins one that takes `seconds`, or answers the one that has this reference already.
    pub fn create(
        &mut self,
        id: String,
        reference: String,
        paths: Vec<String>,
        now: Time,
        seconds: i64,
    ) -> Result<Invalidation, Refused> {
        if reference.is_empty() {
            return Err(Refused::REFERENCE);
        }
        if paths.is_empty() || !paths.iter().all(|path| is_path(path)) {
            return Err(Refused::PATHS);
        }
        if let Some(before) = self.0.iter().find(|batch| batch.reference == reference) {
            // The order of the paths is not said to matter; here it does not.
            let sorted = |paths: &[String]| {
                let mut paths = paths.to_vec();
                paths.sort_unstable();
                paths
            };
            return if sorted(&before.paths) == sorted(&paths) { Ok(before.told(now)) } else { Err(Refused::EXISTS) };
        }
        let (files, wildcards) = counted(&paths);
        // What never fits is too large; what does not fit now may fit later.
        if files > MOST_FILES || wildcards > MOST_WILDCARDS {
            return Err(Refused::TOO_LARGE);
        }
        let in_progress = self.0.iter().filter(|batch| batch.done_at > now).map(|batch| counted(&batch.paths));
        let (files, wildcards) =
            in_progress.fold((files, wildcards), |(f, w), (files, wildcards)| (f + files, w + wildcards));
        if files > MOST_FILES || wildcards > MOST_WILDCARDS {
            return Err(Refused::IN_PROGRESS);
        }
        let done_at = now.plus_seconds(seconds);
        let batch = Batch { id, reference, paths, created_at: now, done_at, has_taken_effect: false };
        let told = batch.told(now);
        self.0.push(batch);
        Ok(told)
    }

    pub fn find(&self, id: &str, now: Time) -> Result<Invalidation, Refused> {
        let batch = self.0.iter().find(|batch| batch.id == id);
        batch.map(|batch| batch.told(now)).ok_or(Refused::NO_INVALIDATION)
    }

    pub fn newest(&self, most: usize, now: Time) -> Vec<Invalidation> {
        self.0.iter().rev().take(most).map(|batch| batch.told(now)).collect()
    }

    /// Has `forget` called for each path of what is done by now. All of it takes effect at its end, the worst case for
    /// whoever waits for it.
    pub fn take_effect(&mut self, now: Time, mut forget: impl FnMut(&str)) {
        for batch in self.0.iter_mut().filter(|batch| !batch.has_taken_effect && batch.done_at <= now) {
            batch.paths.iter().for_each(|path| forget(path));
            batch.has_taken_effect = true;
        }
    }

    /// Whether `path` was forgotten after `since`: what was fetched before may be old. What was done by `since` had taken
    /// effect when the fetch began.
    pub fn hit_since(&self, path: &str, since: Time, now: Time) -> bool {
        let done = self.0.iter().filter(|batch| since < batch.done_at && batch.done_at <= now);
        done.flat_map(|batch| &batch.paths).any(|pattern| matches(pattern, path))
    }
}

fn counted(paths: &[String]) -> (usize, usize) {
    let wildcards = paths.iter().filter(|path| path.ends_with('*')).count();
    (paths.len().saturating_sub(wildcards), wildcards)
}

/// A star stands at the end only, and a path is what a URL has.
fn is_path(path: &str) -> bool {
    let inner = path.strip_suffix('*').unwrap_or(path);
    let allowed = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'*' | b'#' | b'<' | b'>' | b'"');
    path.len() <= LONGEST_PATH && path.starts_with('/') && inner.bytes().all(allowed)
}

/// Whether a path of an invalidation stands for the path of an object.
pub(super) fn matches(pattern: &str, path: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => path.starts_with(beginning),
        None => pattern == path,
    }
}
