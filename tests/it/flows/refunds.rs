//! Giving paid orders back, through the front door and against the sandbox's and our own books.

use devloop_local::toss_sandbox::{Authentication, FaultKind, Operation};
use domain::ledger;
use futures::future::join_all;
use serde_json::{Value, json};
use storage::{Query, items::LedgerEntry, keys};
use testkit::{Action, Gate};

use super::sale::Sale;
use crate::app::{Account, Reply};

/// A buyer who paid for two projects in one order.
pub struct Bought {
    pub sale: Sale,
    pub kim: Account,
    pub other: String,
    pub order: Value,
}

impl Bought {
    pub async fn two() -> Self {
        let sale = Sale::of(3).await;
        let kim = sale.app.sign_up("kim").await;
        let tutor = sale.app.log_in(&Account { email: "park@example.com".to_owned(), ..kim.clone() }).await;
        let other = sale.app.approved_pwt(&tutor, &sale.admin, json!({ "price": 30_000 })).await;
        let order = sale.app.post("/v1/orders").by(&kim).header("idempotency-key", "two");
        let order = order.json(&json!({ "productIds": [sale.pwt, other] })).send().await.expect(201);
        let payment_key = sale.authenticate(&order);
        let order = sale.confirm(&kim, &order, &payment_key).await.expect(200);
        Self { sale, kim, other, order }
    }

    pub fn path(&self) -> String {
        format!("/v1/orders/{}/cancel", self.order["id"].as_str().unwrap())
    }

    pub async fn cancel_by(&self, caller: &Account, body: Value) -> Reply {
        self.sale.app.post(&self.path()).by(caller).json(&body).send().await
    }

    pub async fn cancel(&self, body: Value) -> Reply {
        self.cancel_by(&self.kim, body).await
    }

    pub async fn stands(&self) -> String {
        self.sale.state(&self.kim, &self.order).await
    }

    pub async fn may_see_schedule(&self, pwt: &str) -> bool {
        self.sale.app.get(&format!("/v1/pwts/{pwt}/schedule")).by(&self.kim).send().await.status == 200
    }

    pub async fn purchases(&self) -> usize {
        let purchases = self.sale.app.get("/v1/users/me/purchases").by(&self.kim).send().await.expect(200);
        purchases["items"].as_array().unwrap().len()
    }

    /// Won on each account, and whether every entry sums to zero.
    pub async fn books(&self) -> [i64; 4] {
        let day = self.sale.app.parts.clock.now().korean_date();
        let entries: Vec<LedgerEntry> =
            self.sale.app.table.all(&Query::index("gsi1", keys::ledger_day(&day)), 100).await.unwrap();
        assert!(entries.iter().all(|entry| ledger::balance(&entry.postings) == 0), "{entries:?}");
        let postings: Vec<_> = entries.into_iter().flat_map(|entry| entry.postings).collect();
        [
            ledger::Account::TossClearing,
            ledger::Account::RefundClearing,
            ledger::Account::TutorPayable,
            ledger::Account::PlatformFee,
        ]
        .map(|account| ledger::balance(postings.iter().filter(|posting| posting.account == account)))
    }
}

#[tokio::test]
async fn cancel_order_gives_a_paid_order_back() {
    let bought = Bought::two().await;
    assert_eq!(bought.books().await, [80_000, 0, -72_000, -8_000]);
    let refunded = bought.cancel(json!({ "reason": "일정 변경" })).await.expect(200);
    assert_eq!(refunded["state"], "REFUNDED");
    assert_eq!(refunded["lines"][0]["returned"], "REFUNDED");
    assert_eq!((bought.sale.captured(), bought.sale.seats().await), (0, [3, 3, 0, 0]));
    assert_eq!(bought.purchases().await, 0);
    assert!(!bought.may_see_schedule(&bought.sale.pwt).await);
    assert_eq!(bought.books().await, [80_000, -80_000, 0, 0]);
    bought.cancel(json!({})).await.refused(409, "ALREADY_REFUNDED");
    // The seat may be bought again, by the same person, too.
    bought.sale.buy(&bought.kim).await.expect(200);
    assert_eq!(bought.sale.seats().await, [3, 2, 0, 1]);
}

