//! The messages: one enum for each queue.

use domain::{cdn::CdnPath, ids::OrderId, time::Time};
use serde::{Deserialize, Deserializer, Serialize, de, de::DeserializeOwned};

/// Everything that travels through one queue.
pub trait Message: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What this build writes, and the newest that it reads. Raised when the meaning of a member
    /// changes; a new member or a new kind needs no other version.
    const VERSION: u32;
}

/// A message as it travels: `{"version", "id", "kind", …}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope<M> {
    /// The version that it was written in.
    pub version: u32,
    /// Names the message. Copies of it, which a repeated send makes, have the same.
    pub id: String,
    /// What it says.
    #[serde(flatten)]
    pub message: M,
}

/// A text is no message of this queue, or one of a version that nobody here knows.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// Its shape is another one.
    #[error("not a message of this queue: line {line}, column {column}")]
    Shape {
        /// Where it stops being one.
        line: usize,
        /// The same.
        column: usize,
    },
    /// It was written by a newer build.
    #[error("a message of version {0}")]
    Version(u32),
}

impl<M: Message> Envelope<M> {
    /// A new message under `id`.
    pub fn new(id: String, message: M) -> Self {
        Self { version: M::VERSION, id, message }
    }

    /// Reads a message. The error repeats nothing of the text.
    pub fn read(text: &str) -> Result<Self, Unreadable> {
        let shape = |error: serde_json::Error| Unreadable::Shape { line: error.line(), column: error.column() };
        // The version comes first: a kind that only a newer build knows is no broken message.
        let Versioned { version } = serde_json::from_str(text).map_err(shape)?;
        if !(1..=M::VERSION).contains(&version) {
            return Err(Unreadable::Version(version));
        }
        serde_json::from_str(text).map_err(shape)
    }
}

#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

/// What the payment-reconciler is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all_fields = "camelCase")]
pub enum PaymentJob {
    /// A confirmation was begun a while ago: is it finished?
    CheckPayment {
        /// Of which order.
        order_id: OrderId,
    },
    /// Somebody, who need not be Toss, says that a payment has changed.
    LookAtPayment {
        /// Of which order.
        order_id: OrderId,
        /// SHA-256 in hex of the secret that came along, if one did: a webhook of Toss repeats the payment's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        proof: Option<String>,
        /// Whether it says that money went back: only then a paid order is worth a look.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        undone: bool,
    },
}

impl Message for PaymentJob {
    const VERSION: u32 = 1;
}

/// What people are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all_fields = "camelCase")]
pub enum Notification {
    /// Something that operators have to look at. It may be told more than once: the same `alarm`
    /// about the same order is the same event.
    OperatorAlarm {
        /// What happened.
        alarm: Alarm,
        /// To which order.
        order_id: OrderId,
        /// Why, as a stable code.
        reason: String,
        /// When.
        at: Time,
    },
    /// The books differ. What differs is in the log of the integrity-checker: it is too much for a message.
    BooksDiffer {
        /// In how many places.
        differences: usize,
        /// When they were looked at.
        at: Time,
    },
}

impl Message for Notification {
    const VERSION: u32 = 1;
}

/// What operators are woken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Alarm {
    /// A charge is cancelled in full, because no paid order can come of it.
    ChargeVoided,
    /// A charge was found that no order was paid by.
    StrayCharge,
    /// Toss refuses to give such a charge back: it stands until somebody of the shop deals with it at Toss.
    ChargeStands,
    /// A payment of a paid order is not at Toss what it is here, and nobody here changed it.
    PaymentChanged,
}

/// What the cdn-invalidator is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all_fields = "camelCase")]
pub enum CdnJob {
    /// What stands at these paths has changed or is gone: the CDN is to forget its copies. Sent after the change, so
    /// that what is fetched anew is new.
    Invalidate {
        /// Which, 1 to [`CdnJob::MOST_PATHS`].
        #[serde(deserialize_with = "some_paths")]
        paths: Vec<CdnPath>,
    },
}

impl CdnJob {
    /// The most paths of one message: it stays far below what SQS carries.
    pub const MOST_PATHS: usize = 100;

