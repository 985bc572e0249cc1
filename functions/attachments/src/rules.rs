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
/// What is not used by then is removed.
const KEPT_SECONDS: i64 = 24 * 60 * 60;
/// No request that was at work on a file is any more: a function ends within 30 seconds.
const NOBODY_AT_WORK_SECONDS: i64 = 60;

/// How many uploads one may ask for, in how many seconds, by the word that counts them.
pub const QUOTAS: [(&str, u32, u32); 2] = [("UPLOAD", 60, 20), ("UPLOADS_OF_DAY", 24 * 60 * 60, 200)];

/// Somebody uploads more than people do.
pub const TOO_MANY_REQUESTS: Reason = Reason::new(
    Kind::TooManyRequests,
    "TOO_MANY_REQUESTS",
    "파일을 너무 많이 올리고 있습니다. 잠시 후 다시 시도해 주세요.",
    "You are uploading too many files; please try again later.",
);

/// There is no such attachment, or it is somebody else's.
pub const ATTACHMENT_NOT_FOUND: Reason =
    Reason::not_found("ATTACHMENT_NOT_FOUND", "존재하지 않는 파일입니다.", "There is no such file.");

/// When an upload that is asked for at `now` ends.
pub fn upload_until(now: Time) -> Time {
    now.plus_seconds(i64::try_from(UPLOAD_FOR.as_secs()).unwrap_or(i64::MAX))
}

/// When a file that is asked for at `now` is removed unless something uses it.
pub fn kept_until(now: Time) -> Time {
    now.plus_seconds(KEPT_SECONDS)
}

/// When a file that is given up at `now` can be removed for good: its owner cannot upload it any more, and no request
/// makes a copy of it any more.
pub fn gone_for_good(upload_until: Time, now: Time) -> Time {
    upload_until.max(now).plus_seconds(NOBODY_AT_WORK_SECONDS)
}

/// The attachment, if it is `owner`'s: nobody else may know of it.
pub fn owned(attachment: Option<Attachment>, owner: UserId) -> Option<Attachment> {
    attachment.filter(|attachment| attachment.owner_id == owner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_up_is_looked_at_when_nobody_can_bring_it_back() {
        let now = Time::from_unix_millis(0);
        let until = upload_until(now);
        assert_eq!(until, now.plus_seconds(900));
        assert_eq!(gone_for_good(until, now), now.plus_seconds(960));
        let later = now.plus_seconds(5_000);
        assert_eq!(gone_for_good(until, later), later.plus_seconds(60));
        assert!(kept_until(now) > gone_for_good(until, now));
    }
}
