//! Bringing a confirmation to its end, as far as Toss lets us.
//!
//! CONFIRMING is a promise to finish: confirm is sent again with the stored payment key under the
//! same key at Toss until there is a final answer. Whoever calls this, a buyer's repeat or the
//! sweeper, does the same steps; each is a conditional write, so that only one of them counts.

use domain::{orders::State, time::Time};
use jobs::Alarm;
use storage::{
    WriteError,
    items::{Order, Void},
    keys,
};
use toss::{Failure, Payment, Status};

use crate::{
    App,
    edges::{self, Lost, NotMoved},
    ledger, rules,
};

/// How far an order has come.
#[derive(Debug)]
pub enum Progress {
    /// Paid and delivered, now or before.
    Paid(Order),
    /// Toss refused this payment for good; the order tells whether another may be tried.
    Refused {
        /// As it was left.
        order: Order,
        /// Toss's code.
        code: String,
        /// Toss's message, for the buyer.
        message: Option<String>,
    },
    /// The charge was cancelled in full.
    Voided(Order),
    /// A virtual account was given out; its deposit may come until the hold ends.
    Awaiting(Order),
    /// Nobody knows yet.
    Unknown(Order),
}

/// Why a charge is voided.
pub mod void_reason {
    /// Toss names another amount, currency, order or payment than ours.
    pub const MISMATCH: &str = "PAYMENT_MISMATCH";
    /// A line's seat was not held any more.
    pub const SEAT_GONE: &str = "SEAT_GONE";
    /// The payment waits for a deposit, which its products do not, or not for so long.
    pub const METHOD_NOT_ALLOWED: &str = "PAYMENT_METHOD_NOT_ALLOWED";
}

/// Why a charge stands that no order is paid by.
pub mod standing {
    /// It came into a virtual account, and Toss must be told where to pay it back to.
    pub const REFUND_ACCOUNT_NEEDED: &str = "REFUND_ACCOUNT_NEEDED";
    /// Toss refuses for another reason.
    pub const CANCEL_REFUSED: &str = "CANCEL_REFUSED";
}

/// How often one call may begin anew after losing a race or counting up an attempt.
const ROUNDS: usize = 4;

/// Brings a CONFIRMING order as far as it goes now.
pub async fn drive(app: &App, order: Order) -> Result<Progress, storage::Error> {
    let mut order = order;
    for _ in 0..ROUNDS {
        match round(app, &order).await {
            Ok(Step::End(progress)) => return Ok(progress),
            Ok(Step::Again(next)) => order = next,
            Err(NotMoved::Storage(error)) => return Err(error),
            Err(NotMoved::Lost(lost)) => {
                let present: Option<Order> = app.edge.table.get_now(keys::order(order.id)).await?;
                let Some(present) = present else { return Err(vanished(&order)) };
                if let Some(end) = ended(&present, &order) {
                    return Ok(end);
                }
                // Still CONFIRMING and ours: a hard condition of settling failed for good.
                if lost.iter().any(|lost| matches!(lost, Lost::Seat(_))) && present.void.is_none() {
                    return intend_and_void(app, &present, void_reason::SEAT_GONE).await;
                }
                tracing::warn!(order = %order.id, ?lost, "a step of a confirmation lost a race");
                order = present;
            }
        }
    }
    Ok(Progress::Unknown(order))
}

enum Step {
    End(Progress),
    Again(Order),
}

fn vanished(order: &Order) -> storage::Error {
    storage::Error::Corrupt(format!("order {} vanished", order.id))
}

/// What somebody else has made of the order meanwhile; `None` if it is still being confirmed.
fn ended(present: &Order, ours: &Order) -> Option<Progress> {
    match present.state {
        State::Confirming if present.payment_key == ours.payment_key => None,
        State::Paid | State::PartiallyRefunded | State::Refunded => Some(Progress::Paid(present.clone())),
        State::AwaitingDeposit if present.payment_key == ours.payment_key => Some(Progress::Awaiting(present.clone())),
        State::Failed if present.void.is_some() => Some(Progress::Voided(present.clone())),
        _ => Some(Progress::Refused {
            order: present.clone(),
            code: present.failure.clone().unwrap_or_else(|| "UNKNOWN".to_owned()),
            message: None,
        }),
    }
}

