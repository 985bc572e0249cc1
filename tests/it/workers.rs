//! Every worker as it is deployed: a real event through the adapter that Lambda's runtime calls.

use std::{collections::BTreeSet, fs, path::Path};

use devloop_local::toss_sandbox::{FaultKind, Operation};
use fn_orders::App;
use lambda_http::{Context, LambdaEvent};
use serde_json::{Value, json};
use storage::{Write, keys};
use tower::Service;
use worker::Handler;

use crate::{
    app::{Account, TestApp},
    flows::{attachments, refunds::Bought, sale::Sale},
};

const WORKERS: [&str; 4] = ["integrity_checker", "order_sweeper", "payment_reconciler", "upload_sweeper"];

fn event(file: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events").join(file);
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The worker as its binary builds it, under its own policy.
async fn worker(app: &TestApp, name: &'static str) -> Handler {
    match name {
        "order_sweeper" => fn_orders::order_sweeper(app.worker(name).await),
        "payment_reconciler" => fn_orders::payment_reconciler(app.worker(name).await),
        "cdn_invalidator" => fn_cdn::cdn_invalidator(app.invalidator(1_000).await),
        "event_router" => app.event_router().await,
        "upload_sweeper" => fn_attachments::upload_sweeper(app.upload_sweeper().await),
        "integrity_checker" => {
            let App { edge, jobs, .. } = app.worker(name).await;
            fn_orders::integrity_checker(edge, jobs)
        }
        other => panic!("no worker {other}"),
    }
}

/// What the runtime is answered, or the error that it is told.
async fn invoke(app: &TestApp, name: &'static str, event: Value) -> Result<Value, String> {
    let mut adapter = worker::adapter(worker(app, name).await);
    let answer = Box::pin(adapter.call(LambdaEvent::new(event, Context::default()))).await;
    answer.map(|failures| serde_json::to_value(failures).unwrap()).map_err(|error| error.to_string())
}

fn none() -> Value {
    json!({ "batchItemFailures": [] })
}

/// An order that is paid at Toss, and of which nobody here knows.
async fn unanswered(sale: &Sale, buyer: &Account) -> Value {
    let order = sale.order(buyer).await.expect(201);
    let payment_key = sale.authenticate(&order);
    sale.app.sandbox.fail_next(Operation::Confirm, FaultKind::AnswerLost);
    sale.confirm(buyer, &order, &payment_key).await.expect(202);
    order
}

#[test]
fn every_worker_has_the_event_that_wakes_it() {
    for (folder, workers) in [("schedules", WORKERS.as_slice()), ("streams", &["event_router"])] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events").join(folder);
        let files: BTreeSet<String> = fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        assert_eq!(files, workers.iter().map(|worker| (*worker).to_owned()).collect());
    }
}

#[tokio::test]
async fn the_order_sweeper_lets_go_what_is_overdue() {
    let sale = Sale::of(3).await;
    let kim = sale.app.sign_up("kim").await;
    let order = sale.order(&kim).await.expect(201);
    let wake = async || invoke(&sale.app, "order_sweeper", event("schedules/order_sweeper.json")).await;
    assert_eq!(wake().await, Ok(none()));
    assert_eq!(sale.state(&kim, &order).await, "PENDING");
    sale.app.clock.advance(631_000);
    assert_eq!(wake().await, Ok(none()));
    assert_eq!(sale.state(&kim, &order).await, "EXPIRED");
}

#[tokio::test]
async fn the_payment_reconciler_finishes_by_its_schedule_what_nobody_told_it_of() {
    let sale = Sale::of(3).await;
    let kim = sale.app.sign_up("kim").await;
    let order = unanswered(&sale, &kim).await;
    sale.app.clock.advance(60_000);
    let woken = invoke(&sale.app, "payment_reconciler", event("schedules/payment_reconciler.json")).await;
    assert_eq!(woken, Ok(none()));
    assert_eq!(sale.state(&kim, &order).await, "PAID");
}

