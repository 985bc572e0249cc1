//! How long uploads take, how many there may be, and whose they are.

use std::time::Duration;

use domain::{
    ids::UserId,
    refusal::{Kind, Reason},
    time::Time,
};
use storage::items::Attachment;

/// For how long a URL takes an upload. A slow line needs ten minutes for 5 MiB.
pub const UPLOAD_FOR: Duration = Duration::from_mins(15);
/// What is not used by then is removed: two runs of the upload-sweeper later, which is within a day.
const KEPT_SECONDS: i64 = 22 * 60 * 60;

/// How many uploads one may ask for, in how many seconds, by the word that counts them.
pub const QUOTAS: [(&str, u32, u32); 2] = [("UPLOAD", 60, 20), ("UPLOADS_OF_DAY", 24 * 60 * 60, 200)];

/// Somebody uploads more than people do.
pub const TOO_MANY_REQUESTS: Reason = Reason::new(
    Kind::TooManyRequests,
    "TOO_MANY_REQUESTS",
    "파일을 너무 많이 올리고 있습니다. 잠시 후 다시 시도해 주세요.",
    "You are uploading too many files; please try again later.",
);

/// When an upload that is asked for at `now` ends.
pub fn upload_until(now: Time) -> Time {
    now.plus_seconds(i64::try_from(UPLOAD_FOR.as_secs()).unwrap_or(i64::MAX))
}

/// When a file that is asked for at `now` is removed unless something uses it.
pub fn kept_until(now: Time) -> Time {
    now.plus_seconds(KEPT_SECONDS)
}

/// The attachment, if it is `owner`'s: nobody else may know of it.
pub fn owned(attachment: Option<Attachment>, owner: UserId) -> Option<Attachment> {
    attachment.filter(|attachment| attachment.owner_id == owner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_used_is_gone_within_a_day() {
        const BETWEEN_RUNS: i64 = 5 * 60;
        let now = Time::from_unix_millis(0);
        assert_eq!(upload_until(now), now.plus_seconds(900));
        assert!(kept_until(now).plus_seconds(2 * BETWEEN_RUNS) <= now.plus_seconds(24 * 60 * 60));
    }
}
