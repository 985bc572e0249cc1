//! Reading an order that was paid, whatever was given back of it since.

use domain::{
    ids::{OrderId, PwtId},
    orders::State,
    refusal::{Details, Reason, Refusal},
};
use storage::{
    items::{Order, Pwt, User},
    keys,
};

use crate::{App, letting_go::ORDER_NOT_FOUND, views::find_order};

/// Why there is no such order.
#[derive(Debug, thiserror::Error)]
pub enum NotPaid {
    #[error("no such order that the caller may see")]
    NotFound,
    #[error("an order in {0:?} was never paid")]
    Unpaid(State),
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

pub const ORDER_NOT_PAID: Reason =
    Reason::conflict("ORDER_NOT_PAID", "결제된 주문이 아닙니다.", "This order has not been paid.");

impl Refusal for NotPaid {
    const REASONS: &'static [Reason] = &[ORDER_NOT_FOUND, ORDER_NOT_PAID];

    fn reason(&self) -> Reason {
        match self {
            Self::NotFound => ORDER_NOT_FOUND,
            Self::Unpaid(_) => ORDER_NOT_PAID,
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::NotFound => Details::default(),
            Self::Unpaid(state) => Details::default().with("state", state.as_str()),
            Self::Storage(error) => error.details(),
        }
    }
}

/// A paid order that `viewer` may see: their own, or any for an admin.
pub async fn find(app: &App, viewer: &User, id: OrderId) -> Result<Order, NotPaid> {
    let order = find_order(app, viewer, id).await?.ok_or(NotPaid::NotFound)?;
    match order.state {
        State::Paid | State::PartiallyRefunded | State::Refunded => Ok(order),
        state => Err(NotPaid::Unpaid(state)),
    }
}

/// The projects of the lines that are still the buyer's, as they are now.
pub async fn projects(app: &App, order: &Order) -> Result<Vec<Pwt>, storage::Error> {
    app.edge.table.get_all_now(order.kept().map(|line| keys::pwt(PwtId::from(line.product_id)))).await
}
