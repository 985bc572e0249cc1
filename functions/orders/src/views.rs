//! What clients see of orders and carts.

use domain::{
    accounts::Role,
    ids::{OrderId, ProductId, RefundId, RefundRequestId, UserId},
    money::{Price, Won},
    orders::{Return, State},
    text::Title,
    time::Time,
};
use serde::Serialize;
use storage::items::{Deposit, Order, OrderLine, Settlement, User};
use utoipa::ToSchema;

use crate::{App, Terms};

/// One line of an order.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LineView {
    /// Which product.
    pub product_id: ProductId,
    /// Its title when it was ordered.
    pub title: Title,
    /// What this line costs.
    pub price: Price,
    /// Whether it is being given back, or was.
    #[schema(required)]
    pub returned: Option<Return>,
}

impl From<OrderLine> for LineView {
    fn from(line: OrderLine) -> Self {
        Self { product_id: line.product_id, title: line.title, price: line.price, returned: line.returned }
    }
}

/// What Toss's payment window has to be opened with.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentWindow {
    /// Toss's client key.
    pub client_key: String,
    /// The buyer, as Toss knows them.
    pub customer_key: String,
    /// What is bought, at most 100 characters.
    pub order_name: String,
    /// Where the browser goes after authentication; the frontend then confirms.
    pub success_url: String,
    /// Where it goes after a failure.
    pub fail_url: String,
    /// How many hours a virtual account is to be given out for; none: the window must not offer one.
    #[schema(required)]
    pub virtual_account_hours: Option<u32>,
}

/// The account that the money is to be paid into.
#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DepositView {
    /// Toss's two-digit code of the bank.
    pub bank_code: String,
    /// The account's number.
    pub account_number: String,
    /// In whose name it was given out.
    pub holder: String,
    /// Until when the whole total has to be there.
    pub due_date: Time,
}

impl std::fmt::Debug for DepositView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DepositView").field("due_date", &self.due_date).finish_non_exhaustive()
    }
}

impl From<Deposit> for DepositView {
    fn from(deposit: Deposit) -> Self {
        let Deposit { bank_code, account_number, holder, due_date, proof: _ } = deposit;
        Self { bank_code, account_number, holder, due_date }
    }
}

/// An order, for its buyer and for admins.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "id": "01KB2M3N4P5Q6R7S8T9V0W1X2Y", "state": "PENDING",
    "lines": [{ "productId": "01KB2M3N4P5Q6R7S8T9V0W1X2Z", "title": "러스트로 만드는 서버리스", "price": 50000, "returned": null }],
    "total": 50000, "createdAt": "2026-11-24T00:00:00.000Z", "holdUntil": "2026-11-24T00:10:00.000Z", "paidAt": null,
    "settlement": null, "failure": null, "refundRequest": null,
    "payment": {
        "clientKey": "test_ck_example", "customerKey": "5f1d7a84db00d2fce00b31a7fc73224f",
        "orderName": "러스트로 만드는 서버리스",
        "successUrl": "https://devloop.kr/pay/success", "failUrl": "https://devloop.kr/pay/fail",
        "virtualAccountHours": null,
    },
    "deposit": null,
}))]
pub struct OrderView {
    /// Its id: Toss's `orderId`.
    pub id: OrderId,
    /// Where it stands.
    pub state: State,
    /// What was ordered.
    pub lines: Vec<LineView>,
    /// What it costs.
    pub total: Won,
    /// When it was made.
    pub created_at: Time,
    /// Until when payment may begin, or the deposit may come.
    pub hold_until: Time,
    /// When it was paid.
    #[schema(required)]
    pub paid_at: Option<Time>,
    /// How it was paid.
    #[schema(required)]
    pub settlement: Option<Settlement>,
    /// Why the last payment failed: a code.
    #[schema(required)]
    pub failure: Option<String>,
    /// How to pay it, while it waits for payment.
    #[schema(required)]
    pub payment: Option<PaymentWindow>,
    /// The buyer's request for a refund that waits for an admin.
    #[schema(required)]
    pub refund_request: Option<RefundRequestId>,
    /// Where to pay it in, while it waits for a deposit; its buyer alone is told.
    #[schema(required)]
    pub deposit: Option<DepositView>,
}

