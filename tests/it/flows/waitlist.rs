//! Waiting for a seat: in line, claimed, ordered, given back; and what happens without the guards.

use std::time::Duration;

use serde_json::{Value, json};
use storage::{
    Query,
    items::{Note, NoteKind, SeatShard},
    keys,
};
use testkit::{Action, Gate};

use super::sale::{Sale, Swept};
use crate::app::{Account, Reply};

const MINUTE: i64 = 60_000;

async fn join(sale: &Sale, who: &Account) -> Reply {
    sale.app.post(&format!("/v1/pwts/{}/waitlist", sale.pwt)).by(who).send().await
}

async fn place(sale: &Sale, who: &Account) -> Reply {
    sale.app.get(&format!("/v1/pwts/{}/waitlist/me", sale.pwt)).by(who).send().await
}

async fn leave(sale: &Sale, who: &Account) -> Reply {
    sale.app.delete(&format!("/v1/pwts/{}/waitlist/me", sale.pwt)).by(who).send().await
}

async fn cancel(sale: &Sale, who: &Account, order: &Value) -> Reply {
    let path = format!("/v1/orders/{}/cancel", order["id"].as_str().unwrap());
    sale.app.post(&path).by(who).json(&json!({})).send().await
}

async fn tutor(sale: &Sale) -> Account {
    sale.app.log_in(&Account { email: "park@example.com".to_owned(), ..sale.admin.clone() }).await
}

/// Everybody in line, a second apart, in this order.
async fn lined_up(sale: &Sale, names: &[&str]) -> Vec<Account> {
    let mut waiters = vec![];
    for name in names {
        let waiter = sale.app.sign_up(name).await;
        join(sale, &waiter).await.expect(201);
        sale.app.clock.advance(1_000);
        waiters.push(waiter);
    }
    waiters
}

/// How everybody's place stands now: its position, `C` for a claim, `-` for none.
async fn line(sale: &Sale, waiters: &[Account]) -> String {
    let mut told = String::new();
    for waiter in waiters {
        let waiter = sale.app.log_in(waiter).await;
        let reply = place(sale, &waiter).await;
        match reply.status {
            404 => told.push('-'),
            _ if reply.body["state"] == "CLAIMED" => told.push('C'),
            _ => told.push_str(&reply.body["position"].to_string()),
        }
    }
    told
}

/// Orders as somebody whose token may have expired meanwhile.
async fn order(sale: &Sale, who: &Account) -> Reply {
    let who = sale.app.log_in(who).await;
    sale.order(&who).await
}

async fn stocks(sale: &Sale) -> Vec<SeatShard> {
    let shards = (0..32).map(|shard| keys::seats(sale.pwt.parse().unwrap(), shard));
    sale.app.table.get_all_now(shards).await.unwrap()
}

async fn notes(sale: &Sale, who: &Account) -> Vec<NoteKind> {
    let notes = Query::partition(keys::user_partition(who.id.parse().unwrap()), "NOTE#");
    let notes: Vec<Note> = sale.app.table.all(&notes, 10).await.unwrap();
    notes.into_iter().map(|note| note.kind).collect()
}

/// One seat, which somebody holds.
async fn sold_out() -> (Sale, Account, Value) {
    let sale = Sale::of(1).await;
    let holder = sale.app.sign_up("holder").await;
    let order = sale.order(&holder).await.expect(201);
    (sale, holder, order)
}

/// The hints after a cancel come to nothing: only the sweeper serves the list.
fn without_hints(sale: &Sale) {
    sale.app.wire.rule(|call| match (call.by, call.operation.as_str()) {
        ("cancel_order", "Query") => Action::Refuse { status: 400, code: "ValidationException" },
        _ => Action::Pass,
    });
}

