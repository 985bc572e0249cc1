//! `Idempotency-Key`, held to every POST that creates or moves money: one table of operations, each clause for each.
//!
//! Source: <https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/>.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use futures::future::LocalBoxFuture;
use serde_json::{Value, json};
use testkit::{Action, Gate};

use super::{
    refusals::{Standing, is_success},
    sale::Sale,
};
use crate::app::{Account, Call, Reply, pwt_body};

const DAY_MILLIS: i64 = 86_400_000;

/// A request without its key.
struct Asked {
    by: Account,
    path: String,
    body: Option<Value>,
}

impl Asked {
    fn new(by: &Account, path: impl Into<String>, body: Value) -> Self {
        Self { by: by.clone(), path: path.into(), body: Some(body) }
    }

    async fn send(&self, sale: &Sale, key: Option<&str>) -> Reply {
        let call = sale.app.post(&self.path).by(&self.by);
        let call = key.into_iter().fold(call, |call, key| call.header("idempotency-key", key));
        self.body.iter().fold(call, Call::json).send().await
    }
}

/// A request, another one of the same user that must not pass for it, and somebody else's.
struct Ready {
    sale: Sale,
    first: Asked,
    other: Asked,
    stranger: Asked,
}

impl Ready {
    async fn send(&self, key: &str) -> Reply {
        self.first.send(&self.sale, Some(key)).await
    }

    /// Lets time pass, and logs the one who asks in anew.
    async fn pass(&mut self, millis: i64) {
        self.sale.app.clock.advance(millis);
        self.first.by = self.sale.app.log_in(&self.first.by).await;
    }
}

struct Case {
    operation: &'static str,
    /// Whether there is no answer without a key.
    required: bool,
    /// Whether the key is leased while the request is at work. The others write the record together with
    /// their effect, so that there is no such time.
    leased: bool,
    /// Whether the other request would be let through by everything but the key.
    only_the_key: bool,
    ready: fn() -> LocalBoxFuture<'static, Ready>,
}

const fn case(operation: &'static str, ready: fn() -> LocalBoxFuture<'static, Ready>) -> Case {
    Case { operation, required: false, leased: false, only_the_key: true, ready }
}

const CASES: [Case; 10] = [
    Case { required: true, ..case("create_order", || Box::pin(create_order())) },
    Case { required: true, leased: true, ..case("confirm_payment", || Box::pin(confirm_payment())) },
    Case { leased: true, ..case("cancel_order", || Box::pin(cancel_order())) },
    Case { leased: true, ..case("fail_payment", || Box::pin(fail_payment())) },
    Case { required: true, only_the_key: false, ..case("request_refund", || Box::pin(request_refund())) },
    case("create_pwt", || Box::pin(create_pwt())),
    case("create_todo", || Box::pin(create_todo())),
    Case { only_the_key: false, ..case("apply_as_tutor", || Box::pin(apply_as_tutor())) },
    case("create_attachment", || Box::pin(create_attachment())),
    Case { leased: true, ..case("join_waitlist", || Box::pin(join_waitlist())) },
];

async fn two(sale: &Sale) -> [Account; 2] {
    [sale.app.sign_up("kim").await, sale.app.sign_up("lee").await]
}

async fn tutor(sale: &Sale) -> Account {
    let tutor = sale.app.log_in(&Account { email: "park@example.com".to_owned(), ..sale.admin.clone() }).await;
    let me = sale.app.get("/v1/users/me").by(&tutor).send().await.expect(200);
    Account { id: me["id"].as_str().unwrap().to_owned(), ..tutor }
}

async fn create_order() -> Ready {
    let sale = Sale::of(5).await;
    let [kim, lee] = two(&sale).await;
    let another = sale.app.approved_pwt(&tutor(&sale).await, &sale.admin, json!({})).await;
    let order = |by: &Account, pwt: &str| Asked::new(by, "/v1/orders", json!({ "productIds": [pwt] }));
    Ready { first: order(&kim, &sale.pwt), other: order(&kim, &another), stranger: order(&lee, &sale.pwt), sale }
}