#[tokio::test]
async fn cancel_order_gives_single_lines_back() {
    let bought = Bought::two().await;
    let part = bought.cancel(json!({ "lines": [bought.other] })).await.expect(200);
    assert_eq!(part["state"], "PARTIALLY_REFUNDED");
    assert_eq!((bought.sale.captured(), bought.purchases().await), (50_000, 1));
    assert_eq!(bought.books().await, [80_000, -30_000, -45_000, -5_000]);
    assert!(bought.may_see_schedule(&bought.sale.pwt).await);
    assert!(!bought.may_see_schedule(&bought.other).await);
    bought.cancel(json!({ "lines": [bought.other] })).await.refused(409, "ALREADY_REFUNDED");
    let rest = bought.cancel(json!({ "lines": [bought.sale.pwt] })).await.expect(200);
    assert_eq!(rest["state"], "REFUNDED");
    assert_eq!((bought.sale.captured(), bought.sale.seats().await), (0, [3, 3, 0, 0]));
}

#[tokio::test]
async fn cancel_order_gives_free_seats_back_without_toss() {
    let sale = Sale::with(json!({ "maxParticipants": 1, "price": 0 })).await;
    let (kim, lee) = (sale.app.sign_up("kim").await, sale.app.sign_up("lee").await);
    let order = sale.order(&kim).await.expect(201);
    let path = format!("/v1/orders/{}/cancel", order["id"].as_str().unwrap());
    let refunded = sale.app.post(&path).by(&kim).json(&json!({})).send().await.expect(200);
    assert_eq!(refunded["state"], "REFUNDED");
    sale.order(&lee).await.expect(201);
}

#[tokio::test]
async fn cancel_order_is_over_for_buyers_at_the_deadline_but_not_for_admins() {
    let bought = Bought::two().await;
    bought.sale.app.clock.advance(30 * 86_400_000);
    let kim = bought.sale.app.log_in(&bought.kim).await;
    let problem = bought.cancel_by(&kim, json!({})).await.refused(409, "REFUND_WINDOW_OVER");
    assert_eq!(problem["lines"], json!([bought.sale.pwt, bought.other]));
    let admin = bought.sale.app.log_in(&bought.sale.admin).await;
    let refunded = bought.cancel_by(&admin, json!({ "reason": "튜터 사정" })).await.expect(200);
    assert_eq!(refunded["state"], "REFUNDED");
}

#[tokio::test]
async fn cancel_order_gives_parts_back_only_where_the_method_does() {
    let sale = Sale::of(3).await;
    let kim = sale.app.sign_up("kim").await;
    let tutor = sale.app.log_in(&Account { email: "park@example.com".to_owned(), ..kim.clone() }).await;
    let other = sale.app.approved_pwt(&tutor, &sale.admin, json!({})).await;
    let order = sale.app.post("/v1/orders").by(&kim).header("idempotency-key", "two");
    let order = order.json(&json!({ "productIds": [sale.pwt, other] })).send().await.expect(201);
    let asked = Authentication {
        method: Some("휴대폰".to_owned()),
        ..Authentication::of(order["id"].as_str().unwrap(), 100_000)
    };
    let payment_key = sale.app.sandbox.authenticate(asked).unwrap().payment_key;
    sale.confirm(&kim, &order, &payment_key).await.expect(200);
    let bought = Bought { sale, kim, other, order };
    bought.cancel(json!({ "lines": [bought.other] })).await.refused(409, "PARTIAL_REFUND_UNAVAILABLE");
    assert_eq!(bought.purchases().await, 2);
    bought.cancel(json!({})).await.expect(200);
    assert_eq!(bought.sale.captured(), 0);
}

