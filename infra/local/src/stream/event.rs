//! Records as Lambda hands them to a function.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html>

use std::collections::HashMap;

use aws_sdk_dynamodbstreams::types::{AttributeValue, OperationType, Record, StreamRecord};
use base64::{Engine, prelude::BASE64_STANDARD};
use domain::time::Time;
use serde_json::{Map, Value, json};

/// The number of a record in its shard.
pub(super) fn number(record: &Record) -> &str {
    record.dynamodb().and_then(StreamRecord::sequence_number).unwrap_or_default()
}

/// When the change was made, by the table's clock.
pub(super) fn made_at(record: &Record) -> Option<Time> {
    let at = record.dynamodb()?.approximate_creation_date_time()?;
    Some(Time::from_unix_millis(at.to_millis().ok()?))
}

/// The event that wakes a function with these records of the stream `arn`.
pub(super) fn event(records: &[Record], arn: &str) -> Value {
    json!({ "Records": records.iter().map(|record| told(record, arn)).collect::<Vec<_>>() })
}

fn told(record: &Record, arn: &str) -> Value {
    let change = record.dynamodb();
    let mut dynamodb = Map::new();
    let mut tell = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            dynamodb.insert(name.to_owned(), value);
        }
    };
    tell("ApproximateCreationDateTime", made_at(record).map(|at| at.unix_seconds().into()));
    tell("Keys", change.and_then(StreamRecord::keys).map(item));
    tell("NewImage", change.and_then(StreamRecord::new_image).map(item));
    tell("OldImage", change.and_then(StreamRecord::old_image).map(item));
    tell("SequenceNumber", change.and_then(StreamRecord::sequence_number).map(Value::from));
    tell("SizeBytes", change.and_then(StreamRecord::size_bytes).map(Value::from));
    tell("StreamViewType", change.and_then(StreamRecord::stream_view_type).map(|view| view.as_str().into()));
    let mut told = json!({
        "eventID": record.event_id(), "eventName": record.event_name().map(OperationType::as_str),
        "eventVersion": record.event_version(), "eventSource": record.event_source(),
        "awsRegion": record.aws_region(), "dynamodb": dynamodb, "eventSourceARN": arn,
    });
    if let (Some(told), Some(by)) = (told.as_object_mut(), record.user_identity()) {
        told.insert("userIdentity".to_owned(), json!({ "type": by.r#type(), "principalId": by.principal_id() }));
    }
    told
}

fn item(item: &HashMap<String, AttributeValue>) -> Value {
    Value::Object(item.iter().map(|(name, value)| (name.clone(), attribute(value))).collect())
}

/// DynamoDB's JSON of a value.
fn attribute(value: &AttributeValue) -> Value {
    let binary = |blob: &aws_sdk_dynamodbstreams::primitives::Blob| BASE64_STANDARD.encode(blob.as_ref());
    match value {
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::N(number) => json!({ "N": number }),
        AttributeValue::Bool(flag) => json!({ "BOOL": flag }),
        AttributeValue::Null(is_null) => json!({ "NULL": is_null }),
        AttributeValue::M(map) => json!({ "M": item(map) }),
        AttributeValue::L(list) => json!({ "L": list.iter().map(attribute).collect::<Vec<_>>() }),
        AttributeValue::Ss(texts) => json!({ "SS": texts }),
        AttributeValue::Ns(numbers) => json!({ "NS": numbers }),
        AttributeValue::B(blob) => json!({ "B": binary(blob) }),
        AttributeValue::Bs(blobs) => json!({ "BS": blobs.iter().map(binary).collect::<Vec<_>>() }),
        // A kind that this SDK does not know is none that we write.
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use worker::Woken;

    use super::*;

    #[test]
    fn a_record_arrives_as_lambda_would_hand_it_over() {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let key = HashMap::from([("pk".to_owned(), text("A")), ("sk".to_owned(), text("B"))]);
        let mut image = key.clone();
        image.insert(
            "card".to_owned(),
            AttributeValue::M(HashMap::from([("n".to_owned(), AttributeValue::N("7".to_owned()))])),
        );
        image.insert(
            "tags".to_owned(),
            AttributeValue::L(vec![text("가"), AttributeValue::Bool(true), AttributeValue::Null(true)]),
        );
        let change =
            StreamRecord::builder().set_keys(Some(key)).set_new_image(Some(image)).sequence_number("7").build();
        let record =
            Record::builder().event_source("aws:dynamodb").event_name(OperationType::Insert).dynamodb(change).build();
        let event = event(&[record], "arn:aws:dynamodb:x");
        assert_eq!(event["Records"][0]["eventName"], "INSERT");
        assert_eq!(event["Records"][0]["eventSourceARN"], "arn:aws:dynamodb:x");
        assert_eq!(event["Records"][0]["dynamodb"]["NewImage"]["card"], json!({ "M": { "n": { "N": "7" } } }));
        let Ok(Woken::ByStream(changes)) = Woken::read(event) else { panic!("an event of the stream") };
        assert_eq!((changes[0].key.pk.as_str(), changes[0].number.as_str()), ("A", "7"));
        assert!(changes[0].old.is_none() && changes[0].new.as_ref().unwrap().contains_key("tags"));
    }
}
