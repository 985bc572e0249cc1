//! `GET /v1/orders/{orderId}`: one's own order, or any for an admin. Others' do not exist.

use devloop_http::{Active, Json, Path};
use domain::{
    ids::OrderId,
    refusal::{Details, Reason, Refusal},
};

use super::confirm_payment::ORDER_NOT_FOUND;
use crate::{
    App,
    views::{OrderView, find_order},
};

/// Why it is not shown.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("no such order that the caller may see")]
    NotFound,
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

impl Refusal for Refused {
    const REASONS: &'static [Reason] = &[ORDER_NOT_FOUND];

    fn reason(&self) -> Reason {
        match self {
            Self::NotFound => ORDER_NOT_FOUND,
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::NotFound => Details::default(),
            Self::Storage(error) => error.details(),
        }
    }
}

/// Shows an order.
pub async fn get_order(app: App, caller: Active, Path(id): Path<OrderId>) -> Result<Json<OrderView>, Refused> {
    let order = find_order(&app, &caller.account, id).await?.ok_or(Refused::NotFound)?;
    Ok(Json(OrderView::of(order, &caller.account, &app.terms)))
}