#[tokio::test]
async fn of_a_batch_only_what_failed_comes_again() {
    let sale = Sale::of(3).await;
    let (kim, lee) = (sale.app.sign_up("kim").await, sale.app.sign_up("lee").await);
    let (healthy, poisoned) = (unanswered(&sale, &kim).await, unanswered(&sale, &lee).await);
    let mut batch = event("sqs/payments.json");
    let names: Vec<Value> = [0, 1].iter().map(|n: &usize| batch["Records"][*n]["messageId"].clone()).collect();
    for (n, order) in [&healthy, &poisoned].into_iter().enumerate() {
        let mut message: Value = serde_json::from_str(batch["Records"][n]["body"].as_str().unwrap()).unwrap();
        message["orderId"] = order["id"].clone();
        batch["Records"][n]["body"] = json!(message.to_string());
    }
    let mut unreadable = batch["Records"][0].clone();
    (unreadable["messageId"], unreadable["body"]) = (json!("unreadable"), json!("{"));
    batch["Records"].as_array_mut().unwrap().push(unreadable);
    let partition = format!("ORDER#{}", poisoned["id"].as_str().unwrap());
    sale.app.wire.rule(move |call| {
        let struck = call.by == "payment_reconciler" && call.mentions(&partition);
        if struck {
            testkit::Action::Refuse { status: 400, code: "ValidationException" }
        } else {
            testkit::Action::Pass
        }
    });
    sale.app.clock.advance(60_000);
    let answer = invoke(&sale.app, "payment_reconciler", batch.clone()).await.unwrap();
    let failed = json!([{ "itemIdentifier": names[1] }, { "itemIdentifier": "unreadable" }]);
    assert_eq!(answer, json!({ "batchItemFailures": failed }));
    assert_eq!(sale.state(&kim, &healthy).await, "PAID");
    // They come again alone, and once the cause is gone only what nobody can read is left.
    sale.app.wire.clear();
    batch["Records"].as_array_mut().unwrap().remove(0);
    let answer = invoke(&sale.app, "payment_reconciler", batch).await.unwrap();
    assert_eq!(answer, json!({ "batchItemFailures": [{ "itemIdentifier": "unreadable" }] }));
    assert_eq!(sale.state(&lee, &poisoned).await, "PAID");
}

#[tokio::test]
async fn the_upload_sweeper_removes_what_nothing_uses() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    let file = attachments::ready(&app, &kim, "PROFILE").await;
    for _ in 0..2 {
        app.clock.advance(22 * 60 * 60 * 1_000);
        let woken = invoke(&app, "upload_sweeper", event("schedules/upload_sweeper.json")).await;
        assert_eq!(woken, Ok(none()));
    }
    assert_eq!((attachments::stored(&app, &file).await, app.objects.keys()), (None, vec![]));
}

#[tokio::test]
async fn the_integrity_checker_reads_everything_and_changes_nothing() {
    let bought = Bought::two().await;
    bought.sale.app.wire.take_calls();
    let woken = invoke(&bought.sale.app, "integrity_checker", event("schedules/integrity_checker.json")).await;
    assert_eq!(woken, Ok(none()));
    let calls = bought.sale.app.wire.take_calls();
    assert!(calls.iter().any(|call| call.operation == "Scan"));
    assert!(calls.iter().all(|call| ["Scan", "Query", "BatchGetItem"].contains(&call.operation.as_str())), "{calls:?}");
}

/// The records of the event, told of a post of this app.
fn changes_of(post: &str) -> Value {
    let text = event("streams/event_router.json").to_string();
    serde_json::from_str(&text.replace("01KB2M3N4P5Q6R7S8T9V0W1X2Y", post)).unwrap()
}