#[tokio::test]
async fn cancel_order_never_takes_an_unknown_outcome_for_a_refusal() {
    let unknown = [
        FaultKind::WrongAmount,
        FaultKind::AnswerLost,
        FaultKind::Status500 { after_effect: true },
        FaultKind::Status500 { after_effect: false },
        FaultKind::Error { status: 400, code: "PROVIDER_ERROR".to_owned() },
        FaultKind::Error { status: 409, code: "IDEMPOTENT_REQUEST_PROCESSING".to_owned() },
        FaultKind::Error { status: 403, code: "FORBIDDEN_CONSECUTIVE_REQUEST".to_owned() },
        FaultKind::Error { status: 401, code: "UNAUTHORIZED_KEY".to_owned() },
        FaultKind::Error { status: 418, code: "SOMETHING_NEW".to_owned() },
    ];
    for (n, kind) in unknown.into_iter().enumerate() {
        let bought = Bought::two().await;
        for operation in [Operation::Cancel, Operation::Get] {
            bought.sale.app.sandbox.fail_next(operation, kind.clone());
        }
        let part = json!({ "lines": [bought.other] });
        let reply = bought.cancel(part.clone()).await;
        assert_eq!(reply.header("retry-after"), "5", "{kind:?}");
        let order = reply.expect(202);
        assert_eq!(
            (&order["state"], &order["lines"][1]["returned"]),
            (&json!("PAID"), &json!("REFUNDING")),
            "{kind:?}"
        );
        bought.sale.app.sandbox.clear_faults();
        // Access ends with the wish, and nobody else may ask for the same money.
        assert!(!bought.may_see_schedule(&bought.other).await);
        assert_eq!(bought.purchases().await, 1);
        bought.cancel(json!({ "lines": [bought.sale.pwt] })).await.refused(409, "REFUND_IN_PROGRESS");
        let admin = bought.cancel_by(&bought.sale.admin, json!({ "reason": "확인" })).await;
        assert_eq!(admin.header("retry-after"), "5");
        admin.refused(409, "REFUND_IN_PROGRESS");
        // The buyer asks again, or the sweeper does.
        if n % 2 == 0 {
            assert_eq!(bought.cancel(part).await.expect(200)["state"], "PARTIALLY_REFUNDED", "{kind:?}");
        } else {
            bought.sale.app.clock.advance(61_000);
            assert_eq!(bought.sale.sweep().await.refunded, 1, "{kind:?}");
        }
        assert_eq!(
            (bought.stands().await.as_str(), bought.sale.captured()),
            ("PARTIALLY_REFUNDED", 50_000),
            "{kind:?}"
        );
        assert_eq!(bought.books().await, [80_000, -30_000, -45_000, -5_000], "{kind:?}");
    }
}

#[tokio::test]
async fn cancel_order_leaves_everything_where_toss_refuses() {
    let bought = Bought::two().await;
    let refused = FaultKind::Error { status: 400, code: "REFUND_REJECTED".to_owned() };
    bought.sale.app.sandbox.fail_next(Operation::Cancel, refused);
    let problem = bought.cancel(json!({})).await.refused(409, "REFUND_REFUSED");
    assert_eq!(problem["provider"]["code"], "REFUND_REJECTED");
    assert_eq!((bought.stands().await.as_str(), bought.purchases().await), ("PAID", 2));
    assert!(bought.may_see_schedule(&bought.other).await);
    assert_eq!((bought.sale.captured(), bought.sale.seats().await), (80_000, [3, 2, 0, 1]));
    // Another wish is another refund.
    bought.cancel(json!({})).await.expect(200);
    assert_eq!((bought.sale.captured(), bought.books().await), (0, [80_000, -80_000, 0, 0]));
}

#[tokio::test]
async fn cancel_order_finishes_what_somebody_cancelled_at_toss() {
    let bought = Bought::two().await;
    let charge = bought.sale.app.sandbox.charges().unwrap().pop().unwrap();
    let toss = &bought.sale.app.parts.toss;
    toss.cancel("by-hand", &charge.payment_key, "콘솔에서 취소", None, None).await.unwrap();
    assert_eq!(bought.cancel(json!({})).await.expect(200)["state"], "REFUNDED");
    assert_eq!((bought.sale.captured(), bought.sale.seats().await), (0, [3, 3, 0, 0]));
}

