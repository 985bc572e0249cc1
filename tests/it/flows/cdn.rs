//! Having the CDN forget: queue, cdn-invalidator, CloudFront.

use std::time::Duration;

use devloop_local::{
    cloudfront::Invalidation,
    queues::{CDN, Played, dead_letters_of, message},
};
use domain::cdn::CdnPath;
use jobs::CdnJob;
use storage::{items::ForgottenPaths, keys};
use testkit::Action;

use crate::app::TestApp;

fn path(text: &str) -> CdnPath {
    text.parse().unwrap()
}

async fn send(app: &TestApp, paths: &[&str]) {
    let paths: Vec<CdnPath> = paths.iter().map(|text| path(text)).collect();
    for job in CdnJob::invalidate(&paths) {
        app.parts.cdn.send(job, Duration::ZERO).await.unwrap();
    }
}

fn invalidated(app: &TestApp) -> Vec<Vec<String>> {
    let mut all: Vec<Invalidation> = app.cloudfront.invalidations(1_000);
    all.reverse();
    all.into_iter().map(|one| one.paths).collect()
}

/// How many paths are counted this month.
async fn counted(app: &TestApp) -> u64 {
    let counted = app.table.get_now::<ForgottenPaths>(keys::forgotten_paths(app.parts.clock.now())).await.unwrap();
    counted.map_or(0, |counted| counted.paths)
}

/// How many messages are visible and how many are not.
fn depth(app: &TestApp, queue: &str) -> (u64, u64) {
    let depth = app.sqs.depths().unwrap().into_iter().find(|depth| depth.queue == queue).unwrap();
    (depth.visible, depth.in_flight)
}

const fn played(done: usize, failed: usize) -> Played {
    Played { done, failed }
}

#[tokio::test]
async fn a_batch_of_messages_is_one_invalidation_in_which_no_path_is_twice() {
    let app = TestApp::start().await;
    for n in 0..30 {
        send(&app, &[&format!("/profiles/{}", n % 20), "/pwts/1"]).await;
    }
    assert_eq!(app.pump().await, played(30, 0));
    let all = invalidated(&app);
    assert_eq!((all.len(), all[0].len()), (1, 21));
    assert_eq!(counted(&app).await, 21);
    assert_eq!(depth(&app, CDN), (0, 0));
    // The month is Amazon's.
    app.clock.advance(8 * 24 * 3_600_000);
    assert_eq!(counted(&app).await, 0);
}

#[tokio::test]
async fn an_invalidation_whose_answer_was_lost_is_asked_for_again_and_happens_once() {
    let app = TestApp::start().await;
    let mut first = true;
    app.cdn.rule(move |_| if std::mem::take(&mut first) { Action::LoseAnswer } else { Action::Pass });
    send(&app, &["/profiles/1"]).await;
    assert_eq!(app.pump().await, played(1, 0));
    assert_eq!((app.cdn.take_asked().len(), invalidated(&app).len(), counted(&app).await), (2, 1, 1));
}

/// The twin: without a reference that stays the same there are two.
#[tokio::test]
async fn without_its_reference_an_invalidation_happens_twice() {
    let app = TestApp::start().await;
    let mut times = 0;
    app.cdn.rule(move |body| {
        times += 1;
        let (before, after) = body.split_once("<CallerReference>").unwrap();
        let (_, after) = after.split_once("</CallerReference>").unwrap();
        *body = format!("{before}<CallerReference>{times}</CallerReference>{after}");
        if times == 1 { Action::LoseAnswer } else { Action::Pass }
    });
    send(&app, &["/profiles/1"]).await;
    assert_eq!(app.pump().await, played(1, 0));
    assert_eq!(invalidated(&app).len(), 2);
}

/// Delivers the same messages twice, as a queue may whose consumer was cut off after its work was done.
async fn delivered_twice(app: &TestApp) {
    for n in 0..3 {
        send(app, &[&format!("/profiles/{n}")]).await;
    }
    let invalidator = app.invalidator(1_000).await;
    let mut messages: Vec<_> = app.sqs.receive(CDN).unwrap().iter().map(message).collect();
    assert!(fn_cdn::work_on(&invalidator, messages.clone()).await.is_empty());
    messages.reverse();
    messages.push(messages[0].clone());
    assert!(fn_cdn::work_on(&invalidator, messages).await.is_empty());
}

