//! The ways of buyers.

use std::time::Duration;

use devloop_local::toss_sandbox::{Leaves, Outcome};
use serde_json::{Value, json};

use crate::{
    actors::{Buyer, Ended, confirmation},
    dice,
};

/// What a buyer does with a seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Journey {
    /// Pays, and tries again until paid or told that all is sold.
    Pays,
    /// Is refused once, then pays by another card.
    Declined,
    /// Is refused, though the payment goes on at Toss, and goes away.
    DeclinedAndGone,
    /// Orders and goes away.
    Leaves,
    /// Orders and cancels.
    Cancels,
    /// Orders, and the authentication fails.
    Fails,
    /// Pays, and gives it back.
    Refunds,
    /// Buys two products at once and gives one of them back.
    RefundsOne,
    /// Pays in one tab and cancels in another, at once.
    Wavers,
    /// Pays in three tabs at once, and gives it back in three.
    Hurries,
    /// Joins the waitlist if all is sold, and buys the seat that is kept.
    Waits,
    /// Joins the waitlist, and lets the claim lapse.
    Forgets,
    /// Joins the waitlist, leaves it after a while, and joins again.
    Quits,
    /// Pays into a virtual account within the hour.
    Deposits,
    /// Pays in at once: Toss tells of it before the browser knows the account.
    DepositsAtOnce,
    /// Gets an account, and never pays in.
    Lapses,
    /// Gets an account, and gives it up.
    GivesUp,
    /// Gives an account up, and pays in at the same moment.
    DepositsAndGivesUp,
    /// Gets an account for longer than the sale allows, and pays in at once.
    DepositsTooLong,
    /// Pays in, and gives it back: the money goes to an account.
    DepositsAndReturns,
    /// Pays in, and Toss takes the deposit back.
    TakenBack,
    /// Pays, and an operator of the shop cancels the payment at Toss.
    AtTheConsole,
}

impl Journey {
    /// All of them.
    pub const ALL: [Self; 22] = [
        Self::Pays,
        Self::Declined,
        Self::DeclinedAndGone,
        Self::Leaves,
        Self::Cancels,
        Self::Fails,
        Self::Refunds,
        Self::RefundsOne,
        Self::Wavers,
        Self::Hurries,
        Self::Waits,
        Self::Forgets,
        Self::Quits,
        Self::Deposits,
        Self::DepositsAtOnce,
        Self::Lapses,
        Self::GivesUp,
        Self::DepositsAndGivesUp,
        Self::DepositsTooLong,
        Self::DepositsAndReturns,
        Self::TakenBack,
        Self::AtTheConsole,
    ];

    /// Whether it ends with a seat as long as there are any.
    pub fn persists(self) -> bool {
        matches!(self, Self::Pays | Self::Declined)
    }

    /// Whether it needs a sale that is sold out.
    pub fn waits(self) -> bool {
        matches!(self, Self::Waits | Self::Forgets | Self::Quits)
    }

    /// Whether it frees a seat that others may have given up by then.
    pub fn gives_back(self) -> bool {
        // Or is kept one for that it does not take.
        matches!(
            self,
            Self::Refunds
                | Self::RefundsOne
                | Self::Wavers
                | Self::Hurries
                | Self::Waits
                | Self::Forgets
                | Self::Quits
                | Self::DepositsAndReturns
                | Self::AtTheConsole
        )
    }
}

/// Where an order has come to rest.
const SETTLED: [&str; 6] = ["PAID", "PARTIALLY_REFUNDED", "REFUNDED", "CANCELED", "EXPIRED", "FAILED"];

