//! `GET /v1/orders`: one's own orders, newest first.

use devloop_http::{Active, Json, ListRefused, ListScope, ListView, Paging, Query};
use storage::{items::Order, keys};

use crate::{App, views::OrderView};

/// Lists orders.
pub async fn list_orders(
    app: App,
    caller: Active,
    Query(paging): Query<Paging>,
) -> Result<Json<ListView<OrderView>>, ListRefused> {
    let scope = ListScope::new("list_orders", caller.id(), ());
    let after = app.edge.position(&scope, paging.cursor())?;
    let orders = storage::Query::index("gsi2", keys::orders_of(caller.id())).newest_first();
    let page = app.edge.table.page(&orders, after, paging.limit(), |_: &Order| true).await?;
    Ok(Json(app.edge.list(&scope, page.map(|order| OrderView::of(order, &caller.account, &app.terms)))))
}
