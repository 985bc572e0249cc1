//! `GET /v1/orders`: one's own orders, newest first.

use deserr::Deserr;
use devloop_http::{Active, Cursor, Json, Limit, ListScope, ListView, Query};
use domain::{
    refusal::{Details, Reason, Refusal},
    validation::FieldErrors,
};
use storage::{items::Order, keys};
use utoipa::ToSchema;

use crate::{App, views::OrderView};

/// How much of the list.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
pub struct ListOrders {
    #[deserr(default)]
    limit: Option<Limit>,
    #[deserr(default)]
    cursor: Option<Cursor>,
}

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error(transparent)]
    BadCursor(#[from] devloop_http::BadCursor),
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

impl Refusal for Refused {
    const REASONS: &'static [Reason] = devloop_http::BadCursor::REASONS;

    fn reason(&self) -> Reason {
        match self {
            Self::BadCursor(error) => error.reason(),
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::BadCursor(error) => error.details(),
            Self::Storage(error) => error.details(),
        }
    }
}

/// Lists orders.
pub async fn list_orders(
    app: App,
    caller: Active,
    Query(query): Query<ListOrders>,
) -> Result<Json<ListView<OrderView>>, Refused> {
    let scope = ListScope::new("list_orders", caller.id(), ());
    let after = app.edge.position(&scope, query.cursor.as_ref())?;
    let orders = storage::Query::index("gsi2", keys::orders_of(caller.id())).newest_first();
    let limit = query.limit.unwrap_or_default().get();
    let page = app.edge.table.page(&orders, after, limit, |_: &Order| true).await?;
    Ok(Json(app.edge.list(&scope, page.map(|order| OrderView::of(order, &caller.account, &app.terms)))))
}
