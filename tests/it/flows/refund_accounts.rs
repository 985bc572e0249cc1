//! Giving back what came into a virtual account: to which account, and how long that is known.

use devloop_local::toss_sandbox::{FaultKind, Operation};
use sealing::Cipher;
use serde_json::{Value, json};
use storage::{Query, items::Refund, keys};
use testkit::Action;

use super::{deposits, sale::Sale};
use crate::app::{Account, Reply};

const NUMBER: &str = "110987654321";

fn account() -> Value {
    json!({ "bank": "88", "accountNumber": NUMBER, "holderName": "김개발" })
}

/// A buyer whose deposit came.
struct Deposited {
    sale: Sale,
    kim: Account,
    order: Value,
}

impl Deposited {
    async fn one() -> Self {
        let sale = deposits::sale().await;
        let kim = sale.app.sign_up("kim").await;
        let order = sale.order(&kim).await.expect(201);
        let payment_key = deposits::account_for(&sale, &order, deposits::HOURS);
        sale.confirm(&kim, &order, &payment_key).await.expect(200);
        sale.app.sandbox.deposit(&payment_key).unwrap();
        sale.app.clock.advance(60 * 60_000);
        assert_eq!(sale.sweep().await.settled, 1);
        let kim = sale.app.log_in(&kim).await;
        Self { sale, kim, order }
    }

    async fn cancel_by(&self, caller: &Account, body: Value) -> Reply {
        let path = format!("/v1/orders/{}/cancel", self.order["id"].as_str().unwrap());
        self.sale.app.post(&path).by(caller).json(&body).send().await
    }

    async fn cancel(&self, account: Value) -> Reply {
        self.cancel_by(&self.kim, json!({ "refundAccount": account })).await
    }

    async fn refunds(&self) -> Vec<Refund> {
        let order = keys::order(self.order["id"].as_str().unwrap().parse().unwrap());
        self.sale.app.table.all(&Query::partition(order.pk, "REFUND#"), 100).await.unwrap()
    }

    /// Paid as if nobody had asked for anything.
    async fn must_be_as_before(&self) {
        assert_eq!(self.sale.state(&self.kim, &self.order).await, "PAID");
        assert_eq!((self.sale.captured(), self.sale.seats().await), (50_000, [3, 2, 0, 1]));
        let purchases = self.sale.app.get("/v1/users/me/purchases").by(&self.kim).send().await.expect(200);
        assert_eq!(purchases["items"].as_array().unwrap().len(), 1);
    }

    /// The money and the seat are back, and nobody knows the account any more.
    async fn must_be_refunded(&self) {
        assert_eq!(self.sale.state(&self.kim, &self.order).await, "REFUNDED");
        assert_eq!((self.sale.captured(), self.sale.seats().await), (0, [3, 3, 0, 0]));
        assert!(self.refunds().await.iter().all(|refund| refund.account_cipher.is_none()));
    }
}

#[tokio::test]
async fn cancel_order_gives_a_deposit_back_to_the_account_that_is_named() {
    let deposited = Deposited::one().await;
    deposited.sale.app.times_toss_was_asked();
    deposited.cancel_by(&deposited.kim, json!({})).await.refused(409, "REFUND_ACCOUNT_NEEDED");
    assert_eq!((deposited.sale.app.times_toss_was_asked(), deposited.refunds().await.len()), (0, 0));
    deposited.must_be_as_before().await;
    assert_eq!(deposited.cancel(account()).await.expect(200)["state"], "REFUNDED");
    deposited.must_be_refunded().await;
    deposited.cancel(account()).await.refused(409, "ALREADY_REFUNDED");
    let kim = &deposited.kim;
    deposited.sale.buy(kim).await.expect(200);
}

