//! What the embedded DynamoDB can do by itself: the calls of a sale, sent straight to it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    figures::{Against, Results},
    machine::Cpu,
    measure::{RUNS, closed_loop},
    world::World,
};

const LASTS: Duration = Duration::from_millis(900);
const CLIENTS: usize = 16;

pub async fn measure(world: &World, results: &mut Results) {
    results.begin("The embedded DynamoDB alone: 16 clients");
    let pwt = world.pwt.clone();
    let get =
        move |_| json!({ "TableName": "devloop", "ConsistentRead": true, "Key": key(&format!("PWT#{pwt}"), "POST") });
    one(world, results, "GetItem, a project", "GetItem", get).await;
    let update = |n: usize| {
        json!({
            "TableName": "devloop", "Key": key(&format!("LOAD#{}", n % 100), "COUNT"), "UpdateExpression": "ADD #n :one",
            "ExpressionAttributeNames": { "#n": "n" }, "ExpressionAttributeValues": { ":one": { "N": "1" } },
        })
    };
    one(world, results, "UpdateItem, a counter", "UpdateItem", update).await;
    one(world, results, "TransactWriteItems, five items as an order's", "TransactWriteItems", order).await;
}

async fn one<F>(world: &World, results: &mut Results, name: &str, operation: &'static str, body: F)
where
    F: Fn(usize) -> Value + Clone + Send + Sync + 'static,
{
    let count = Arc::new(AtomicUsize::new(0));
    let (mut runs, mut cores) = (vec![], vec![]);
    for _ in 0..RUNS {
        let (dynamodb, count, body) = (world.server.dynamodb.clone(), count.clone(), body.clone());
        let call = move || {
            let (dynamodb, body) = (dynamodb.clone(), body(count.fetch_add(1, Ordering::Relaxed)));
            async move { drop(dynamodb.dynamodb(operation, &body).await.expect(200)) }
        };
        let before = Cpu::now(world.server.pid());
        runs.push(closed_loop(CLIENTS, LASTS, call).await);
        cores.push(Cpu::now(world.server.pid()).cores_since(&before));
    }
    results.note_runs(name, &runs, [Against::default(); 3]);
    let table: Vec<f64> = cores.iter().map(|cores| cores["table"]).collect();
    results.note(&format!("{name}: processor of table"), "cores", &table, Against::default());
}

fn key(pk: &str, sk: &str) -> Value {
    json!({ "pk": { "S": pk }, "sk": { "S": sk } })
}

/// The shape of an order's transaction: a seat out of a shard's stock, the order in two indexes,
/// its guard, the record of its key, and a look at the buyer.
fn order(n: usize) -> Value {
    let put = |pk: String, sk: &str, more: Value| {
        let mut item = key(&pk, sk);
        item.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "Put": { "TableName": "devloop", "Item": item, "ConditionExpression": "attribute_not_exists(pk)" } })
    };
    let text = |text: String| json!({ "S": text });
    // The table outlives a run of this program only if it is the same server's.
    let id = format!("LOAD{n:022}");
    let body = "x".repeat(600);
    json!({
        "ClientRequestToken": id,
        "TransactItems": [
            { "Update": {
                "TableName": "devloop", "Key": key(&format!("LOAD_SEATS#{}", n % 32), "SEATS"),
                "UpdateExpression": "ADD #held :one SET #until = :until",
                "ConditionExpression": "attribute_not_exists(#waiting)",
                "ExpressionAttributeNames": { "#held": "held", "#until": "holdUntil", "#waiting": "waiting" },
                "ExpressionAttributeValues": { ":one": { "N": "1" }, ":until": text(id.clone()) },
            } },
            put(format!("LOAD_ORDER#{id}"), "ORDER", json!({
                "body": text(body.clone()), "gsi1pk": text(format!("LOAD_DUE#{}", n % 8)), "gsi1sk": text(id.clone()),
                "gsi2pk": text(format!("LOAD_USER#{}", n % 1_000)), "gsi2sk": text(id.clone()),
            })),
            put(format!("LOAD_USER#{id}"), "OPEN", json!({ "order": text(id.clone()) })),
            put(format!("LOAD_RECORD#{id}"), "RECORD", json!({ "body": text(body) })),
            { "ConditionCheck": {
                "TableName": "devloop", "Key": key(&format!("LOAD_NOBODY#{}", n % 1_000), "PROFILE"),
                "ConditionExpression": "attribute_not_exists(pk)",
            } },
        ],
    })
}