#[tokio::test]
async fn join_waitlist_is_for_what_is_sold_out() {
    let sale = Sale::of(1).await;
    let (kim, lee) = (sale.app.sign_up("kim").await, sale.app.sign_up("lee").await);
    assert_eq!(join(&sale, &kim).await.refused(409, "SEATS_LEFT")["seatsLeft"], 1);
    place(&sale, &kim).await.refused(404, "WAITLIST_PLACE_NOT_FOUND");
    leave(&sale, &kim).await.expect(204);
    let held = sale.order(&kim).await.expect(201);
    join(&sale, &kim).await.refused(409, "ORDER_OPEN");
    join(&sale, &tutor(&sale).await).await.refused(409, "OWN_PRODUCT");
    let joined = join(&sale, &lee).await;
    assert_eq!(joined.header("location"), format!("/v1/pwts/{}/waitlist/me", sale.pwt));
    let joined = joined.expect(201);
    assert_eq!((&joined["state"], &joined["position"]), (&json!("WAITING"), &json!(1)));
    assert_eq!(join(&sale, &lee).await.expect(200), joined);
    assert_eq!(place(&sale, &lee).await.expect(200), joined);
    let payment_key = sale.authenticate(&held);
    sale.confirm(&kim, &held, &payment_key).await.expect(200);
    join(&sale, &kim).await.refused(409, "ALREADY_PURCHASED");
    let unknown = "/v1/pwts/01KB2M3N4P5Q6R7S8T9V0W1X2Y/waitlist";
    sale.app.post(unknown).by(&kim).send().await.refused(404, "PWT_NOT_FOUND");
    sale.app.clock.advance(40 * 24 * 60 * MINUTE);
    let han = sale.app.sign_up("han").await;
    join(&sale, &han).await.refused(409, "NOT_FOR_SALE");
}

#[tokio::test]
async fn a_freed_seat_is_the_first_waiters_and_nobody_elses() {
    let (sale, holder, held) = sold_out().await;
    without_hints(&sale);
    let waiters = lined_up(&sale, &["kim", "lee"]).await;
    let stranger = sale.app.sign_up("stranger").await;
    cancel(&sale, &holder, &held).await.expect(200);
    assert_eq!(sale.seats().await, [1, 1, 0, 0]);
    // Free, and yet not public: not to order, and not to be seen.
    sale.order(&stranger).await.refused(409, "SEAT_SOLD_OUT");
    sale.order(&waiters[0]).await.refused(409, "SEAT_SOLD_OUT");
    let shown = sale.app.get(&format!("/v1/pwts/{}", sale.pwt)).send().await.expect(200);
    assert_eq!((&shown["seatsLeft"], &shown["status"]), (&json!(0), &json!("CLOSED")));
    let recruiting = sale.app.get("/v1/pwts?status=RECRUITING").send().await.expect(200);
    assert_eq!(recruiting["items"], json!([]));
    assert_eq!(sale.sweep().await.claimed, 1);
    assert_eq!(line(&sale, &waiters).await, "C1");
    let claimed = place(&sale, &waiters[0]).await.expect(200);
    assert_eq!((&claimed["claimUntil"], &claimed["position"]), (&json!("2026-11-24T00:30:02.000Z"), &Value::Null));
    let told = NoteKind::WaitlistClaim {
        product_id: sale.pwt.parse().unwrap(),
        title: "러스트로 만드는 서버리스".parse().unwrap(),
        claim_until: "2026-11-24T00:30:02Z".parse().unwrap(),
    };
    assert_eq!((notes(&sale, &waiters[0]).await, notes(&sale, &waiters[1]).await), (vec![told], vec![]));
    sale.order(&stranger).await.refused(409, "SEAT_SOLD_OUT");
    sale.order(&waiters[1]).await.refused(409, "SEAT_SOLD_OUT");
    // The claim is ordered like any seat, and the place is over with that.
    let order = sale.order(&waiters[0]).await.expect(201);
    assert_eq!(line(&sale, &waiters).await, "-1");
    let payment_key = sale.authenticate(&order);
    sale.confirm(&waiters[0], &order, &payment_key).await.expect(200);
    assert_eq!(sale.seats().await, [1, 0, 0, 1]);
    assert_eq!(sale.sweep().await, Swept::default());
}