async fn round(app: &App, order: &Order) -> Result<Step, NotMoved> {
    if let Some(void) = &order.void {
        return Ok(Step::End(finish_void(app, order, void).await?));
    }
    let payment_key = stored_key(order)?;
    let key = format!("confirm:{}:{}", order.id, order.attempt);
    let sent = app.toss.confirm(&key, payment_key, &order.id.to_string(), order.total).await;
    let now = app.edge.clock.now();
    match sent {
        Ok(payment) => judge(app, order, &payment, now).await,
        Err(Failure::Refused { code, message }) => refuse(app, order, code, Some(message)).await,
        Err(Failure::Unsendable(why)) => {
            tracing::error!(order = %order.id, why, "a confirmation cannot be sent");
            refuse(app, order, NO_SUCH_PAYMENT.to_owned(), None).await
        }
        Err(Failure::AnsweredUnknown { code }) => {
            tracing::warn!(order = %order.id, code, "the outcome of a confirmation is unknown");
            ask(app, order, payment_key, &code, now).await
        }
        Err(Failure::Misconfigured { code }) => {
            tracing::error!(order = %order.id, code, alarm = true, "Toss refuses our credentials");
            ask(app, order, payment_key, &code, now).await
        }
        Err(error) => {
            tracing::warn!(order = %order.id, %error, "no final answer to a confirmation");
            Ok(Step::End(Progress::Unknown(order.clone())))
        }
    }
}

/// Asks what became of a payment whose confirmation was answered, but not finally: Toss would
/// replay that answer for days.
async fn ask(app: &App, order: &Order, payment_key: &str, code: &str, now: Time) -> Result<Step, NotMoved> {
    if edges::take_turn_to_ask(app, order, now).await? {
        match app.toss.payment(payment_key).await {
            Ok(payment) => return judge(app, order, &payment, app.edge.clock.now()).await,
            // Neither call knows the payment: there is nothing that could ever be charged.
            Err(Failure::NotFound) if code == NO_SUCH_PAYMENT => {
                return refuse(app, order, code.to_owned(), None).await;
            }
            Err(error) => tracing::warn!(order = %order.id, %error, "a payment could not be read"),
        }
    }
    Ok(Step::End(Progress::Unknown(order.clone())))
}

/// Toss's word for a payment key that it never gave out.
const NO_SUCH_PAYMENT: &str = "NOT_FOUND_PAYMENT";

async fn refuse(app: &App, order: &Order, code: String, message: Option<String>) -> Result<Step, NotMoved> {
    let left = edges::refuse(app, order, &code, app.edge.clock.now()).await?;
    Ok(Step::End(Progress::Refused { order: left, code, message }))
}

fn stored_key(order: &Order) -> Result<&str, storage::Error> {
    let missing = || storage::Error::Corrupt(format!("order {} is confirming without a payment key", order.id));
    order.payment_key.as_deref().ok_or_else(missing)
}

/// Acts on a payment as Toss showed it.
async fn judge(app: &App, order: &Order, payment: &Payment, now: Time) -> Result<Step, NotMoved> {
    match &payment.status {
        Status::Done if is_ours(order, payment) => {
            Ok(Step::End(Progress::Paid(edges::settle(app, order, payment, now).await?)))
        }
        Status::WaitingForDeposit if is_ours(order, payment) => {
            match rules::deposit(payment, app.terms.deposit_hours, now) {
                Some(deposit) => {
                    Ok(Step::End(Progress::Awaiting(edges::await_deposit(app, order, deposit, now).await?)))
                }
                None => Ok(Step::End(intend_and_void(app, order, void_reason::METHOD_NOT_ALLOWED).await?)),
            }
        }
        Status::Done | Status::WaitingForDeposit => {
            Ok(Step::End(intend_and_void(app, order, void_reason::MISMATCH).await?))
        }
        Status::Aborted | Status::Expired | Status::Canceled => {
            refuse(app, order, payment.status.as_str().to_owned(), None).await
        }
        // The attempt was answered and the payment still waits: only a new key can move it.
        Status::InProgress => Ok(Step::Again(edges::next_attempt(app, order).await?)),
        other => {
            tracing::error!(order = %order.id, status = other.as_str(), alarm = true, "a payment is in no expected state");
            Ok(Step::End(Progress::Unknown(order.clone())))
        }
    }
}

