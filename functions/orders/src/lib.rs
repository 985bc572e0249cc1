//! Carts, orders and payments: one domain, because settling belongs to all of them.

mod app;
mod cart_view;
mod console;
mod csv;
mod deposits;
mod edges;
mod endpoints;
mod hints;
mod holds;
pub mod integrity;
mod ledger;
mod letting_go;
mod outcome;
mod paid;
mod products;
mod receipt;
mod reconciler;
mod refund;
mod refund_account;
mod rules;
#[cfg(test)]
mod samples;
mod settle;
mod sweeper;
mod transactions;
mod views;
mod waitlist;
mod workers;
mod worklist;

pub use app::{App, Terms, jobs_of};
use config::Needs;
use devloop_http::{Operation, Route, mount_each};
use endpoints::{
    add_cart_item, cancel_order, confirm_payment, create_order, fail_payment, get_cart, get_order, get_receipt,
    list_ledger, list_my_settlements, list_orders, list_orders_for_admin, list_refund_requests, quote_refund,
    receive_toss_webhook, remove_cart_item, request_refund,
};
pub use reconciler::{Reconciled, reconcile, work_on};
pub use sweeper::{Swept, sweep};
pub use transactions::{Matched, match_transactions};
pub use workers::{integrity_checker, order_sweeper, payment_reconciler};

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
        Operation::get(
            "quote_refund",
            "/v1/orders/{orderId}/refund-quote",
            "Tells what giving an order back now would bring",
            quote_refund::quote_refund,
        ),
        Operation::post(
            "request_refund",
            "/v1/orders/{orderId}/refund-requests",
            "Asks an admin for a refund",
            request_refund::request_refund,
        ),
        Operation::get(
            "list_refund_requests",
            "/v1/admin/refund-requests",
            "Lists the requests for refunds that wait for an admin, oldest first",
            list_refund_requests::list_refund_requests,
        ),
        Operation::get(
            "get_receipt",
            "/v1/orders/{orderId}/receipt",
            "The receipt of a paid order, as JSON or as a page to print",
            get_receipt::get_receipt,
        ),
        Operation::get(
            "list_my_settlements",
            "/v1/users/me/settlements",
            "What a tutor sold and is owed by month, as JSON or as a table",
            list_my_settlements::list_my_settlements,
        ),
        Operation::get("list_ledger", "/v1/admin/ledger", "Lists the ledger of one day", list_ledger::list_ledger),
        Operation::get(
            "list_orders_for_admin",
            "/v1/admin/orders",
            "Lists orders by state or buyer; without either, those with work left, stuck ones first",
            list_orders_for_admin::list_orders_for_admin,
        ),
    ]
}

/// The endpoints, ready to be served. Each has the keys that it has when deployed, also where all are in one process.
pub fn routes(app: &App) -> Vec<Route> {
    mount_each(operations(), |operation| {
        let cipher = app.cipher.clone().filter(|_| needs(operation).account_key);
        App { cipher, ..app.clone() }
    })
}

/// What the function of an operation needs. The one that refunds stores the account that money goes back to.
pub fn needs(operation: &str) -> Needs {
    Needs { account_key: operation == "cancel_order", payments: true, queues: true, ..Needs::default() }
}
