//! `GET /v1/admin/orders`: orders by state or buyer; without either, those with work left, stuck ones first.

use std::collections::BTreeMap;

use deserr::Deserr;
use devloop_http::{Admin, Cursor, Json, Limit, ListRefused, ListScope, ListView, Query};
use domain::{
    ids::{OrderId, UserId},
    orders::State,
    validation::FieldErrors,
};
use storage::{items::Order, keys};
use utoipa::ToSchema;

use crate::{App, views::AdminOrder, worklist};

/// Which orders.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
pub struct Filter {
    /// Only orders in this state: those with work left first, then the newest.
    #[deserr(default)]
    state: Option<State>,
    /// Only this buyer's, newest first.
    #[deserr(default)]
    user_id: Option<UserId>,
    #[deserr(default)]
    limit: Option<Limit>,
    #[deserr(default)]
    cursor: Option<Cursor>,
}

/// Finds a page of orders in the indexes, and reads them as they are now.
pub async fn list_orders_for_admin(
    app: App,
    _: Admin,
    Query(filter): Query<Filter>,
) -> Result<Json<ListView<AdminOrder>>, ListRefused> {
    let Filter { state, user_id, .. } = filter;
    let scope = ListScope::new("list_orders_for_admin", "admin", (state, user_id));
    let after = app.edge.position(&scope, filter.cursor.as_ref())?;
    let limit = filter.limit.unwrap_or_default().get();
    let found = match user_id {
        Some(buyer) => worklist::of_buyer(&app, buyer, state, after, limit).await?,
        None => worklist::by_work(&app, state, after, limit).await?,
    };
    let orders: Vec<Order> = app.edge.table.get_all_now(found.items.iter().map(|id| keys::order(*id))).await?;
    let mut orders: BTreeMap<OrderId, Order> = orders.into_iter().map(|order| (order.id, order)).collect();
    // In the order of the index, which may show an order that has moved on since.
    let items = found.items.iter().filter_map(|id| orders.remove(id)).map(AdminOrder::from).collect();
    Ok(Json(app.edge.list(&scope, storage::Page { items, next: found.next })))
}