/// Whether a payment is the one that was asked for: same key, order, currency and amount.
pub fn is_ours(order: &Order, payment: &Payment) -> bool {
    Some(&payment.payment_key) == order.payment_key.as_ref()
        && is_as_ordered(order, payment)
        && payment.balance_amount == order.total.get()
}

/// Whether what was to be paid is what was ordered.
fn is_as_ordered(order: &Order, payment: &Payment) -> bool {
    payment.order_id == order.id.to_string() && payment.currency == "KRW" && payment.total_amount == order.total.get()
}

async fn intend_and_void(app: &App, order: &Order, reason: &str) -> Result<Progress, storage::Error> {
    tracing::error!(order = %order.id, reason, alarm = true, "a charge is voided");
    // Before the intent is stored: told twice is better than never.
    app.alarm(Alarm::ChargeVoided, order.id, reason).await;
    let intended = match edges::intend_void(app, order, reason).await {
        Ok(intended) => intended,
        Err(NotMoved::Storage(error)) => return Err(error),
        // Somebody else moved it: what they found is as good as what we found.
        Err(NotMoved::Lost(_)) => {
            let present: Option<Order> = app.edge.table.get_now(keys::order(order.id)).await?;
            let present = present.ok_or_else(|| vanished(order))?;
            match (ended(&present, order), present.void.is_some()) {
                (Some(end), _) => return Ok(end),
                (None, true) => present,
                (None, false) => return Ok(Progress::Unknown(present)),
            }
        }
    };
    let Some(void) = intended.void.clone() else { return Ok(Progress::Unknown(intended)) };
    match finish_void(app, &intended, &void).await {
        Ok(progress) => Ok(progress),
        Err(NotMoved::Storage(error)) => Err(error),
        Err(NotMoved::Lost(_)) => Ok(Progress::Unknown(intended)),
    }
}

/// Cancels the charge in full; the order fails once that is known, and not before.
async fn finish_void(app: &App, order: &Order, void: &Void) -> Result<Progress, NotMoved> {
    let payment_key = stored_key(order)?;
    let Some(payment) = canceled(app, order, payment_key, void).await? else {
        return Ok(Progress::Unknown(order.clone()));
    };
    let failed = edges::finish_void(app, order, void, &payment, app.edge.clock.now()).await?;
    Ok(Progress::Voided(failed))
}

/// The charge, if nothing of it is left.
async fn canceled(app: &App, order: &Order, payment_key: &str, void: &Void) -> Result<Option<Payment>, NotMoved> {
    let key = format!("void:{}:{}", order.id, void.m);
    let asked = match app.toss.cancel(&key, payment_key, &void.reason, None, None).await {
        Ok(payment) if is_as_ordered(order, &payment) => return Ok(Some(payment).filter(is_gone)),
        // Its amount goes into the books: one answer that differs from the order is not enough for that.
        Ok(_) | Err(Failure::AlreadyCanceled { .. } | Failure::BalanceMoved { .. }) => {
            app.toss.payment(payment_key).await
        }
        // Toss would repeat either answer for days, also when the charge is long gone by other ways.
        Err(error @ (Failure::AnsweredUnknown { .. } | Failure::Refused { .. })) => {
            tracing::warn!(order = %order.id, %error, "a void was answered, and the charge may stand");
            let asked = app.toss.payment(payment_key).await;
            if asked.as_ref().is_ok_and(|payment| !is_gone(payment)) {
                if let Failure::Refused { code, .. } = &error {
                    tell_that_it_stands(app, order, code).await;
                }
                edges::next_void(app, order, void).await?;
            }
            asked
        }
        Err(error) => Err(error),
    };
    match asked {
        Ok(payment) => Ok(Some(payment).filter(is_gone)),
        Err(error) => {
            tracing::error!(order = %order.id, %error, alarm = true, "a charge could not be voided yet");
            Ok(None)
        }
    }
}