/// Twenty wishes to give the order back at once: how many refunds were begun, and what is left.
async fn rush_back(bought: &Bought) -> (usize, i64) {
    let replies = join_all((0..20).map(|_| bought.cancel(json!({})))).await;
    for reply in replies {
        assert!([200, 202, 409].contains(&reply.status), "{}", reply.body);
    }
    let order = keys::order(bought.order["id"].as_str().unwrap().parse().unwrap());
    let begun: Vec<storage::items::Refund> =
        bought.sale.app.table.all(&Query::partition(order.pk, "REFUND#"), 100).await.unwrap();
    (begun.len(), bought.sale.captured())
}

#[tokio::test]
async fn twenty_wishes_to_give_an_order_back_are_one_refund() {
    let bought = Bought::two().await;
    assert_eq!(rush_back(&bought).await, (1, 0));
    assert_eq!(bought.sale.seats().await, [3, 3, 0, 0]);
    assert_eq!(bought.books().await, [80_000, -80_000, 0, 0]);
}

/// A wish to give one line back that lands between another's read and its write. Answers how many
/// refunds were begun.
async fn overtaken(bought: &Bought) -> usize {
    let (reached, gate) = (Gate::default(), Gate::default());
    let (reaches, waits) = (reached.clone(), gate.clone());
    let mut first = true;
    bought.sale.app.wire.rule(move |call| {
        if call.operation == "TransactWriteItems" && std::mem::take(&mut first) {
            reaches.open();
            return Action::Wait(waits.clone());
        }
        Action::Pass
    });
    let overtaking = async {
        reached.passed().await;
        // It never gets beyond its first step.
        bought.sale.app.sandbox.fail_next(Operation::Cancel, FaultKind::Status500 { after_effect: false });
        bought.cancel(json!({ "lines": [bought.other] })).await.expect(202);
        gate.open();
    };
    let (slow, ()) = tokio::join!(bought.cancel(json!({ "lines": [bought.sale.pwt] })), overtaking);
    assert!([200, 202, 409].contains(&slow.status), "{}", slow.body);
    let order = keys::order(bought.order["id"].as_str().unwrap().parse().unwrap());
    let begun: Vec<storage::items::Refund> =
        bought.sale.app.table.all(&Query::partition(order.pk, "REFUND#"), 100).await.unwrap();
    begun.len()
}

#[tokio::test]
async fn one_refund_of_an_order_is_at_work_at_a_time() {
    assert_eq!(overtaken(&Bought::two().await).await, 1);
}

#[tokio::test]
async fn without_the_condition_on_the_order_two_refunds_are_at_work() {
    let bought = Bought::two().await;
    bought.sale.app.wire.rule(|call| {
        call.strip_conditions("ORDER#");
        Action::Pass
    });
    assert_eq!(overtaken(&bought).await, 2);
}

#[tokio::test]
async fn a_refund_that_ends_while_the_reconciler_looks_at_it_is_left_alone() {
    let bought = Bought::two().await;
    for operation in [Operation::Cancel, Operation::Get] {
        bought.sale.app.sandbox.fail_next(operation, FaultKind::AnswerLost);
    }
    bought.cancel(json!({})).await.expect(202);
    bought.sale.app.clock.advance(61_000);
    let (reached, gate) = (Gate::default(), Gate::default());
    let (reaches, waits) = (reached.clone(), gate.clone());
    let (mut has_read_the_refund, mut held) = (false, false);
    bought.sale.app.wire.rule(move |call| {
        if call.by != "payment_reconciler" || call.operation != "GetItem" {
            return Action::Pass;
        }
        if has_read_the_refund && call.mentions("\"ORDER\"") && !std::mem::replace(&mut held, true) {
            reaches.open();
            return Action::Wait(waits.clone());
        }
        has_read_the_refund |= call.mentions("REFUND#");
        Action::Pass
    });
    let buyer = async {
        reached.passed().await;
        bought.cancel(json!({})).await.expect(200);
        bought.sale.app.times_toss_was_asked();
        gate.open();
    };
    let (swept, ()) = tokio::join!(bought.sale.sweep(), buyer);
    assert_eq!((swept.refunded, bought.sale.app.times_toss_was_asked()), (1, 0));
    assert_eq!((bought.stands().await.as_str(), bought.sale.captured()), ("REFUNDED", 0));
    assert_eq!(bought.books().await, [80_000, -80_000, 0, 0]);
}