async fn confirm_payment() -> Ready {
    let sale = Sale::of(5).await;
    let [kim, lee] = two(&sale).await;
    let confirm = |by: &Account, order: &Value, amount: i64| {
        let body = json!({ "paymentKey": sale.authenticate(order), "orderId": order["id"], "amount": amount });
        Asked::new(by, "/v1/payments/confirm", body)
    };
    let (kims, lees) = (sale.order(&kim).await.expect(201), sale.order(&lee).await.expect(201));
    let (first, other, stranger) =
        (confirm(&kim, &kims, 50_000), confirm(&kim, &kims, 100), confirm(&lee, &lees, 50_000));
    Ready { sale, first, other, stranger }
}

async fn create_attachment() -> Ready {
    let sale = Sale::of(5).await;
    let [kim, lee] = two(&sale).await;
    let upload = |by: &Account, size: u32| {
        let body = json!({ "fileName": "a.png", "contentType": "image/png", "size": size, "purpose": "PARTY" });
        Asked::new(by, "/v1/attachments", body)
    };
    Ready { first: upload(&kim, 100), other: upload(&kim, 101), stranger: upload(&lee, 100), sale }
}

fn path_of(order: &Value, what: &str) -> String {
    format!("/v1/orders/{}/{what}", order["id"].as_str().unwrap())
}

async fn cancel_order() -> Ready {
    let sale = Sale::of(5).await;
    let [kim, lee] = two(&sale).await;
    let (kims, lees) = (sale.buy(&kim).await.expect(200), sale.buy(&lee).await.expect(200));
    Ready {
        first: Asked::new(&kim, path_of(&kims, "cancel"), json!({})),
        // The same body, of another order.
        other: Asked::new(&kim, path_of(&lees, "cancel"), json!({})),
        stranger: Asked::new(&lee, path_of(&lees, "cancel"), json!({})),
        sale,
    }
}

async fn fail_payment() -> Ready {
    let sale = Sale::of(5).await;
    let [kim, lee] = two(&sale).await;
    let (kims, lees) = (sale.order(&kim).await.expect(201), sale.order(&lee).await.expect(201));
    let fail = |by: &Account, order: &Value, code: &str| {
        Asked::new(by, "/v1/payments/fail", json!({ "orderId": order["id"], "code": code }))
    };
    Ready {
        first: fail(&kim, &kims, "PAY_PROCESS_CANCELED"),
        other: fail(&kim, &kims, "PAY_PROCESS_ABORTED"),
        stranger: fail(&lee, &lees, "PAY_PROCESS_CANCELED"),
        sale,
    }
}

async fn request_refund() -> Ready {
    let sale = Sale::of(5).await;
    let [kim, lee] = two(&sale).await;
    let (kims, lees) = (sale.buy(&kim).await.expect(200), sale.buy(&lee).await.expect(200));
    sale.app.clock.advance(40 * DAY_MILLIS);
    let [kim, lee] = [sale.app.log_in(&kim).await, sale.app.log_in(&lee).await];
    let ask = |by: &Account, order: &Value, reason: &str| {
        Asked::new(by, path_of(order, "refund-requests"), json!({ "reason": reason }))
    };
    Ready {
        first: ask(&kim, &kims, "약속과 다릅니다."),
        other: ask(&kim, &kims, "다른 이유"),
        stranger: ask(&lee, &lees, "약속과 다릅니다."),
        sale,
    }
}

async fn create_pwt() -> Ready {
    let sale = Sale::of(1).await;
    let (park, choi) = (tutor(&sale).await, sale.app.tutor("choi").await);
    let mut other = pwt_body();
    other["title"] = json!("다른 제목");
    Ready {
        first: Asked::new(&park, "/v1/pwts", pwt_body()),
        other: Asked::new(&park, "/v1/pwts", other),
        stranger: Asked::new(&choi, "/v1/pwts", pwt_body()),
        sale,
    }
}