#[tokio::test]
async fn messages_that_come_again_are_the_same_invalidation_and_counted_once() {
    let app = TestApp::start().await;
    delivered_twice(&app).await;
    assert_eq!((app.cdn.take_asked().len(), invalidated(&app).len(), counted(&app).await), (2, 1, 3));
}

/// The twin: without the condition each delivery is counted.
#[tokio::test]
async fn without_the_condition_messages_that_come_again_are_counted_again() {
    let app = TestApp::start().await;
    app.wire.rule(|call| {
        let mut items = call.body["TransactItems"].as_array_mut().into_iter().flatten();
        if call.by == "cdn_invalidator"
            && let Some(put) = items.find_map(|item| item.get_mut("Put"))
        {
            put.as_object_mut().unwrap().remove("ConditionExpression");
            put.as_object_mut().unwrap().remove("ExpressionAttributeNames");
        }
        Action::Pass
    });
    delivered_twice(&app).await;
    assert_eq!((invalidated(&app).len(), counted(&app).await), (1, 6));
}

#[tokio::test]
async fn the_same_messages_with_other_paths_are_done_already() {
    let app = TestApp::start().await;
    for n in 0..12 {
        send(&app, &[&format!("/profiles/{n}")]).await;
    }
    let mut messages = vec![];
    for _ in 0..2 {
        messages.extend(app.sqs.receive(CDN).unwrap().iter().map(message));
    }
    assert_eq!(messages.len(), 12);
    assert!(fn_cdn::work_on(&app.invalidator(1_000).await, messages.clone()).await.is_empty());
    // Meanwhile nothing is free any more, so the plan is another one.
    assert!(fn_cdn::work_on(&app.invalidator(0).await, messages).await.is_empty());
    let asked = app.cdn.take_asked();
    assert!(asked[0].contains("/profiles/11") && asked[1].contains("<Path>/profiles/*</Path>"), "{asked:?}");
    assert_eq!((invalidated(&app).len(), counted(&app).await), (1, 12));
}