impl Buyer<'_> {
    /// Goes the whole way.
    pub async fn go(mut self, journey: Journey) {
        let (pwt, other) = (self.sale.pwt.clone(), self.sale.other.clone());
        let wait = dice::below(self.world.seed(), &format!("begin {}", self.person.name), 0, 20_000);
        tokio::time::sleep(Duration::from_millis(wait)).await;
        match journey {
            Journey::Pays => drop(self.pay(&[&pwt]).await),
            Journey::Declined => {
                let Some(order) = self.order(1_000, &[&pwt]).await else { return };
                let refuse =
                    Outcome::Refuse { code: "REJECT_CARD_COMPANY".to_owned(), leaves: Leaves::Aborted, times: None };
                let refused = self.authenticate(&order, refuse);
                if self.confirm(&order, &refused).await {
                    self.world.watch(|watch| watch.violation("a refused card paid".to_owned()));
                }
                let other_card = self.authenticate(&order, Outcome::Approve);
                if !self.confirm(&order, &other_card).await {
                    drop(self.pay(&[&pwt]).await);
                }
            }
            Journey::DeclinedAndGone => {
                let Some(order) = self.order(0, &[&pwt]).await else { return };
                let refuse = Outcome::Refuse {
                    code: "REJECT_CARD_COMPANY".to_owned(),
                    leaves: Leaves::InProgress,
                    times: Some(1),
                };
                let refused = self.authenticate(&order, refuse);
                self.confirm(&order, &refused).await;
            }
            Journey::Leaves => drop(self.order(0, &[&pwt]).await),
            Journey::Cancels => {
                let Some(order) = self.order(0, &[&pwt]).await else { return };
                self.cancel(&order, &json!({})).await;
            }
            Journey::Fails => {
                let Some(order) = self.order(0, &[&pwt]).await else { return };
                self.fail(&order).await;
            }
            Journey::Refunds => {
                let Some(order) = self.pay(&[&pwt]).await else { return };
                self.pause(10).await;
                self.cancel(&order, &json!({})).await;
            }
            Journey::Wavers => {
                let Some(order) = self.order(0, &[&pwt]).await else { return };
                let payment_key = self.authenticate(&order, Outcome::Approve);
                let (confirm, path) = confirmation(&order, &payment_key);
                let all = json!({});
                futures::join!(self.once("/v1/payments/confirm", "tab-1", &confirm), self.once(&path, "tab-2", &all),);
                self.confirm(&order, &payment_key).await;
            }
            Journey::Hurries => {
                let Some(order) = self.order(0, &[&pwt]).await else { return };
                let payment_key = self.authenticate(&order, Outcome::Approve);
                let (confirm, path) = confirmation(&order, &payment_key);
                let pay = |key| self.once("/v1/payments/confirm", key, &confirm);
                futures::join!(pay("tab-1"), pay("tab-2"), pay("tab-3"));
                if !self.confirm(&order, &payment_key).await {
                    return;
                }
                let all = json!({});
                let back = |key| self.once(&path, key, &all);
                futures::join!(back("tab-4"), back("tab-5"), back("tab-6"));
                self.cancel(&order, &all).await;
            }
            Journey::Waits => self.wait_for(&pwt).await,
            Journey::Forgets => drop(self.join().await),
            Journey::Quits => {
                if self.join().await {
                    self.pause(100).await;
                    self.leave().await;
                    self.join().await;
                    self.pause(100).await;
                    self.leave().await;
                }
            }
            Journey::Deposits
            | Journey::DepositsAtOnce
            | Journey::Lapses
            | Journey::GivesUp
            | Journey::DepositsAndGivesUp
            | Journey::DepositsTooLong
            | Journey::DepositsAndReturns
            | Journey::TakenBack => Box::pin(self.go_by_account(journey)).await,
            Journey::AtTheConsole => {
                let Some(order) = self.pay(&[&pwt, &other]).await else { return };
                if let Some(charge) = self.charge_of(&order) {
                    self.world.cancel_at_console(&charge.payment_key).await;
                    self.pause(120).await;
                }
            }
            Journey::RefundsOne => {
                let Some(order) = self.pay(&[&pwt, &other]).await else { return };
                self.pause(10).await;
                self.cancel(&order, &json!({ "lines": [other] })).await;
            }
        }
    }

    async fn fail(&mut self, order: &Value) {
        let body = json!({ "orderId": order["id"], "code": "PAY_PROCESS_CANCELED" });
        if let Ended::Refused(reply) = self.ask("/v1/payments/fail", "fail", &body).await
            && reply.code() != "ORDER_NOT_CANCELABLE"
        {
            self.unexpected("fail", &reply);
        }
    }

    /// The same, of those who pay into virtual accounts.
    async fn go_by_account(mut self, journey: Journey) {
        match journey {
            Journey::Deposits => {
                let Some((order, payment_key)) = self.order_by_account(1, false).await else { return };
                self.pause(dice::below(self.world.seed(), "deposit", 0, 3_000)).await;
                self.world.pay_in(&payment_key);
                self.until(&order, &SETTLED).await;
            }
            Journey::DepositsAtOnce => {
                let Some((order, _)) = self.order_by_account(1, true).await else { return };
                self.until(&order, &SETTLED).await;
            }
            Journey::Lapses => {
                let Some((order, _)) = self.order_by_account(1, false).await else { return };
                self.until(&order, &SETTLED).await;
            }
            Journey::GivesUp => {
                let Some((order, _)) = self.order_by_account(1, false).await else { return };
                self.cancel(&order, &json!({})).await;
            }
            Journey::DepositsAndGivesUp => {
                let Some((order, payment_key)) = self.order_by_account(1, false).await else { return };
                let world = self.world;
                let moment = dice::below(world.seed(), "deposit", 0, 400);
                let paying = async {
                    tokio::time::sleep(Duration::from_millis(moment)).await;
                    world.pay_in(&payment_key);
                };
                let all = json!({});
                futures::join!(self.cancel(&order, &all), paying);
                self.until(&order, &SETTLED).await;
            }
            Journey::DepositsTooLong => drop(self.order_by_account(2, true).await),
            Journey::DepositsAndReturns => {
                let Some((order, _)) = self.order_by_account(1, true).await else { return };
                if self.until(&order, &["PAID"]).await {
                    let account = json!({ "bank": "88", "accountNumber": "110123456789", "holderName": "김구매" });
                    self.cancel(&order, &json!({ "refundAccount": account })).await;
                    if self.until(&order, &["REFUNDED"]).await {
                        self.world.watch(|watch| watch.reached("refunded to an account"));
                    }
                }
            }
            Journey::TakenBack => {
                let Some((order, payment_key)) = self.order_by_account(1, true).await else { return };
                if self.until(&order, &["PAID"]).await {
                    self.world.take_back(&payment_key);
                    let event = json!({ "orderId": order["id"], "status": "WAITING_FOR_DEPOSIT", "secret": "theirs" });
                    drop(self.ask("/v1/webhooks/toss", "none", &event).await);
                    self.pause(120).await;
                }
            }
            _ => {}
        }
    }
}