async fn create_todo() -> Ready {
    let sale = Sale::of(1).await;
    let park = tutor(&sale).await;
    let path = format!("/v1/schedules/{}/todos", sale.pwt);
    let todo = |by: &Account, title: &str| {
        let (start, end) = ("2026-12-07T10:00:00Z", "2026-12-07T12:00:00Z");
        Asked::new(by, path.as_str(), json!({ "title": title, "start": start, "end": end }))
    };
    Ready { first: todo(&park, "1주차"), other: todo(&park, "2주차"), stranger: todo(&sale.admin, "1주차"), sale }
}

async fn apply_as_tutor() -> Ready {
    let sale = Sale::of(1).await;
    let [kim, lee] = two(&sale).await;
    let apply = |by: &Account, name: &str| {
        let body =
            json!({ "realName": name, "portfolioUrl": "https://github.com/kim", "accountNumber": "110123456789" });
        Asked::new(by, "/v1/tutor-applications", body)
    };
    Ready { first: apply(&kim, "김튜터"), other: apply(&kim, "김강사"), stranger: apply(&lee, "김튜터"), sale }
}

async fn join_waitlist() -> Ready {
    let sale = Sale::of(1).await;
    let [kim, lee] = two(&sale).await;
    let holder = sale.app.sign_up("holder").await;
    let another =
        sale.app.approved_pwt(&tutor(&sale).await, &sale.admin, json!({ "maxParticipants": 1, "price": 0 })).await;
    sale.buy(&holder).await.expect(200);
    sale.app.buy_free(&holder, &another).await;
    let join = |by: &Account, pwt: &str| Asked { by: by.clone(), path: format!("/v1/pwts/{pwt}/waitlist"), body: None };
    Ready { first: join(&kim, &sale.pwt), other: join(&kim, &another), stranger: join(&lee, &sale.pwt), sale }
}

fn code(reply: &Reply) -> &str {
    reply.body["code"].as_str().unwrap_or_default()
}

fn is_replay(reply: &Reply) -> bool {
    reply.header("idempotent-replayed") == "true"
}

#[tokio::test]
async fn a_key_is_needed_where_it_is_required_and_has_to_be_one() {
    for Case { operation, required, ready, .. } in CASES {
        let ready = ready().await;
        for unusable in ["with space", "", &"k".repeat(256)] {
            let reply = ready.send(unusable).await;
            assert_eq!((reply.status, code(&reply)), (400, "IDEMPOTENCY_KEY_REQUIRED"), "{operation} {unusable:?}");
        }
        let without = ready.first.send(&ready.sale, None).await;
        if required {
            assert_eq!((without.status, code(&without)), (400, "IDEMPOTENCY_KEY_REQUIRED"), "{operation}");
            assert!(is_success(&ready.send(&"k".repeat(255)).await), "{operation}");
        } else {
            assert!(is_success(&without) && !is_replay(&without), "{operation}: {}", without.body);
        }
    }
}

#[tokio::test]
async fn a_repeat_is_answered_with_the_first_success_for_a_day_and_changes_nothing() {
    for Case { operation, ready, .. } in CASES {
        let mut ready = ready().await;
        let first = ready.send("key").await;
        assert!(is_success(&first) && !is_replay(&first), "{operation}: {}", first.body);
        for later in [0, DAY_MILLIS - 1] {
            ready.pass(later).await;
            // What ends by itself meanwhile has ended.
            ready.sale.sweep().await;
            let standing = Standing::of(&ready.sale.app).await;
            let again = ready.send("key").await;
            assert!(is_replay(&again), "{operation}: {}", again.body);
            assert_eq!((again.status, &again.body), (first.status, &first.body), "{operation}");
            for header in ["location", "etag"] {
                assert_eq!(again.header(header), first.header(header), "{operation}");
            }
            assert_eq!(Standing::of(&ready.sale.app).await, standing, "{operation}");
        }
        ready.pass(1).await;
        assert!(!is_replay(&ready.send("key").await), "{operation}: the record has ended");
    }
}

