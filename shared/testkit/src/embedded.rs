//! The embedded DynamoDB, called in process: operation and JSON in, status and JSON out.

use dynoxide::{Database, DynoxideError};
use serde_json::Value;

/// Answers one call as the database's own server would.
pub fn answer(database: &Database, operation: &str, body: &Value) -> (u16, String) {
    match run(database, operation, body) {
        Ok(json) => (200, json),
        Err(error) => (error.status_code(), error.to_json()),
    }
}

fn run(database: &Database, operation: &str, body: &Value) -> Result<String, DynoxideError> {
    fn read<T: serde::de::DeserializeOwned>(body: &Value) -> Result<T, DynoxideError> {
        T::deserialize(body).map_err(|error| DynoxideError::SerializationException(error.to_string()))
    }
    fn write<T: serde::Serialize>(answer: Result<T, DynoxideError>) -> Result<String, DynoxideError> {
        serde_json::to_string(&answer?).map_err(|error| DynoxideError::InternalServerError(error.to_string()))
    }
    match operation {
        "CreateTable" => write(database.create_table(read(body)?)),
        "DeleteTable" => write(database.delete_table(read(body)?)),
        "DescribeTable" => write(database.describe_table(read(body)?)),
        "GetItem" => write(database.get_item(read(body)?)),
        "PutItem" => write(database.put_item(read(body)?)),
        "UpdateItem" => write(database.update_item(read(body)?)),
        "DeleteItem" => write(database.delete_item(read(body)?)),
        "Query" => write(database.query(read(body)?)),
        "Scan" => write(database.scan(read(body)?)),
        "BatchGetItem" => write(database.batch_get_item(read(body)?)),
        "BatchWriteItem" => write(database.batch_write_item(read(body)?)),
        "TransactWriteItems" => write(database.transact_write_items(read(body)?)),
        "TransactGetItems" => write(database.transact_get_items(read(body)?)),
        "ListStreams" => write(database.list_streams(read(body)?)),
        "DescribeStream" => write(database.describe_stream(read(body)?)),
        "GetShardIterator" => write(database.get_shard_iterator(read(body)?)),
        "GetRecords" => write(database.get_records(read(body)?)),
        other => Err(DynoxideError::UnsupportedCapability(other.to_owned())),
    }
}