#[tokio::test]
async fn cancel_order_and_fail_payment_serve_the_next_at_once() {
    let (sale, holder, held) = sold_out().await;
    let waiters = lined_up(&sale, &["kim", "lee"]).await;
    cancel(&sale, &holder, &held).await.expect(200);
    assert_eq!(line(&sale, &waiters).await, "C1");
    let order = sale.order(&waiters[0]).await.expect(201);
    let fail = json!({ "orderId": order["id"], "code": "PAY_PROCESS_CANCELED", "message": "취소" });
    sale.app.post("/v1/payments/fail").by(&waiters[0]).json(&fail).send().await.expect(200);
    assert_eq!(line(&sale, &waiters).await, "-C");
    // A seat that was paid and is given back, too.
    let order = sale.buy(&waiters[1]).await.expect(200);
    join(&sale, &waiters[0]).await.expect(201);
    cancel(&sale, &waiters[1], &order).await.expect(200);
    assert_eq!((line(&sale, &waiters).await, sale.seats().await), ("C-".to_owned(), [1, 0, 1, 0]));
    assert_eq!(sale.captured(), 0);
}

#[tokio::test]
async fn a_claim_lasts_half_an_hour_and_then_the_next_has_it() {
    let (sale, holder, held) = sold_out().await;
    let waiters = lined_up(&sale, &["kim", "lee"]).await;
    cancel(&sale, &holder, &held).await.expect(200);
    sale.app.clock.advance(30 * MINUTE - 1);
    assert_eq!(sale.sweep().await, Swept::default());
    assert_eq!(line(&sale, &waiters).await, "C1");
    sale.app.clock.advance(1);
    // Over is over, also before anybody has cleared it away.
    assert_eq!(line(&sale, &waiters).await, "-1");
    order(&sale, &waiters[0]).await.refused(409, "SEAT_SOLD_OUT");
    assert_eq!(sale.sweep().await, Swept { claims_ended: 1, claimed: 1, ..Swept::default() });
    assert_eq!(line(&sale, &waiters).await, "-C");
    // Nobody waits any more: when that claim is over, too, everybody may have the seat.
    sale.app.clock.advance(30 * MINUTE);
    assert_eq!(sale.sweep().await, Swept { claims_ended: 1, ..Swept::default() });
    order(&sale, &holder).await.expect(201);
}

#[tokio::test]
async fn who_let_a_claim_pass_may_wait_anew_behind_the_others() {
    let (sale, holder, held) = sold_out().await;
    let waiters = lined_up(&sale, &["kim", "lee"]).await;
    cancel(&sale, &holder, &held).await.expect(200);
    sale.app.clock.advance(31 * MINUTE);
    let kim = sale.app.log_in(&waiters[0]).await;
    assert_eq!(join(&sale, &kim).await.expect(201)["position"], 2);
    assert_eq!(sale.sweep().await, Swept { claimed: 1, ..Swept::default() });
    assert_eq!(line(&sale, &waiters).await, "1C");
}

#[tokio::test]
async fn leave_waitlist_moves_the_others_forward() {
    let (sale, holder, held) = sold_out().await;
    let waiters = lined_up(&sale, &["kim", "lee", "han"]).await;
    leave(&sale, &waiters[1]).await.expect(204);
    leave(&sale, &waiters[1]).await.expect(204);
    assert_eq!(line(&sale, &waiters).await, "1-2");
    cancel(&sale, &holder, &held).await.expect(200);
    assert_eq!(line(&sale, &waiters).await, "C-1");
    // A claim that is left goes to the next, and who left may wait again.
    leave(&sale, &waiters[0]).await.expect(204);
    assert_eq!(sale.sweep().await.claimed, 1);
    assert_eq!(join(&sale, &waiters[0]).await.expect(201)["position"], 1);
    assert_eq!(line(&sale, &waiters).await, "1-C");
}

#[tokio::test]
async fn when_the_last_one_left_the_seats_are_everybodys_again() {
    let (sale, holder, held) = sold_out().await;
    let waiters = lined_up(&sale, &["kim"]).await;
    leave(&sale, &waiters[0]).await.expect(204);
    cancel(&sale, &holder, &held).await.expect(200);
    order(&sale, &holder).await.refused(409, "SEAT_SOLD_OUT");
    assert_eq!(sale.sweep().await, Swept::default());
    assert!(stocks(&sale).await.iter().all(|shard| !shard.waiting));
    let recruiting = sale.app.get("/v1/pwts?status=RECRUITING").send().await.expect(200);
    assert_eq!(recruiting["items"].as_array().unwrap().len(), 1);
    order(&sale, &holder).await.expect(201);
}

