//! Lists of the table, read in more requests than any list of the tests is long enough for.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use storage::{Page, Query, Stored, Write, decode, keys};
use testkit::Action;

use crate::app::TestApp;

/// Something to list.
#[derive(Debug, Deserialize, Serialize)]
struct Mark {
    n: u32,
}

impl Stored for Mark {
    const TYPE: &'static str = "Mark";

    fn keys(&self) -> keys::Keys {
        keys::Keys::of(keys::Key { pk: "MARKS".to_owned(), sk: format!("MARK#{:02}", self.n) })
    }
}

/// A table with ten marks and something else in one partition.
async fn ten() -> (TestApp, Query) {
    let app = TestApp::start().await;
    for n in 0..10 {
        app.table.write(Write::put(&Mark { n })).await.unwrap();
    }
    app.table
        .write(Write::update(keys::Key { pk: "MARKS".to_owned(), sk: "OTHER".to_owned() }).set("n", 10))
        .await
        .unwrap();
    app.wire.take_calls();
    (app, Query::partition("MARKS", "MARK#"))
}

fn numbers(marks: &[Mark]) -> Vec<u32> {
    marks.iter().map(|mark| mark.n).collect()
}

#[tokio::test]
async fn pages_follow_each_other_until_there_is_no_next() {
    let (app, marks) = ten().await;
    let (mut seen, mut after) = (vec![], None);
    loop {
        let page: Page<Mark> = app.table.page(&marks, after, 4, |_| true).await.unwrap();
        seen.push(numbers(&page.items));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, [vec![0, 1, 2, 3], vec![4, 5, 6, 7], vec![8, 9]]);
    let calls = app.wire.take_calls();
    assert_eq!(calls.len(), 3);
    // What hangs on something is read as it is now.
    assert!(calls.iter().all(|call| call.body["ConsistentRead"] == true), "{calls:?}");
}

#[tokio::test]
async fn a_filter_makes_a_page_read_on_but_not_for_ever() {
    let (app, marks) = ten().await;
    let even: Page<Mark> = app.table.page(&marks, None, 2, |mark: &Mark| mark.n.is_multiple_of(2)).await.unwrap();
    assert_eq!((numbers(&even.items), even.next.is_some(), app.wire.take_calls().len()), (vec![0, 2], true, 2));
    let none: Page<Mark> = app.table.page(&marks, None, 1, |_: &Mark| false).await.unwrap();
    assert_eq!((none.items.len(), none.next.is_some(), app.wire.take_calls().len()), (0, true, 5));
}

#[tokio::test]
async fn what_comes_in_several_answers_is_put_together() {
    let (app, marks) = ten().await;
    // No answer has more than three, as if they were large.
    app.wire.rule(|call| {
        let limit = call.body["Limit"].as_u64().unwrap_or(u64::MAX).min(3);
        if ["Query", "Scan"].contains(&call.operation.as_str()) {
            call.body["Limit"] = json!(limit);
        }
        Action::Pass
    });
    let all: Vec<Mark> = app.table.all(&marks, 100).await.unwrap();
    assert_eq!(numbers(&all), (0..10).collect::<Vec<_>>());
    assert_eq!(app.table.count(&marks, 100).await.unwrap(), 10);
    // And no more than were asked for.
    let some: Vec<Mark> = app.table.all(&marks, 4).await.unwrap();
    assert_eq!((numbers(&some), app.table.count(&marks, 4).await.unwrap()), (vec![0, 1, 2, 3], 4));
    let scanned = app.table.scan(&["Mark", "Nothing"]).await.unwrap();
    let scanned: Vec<Mark> = scanned.into_iter().map(|item| decode(item).unwrap()).collect();
    assert_eq!(scanned.len(), 10);
    let calls = app.wire.take_calls();
    let of = |operation: &str| calls.iter().filter(|call| call.operation == operation).count();
    assert!(of("Query") >= 10 && of("Scan") >= 4, "{:?}", calls.iter().map(|call| &call.body).collect::<Vec<&Value>>());
}
