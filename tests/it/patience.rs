//! Which calls to the table are repeated, how long, and what a repeat makes of what it meets.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use storage::{Error, Write, WriteError, items::User, keys};
use testkit::Action;
use tokio::time::Instant;

use crate::app::{TestApp, table_is_elsewhere};

fn nobody() -> keys::Key {
    keys::user("01KB2M3N4P5Q6R7S8T9V0W1X2Y".parse().unwrap())
}

#[tokio::test]
async fn pauses_double_up_to_a_second_and_each_is_shortened_by_up_to_half() {
    if table_is_elsewhere() {
        return;
    }
    let app = TestApp::start().await;
    tokio::time::pause();
    let calls: Arc<Mutex<Vec<Instant>>> = Arc::default();
    let seen = calls.clone();
    #[expect(clippy::disallowed_methods, reason = "the patience is measured on the runtime's paused clock")]
    let now = Instant::now;
    app.wire.rule(move |_| {
        seen.lock().unwrap().push(now());
        Action::Refuse { status: 400, code: "ThrottlingException" }
    });
    let began = now();
    let busy = app.table.get_now::<User>(nobody()).await.unwrap_err();
    assert!(matches!(busy, Error::Busy { operation: "GetItem" }), "{busy}");
    assert_eq!(began.elapsed().as_secs(), 8);
    let calls = calls.lock().unwrap().clone();
    let (mut longest, mut shortened) = (Duration::from_millis(10), 0);
    // The runtime's timer has milliseconds.
    for pause in calls.windows(2).map(|pair| pair[1] - pair[0]) {
        shortened += usize::from(pause + Duration::from_millis(1) < longest);
        assert!(longest / 2 <= pause && pause <= longest + Duration::from_millis(1), "{pause:?} of {longest:?}");
        longest = (longest * 2).min(Duration::from_secs(1));
    }
    assert!(calls.len() > 13 && shortened > 6, "{shortened} of {calls:?}");
}

#[tokio::test]
async fn only_an_answer_that_says_nothing_makes_a_failed_condition_our_own_work() {
    // Somebody deletes what is not there. If a first try may have done it, that is success.
    for (status, code, may_be_done) in [
        (400, "ProvisionedThroughputExceededException", Some(false)),
        (400, "ThrottlingException", Some(false)),
        (400, "RequestLimitExceeded", Some(false)),
        (400, "TransactionConflictException", Some(false)),
        (400, "TransactionInProgressException", Some(true)),
        (500, "InternalServerError", Some(true)),
        (503, "ServiceUnavailable", Some(true)),
        (400, "InternalServerError", Some(true)),
        (400, "ServiceUnavailable", Some(true)),
        (502, "SomethingNew", Some(true)),
        (400, "SomethingNew", None),
    ] {
        for (write, deletes) in [(Write::delete(nobody()), true), (Write::update(nobody()).set("n", 1), false)] {
            let app = TestApp::start().await;
            let mut first = true;
            app.wire.rule(
                move |_| {
                    if std::mem::take(&mut first) { Action::Refuse { status, code } } else { Action::Pass }
                },
            );
            app.wire.take_calls();
            let written = app.table.write(write.if_present()).await;
            let tries = app.wire.take_calls().len();
            match (may_be_done, written) {
                (None, Err(WriteError::Storage(Error::Driver { code: told, .. }))) => {
                    assert_eq!((told.as_str(), tries), (code, 1));
                }
                (Some(done), Ok(())) => assert!(done && deletes && tries == 2, "{status} {code}"),
                (Some(done), Err(WriteError::Unmet(None))) => {
                    assert!(!(done && deletes) && tries == 2, "{status} {code}");
                }
                (_, other) => panic!("{status} {code}: {other:?}"),
            }
        }
    }
}