#[tokio::test]
async fn the_line_is_served_in_its_order_through_expiries_and_purchases() {
    let sale = Sale::of(2).await;
    let (one, two) = (sale.app.sign_up("one").await, sale.app.sign_up("two").await);
    for buyer in [&one, &two] {
        sale.order(buyer).await.expect(201);
    }
    let waiters = lined_up(&sale, &["ahn", "bae", "cho", "doh", "eom"]).await;
    assert_eq!(line(&sale, &waiters).await, "12345");
    // Two seats come back by themselves.
    sale.app.clock.advance(11 * MINUTE);
    assert_eq!(sale.sweep().await, Swept { expired: 2, claimed: 2, ..Swept::default() });
    assert_eq!(line(&sale, &waiters).await, "CC123");
    // The second buys, the first lets the claim pass.
    let second = sale.app.log_in(&waiters[1]).await;
    sale.buy(&second).await.expect(200);
    sale.app.clock.advance(31 * MINUTE);
    assert_eq!(sale.sweep().await, Swept { claims_ended: 1, claimed: 1, ..Swept::default() });
    assert_eq!(line(&sale, &waiters).await, "--C12");
    // The third orders and does not pay.
    order(&sale, &waiters[2]).await.expect(201);
    assert_eq!(line(&sale, &waiters).await, "---12");
    sale.app.clock.advance(11 * MINUTE);
    assert_eq!(sale.sweep().await, Swept { expired: 1, claimed: 1, ..Swept::default() });
    assert_eq!(line(&sale, &waiters).await, "---C1");
    sale.app.clock.advance(31 * MINUTE);
    sale.sweep().await;
    assert_eq!(line(&sale, &waiters).await, "----C");
    let last = sale.app.log_in(&waiters[4]).await;
    sale.buy(&last).await.expect(200);
    assert_eq!(sale.seats().await, [2, 0, 0, 2]);
    assert_eq!(sale.captured(), 100_000);
}

#[tokio::test]
async fn seats_that_are_added_are_for_those_who_wait() {
    let (sale, _, _) = sold_out().await;
    let waiters = lined_up(&sale, &["kim", "lee"]).await;
    let path = format!("/v1/pwts/{}", sale.pwt);
    let change = json!({ "maxParticipants": 100 });
    let tutor = tutor(&sale).await;
    let changed = sale.app.patch(&path).by(&tutor).header("if-match", "\"2\"").json(&change).send().await.expect(200);
    assert_eq!(changed["seatsLeft"], 0);
    let stranger = sale.app.sign_up("stranger").await;
    sale.order(&stranger).await.refused(409, "SEAT_SOLD_OUT");
    assert_eq!(sale.sweep().await.claimed, 2);
    assert_eq!(line(&sale, &waiters).await, "CC");
    // All who waited are served: the rest is everybody's.
    sale.order(&stranger).await.expect(201);
    for waiter in &waiters {
        sale.order(waiter).await.expect(201);
    }
    assert_eq!(sale.seats().await, [100, 96, 4, 0]);
}

#[tokio::test]
async fn join_waitlist_meets_added_seats_instead_of_hiding_some_of_them() {
    let (sale, _, _) = sold_out().await;
    let (tutor, kim) = (tutor(&sale).await, sale.app.sign_up("kim").await);
    let (reached, gate) = hold_back(&sale, "join_waitlist", "");
    let growing = async {
        reached.passed().await;
        let path = format!("/v1/pwts/{}", sale.pwt);
        let change = json!({ "maxParticipants": 100 });
        sale.app.patch(&path).by(&tutor).header("if-match", "\"2\"").json(&change).send().await.expect(200);
        gate.open();
    };
    let (joined, ()) = at_once(join(&sale, &kim), growing).await;
    joined.refused(409, "SEATS_LEFT");
    assert!(stocks(&sale).await.iter().all(|shard| !shard.waiting));
}

