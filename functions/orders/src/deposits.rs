//! Orders that wait for a deposit. Toss is asked, and only what it says moves them: a deposit that
//! came in wins over whoever wants the seats back, because Toss cancels no account that was paid into.

use domain::{orders::State, time::Time};
use storage::{items::Order, keys};
use toss::{Payment, Status};

use crate::{
    App,
    edges::{self, NotMoved},
    settle,
};

/// What became of an order that waited for a deposit.
#[derive(Debug)]
pub enum Progress {
    /// The money is there: paid and delivered, now or before.
    Paid(Order),
    /// Nothing can be paid in any more: its seats are free, now or before.
    Ended(Order),
    /// Toss says that it still waits.
    Waiting,
    /// Toss did not say.
    Unknown,
}

/// Whether the deposit is so late that the seats go back.
pub fn is_overdue(order: &Order, now: Time) -> bool {
    edges::expiry(order.hold_until) <= now
}

/// Asks Toss about the deposit, and brings the order as far as that goes.
pub async fn look(app: &App, order: &Order) -> Result<Progress, storage::Error> {
    match app.toss.payment(stored_key(order)?).await {
        Ok(payment) => judge(app, order, &payment).await,
        Err(error) => {
            tracing::warn!(order = %order.id, %error, "a deposit could not be asked about");
            Ok(Progress::Unknown)
        }
    }
}

/// The same, and takes the account back at Toss if nobody has paid in; the seats go after that.
pub async fn give_up(app: &App, order: &Order) -> Result<Progress, storage::Error> {
    let progress = look(app, order).await?;
    if !matches!(progress, Progress::Waiting) {
        return Ok(progress);
    }
    // A full cancel happens once whatever its key. A new key each time, because Toss would repeat
    // an answer for days, to the buyer who tries again as well.
    let key = format!("deposit:{}:{}", order.id, app.edge.ids.token());
    match app.toss.cancel(&key, stored_key(order)?, "DEPOSIT_NOT_WANTED", None, None).await {
        Ok(payment) => judge(app, order, &payment).await,
        // Somebody may have paid in meanwhile: what Toss shows then counts, next time.
        Err(error) => {
            tracing::warn!(order = %order.id, %error, "a virtual account was not taken back");
            Ok(Progress::Unknown)
        }
    }
}

async fn judge(app: &App, order: &Order, payment: &Payment) -> Result<Progress, storage::Error> {
    let now = app.edge.clock.now();
    let moved = match &payment.status {
        Status::Done if settle::is_ours(order, payment) => {
            edges::settle(app, order, payment, now).await.map(Progress::Paid)
        }
        Status::WaitingForDeposit => return Ok(Progress::Waiting),
        Status::Canceled | Status::Expired | Status::Aborted => end(app, order, now).await.map(Progress::Ended),
        status => {
            tracing::error!(order = %order.id, status = status.as_str(), alarm = true, "a deposit needs an operator");
            return Ok(Progress::Unknown);
        }
    };
    match moved {
        Ok(progress) => Ok(progress),
        Err(NotMoved::Storage(error)) => Err(error),
        Err(NotMoved::Lost(lost)) => {
            tracing::warn!(order = %order.id, ?lost, "a step of a deposit lost a race");
            let present: Option<Order> = app.edge.table.get_now(keys::order(order.id)).await?;
            Ok(match present {
                Some(present) if matches!(present.state, State::Canceled | State::Expired) => Progress::Ended(present),
                Some(present) if present.state.is_paid() => Progress::Paid(present),
                _ => Progress::Unknown,
            })
        }
    }
}

/// Lets the seats go, after Toss said that nothing will be paid in any more.
async fn end(app: &App, order: &Order, now: Time) -> Result<Order, NotMoved> {
    if !is_overdue(order, now) {
        return edges::cancel(app, order, None, now).await;
    }
    edges::expire(app, order, now).await?;
    Ok(Order { state: State::Expired, deposit: None, ..order.clone() })
}

fn stored_key(order: &Order) -> Result<&str, storage::Error> {
    let missing = || storage::Error::Corrupt(format!("order {} waits for a deposit without a payment key", order.id));
    order.payment_key.as_deref().ok_or_else(missing)
}
