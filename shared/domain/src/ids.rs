//! Ids: ULIDs that know what they name.

use serde::{Deserialize, Serialize};
use ulid::Ulid;

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Ulid);

        impl From<Ulid> for $name {
            fn from(ulid: Ulid) -> Self {
                Self(ulid)
            }
        }

        impl From<$name> for Ulid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::validation::Invalid;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                parse(text).map(Self)
            }
        }

        impl<E> deserr::Deserr<E> for $name
        where
            E: deserr::DeserializeError + deserr::MergeWithError<crate::validation::Invalid>,
        {
            fn deserialize_from_value<V: deserr::IntoValue>(
                value: deserr::Value<V>,
                location: deserr::ValuePointerRef,
            ) -> Result<Self, E> {
                crate::validation::from_text(value, location, str::parse)
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                crate::validation::text_schema().pattern(Some("^[0-7][0-9A-HJKMNP-TV-Z]{25}$")).into()
            }
        }

        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
        }
    )* };
}

id! {
    /// One account.
    UserId,
    /// One log-in and all refresh tokens that descend from it.
    FamilyId,
    /// One tutor application.
    ApplicationId,
    /// A project with a tutor.
    PwtId,
    /// The calendar of one approved PWT: its PWT's id.
    ScheduleId,
    /// One entry of a schedule.
    TodoId,
    /// Something that can be bought: the id of a PWT or a lecture.
    ProductId,
    /// One order.
    OrderId,
    /// One refund of an order, in whole or in part.
    RefundId,
    /// One purchase.
    PurchaseId,
    /// One place on a waitlist.
    PlaceId,
    /// One notification.
    NoteId,
    /// One request of a buyer for a refund.
    RefundRequestId,
    /// One post on a board.
    PostId,
    /// One comment on a post.
    CommentId,
    /// One uploaded file.
    AttachmentId,
}

/// Only the canonical form is an id: lower case and the look-alikes that ULID allows would
/// give one thing several names.
fn parse(text: &str) -> Result<Ulid, crate::validation::Invalid> {
    let ulid = Ulid::from_string(text).map_err(|_not_a_ulid| crate::validation::Invalid::NOT_AN_ID)?;
    if ulid.to_string() == text { Ok(ulid) } else { Err(crate::validation::Invalid::NOT_AN_ID) }
}

impl From<PwtId> for ProductId {
    fn from(pwt: PwtId) -> Self {
        Self(pwt.0)
    }
}

impl From<ProductId> for PwtId {
    fn from(product: ProductId) -> Self {
        Self(product.0)
    }
}

impl From<PwtId> for ScheduleId {
    fn from(pwt: PwtId) -> Self {
        Self(pwt.0)
    }
}

impl From<ScheduleId> for PwtId {
    fn from(schedule: ScheduleId) -> Self {
        Self(schedule.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_form_is_an_id() {
        let id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
        assert_eq!(id.parse::<UserId>().unwrap().to_string(), id);
        for other in [
            "01arz3ndektsv4rrffq69g5fav", "01ARZ3NDEKTSV4RRFFQ69G5FA", "", "O1ARZ3NDEKTSV4RRFFQ69G5FAV",
            "81ARZ3NDEKTSV4RRFFQ69G5FAV",
        ] {
            assert!(other.parse::<UserId>().is_err(), "{other}");
        }
    }
}