#[tokio::test]
async fn a_key_is_bound_to_its_request() {
    for Case { operation, ready, .. } in CASES {
        let ready = ready().await;
        assert!(is_success(&ready.send("key").await), "{operation}");
        let standing = Standing::of(&ready.sale.app).await;
        let reused = ready.other.send(&ready.sale, Some("key")).await;
        assert_eq!((reused.status, code(&reused)), (422, "IDEMPOTENCY_KEY_REUSED"), "{operation}: {}", reused.body);
        assert_eq!(Standing::of(&ready.sale.app).await, standing, "{operation}");
    }
}

#[tokio::test]
async fn without_the_records_condition_another_request_passes_under_the_key() {
    for Case { operation, ready, .. } in CASES.into_iter().filter(|case| case.only_the_key) {
        let ready = ready().await;
        ready.sale.app.wire.rule(|call| {
            call.strip_conditions("IDEMPOTENCY#");
            Action::Pass
        });
        assert!(is_success(&ready.send("key").await), "{operation}");
        let reused = ready.other.send(&ready.sale, Some("key")).await;
        assert_ne!(code(&reused), "IDEMPOTENCY_KEY_REUSED", "{operation}");
    }
}

#[tokio::test]
async fn keys_are_each_users_own() {
    for Case { operation, ready, .. } in CASES {
        let ready = ready().await;
        assert!(is_success(&ready.send("key").await), "{operation}");
        let before = Standing::of(&ready.sale.app).await;
        let strangers = ready.stranger.send(&ready.sale, Some("key")).await;
        assert!(is_success(&strangers) && !is_replay(&strangers), "{operation}: {}", strangers.body);
        assert_ne!(Standing::of(&ready.sale.app).await, before, "{operation}: theirs has an effect of its own");
    }
}

/// If keys were not the user's, a stranger would be answered with what is not theirs.
#[tokio::test]
async fn without_the_user_in_the_record_a_stranger_reads_the_answer() {
    for Case { operation, ready, leased, .. } in CASES {
        let Ready { sale, first, stranger, .. } = ready().await;
        let (mine, theirs) = (first.by.id.clone(), stranger.by.id.clone());
        sale.app.wire.rule(move |call| {
            let of_a_record = |user: &str| format!("IDEMPOTENCY#{user}");
            let body = call.body.to_string().replace(&of_a_record(&theirs), &of_a_record(&mine));
            call.body = serde_json::from_str(&body).unwrap();
            Action::Pass
        });
        let same = first.body == stranger.body && first.path == stranger.path;
        assert!(is_success(&first.send(&sale, Some("key")).await), "{operation}");
        let answered = stranger.send(&sale, Some("key")).await;
        // Where the requests differ, they are refused as another request under the same key.
        assert!(is_replay(&answered) || (!same && answered.status == 422), "{operation} {leased}: {}", answered.body);
    }
}

#[tokio::test]
async fn of_two_at_once_one_has_the_effect() {
    for Case { operation, ready, .. } in CASES {
        let ready = ready().await;
        let (one, two) = futures::join!(ready.send("key"), ready.send("key"));
        let fresh = [&one, &two].into_iter().filter(|reply| is_success(reply) && !is_replay(reply)).count();
        assert_eq!(fresh, 1, "{operation}: {} {}", one.body, two.body);
        for reply in [&one, &two].into_iter().filter(|reply| !is_success(reply)) {
            assert_eq!((reply.status, code(reply)), (409, "REQUEST_IN_PROGRESS"), "{operation}");
            assert!(!reply.header("retry-after").is_empty(), "{operation}");
        }
        let again = ready.send("key").await;
        assert!(is_replay(&again), "{operation}: {}", again.body);
    }
}