#[tokio::test]
async fn cancel_order_names_what_is_wrong_with_an_account() {
    let deposited = Deposited::one().await;
    let bad = [
        (json!({ "bank": "국민" }), "bank"),
        (json!({ "bank": "888" }), "bank"),
        (json!({ "accountNumber": "110-987-654321" }), "accountNumber"),
        (json!({ "accountNumber": "1".repeat(21) }), "accountNumber"),
        (json!({ "holderName": " " }), "holderName"),
        (json!({ "holderName": "김".repeat(61) }), "holderName"),
        (json!({ "holder": "김개발" }), "holder"),
    ];
    for (change, field) in bad {
        let mut account = account();
        account.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let problem = deposited.cancel(account).await.refused(400, "VALIDATION_FAILED");
        assert_eq!(problem["errors"][0]["field"], format!("refundAccount.{field}"));
        assert!(!problem.to_string().contains(NUMBER));
    }
    for missing in ["bank", "accountNumber", "holderName"] {
        let mut account = account();
        account.as_object_mut().unwrap().remove(missing);
        deposited.cancel(account).await.refused(400, "VALIDATION_FAILED");
    }
    deposited.must_be_as_before().await;
}

#[tokio::test]
async fn cancel_order_takes_an_account_only_for_what_was_deposited() {
    let sale = Sale::of(3).await;
    let kim = sale.app.sign_up("kim").await;
    let order = sale.order(&kim).await.expect(201);
    let path = format!("/v1/orders/{}/cancel", order["id"].as_str().unwrap());
    let cancel = async || sale.app.post(&path).by(&kim).json(&json!({ "refundAccount": account() })).send().await;
    let is_refused = |reply: Reply| {
        let problem = reply.refused(400, "VALIDATION_FAILED");
        let error = &problem["errors"][0];
        assert_eq!((&error["field"], &error["code"]), (&json!("refundAccount"), &json!("REFUND_ACCOUNT_NOT_TAKEN")));
    };
    is_refused(cancel().await);
    assert_eq!(sale.state(&kim, &order).await, "PENDING");
    let payment_key = sale.authenticate(&order);
    sale.confirm(&kim, &order, &payment_key).await.expect(200);
    is_refused(cancel().await);
    assert_eq!((sale.state(&kim, &order).await.as_str(), sale.captured()), ("PAID", 50_000));
}

#[tokio::test]
async fn cancel_order_asks_admins_for_the_buyers_account_too() {
    let deposited = Deposited::one().await;
    deposited.sale.app.clock.advance(30 * 86_400_000);
    let admin = deposited.sale.app.log_in(&deposited.sale.admin).await;
    let reason = json!({ "reason": "튜터 사정" });
    deposited.cancel_by(&admin, reason).await.refused(409, "REFUND_ACCOUNT_NEEDED");
    let body = json!({ "reason": "튜터 사정", "refundAccount": account() });
    assert_eq!(deposited.cancel_by(&admin, body).await.expect(200)["state"], "REFUNDED");
    assert_eq!(deposited.sale.captured(), 0);
}

#[tokio::test]
async fn an_account_that_toss_refuses_is_forgotten_and_another_one_may_follow() {
    for code in ["INVALID_REFUND_ACCOUNT_NUMBER", "INVALID_REFUND_ACCOUNT_INFO", "INVALID_BANK"] {
        let deposited = Deposited::one().await;
        let refused = FaultKind::Error { status: 400, code: code.to_owned() };
        deposited.sale.app.sandbox.fail_next(Operation::Cancel, refused);
        let problem = deposited.cancel(account()).await.refused(409, "REFUND_REFUSED");
        assert_eq!(problem["provider"]["code"], code);
        deposited.must_be_as_before().await;
        assert_eq!(deposited.refunds().await.first().unwrap().account_cipher, None);
        let mut another = account();
        another["accountNumber"] = json!("3333012345678");
        deposited.cancel(another).await.expect(200);
        deposited.must_be_refunded().await;
    }
}

