use super::{turns::pause_seconds, *};

fn at(text: &str) -> Time {
    format!("2026-11-24T{text}Z").parse().unwrap()
}

#[test]
fn pauses_double_up_to_an_hour() {
    let pauses = [1, 2, 3, 6, 7, 8, 10, 11, 1_000].map(pause_seconds);
    assert_eq!(pauses, [60, 120, 240, 1_920, 3_600, 3_600, 3_600, 3_600, 3_600]);
}

#[test]
fn a_deposit_is_looked_for_each_hour_and_when_it_is_overdue() {
    let until = at("12:00:00");
    for (now, next) in [("09:15:00", "10:15:00"), ("11:00:30", "12:00:30"), ("11:30:00", "12:00:30")] {
        assert_eq!(next_deposit_look(until, at(now)), at(next), "{now}");
    }
}