/// Stops the next request where it holds its key, or, where it takes none, before its effect.
fn stop_at_work(ready: &Ready) -> Gate {
    let (reached, never) = (Gate::default(), Gate::default());
    let (told, stopped) = (reached.clone(), Arc::new(AtomicBool::new(false)));
    let mut holds = false;
    ready.sale.app.wire.rule(move |call| {
        let of_the_key = call.mentions("IDEMPOTENCY#");
        if of_the_key && call.operation == "PutItem" {
            holds = true;
            return Action::Pass;
        }
        let stops = if holds { !of_the_key } else { of_the_key && call.operation == "TransactWriteItems" };
        if stops && !stopped.swap(true, Ordering::Relaxed) {
            told.open();
            return Action::Wait(never.clone());
        }
        Action::Pass
    });
    reached
}

#[tokio::test]
async fn a_key_at_work_is_told_and_a_crash_locks_it_for_thirty_seconds_at_most() {
    for Case { operation, leased, ready, .. } in CASES {
        let mut ready = ready().await;
        let reached = stop_at_work(&ready);
        {
            let mut at_work = Box::pin(ready.send("key"));
            tokio::select! {
                biased;
                reply = &mut at_work => panic!("{operation}: {}", reply.body),
                () = reached.passed() => {}
            }
            if leased {
                let told = ready.send("key").await;
                assert_eq!((told.status, code(&told)), (409, "REQUEST_IN_PROGRESS"), "{operation}: {}", told.body);
                let seconds: u32 = told.header("retry-after").parse().unwrap();
                assert!((1..=30).contains(&seconds), "{operation}: {seconds}");
            }
        }
        // It crashed there. A lease ends by itself, and where there is none nothing is locked.
        if leased {
            ready.pass(29_000).await;
            assert_eq!(code(&ready.send("key").await), "REQUEST_IN_PROGRESS", "{operation}");
            ready.pass(1_000).await;
        }
        let taken_over = ready.send("key").await;
        assert!(is_success(&taken_over) && !is_replay(&taken_over), "{operation}: {}", taken_over.body);
        assert!(is_replay(&ready.send("key").await), "{operation}");
    }
}

#[tokio::test]
async fn without_the_leases_condition_two_are_at_work_under_one_key() {
    for Case { operation, ready, .. } in CASES.into_iter().filter(|case| case.leased) {
        let ready = ready().await;
        ready.sale.app.wire.rule(|call| {
            call.strip_conditions("IDEMPOTENCY#");
            Action::Pass
        });
        let reached = stop_at_work(&ready);
        let mut at_work = Box::pin(ready.send("key"));
        tokio::select! {
            biased;
            reply = &mut at_work => panic!("{operation}: {}", reply.body),
            () = reached.passed() => {}
        }
        assert!(is_success(&ready.send("key").await), "{operation}");
    }
}

/// Only what is final and good is repeated: whoever was refused may try again under the same key.
#[tokio::test]
async fn a_refusal_is_not_recorded() {
    for Case { operation, ready, .. } in CASES {
        let ready = ready().await;
        // Whatever is read once the key is known fails, as a table out of order does.
        let by = operation;
        ready.sale.app.wire.rule(move |call| {
            let takes_the_key = call.mentions("IDEMPOTENCY#") && call.operation != "TransactWriteItems";
            if call.by == by && !takes_the_key && !call.mentions("PROFILE") {
                Action::Refuse { status: 400, code: "ValidationException" }
            } else {
                Action::Pass
            }
        });
        let failed = ready.send("key").await;
        assert_eq!(failed.status, 500, "{operation}: {}", failed.body);
        ready.sale.app.wire.clear();
        let done = ready.send("key").await;
        assert!(is_success(&done) && !is_replay(&done), "{operation}: {}", done.body);
    }
}