impl OrderView {
    /// What `viewer` sees of an order.
    pub fn of(order: Order, viewer: &User, terms: &Terms) -> Self {
        let payable = order.state == State::Pending && order.buyer_id == viewer.id;
        let payment = payable.then(|| PaymentWindow {
            client_key: terms.client_key.clone(),
            customer_key: viewer.customer_key.clone(),
            order_name: order_name(&order),
            success_url: terms.success_url.clone(),
            fail_url: terms.fail_url.clone(),
            virtual_account_hours: terms.deposit_hours,
        });
        let payable_in = order.state == State::AwaitingDeposit && order.buyer_id == viewer.id;
        let deposit = order.deposit.filter(|_| payable_in).map(|deposit| DepositView::from(*deposit));
        Self {
            id: order.id,
            state: order.state,
            lines: order.lines.into_iter().map(LineView::from).collect(),
            total: order.total,
            created_at: order.created_at,
            hold_until: order.hold_until,
            paid_at: order.paid_at,
            settlement: order.payment,
            failure: order.failure,
            payment,
            refund_request: order.refund_request,
            deposit,
        }
    }
}

/// An order as operators see it: with what is at work on it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "id": "01KB2M3N4P5Q6R7S8T9V0W1X2Y", "buyerId": "01KB2M3N4P5Q6R7S8T9V0W1X2V", "state": "CONFIRMING",
    "lines": [{ "productId": "01KB2M3N4P5Q6R7S8T9V0W1X2Z", "title": "러스트로 만드는 서버리스", "price": 50000, "returned": null }],
    "total": 50000, "refundable": 50000, "createdAt": "2026-11-24T00:00:00.000Z", "paidAt": null, "settlement": null,
    "failure": null, "voidReason": null, "openRefund": null, "refundRequest": null, "due": "2026-11-24T00:01:00.000Z", "setbacks": 0,
}))]
pub struct AdminOrder {
    /// Its id.
    pub id: OrderId,
    /// Whose.
    pub buyer_id: UserId,
    /// Where it stands.
    pub state: State,
    /// What was ordered.
    pub lines: Vec<LineView>,
    /// What it costs.
    pub total: Won,
    /// The price of what was not given back.
    pub refundable: Won,
    /// When it was made.
    pub created_at: Time,
    /// When it was paid.
    #[schema(required)]
    pub paid_at: Option<Time>,
    /// How it was paid.
    #[schema(required)]
    pub settlement: Option<Settlement>,
    /// Why the last payment failed: a code.
    #[schema(required)]
    pub failure: Option<String>,
    /// Why its charge is to be cancelled in full, if it is.
    #[schema(required)]
    pub void_reason: Option<String>,
    /// The refund that is at work.
    #[schema(required)]
    pub open_refund: Option<RefundId>,
    /// The buyer's request for a refund that waits for an admin.
    #[schema(required)]
    pub refund_request: Option<RefundRequestId>,
    /// When a worker looks at it next.
    #[schema(required)]
    pub due: Option<Time>,
    /// How often work on it has failed in a row.
    pub setbacks: u32,
}

impl From<Order> for AdminOrder {
    fn from(order: Order) -> Self {
        Self {
            id: order.id,
            buyer_id: order.buyer_id,
            state: order.state,
            total: order.total,
            refundable: order.balance(),
            lines: order.lines.into_iter().map(LineView::from).collect(),
            created_at: order.created_at,
            paid_at: order.paid_at,
            settlement: order.payment,
            failure: order.failure,
            void_reason: order.void.map(|void| void.reason),
            open_refund: order.open_refund,
            refund_request: order.refund_request,
            due: order.due,
            setbacks: order.setbacks,
        }
    }
}

/// The first title and how many more, in at most 100 characters.
/// <https://docs.tosspayments.com/reference>
fn order_name(order: &Order) -> String {
    const LONGEST: usize = 100;
    let more = match order.lines.len() {
        0 | 1 => String::new(),
        lines => format!(" 외 {}건", lines.saturating_sub(1)),
    };
    let first = order.lines.first().map_or("", |line| line.title.as_str());
    let room = LONGEST.saturating_sub(more.chars().count());
    first.chars().take(room).chain(more.chars()).collect()
}

/// Reads an order that `viewer` may see: their own, or any for an admin.
pub async fn find_order(app: &App, viewer: &User, id: OrderId) -> Result<Option<Order>, storage::Error> {
    let order: Option<Order> = app.edge.table.get_now(storage::keys::order(id)).await?;
    Ok(order.filter(|order| order.buyer_id == viewer.id || viewer.role == Role::Admin))
}