#[tokio::test]
async fn a_free_seat_is_claimed_and_given_away() {
    let sale = Sale::with(json!({ "price": 0, "maxParticipants": 1 })).await;
    let holder = sale.app.sign_up("holder").await;
    sale.order(&holder).await.expect(201);
    let waiters = lined_up(&sale, &["kim"]).await;
    let path = format!("/v1/pwts/{}", sale.pwt);
    let change = json!({ "maxParticipants": 2 });
    let tutor = tutor(&sale).await;
    sale.app.patch(&path).by(&tutor).header("if-match", "\"2\"").json(&change).send().await.expect(200);
    assert_eq!(sale.sweep().await.claimed, 1);
    assert_eq!(sale.order(&waiters[0]).await.expect(201)["state"], "PAID");
    assert_eq!((sale.seats().await, line(&sale, &waiters).await), ([2, 0, 0, 2], "-".to_owned()));
}

#[tokio::test]
async fn a_claim_is_ordered_together_with_other_products() {
    let (sale, holder, held) = sold_out().await;
    let waiters = lined_up(&sale, &["kim"]).await;
    let tutor = tutor(&sale).await;
    let other = sale.app.approved_pwt(&tutor, &sale.admin, json!({ "maxParticipants": 1 })).await;
    let ordered = json!({ "productIds": [other, sale.pwt] });
    cancel(&sale, &holder, &held).await.expect(200);
    let both = |key: &'static str| {
        sale.app.post("/v1/orders").by(&waiters[0]).header("idempotency-key", key).json(&ordered).send()
    };
    let taken = json!({ "productIds": [other] });
    let order = sale.app.post("/v1/orders").by(&holder).header("idempotency-key", "other").json(&taken).send().await;
    // All or none: the claim is still there when the other seat is not.
    both("first").await.refused(409, "SEAT_SOLD_OUT");
    assert_eq!(line(&sale, &waiters).await, "C");
    cancel(&sale, &holder, &order.expect(201)).await.expect(200);
    assert_eq!(both("second").await.expect(201)["total"], 100_000);
    assert_eq!(line(&sale, &waiters).await, "-");
}

#[tokio::test]
async fn closing_ends_the_list_and_tells_those_on_it() {
    let (sale, holder, held) = sold_out().await;
    let waiters = lined_up(&sale, &["kim", "lee", "han"]).await;
    cancel(&sale, &holder, &held).await.expect(200);
    let tutor = tutor(&sale).await;
    sale.app.post(&format!("/v1/pwts/{}/close", sale.pwt)).by(&tutor).send().await.expect(200);
    // A claim is a turn in a sale, and that is over.
    sale.order(&waiters[0]).await.refused(409, "NOT_FOR_SALE");
    sale.sweep().await;
    assert_eq!(line(&sale, &waiters).await, "C--");
    let title = Some("러스트로 만드는 서버리스".parse().unwrap());
    let over = NoteKind::WaitlistClosed { product_id: sale.pwt.parse().unwrap(), title };
    assert_eq!(notes(&sale, &waiters[2]).await, [over]);
    assert!(stocks(&sale).await.iter().all(|shard| !shard.waiting));
    sale.app.clock.advance(30 * MINUTE);
    sale.sweep().await;
    assert_eq!((line(&sale, &waiters).await, sale.seats().await), ("---".to_owned(), [1, 1, 0, 0]));
    order(&sale, &waiters[0]).await.refused(409, "NOT_FOR_SALE");
}

#[tokio::test]
async fn a_project_is_deleted_with_its_list_but_not_with_a_claim() {
    let (sale, holder, held) = sold_out().await;
    let waiters = lined_up(&sale, &["kim", "lee"]).await;
    cancel(&sale, &holder, &held).await.expect(200);
    let path = format!("/v1/pwts/{}", sale.pwt);
    let delete = || sale.app.delete(&path).by(&sale.admin).header("if-match", "\"2\"").send();
    delete().await.refused(409, "HAS_BUYERS");
    leave(&sale, &waiters[0]).await.expect(204);
    delete().await.expect(204);
    join(&sale, &waiters[0]).await.refused(404, "PWT_NOT_FOUND");
    sale.sweep().await;
    assert_eq!(line(&sale, &waiters).await, "--");
    let over = NoteKind::WaitlistClosed { product_id: sale.pwt.parse().unwrap(), title: None };
    assert_eq!(notes(&sale, &waiters[1]).await, [over]);
    assert_eq!(sale.sweep().await, Swept::default());
}