#[tokio::test]
async fn what_finds_too_many_in_progress_waits_longer_and_longer_and_is_done_then() {
    let app = TestApp::start().await;
    // 15 wildcards are in progress for five seconds; each message has five.
    for n in 0..4 {
        let paths: Vec<String> = (0..5).map(|m| format!("/pwts/{n}/{m}/*")).collect();
        send(&app, &paths.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let expected = if n < 3 { played(1, 0) } else { played(0, 1) };
        assert_eq!(app.pump().await, expected, "{n}");
    }
    assert_eq!((invalidated(&app).len(), depth(&app, CDN)), (3, (0, 1)));
    app.clock.advance(59_000);
    assert_eq!(app.pump().await, played(0, 0));
    // Others are faster this time: now it waits for two minutes.
    for n in 0..3 {
        let paths: Vec<String> = (0..5).map(|m| format!("/parties/{n}/{m}/*")).collect();
        send(&app, &paths.iter().map(String::as_str).collect::<Vec<_>>()).await;
        assert_eq!(app.pump().await, played(1, 0));
    }
    app.clock.advance(1_000);
    assert_eq!(app.pump().await, played(0, 1));
    app.clock.advance(119_000);
    assert_eq!(app.pump().await, played(0, 0));
    app.clock.advance(1_000);
    assert_eq!(app.pump().await, played(1, 0));
    assert_eq!((invalidated(&app).len(), depth(&app, CDN)), (7, (0, 0)));
}

#[tokio::test]
async fn a_path_that_is_refused_keeps_no_other_from_being_forgotten() {
    let app = TestApp::start().await;
    app.cdn.rule(|body| {
        if body.contains("/pwts/poison") {
            Action::Refuse { status: 400, code: "InvalidArgument" }
        } else {
            Action::Pass
        }
    });
    for one in ["/pwts/1", "/pwts/poison", "/pwts/2"] {
        send(&app, &[one]).await;
    }
    assert_eq!(app.pump().await, played(2, 1));
    assert_eq!(invalidated(&app), [["/pwts/1"], ["/pwts/2"]]);
    // It is tried ten times in all, and kept.
    for _ in 1..10 {
        app.clock.advance(15 * 60_000);
        assert_eq!(app.pump().await, played(0, 1));
    }
    app.clock.advance(15 * 60_000);
    assert_eq!(app.pump().await, played(0, 0));
    assert_eq!(depth(&app, &dead_letters_of(CDN)), (1, 0));
    // Once the cause is gone it is sent back.
    app.cdn.rule(|_| Action::Pass);
    app.sqs.redrive(&dead_letters_of(CDN)).unwrap();
    assert_eq!(app.pump().await, played(1, 0));
    assert_eq!(invalidated(&app).last().unwrap(), &["/pwts/poison"]);
}

#[tokio::test]
async fn what_cannot_be_read_is_not_what_the_others_wait_for() {
    let app = TestApp::start().await;
    send(&app, &["/pwts/1"]).await;
    let invalidator = app.invalidator(1_000).await;
    let mut messages: Vec<_> = app.sqs.receive(CDN).unwrap().iter().map(message).collect();
    let mut unreadable = messages[0].clone();
    (unreadable.id, unreadable.body) = ("unreadable".to_owned(), unreadable.body.replace("/pwts/1", "/pwts/*/1"));
    messages.insert(0, unreadable);
    let failures = fn_cdn::work_on(&invalidator, messages).await;
    assert!(failures.contains("unreadable") && failures.len() == 1, "{failures:?}");
    assert_eq!(invalidated(&app), [["/pwts/1"]]);
}

#[tokio::test]
async fn past_what_is_free_whole_folders_are_forgotten_sooner() {
    let app = TestApp::start().await;
    let forget = async |from: usize, until: usize| {
        let paths: Vec<String> = (from..until).map(|n| format!("/communities/{n}")).collect();
        send(&app, &paths.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let messages: Vec<_> = app.sqs.receive(CDN).unwrap().iter().map(message).collect();
        assert!(fn_cdn::work_on(&app.invalidator(25).await, messages).await.is_empty());
        invalidated(&app).last().unwrap().clone()
    };
    assert_eq!(forget(0, 20).await.len(), 20);
    assert_eq!(forget(20, 40).await, ["/communities/*"]);
    assert_eq!(counted(&app).await, 21);
    // A few are still named one by one: they are forgotten all the same.
    assert_eq!(forget(40, 49).await.len(), 9);
    assert_eq!(counted(&app).await, 30);
}

#[tokio::test]
async fn while_cloudfront_or_the_table_is_down_nothing_is_lost() {
    let app = TestApp::start().await;
    send(&app, &["/profiles/1"]).await;
    app.wire.rule(|call| {
        if call.by == "cdn_invalidator" {
            Action::Refuse { status: 400, code: "ValidationException" }
        } else {
            Action::Pass
        }
    });
    assert_eq!(app.pump().await, played(0, 1));
    assert!(app.cdn.take_asked().is_empty());
    app.wire.clear();
    app.cdn.rule(|_| Action::Refuse { status: 403, code: "AccessDenied" });
    app.clock.advance(60_000);
    assert_eq!(app.pump().await, played(0, 1));
    app.cdn.rule(|_| Action::Pass);
    app.clock.advance(120_000);
    assert_eq!(app.pump().await, played(1, 0));
    assert_eq!(invalidated(&app), [["/profiles/1"]]);
}

#[tokio::test]
async fn who_does_not_answer_is_asked_until_patience_ends() {
    let app = TestApp::start().await;
    // Paused time and a table elsewhere do not go together.
    if crate::app::table_is_elsewhere() {
        return;
    }
    tokio::time::pause();
    for how in [Action::LoseRequest, Action::Refuse { status: 503, code: "ServiceUnavailable" }] {
        app.cdn.rule(move |_| how.clone());
        send(&app, &["/profiles/1"]).await;
        assert_eq!(app.pump().await, played(0, 1));
        assert!(app.cdn.take_asked().len() > 3);
        app.cdn.rule(|_| Action::Pass);
        app.clock.advance(60_000);
        assert_eq!(app.pump().await, played(1, 0));
    }
}
