//! What the table's stream tells: one record for each item that changed, with the item before and after.
//!
//! <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_StreamRecord.html>

use serde::Deserialize;

use crate::{Error, keys::Key, table::Item};

/// One change of one item. It may be told more than once, and long after others of the same item.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Record")]
pub struct Change {
    /// Which item.
    pub key: Key,
    /// As it was before; none if it is new.
    pub old: Option<Item>,
    /// As it was then; none if it went.
    pub new: Option<Item>,
    /// The record's number in its shard of the stream.
    pub number: String,
}

/// The `dynamodb` member of a record, in DynamoDB's JSON.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Record {
    keys: serde_dynamo::Item,
    #[serde(default)]
    old_image: Option<serde_dynamo::Item>,
    #[serde(default)]
    new_image: Option<serde_dynamo::Item>,
    sequence_number: String,
}

impl TryFrom<Record> for Change {
    type Error = Error;

    fn try_from(record: Record) -> Result<Self, Error> {
        let key = Key::of(&record.keys.into()).ok_or_else(|| Error::Corrupt("a record names no item".to_owned()))?;
        let image = |item: Option<serde_dynamo::Item>| item.map(Item::from);
        Ok(Self { key, old: image(record.old_image), new: image(record.new_image), number: record.sequence_number })
    }
}

impl Change {
    /// Whether the item went.
    pub fn is_removal(&self) -> bool {
        self.new.is_none()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_record_is_read_as_the_stream_writes_it() {
        let record = json!({
            "ApproximateCreationDateTime": 1_795_478_400,
            "Keys": { "pk": { "S": "COMMUNITY#1" }, "sk": { "S": "POST" } },
            "OldImage": { "pk": { "S": "COMMUNITY#1" }, "sk": { "S": "POST" }, "rev": { "N": "2" } },
            "SequenceNumber": "100000000000000000007", "SizeBytes": 26, "StreamViewType": "NEW_AND_OLD_IMAGES",
        });
        let change: Change = serde_json::from_value(record).unwrap();
        assert_eq!((change.key.pk.as_str(), change.key.sk.as_str()), ("COMMUNITY#1", "POST"));
        assert_eq!(change.number, "100000000000000000007");
        assert!(change.is_removal());
        assert_eq!(change.old.unwrap()["rev"].as_n().unwrap(), "2");
    }

    #[test]
    fn a_record_without_our_keys_is_none_of_ours() {
        let record = json!({ "Keys": { "id": { "S": "1" } }, "SequenceNumber": "1" });
        assert!(serde_json::from_value::<Change>(record).is_err());
    }
}