#[tokio::test]
async fn the_event_router_follows_changes_in_order_and_tells_the_first_that_failed() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    let post = json!({ "title": "제목", "content": "내용", "category": "WEB_DEV" });
    let post = app.post("/v1/communities").by(&kim).json(&post).send().await.expect(201);
    let id = post["id"].as_str().unwrap();
    let path = format!("/v1/communities/{id}");
    app.post(&format!("{path}/comments")).by(&kim).json(&json!({ "content": "댓글" })).send().await.expect(201);
    app.delete(&path).by(&kim).send().await.expect(204);

    app.wire.rule(|call| {
        let struck = call.by == "event_router" && call.operation == "Query";
        if struck {
            testkit::Action::Refuse { status: 400, code: "ValidationException" }
        } else {
            testkit::Action::Pass
        }
    });
    let answer = invoke(&app, "event_router", changes_of(id)).await;
    let failed = json!([{ "itemIdentifier": "5421800000000001579814642" }]);
    assert_eq!(answer, Ok(json!({ "batchItemFailures": failed })));
    app.wire.clear();
    assert_eq!(invoke(&app, "event_router", changes_of(id)).await, Ok(none()));
    let left = storage::Query::partition(format!("COMMUNITY#{id}"), "");
    assert!(app.table.all_mixed(&left, 9).await.unwrap().is_empty());
    let woken = invoke(&app, "event_router", event("schedules/order_sweeper.json")).await.unwrap_err();
    assert!(woken.contains("only the table's stream"), "{woken}");
}

/// What differs is in the log. Who reads no log is told that something does, each night until it does not any more.
#[tokio::test]
async fn operators_are_told_that_the_books_differ() {
    let bought = Bought::two().await;
    let sale = &bought.sale;
    let check = async || invoke(&sale.app, "integrity_checker", event("schedules/integrity_checker.json")).await;
    assert_eq!(check().await, Ok(none()));
    assert_eq!(sale.told(), [] as [Value; 0]);
    let (kim, product) = (bought.kim.id.parse().unwrap(), sale.pwt.parse().unwrap());
    sale.app.table.write(Write::delete(keys::buyer(product, kim))).await.unwrap();
    sale.app.clock.advance(86_400_000);
    assert_eq!(check().await, Ok(none()));
    let told = sale.told();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((&told[0]["kind"], &told[0]["differences"]), (&json!("BooksDiffer"), &json!(1)));
    assert_eq!(told[0]["at"], json!(sale.app.clock.clock().now()));
}

#[tokio::test]
async fn the_cdn_invalidator_makes_one_invalidation_of_a_batch() {
    let app = TestApp::start().await;
    let mut batch = event("sqs/cdn.json");
    assert_eq!(invoke(&app, "cdn_invalidator", batch.clone()).await, Ok(none()));
    let [made] = &app.cloudfront.invalidations(10)[..] else { panic!("one invalidation") };
    assert_eq!(made.paths.len(), 2, "{made:?}");
    // A test event of the console is no work.
    assert_eq!(invoke(&app, "cdn_invalidator", json!({})).await, Ok(none()));
    // Who is refused comes again, as Lambda is told.
    app.cdn.rule(|_| testkit::Action::Refuse { status: 400, code: "TooManyInvalidationsInProgress" });
    let names = [0, 1].map(|n: usize| json!({ "itemIdentifier": batch["Records"][n]["messageId"] }));
    batch["Records"][0]["body"] = json!(batch["Records"][0]["body"].as_str().unwrap().replace("X40", "X50"));
    let receipt = "01KB2M3N4P5Q6R7S8T9V0W1X30.01KB2M3N4P5Q6R7S8T9V0W1X31";
    for n in [0, 1] {
        batch["Records"][n]["receiptHandle"] = json!(receipt);
    }
    assert_eq!(invoke(&app, "cdn_invalidator", batch).await, Ok(json!({ "batchItemFailures": names })));
}

/// The runtime hears of it, so that the schedule's metric of failures does.
#[tokio::test]
async fn a_run_that_fails_is_told_to_the_runtime() {
    let sale = Sale::of(1).await;
    sale.app.wire.rule(|_| testkit::Action::Refuse { status: 400, code: "ValidationException" });
    for worker in WORKERS {
        let refused = invoke(&sale.app, worker, event(&format!("schedules/{worker}.json"))).await.unwrap_err();
        assert!(refused.contains("ValidationException"), "{worker}: {refused}");
    }
    let no_event = invoke(&sale.app, "payment_reconciler", json!({ "Records": [{}] })).await.unwrap_err();
    assert!(no_event.contains("no event of a queue"), "{no_event}");
}