    /// The messages that it takes to have `paths` forgotten; none for no path.
    pub fn invalidate(paths: &[CdnPath]) -> impl Iterator<Item = Self> {
        paths.chunks(Self::MOST_PATHS).map(|paths| Self::Invalidate { paths: paths.to_vec() })
    }
}

impl Message for CdnJob {
    const VERSION: u32 = 1;
}

fn some_paths<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<CdnPath>, D::Error> {
    let paths = Vec::<CdnPath>::deserialize(deserializer)?;
    if (1..=CdnJob::MOST_PATHS).contains(&paths.len()) {
        Ok(paths)
    } else {
        Err(de::Error::invalid_length(paths.len(), &"1 to 100 paths"))
    }
}

#[cfg(test)]
mod tests {
    use ulid::Ulid;

    use super::*;

    const CHECK: &str = r#"{"version":1,"id":"m1","kind":"CheckPayment","orderId":"00000000010000000000000001"}"#;

    fn check() -> Envelope<PaymentJob> {
        Envelope::new("m1".to_owned(), PaymentJob::CheckPayment { order_id: Ulid::from_parts(1, 1).into() })
    }

    #[test]
    fn a_message_says_version_id_and_kind() {
        let order_id: OrderId = Ulid::from_parts(1, 1).into();
        let text = serde_json::to_string(&check()).unwrap();
        assert_eq!(text, CHECK.replace("00000000010000000000000001", &order_id.to_string()));
        assert_eq!(Envelope::<PaymentJob>::read(&text).unwrap(), check());
    }

    #[test]
    fn members_that_a_newer_build_adds_are_no_obstacle() {
        let text = serde_json::to_string(&check()).unwrap().replace("{\"version\"", "{\"later\":[1],\"version\"");
        assert_eq!(Envelope::<PaymentJob>::read(&text).unwrap(), check());
    }

    #[test]
    fn what_is_no_message_is_refused_and_not_repeated() {
        let newer = serde_json::to_string(&check()).unwrap().replace("\"version\":1", "\"version\":2");
        assert!(matches!(Envelope::<PaymentJob>::read(&newer), Err(Unreadable::Version(2))));
        for broken in ["", "{", "null", "{}", "canary", r#"{"version":1,"id":"m1","kind":"canary"}"#] {
            let refused = Envelope::<PaymentJob>::read(broken).unwrap_err();
            assert!(!refused.to_string().contains("canary"), "{refused}");
        }
        let alarm = r#"{"version":1,"id":"m1","kind":"OperatorAlarm"}"#;
        assert!(matches!(Envelope::<PaymentJob>::read(alarm), Err(Unreadable::Shape { .. })));
    }

    #[test]
    fn paths_to_be_forgotten_travel_in_messages_that_are_not_too_long() {
        let path = |n: usize| CdnPath::object(&format!("/attachments/{n}")).unwrap();
        let paths: Vec<CdnPath> = (0..250).map(path).collect();
        let sizes = CdnJob::invalidate(&paths).map(|CdnJob::Invalidate { paths }| paths.len());
        assert_eq!(sizes.collect::<Vec<_>>(), [100, 100, 50]);
        assert_eq!(CdnJob::invalidate(&[]).count(), 0);
        let job = Envelope::new("m1".to_owned(), CdnJob::Invalidate { paths: vec![path(1)] });
        let text = r#"{"version":1,"id":"m1","kind":"Invalidate","paths":["/attachments/1"]}"#;
        assert_eq!(serde_json::to_string(&job).unwrap(), text);
        assert_eq!(Envelope::read(text).unwrap(), job);
        let many = format!("[{}\"/a\"]", "\"/a\",".repeat(100));
        for bad in ["[]", r#"["canary"]"#, r#"["/canary?"]"#, r#"["/can*ary"]"#, "null", &many] {
            let refused = Envelope::<CdnJob>::read(&text.replace(r#"["/attachments/1"]"#, bad)).unwrap_err();
            assert!(matches!(refused, Unreadable::Shape { .. }), "{bad}");
            assert!(!refused.to_string().contains("canary"), "{refused}");
        }
    }
}
