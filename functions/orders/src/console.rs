//! Payments of paid orders that somebody changed at Toss itself, in its console.
//!
//! Money that went back in full is a refund that we did not ask for: the books follow it. In part,
//! nobody but an operator knows which lines it was for.

use domain::ids::ProductId;
use jobs::Alarm;
use storage::{items::Order, keys};
use toss::{Failure, Payment, Status};

use crate::{
    App,
    edges::{self, NotMoved},
    hints, refund,
};

/// What a refund says that was found at Toss.
const CANCELED_AT_TOSS: &str = "CANCELED_AT_TOSS";

/// Compares a paid order with its payment at Toss. Answers whether Toss said anything.
pub async fn look(app: &App, order: &Order) -> Result<bool, storage::Error> {
    // Free, or its own refund is at work and judges by the balance itself.
    let Some(payment_key) = order.payment_key.as_deref().filter(|_| order.open_refund.is_none()) else {
        return Ok(true);
    };
    match app.toss.payment(payment_key).await {
        Ok(payment) => follow(app, order, &payment).await.map(|()| true),
        Err(Failure::NotFound) => tell(app, order, "NO_SUCH_PAYMENT").await.map(|()| true),
        Err(error) => {
            tracing::warn!(order = %order.id, %error, "the payment of a paid order could not be read");
            Ok(false)
        }
    }
}

async fn follow(app: &App, order: &Order, payment: &Payment) -> Result<(), storage::Error> {
    match refund::balance_of(order, payment) {
        Some(balance) if balance == order.balance().get() && payment.status != Status::WaitingForDeposit => Ok(()),
        Some(0) => refund_all(app, order).await,
        Some(_) if payment.status == Status::WaitingForDeposit => tell(app, order, "DEPOSIT_TAKEN_BACK").await,
        Some(_) => tell(app, order, "PARTIAL_CANCEL_AT_TOSS").await,
        None => tell(app, order, "PAYMENT_MISMATCH").await,
    }
}

/// The steps of a refund, without asking Toss for what it has done already. If this ends between
/// the two, the refund is due, and finds the balance as it is.
async fn refund_all(app: &App, order: &Order) -> Result<(), storage::Error> {
    tracing::warn!(order = %order.id, "a payment was cancelled in full at Toss");
    let products: Vec<ProductId> = order.kept().map(|line| line.product_id).collect();
    // In the buyer's name: nobody of ours asked for it, and they are whom it is for.
    let refund = refund::of(app, order, products, CANCELED_AT_TOSS.to_owned(), order.buyer_id);
    let done = match edges::begin_refund(app, order, &refund).await {
        Ok(begun) => edges::finish_refund(app, &begun, &refund, app.edge.clock.now()).await,
        Err(lost) => Err(lost),
    };
    match done {
        Ok(refunded) => {
            hints::refresh(app, &refunded).await;
            Ok(())
        }
        Err(NotMoved::Storage(error)) => Err(error),
        // A refund of ours was faster; it finds the same balance.
        Err(NotMoved::Lost(lost)) => {
            tracing::info!(order = %order.id, ?lost, "a refund that was found at Toss lost a race");
            Ok(())
        }
    }
}

/// Tells operators, unless the order was changed while Toss was asked: then there is nothing to compare.
async fn tell(app: &App, order: &Order, reason: &str) -> Result<(), storage::Error> {
    let present: Option<Order> = app.edge.table.get_now(keys::order(order.id)).await?;
    if present.is_some_and(|present| present.refunds == order.refunds && present.state == order.state) {
        tracing::error!(order = %order.id, reason, alarm = true, "a payment was changed at Toss");
        app.alarm(Alarm::PaymentChanged, order.id, reason).await;
    }
    Ok(())
}