/// Nobody but the payment-reconciler is left to send the refund, of which one step was written.
async fn left_alone(deposited: &Deposited) {
    let mut first = true;
    deposited.sale.app.wire.rule(move |call| {
        let begins = call.by == "cancel_order" && call.operation == "TransactWriteItems" && std::mem::take(&mut first);
        if begins { Action::LoseAnswer } else { Action::Pass }
    });
    // Toss does not answer either: the buyer hears nothing, and goes.
    deposited.sale.app.sandbox.fail_next(Operation::Cancel, FaultKind::Status500 { after_effect: false });
    let reply = deposited.cancel(account()).await;
    assert!([202, 503].contains(&reply.status), "{}", reply.body);
    deposited.sale.app.wire.clear();
    deposited.sale.app.sandbox.clear_faults();
}

#[tokio::test]
async fn a_refund_that_nobody_finished_is_sent_again_with_its_account() {
    let deposited = Deposited::one().await;
    left_alone(&deposited).await;
    let refund = deposited.refunds().await.pop().unwrap();
    let sealed = refund.account_cipher.clone().unwrap();
    let cipher = Cipher::new(deposited.sale.app.parts.settings.account_key.as_ref().unwrap()).unwrap();
    let opened = cipher.open(&sealed, &format!("REFUND#{}", refund.id)).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&opened).unwrap(), json!(["88", NUMBER, "김개발"]));
    // Of another refund it says nothing.
    assert!(cipher.open(&sealed, "REFUND#01KB2M3N4P5Q6R7S8T9V0W1X2Y").is_err());
    deposited.sale.app.clock.advance(61_000);
    assert_eq!(deposited.sale.sweep().await.refunded, 1);
    deposited.must_be_refunded().await;
}

#[tokio::test]
async fn without_the_stored_account_toss_refuses_it() {
    let deposited = Deposited::one().await;
    deposited.sale.app.wire.standing_rule(|call| {
        for write in call.body["TransactItems"].as_array_mut().into_iter().flatten() {
            if let Some(item) = write.pointer_mut("/Put/Item").and_then(Value::as_object_mut) {
                item.remove("accountCipher");
            }
        }
        Action::Pass
    });
    left_alone(&deposited).await;
    deposited.sale.app.clock.advance(61_000);
    assert_eq!(deposited.sale.sweep().await.refunded, 1);
    deposited.must_be_as_before().await;
    assert_eq!(deposited.refunds().await.pop().unwrap().failure.as_deref(), Some("INVALID_REFUND_ACCOUNT_INFO"));
}

#[tokio::test]
async fn a_refund_whose_end_was_not_written_is_found_done_and_its_account_forgotten() {
    let deposited = Deposited::one().await;
    deposited.sale.app.wire.rule(|call| {
        let ends = call.by == "cancel_order" && call.operation == "TransactWriteItems" && call.mentions("REFUNDED");
        if ends { Action::LoseRequest } else { Action::Pass }
    });
    deposited.cancel(account()).await.refused(503, "BUSY");
    deposited.sale.app.wire.clear();
    assert_eq!(deposited.sale.captured(), 0);
    deposited.sale.app.clock.advance(61_000);
    assert_eq!(deposited.sale.sweep().await.refunded, 1);
    deposited.must_be_refunded().await;
}

#[tokio::test]
async fn a_refund_at_work_goes_to_the_account_that_it_was_begun_with() {
    let deposited = Deposited::one().await;
    deposited.sale.app.sandbox.fail_next(Operation::Cancel, FaultKind::Status500 { after_effect: false });
    deposited.cancel(account()).await.expect(202);
    let mut another = account();
    another["accountNumber"] = json!("3333012345678");
    deposited.cancel(another).await.refused(409, "REFUND_IN_PROGRESS");
    assert_eq!(deposited.sale.captured(), 50_000);
    // The same, or no word of it, is the same wish.
    deposited.sale.app.sandbox.fail_next(Operation::Cancel, FaultKind::Status500 { after_effect: false });
    deposited.cancel(account()).await.expect(202);
    deposited.cancel_by(&deposited.kim, json!({})).await.expect(200);
    deposited.must_be_refunded().await;
    assert_eq!(deposited.refunds().await.len(), 1);
}
