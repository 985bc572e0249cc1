//! What this domain decides from values alone.

use deserr::{DeserializeError, Deserr, IntoValue, MergeWithError, Value, ValuePointerRef};
use domain::{
    accounts::{Approval, Role},
    boards::Recruiting,
    ids::UserId,
    time::Time,
    validation::{self, FieldErrors, Invalid},
};
use storage::items::Pwt;
use utoipa::openapi::{RefOr, Schema};

/// How many seats a project may have: 1 to 10,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Participants(u32);

impl Participants {
    const MAX: u32 = 10_000;

    /// The number.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl<E: DeserializeError + MergeWithError<Invalid>> Deserr<E> for Participants {
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, location: ValuePointerRef) -> Result<Self, E> {
        validation::from_whole_number(value, location, |number| match u32::try_from(number) {
            Ok(seats @ 1..=Self::MAX) => Ok(Self(seats)),
            _ => Err(Invalid::range(1, i64::from(Self::MAX))),
        })
    }
}

impl utoipa::PartialSchema for Participants {
    fn schema() -> RefOr<Schema> {
        validation::whole_number_schema(1, i64::from(Self::MAX)).into()
    }
}

impl utoipa::ToSchema for Participants {
    fn name() -> std::borrow::Cow<'static, str> {
        "Participants".into()
    }
}

const IN_THE_PAST: Invalid = Invalid::new("IN_THE_PAST", "현재 이후의 시각이어야 합니다.", "must be in the future");
const AFTER_DEADLINE: Invalid =
    Invalid::new("NOT_BEFORE_DEADLINE", "모집 마감보다 빨라야 합니다.", "must be before the deadline");
const BEFORE_DEADLINE: Invalid =
    Invalid::new("BEFORE_DEADLINE", "모집 마감보다 빠를 수 없습니다.", "must not be before the deadline");
const BEFORE_START: Invalid = Invalid::new("NOT_AFTER_START", "시작보다 늦어야 합니다.", "must be after the start");

/// When a project is sold and when it runs.
#[derive(Clone, Copy, Debug)]
pub struct Dates {
    /// None until approval: it will be that instant.
    pub sales_from: Option<Time>,
    /// When the sale ends.
    pub deadline: Time,
    /// When the project begins.
    pub starts_at: Time,
    /// When it ends.
    pub ends_at: Time,
}

impl Dates {
    /// Sale opens < deadline ≤ start < end. A deadline that is being set, and not only kept, must
    /// be later than `deadline_after`.
    pub fn check(self, deadline_after: Option<Time>) -> Result<(), FieldErrors> {
        FieldErrors::unless([
            (self.sales_from.is_none_or(|opens| opens < self.deadline), "salesFrom", AFTER_DEADLINE),
            (deadline_after.is_none_or(|now| now < self.deadline), "deadline", IN_THE_PAST),
            (self.deadline <= self.starts_at, "startsAt", BEFORE_DEADLINE),
            (self.starts_at < self.ends_at, "endsAt", BEFORE_START),
        ])
    }
}

/// Whether buyers are taken: something is left and the deadline is ahead. A sale that opens later
/// counts as recruiting.
pub fn recruiting(sold_out: bool, deadline: Time, now: Time) -> Recruiting {
    if !sold_out && now < deadline { Recruiting::Recruiting } else { Recruiting::Closed }
}

/// Whether somebody may know of a project: an unapproved one is its tutor's and the admins'.
pub fn may_know(pwt: &Pwt, reader: Option<(UserId, Role)>) -> bool {
    pwt.approval == Approval::Approved || reader.is_some_and(|(id, role)| id == pwt.tutor_id || role == Role::Admin)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64) -> Time {
        Time::from_unix_millis(hour * 3_600_000)
    }

    fn dates(sales_from: Option<i64>, deadline: i64, starts_at: i64, ends_at: i64) -> Dates {
        Dates { sales_from: sales_from.map(at), deadline: at(deadline), starts_at: at(starts_at), ends_at: at(ends_at) }
    }

    fn bad_fields(dates: Dates, now: Option<i64>) -> Vec<String> {
        let errors = dates.check(now.map(at)).err().unwrap_or_default();
        errors.0.into_iter().map(|error| error.field).collect()
    }

    #[test]
    fn dates_are_in_order() {
        for (dates, bad) in [
            (dates(None, 2, 3, 4), &[][..]),
            (dates(Some(1), 2, 2, 3), &[]),
            (dates(Some(2), 2, 3, 4), &["salesFrom"]),
            (dates(Some(0), 3, 2, 4), &["startsAt"]),
            (dates(Some(0), 2, 3, 3), &["endsAt"]),
            (dates(Some(9), 8, 7, 6), &["salesFrom", "startsAt", "endsAt"]),
        ] {
            assert_eq!(bad_fields(dates, Some(1)), bad, "{dates:?}");
        }
    }

    #[test]
    fn only_a_new_deadline_must_be_ahead() {
        let over = dates(Some(0), 2, 3, 4);
        assert_eq!(bad_fields(over, Some(2)), ["deadline"]);
        assert_eq!(bad_fields(over, None), [""; 0]);
    }

    #[test]
    fn recruiting_ends_with_the_deadline_or_the_last_seat() {
        assert_eq!(recruiting(false, at(2), at(1)), Recruiting::Recruiting);
        assert_eq!(recruiting(false, at(2), at(2)), Recruiting::Closed);
        assert_eq!(recruiting(true, at(2), at(1)), Recruiting::Closed);
    }

    #[test]
    fn a_project_is_public_once_it_is_approved() {
        let mut pwt = crate::stock::tests::pwt(10, 0);
        let (tutor, other) = (pwt.tutor_id, "01KB2M3N4P5Q6R7S8T9V0W1X2V".parse().unwrap());
        let known = |pwt: &Pwt| {
            [None, Some((tutor, Role::Tutor)), Some((other, Role::Tutor)), Some((other, Role::Admin))]
                .map(|reader| may_know(pwt, reader))
        };
        assert_eq!(known(&pwt), [true; 4]);
        for approval in [Approval::Pending, Approval::Rejected] {
            pwt.approval = approval;
            assert_eq!(known(&pwt), [false, true, false, true]);
        }
    }

    #[test]
    fn a_project_has_1_to_10_000_seats() {
        let read = |number: i64| {
            deserr::deserialize::<Participants, _, FieldErrors>(serde_json::json!(number)).map(Participants::get)
        };
        assert_eq!([1, 10_000].map(read), [Ok(1), Ok(10_000)]);
        for bad in [0, -1, 10_001, i64::MAX] {
            assert_eq!(read(bad).unwrap_err().0[0].invalid.code, "RANGE", "{bad}");
        }
    }
}
