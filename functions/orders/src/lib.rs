//! Carts, orders and payments: one domain, because settling belongs to all of them.

mod app;
mod cart_view;
mod console;
mod deposits;
mod edges;
mod endpoints;
mod hints;
mod holds;
mod ledger;
mod letting_go;
mod outcome;
mod products;
mod reconciler;
mod refund;
mod rules;
mod settle;
mod sweeper;
mod views;
mod waitlist;

pub use app::{App, Terms};
use devloop_http::{Operation, Route, mount};
use endpoints::{
    add_cart_item, cancel_order, confirm_payment, create_order, fail_payment, get_cart, get_order, list_orders,
    receive_toss_webhook, remove_cart_item,
};
pub use reconciler::{Reconciled, reconcile, work_on};
pub use sweeper::{Swept, sweep};

/// The endpoints of this domain.
pub fn operations() -> Vec<Operation<App>> {
    vec![
        Operation::get("get_cart", "/v1/cart", "The cart at current prices", get_cart::get_cart),
        Operation::put(
            "add_cart_item",
            "/v1/cart/items/{productId}",
            "Puts a product into the cart",
            add_cart_item::add_cart_item,
        ),
        Operation::delete(
            "remove_cart_item",
            "/v1/cart/items/{productId}",
            "Takes a product out of the cart",
            remove_cart_item::remove_cart_item,
        ),
        Operation::post("create_order", "/v1/orders", "Holds seats and fixes prices", create_order::create_order),
        Operation::get("list_orders", "/v1/orders", "Lists one's own orders, newest first", list_orders::list_orders),
        Operation::get("get_order", "/v1/orders/{orderId}", "Shows an order", get_order::get_order),
        Operation::post(
            "cancel_order",
            "/v1/orders/{orderId}/cancel",
            "Lets go of an unpaid order",
            cancel_order::cancel_order,
        ),
        Operation::post(
            "confirm_payment",
            "/v1/payments/confirm",
            "Takes the money for an order",
            confirm_payment::confirm_payment,
        ),
        Operation::post(
            "fail_payment",
            "/v1/payments/fail",
            "Lets go of an order whose payment failed",
            fail_payment::fail_payment,
        ),
        Operation::post(
            "receive_toss_webhook",
            "/v1/webhooks/toss",
            "Hears from Toss that a payment may have changed",
            receive_toss_webhook::receive_toss_webhook,
        ),
    ]
}

/// The endpoints, ready to be served.
pub fn routes(app: &App) -> Vec<Route> {
    mount(operations(), app)
}