#[tokio::test]
async fn a_line_of_many_gets_many_seats_and_two_sweepers_give_none_twice() {
    let sale = Sale::of(60).await;
    let buyers = futures::future::join_all((0..60).map(|n| {
        let app = &sale.app;
        async move { app.sign_up(&format!("buyer{n}")).await }
    }));
    let orders = futures::future::join_all(buyers.await.iter().map(|buyer| sale.order(buyer))).await;
    assert!(orders.iter().all(|order| order.status == 201));
    let names: Vec<String> = (0..12).map(|n| format!("waiter{n}")).collect();
    let waiters = lined_up(&sale, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    sale.app.clock.advance(11 * MINUTE);
    let (one, other) = tokio::join!(sale.try_to_sweep(), sale.try_to_sweep());
    assert_eq!(one.unwrap().claimed + other.unwrap().claimed, 12);
    assert_eq!(line(&sale, &waiters).await, "CCCCCCCCCCCC");
    let claimed: u32 = stocks(&sale).await.iter().map(|shard| shard.stock.claimed).sum();
    assert_eq!((claimed, sale.seats().await), (12, [60, 48, 12, 0]));
}

/// Holds the first transaction of `by` back, and strips the conditions on `strip` from all.
fn hold_back(sale: &Sale, by: &'static str, strip: &'static str) -> (Gate, Gate) {
    let (reached, gate) = (Gate::default(), Gate::default());
    let (reaches, waits) = (reached.clone(), gate.clone());
    let mut first = true;
    sale.app.wire.rule(move |call| {
        if call.by != by || call.operation != "TransactWriteItems" {
            return Action::Pass;
        }
        if !strip.is_empty() {
            call.strip_conditions(strip);
        }
        if std::mem::take(&mut first) {
            reaches.open();
            return Action::Wait(waits.clone());
        }
        Action::Pass
    });
    (reached, gate)
}

async fn at_once<A, B>(one: impl Future<Output = A>, other: impl Future<Output = B>) -> (A, B) {
    let both = async { tokio::join!(one, other) };
    tokio::time::timeout(Duration::from_secs(30), both).await.expect("both ended")
}

/// A claim that ends, and is the next one's, while its order is on its way. Answers how the
/// order ends, and then that of the next in line.
async fn order_a_dead_claim(strip: &'static str) -> (u16, u16) {
    let (sale, holder, held) = sold_out().await;
    let waiters = lined_up(&sale, &["kim", "lee"]).await;
    cancel(&sale, &holder, &held).await.expect(200);
    let (reached, gate) = hold_back(&sale, "create_order", strip);
    let meanwhile = async {
        reached.passed().await;
        sale.app.clock.advance(30 * MINUTE);
        assert_eq!(sale.sweep().await, Swept { claims_ended: 1, claimed: 1, ..Swept::default() });
        gate.open();
    };
    let (late, ()) = at_once(sale.order(&waiters[0]), meanwhile).await;
    (late.status, order(&sale, &waiters[1]).await.status)
}

#[tokio::test]
async fn a_claim_that_is_over_takes_no_seat_from_the_next() {
    assert_eq!(order_a_dead_claim("").await, (409, 201));
}

#[tokio::test]
async fn without_the_places_condition_a_dead_claim_takes_the_seat_of_the_next() {
    // The place of the next says that a seat is kept, and none is: no try finds it.
    assert_eq!(order_a_dead_claim("WAIT#").await, (201, 503));
}

/// A stranger who read a free seat of a project that nobody waited for, and writes when the seat
/// was sold and freed again while somebody waits. Answers the stranger's status.
async fn order_what_others_wait_for(strip: &'static str) -> u16 {
    let sale = Sale::of(1).await;
    let (holder, kim) = (sale.app.sign_up("holder").await, sale.app.sign_up("kim").await);
    let stranger = sale.app.sign_up("stranger").await;
    without_hints(&sale);
    let (reached, gate) = hold_back(&sale, "create_order", strip);
    let meanwhile = async {
        reached.passed().await;
        let held = sale.order(&holder).await.expect(201);
        join(&sale, &kim).await.expect(201);
        cancel(&sale, &holder, &held).await.expect(200);
        gate.open();
    };
    let (ordered, ()) = at_once(sale.order(&stranger), meanwhile).await;
    ordered.status
}

#[tokio::test]
async fn a_stranger_never_takes_what_somebody_waits_for() {
    assert_eq!(order_what_others_wait_for("").await, 409);
}

#[tokio::test]
async fn without_the_waiting_condition_a_stranger_takes_the_freed_seat() {
    assert_eq!(order_what_others_wait_for("SEATS#").await, 201);
}

/// Somebody joins while the sweeper ends the list that was empty a moment ago. Answers who has a
/// chance to get the seat that is freed then: who waits, and a stranger.
async fn join_while_the_list_ends(strip: &'static str) -> (String, u16) {
    let (sale, holder, held) = sold_out().await;
    without_hints(&sale);
    let waiters = lined_up(&sale, &["kim"]).await;
    let (lee, stranger) = (sale.app.sign_up("lee").await, sale.app.sign_up("stranger").await);
    leave(&sale, &waiters[0]).await.expect(204);
    let (reached, gate) = hold_back(&sale, "order_sweeper", strip);
    let meanwhile = async {
        reached.passed().await;
        join(&sale, &lee).await.expect(201);
        gate.open();
    };
    at_once(sale.sweep(), meanwhile).await;
    cancel(&sale, &holder, &held).await.expect(200);
    let bought = sale.order(&stranger).await.status;
    sale.sweep().await;
    (line(&sale, &[lee]).await, bought)
}

#[tokio::test]
async fn a_list_does_not_end_while_somebody_joins() {
    assert_eq!(join_while_the_list_ends("").await, ("C".to_owned(), 409));
}

#[tokio::test]
async fn without_the_count_a_list_ends_with_somebody_on_it() {
    assert_eq!(join_while_the_list_ends("WAITLIST").await, ("1".to_owned(), 201));
}

/// Two sweepers that both read one free seat and one place. Answers what the seats are after it.
async fn claim_twice(strip: bool) -> Reply {
    let (sale, holder, held) = sold_out().await;
    without_hints(&sale);
    lined_up(&sale, &["kim", "lee"]).await;
    cancel(&sale, &holder, &held).await.expect(200);
    if strip {
        sale.app.wire.rule(|call| {
            if call.by == "order_sweeper" {
                call.strip_conditions("WAIT#");
                call.strip_conditions("SEATS#");
                call.strip_conditions("WAITLIST");
            }
            Action::Pass
        });
    }
    let (reached, gate) = hold_back(&sale, "order_sweeper", "");
    let faster = async {
        reached.passed().await;
        let claimed = sale.sweep().await.claimed;
        gate.open();
        claimed
    };
    let (slower, faster) = at_once(sale.sweep(), faster).await;
    assert_eq!((slower.claimed, faster), (0, 1));
    sale.app.get(&format!("/v1/pwts/{}/seats", sale.pwt)).send().await
}

#[tokio::test]
async fn two_sweepers_keep_one_seat_for_one() {
    assert_eq!(claim_twice(false).await.expect(200)["held"], 1);
}

#[tokio::test]
async fn without_its_conditions_one_seat_is_claimed_twice() {
    // A shard was left with less than nothing.
    claim_twice(true).await.refused(500, "INTERNAL");
}

#[tokio::test]
async fn who_leaves_while_a_seat_is_kept_for_them_gives_it_back() {
    let (sale, holder, held) = sold_out().await;
    let waiters = lined_up(&sale, &["kim", "lee"]).await;
    let (reached, gate) = hold_back(&sale, "leave_waitlist", "");
    let claiming = async {
        reached.passed().await;
        cancel(&sale, &holder, &held).await.expect(200);
        assert_eq!(line(&sale, &waiters).await, "C1");
        gate.open();
    };
    let (left, ()) = at_once(leave(&sale, &waiters[0]), claiming).await;
    left.expect(204);
    assert_eq!(sale.sweep().await.claimed, 1);
    assert_eq!((line(&sale, &waiters).await, sale.seats().await), ("-C".to_owned(), [1, 0, 1, 0]));
}

#[tokio::test]
async fn a_seat_that_its_first_left_meanwhile_is_kept_for_the_next() {
    let (sale, holder, held) = sold_out().await;
    without_hints(&sale);
    let waiters = lined_up(&sale, &["kim", "lee"]).await;
    cancel(&sale, &holder, &held).await.expect(200);
    let (reached, gate) = hold_back(&sale, "order_sweeper", "");
    let leaving = async {
        reached.passed().await;
        leave(&sale, &waiters[0]).await.expect(204);
        gate.open();
    };
    let (swept, ()) = at_once(sale.sweep(), leaving).await;
    assert_eq!(swept.claimed, 1);
    assert_eq!((line(&sale, &waiters).await, sale.seats().await), ("-C".to_owned(), [1, 0, 1, 0]));
}

/// A claim that is ordered while the sweeper is about to end it: its clock is ahead.
#[tokio::test]
async fn a_claim_is_ordered_or_ended_but_not_both() {
    let (sale, holder, held) = sold_out().await;
    let waiters = lined_up(&sale, &["kim", "lee"]).await;
    cancel(&sale, &holder, &held).await.expect(200);
    let (read, ordered) = hold_back(&sale, "create_order", "");
    let (ending, end) = hold_back(&sale, "order_sweeper", "");
    let order = async {
        let reply = sale.order(&waiters[0]).await;
        end.open();
        reply
    };
    let sweep = async {
        read.passed().await;
        sale.app.clock.advance(30 * MINUTE);
        let swept = async {
            let swept = sale.sweep().await;
            assert_eq!(swept, Swept::default());
        };
        let let_order = async {
            ending.passed().await;
            ordered.open();
        };
        tokio::join!(swept, let_order);
    };
    let (ordered, ()) = at_once(order, sweep).await;
    ordered.expect(201);
    assert_eq!((line(&sale, &waiters).await, sale.seats().await), ("-1".to_owned(), [1, 0, 1, 0]));
}

#[tokio::test]
async fn fifty_join_at_once_and_each_has_one_place() {
    let (sale, _, _) = sold_out().await;
    let waiters = futures::future::join_all((0..25).map(|n| {
        let app = &sale.app;
        async move { app.sign_up(&format!("waiter{n}")).await }
    }))
    .await;
    // Everybody twice.
    let joined = futures::future::join_all(waiters.iter().chain(&waiters).map(|waiter| join(&sale, waiter))).await;
    let made = joined.iter().filter(|reply| reply.status == 201).count();
    let known = joined.iter().filter(|reply| reply.status == 200).count();
    assert_eq!((made, known), (25, 25));
    let mut positions = vec![];
    for waiter in &waiters {
        positions.push(place(&sale, waiter).await.expect(200)["position"].as_u64().unwrap());
    }
    positions.sort_unstable();
    assert_eq!(positions, (1..=25).collect::<Vec<u64>>());
    let list: storage::items::Waitlist =
        sale.app.table.get_now(keys::waitlist(sale.pwt.parse().unwrap())).await.unwrap().unwrap();
    assert_eq!(list.count, 25);
}

#[tokio::test]
async fn a_list_that_cannot_be_served_is_postponed_and_keeps_no_other_from_it() {
    let (sale, holder, held) = sold_out().await;
    without_hints(&sale);
    let waiters = lined_up(&sale, &["kim"]).await;
    cancel(&sale, &holder, &held).await.expect(200);
    sale.app.wire.rule(|call| {
        let claims = call.by == "order_sweeper" && call.operation == "TransactWriteItems";
        if claims { Action::Refuse { status: 400, code: "ValidationException" } } else { Action::Pass }
    });
    assert_eq!(sale.sweep().await, Swept { postponed: 1, ..Swept::default() });
    sale.app.wire.clear();
    assert_eq!(sale.sweep().await, Swept::default());
    sale.app.clock.advance(MINUTE);
    assert_eq!(sale.sweep().await.claimed, 1);
    assert_eq!(line(&sale, &waiters).await, "C");
}
