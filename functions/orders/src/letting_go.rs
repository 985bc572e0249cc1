//! Letting an unpaid order go: the buyer gave up, or their payment failed.

use domain::{
    orders::State,
    refusal::{Details, Reason, Refusal},
};
use storage::items::Order;

use crate::{
    App,
    edges::{self, NotMoved},
    hints,
    outcome::RETRY_SECONDS,
};

/// Why it was not let go.
#[derive(Debug, thiserror::Error)]
pub enum NotLetGo {
    #[error("no such order that the caller may see")]
    NotFound,
    #[error("its payment is being confirmed")]
    InProgress,
    #[error("an order in {0:?} cannot be cancelled")]
    NotCancelable(State),
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

pub const ORDER_NOT_FOUND: Reason =
    Reason::not_found("ORDER_NOT_FOUND", "주문을 찾을 수 없습니다.", "There is no such order.");
pub const PAYMENT_IN_PROGRESS: Reason =
    Reason::conflict("PAYMENT_IN_PROGRESS", "결제를 확인하고 있습니다.", "A payment of this order is being confirmed.");
pub const ORDER_NOT_CANCELABLE: Reason =
    Reason::conflict("ORDER_NOT_CANCELABLE", "취소할 수 없는 주문입니다.", "This order cannot be cancelled.");

impl Refusal for NotLetGo {
    const REASONS: &'static [Reason] = &[ORDER_NOT_FOUND, PAYMENT_IN_PROGRESS, ORDER_NOT_CANCELABLE];

    fn reason(&self) -> Reason {
        match self {
            Self::NotFound => ORDER_NOT_FOUND,
            Self::InProgress => PAYMENT_IN_PROGRESS,
            Self::NotCancelable(_) => ORDER_NOT_CANCELABLE,
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::NotFound => Details::default(),
            Self::InProgress => Details::retry_after(RETRY_SECONDS),
            Self::NotCancelable(state) => Details::default().with("state", state.as_str()),
            Self::Storage(error) => error.details(),
        }
    }
}

/// Gives the seats of a PENDING order back; what is cancelled already stays so.
pub async fn let_go(app: &App, order: Order, failure: Option<&str>) -> Result<Order, NotLetGo> {
    match order.state {
        State::Canceled => return Ok(order),
        State::Pending => {}
        State::Confirming | State::AwaitingDeposit => return Err(NotLetGo::InProgress),
        other => return Err(NotLetGo::NotCancelable(other)),
    }
    match edges::cancel(app, &order, failure, app.edge.clock.now()).await {
        Ok(canceled) => {
            hints::freed(app, &canceled).await;
            Ok(canceled)
        }
        Err(NotMoved::Storage(error)) => Err(error.into()),
        Err(NotMoved::Lost(_)) => {
            let present: Option<Order> = app.edge.table.get_now(storage::keys::order(order.id)).await?;
            match present {
                Some(present) if present.state == State::Canceled => Ok(present),
                Some(present) if present.state.holds_seats() => Err(NotLetGo::InProgress),
                Some(present) => Err(NotLetGo::NotCancelable(present.state)),
                None => Err(NotLetGo::NotFound),
            }
        }
    }
}
