//! How often something may be done: so many times in a window of time.

use crate::{refusal::Details, time::Time};

/// One of the windows that time is cut into, whoever looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its first instant.
    pub since: Time,
    seconds: u32,
}

impl Window {
    /// The window of `seconds` that `now` is in.
    pub fn at(now: Time, seconds: u32) -> Self {
        let millis = i64::from(seconds.max(1)).saturating_mul(1_000);
        let since = Time::from_unix_millis(now.unix_millis().div_euclid(millis).saturating_mul(millis));
        Self { since, seconds }
    }

    /// The first instant after it.
    pub fn ends(self) -> Time {
        self.since.plus_seconds(i64::from(self.seconds))
    }

    /// The refusal of somebody who did it `limit` times in this window by `now`.
    pub fn used_up(self, limit: u32, now: Time) -> TooMany {
        TooMany { limit, window_seconds: self.seconds, retry_after: now.seconds_until(self.ends()).max(1) }
    }
}

/// Too many times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany {
    /// How many times the window allows.
    pub limit: u32,
    /// How long the window is, in seconds.
    pub window_seconds: u32,
    /// Seconds until trying again makes sense.
    pub retry_after: u32,
}

impl TooMany {
    /// What it adds to a refusal.
    pub fn details(self) -> Details {
        Details { quota: Some((self.limit, self.window_seconds)), ..Details::retry_after(self.retry_after) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_begins_at_a_whole_multiple_of_its_length() {
        let at = Time::from_unix_millis;
        for (now, since, retry_after) in
            [(0, 0, 60), (1, 0, 60), (59_999, 0, 1), (60_000, 60_000, 60), (-1, -60_000, 1)]
        {
            let window = Window::at(at(now), 60);
            assert_eq!(window.since, at(since), "{now}");
            assert_eq!(window.used_up(3, at(now)), TooMany { limit: 3, window_seconds: 60, retry_after }, "{now}");
        }
    }

    #[test]
    fn whoever_did_it_too_often_is_told_how_often_it_may_be_done_and_when_again() {
        let details = TooMany { limit: 3, window_seconds: 60, retry_after: 7 }.details();
        assert_eq!(details, Details { quota: Some((3, 60)), retry_after: Some(7), ..Details::default() });
    }
}