/// Only somebody of the shop can give back what Toss refuses to.
async fn tell_that_it_stands(app: &App, order: &Order, code: &str) {
    let reason =
        if code == "INVALID_REFUND_ACCOUNT_INFO" { standing::REFUND_ACCOUNT_NEEDED } else { standing::CANCEL_REFUSED };
    tracing::error!(order = %order.id, reason, code, alarm = true, "a charge without a paid order stands");
    app.alarm(Alarm::ChargeStands, order.id, reason).await;
}

/// Whether nothing of a charge is left, or ever can be.
fn is_gone(payment: &Payment) -> bool {
    match payment.status {
        Status::Canceled | Status::Aborted | Status::Expired => true,
        Status::PartialCanceled => payment.balance_amount == 0,
        _ => false,
    }
}

/// Enters a charge that was cancelled in full into the ledger, once.
async fn note_void(app: &App, order: &Order, payment: &Payment) -> Result<(), storage::Error> {
    let Some(entry) = ledger::void(order, payment, app.edge.clock.now()) else { return Ok(()) };
    match app.edge.table.write(entry).await {
        // It is there already.
        Ok(()) | Err(WriteError::Unmet(_)) => Ok(()),
        Err(WriteError::Storage(error)) => Err(error),
    }
}

/// Asks Toss once more about an order that was left unpaid. A charge that stands is a stray: it
/// is cancelled in full, and operators hear of it. Answers whether no charge is left.
pub async fn last_look(app: &App, order: &Order) -> Result<bool, storage::Error> {
    let mut clean = true;
    for payment_key in order.refused_keys.iter().chain(&order.payment_key) {
        clean &= void_stray(app, &order.id.to_string(), Some(order), payment_key).await? == Stray::Gone;
    }
    Ok(clean)
}

/// What is left of a charge that no order was paid by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stray {
    /// Nothing.
    Gone,
    /// Something that Toss does not give back, or not yet: its authentication may still have to lapse.
    Left,
    /// Toss did not say.
    Unknown,
}

/// Looks at a payment that no order was paid by. A charge that stands is cancelled in full, and operators hear
/// of it. `named` is the order as Toss names it, `order` ours of that name.
pub async fn void_stray(
    app: &App,
    named: &str,
    order: Option<&Order>,
    payment_key: &str,
) -> Result<Stray, storage::Error> {
    let mut seen = app.toss.payment(payment_key).await;
    if seen.as_ref().is_ok_and(|payment| {
        matches!(payment.status, Status::Done | Status::PartialCanceled) && payment.balance_amount > 0
    }) {
        tracing::error!(order = named, alarm = true, "a charge without a paid order is cancelled");
        if let Ok(id) = named.parse() {
            app.alarm(Alarm::StrayCharge, id, "STRAY_CHARGE").await;
        }
        // In full, so it happens once whatever its key; and Toss repeats what it answered to one for days.
        let setbacks = order.map_or(0, |order| order.setbacks);
        let key = format!("stray:{named}:{}:{setbacks}", keys::hashed(payment_key));
        seen = app.toss.cancel(&key, payment_key, "STRAY_CHARGE", None, None).await;
        if seen.as_ref().is_ok_and(|payment| order.is_some_and(|order| !is_as_ordered(order, payment))) {
            seen = app.toss.payment(payment_key).await;
        }
    }
    match seen {
        Ok(payment) if is_gone(&payment) => {
            if let Some(order) = order {
                note_void(app, order, &payment).await?;
            }
            Ok(Stray::Gone)
        }
        Err(Failure::NotFound) => Ok(Stray::Gone),
        Err(Failure::Refused { code, .. }) => {
            if let Some(order) = order {
                tell_that_it_stands(app, order, &code).await;
            }
            Ok(Stray::Left)
        }
        Ok(_) => Ok(Stray::Left),
        Err(error) => {
            tracing::warn!(order = named, %error, "a look at a charge that no order was paid by failed");
            Ok(if error.is_final() { Stray::Left } else { Stray::Unknown })
        }
    }
}
