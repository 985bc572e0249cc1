//! What the operator's page shows of orders and queues. It names orders, products and kinds of messages, never people.

use domain::{
    ids::{OrderId, ProductId},
    orders::State,
    text::Title,
    time::Time,
};
use serde::{Deserialize, Serialize};
use storage::{Query, Stored, Table, items::Order, keys};

use crate::sqs;

/// More open orders than this are not counted.
const MOST_COUNTED: usize = 10_000;
/// And more than this not shown.
const MOST_SHOWN: usize = 50;

/// Orders that hold seats.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct OpenOrders {
    /// They wait for payment.
    pub(crate) held: u32,
    /// Their payment is being confirmed.
    pub(crate) confirming: u32,
    /// They wait for a deposit.
    pub(crate) awaiting: u32,
    /// The oldest of all these, by the end of their hold.
    pub(crate) holds: Vec<Hold>,
}

/// Seats that one order holds.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Hold {
    pub(crate) order_id: OrderId,
    pub(crate) state: State,
    pub(crate) products: Vec<Product>,
    /// `None` while the payment is confirmed: no clock ends that.
    pub(crate) until: Option<Time>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Product {
    pub(crate) id: ProductId,
    pub(crate) title: Title,
}

impl Hold {
    fn of(order: Order) -> Self {
        let products = order.lines.into_iter().map(|line| Product { id: line.product_id, title: line.title }).collect();
        let until = (order.state != State::Confirming).then_some(order.hold_until);
        Self { order_id: order.id, state: order.state, products, until }
    }
}

impl OpenOrders {
    /// Those of `table`.
    pub(crate) async fn of(table: &Table) -> Result<Self, storage::Error> {
        let mut open = Self::default();
        let mut ids = vec![];
        for shard in 0..keys::DUE_SHARDS {
            let due = Query::index("gsi1", keys::due_orders(shard));
            for order in table.all::<DueOrder>(&due, MOST_COUNTED).await? {
                let count = match order.state {
                    State::Pending => &mut open.held,
                    State::Confirming => &mut open.confirming,
                    State::AwaitingDeposit => &mut open.awaiting,
                    _ => continue,
                };
                *count = count.saturating_add(1);
                ids.push(order.id);
            }
        }
        ids.sort_unstable();
        ids.truncate(MOST_SHOWN);
        let orders: Vec<Order> = table.get_all_now(ids.into_iter().map(keys::order)).await?;
        // One may have moved on since the index was read.
        let holds = orders
            .into_iter()
            .filter(|order| matches!(order.state, State::Pending | State::Confirming | State::AwaitingDeposit));
        open.holds = holds.map(Hold::of).collect();
        open.holds.sort_by_key(|hold| (hold.until, hold.order_id));
        Ok(open)
    }
}

/// What the index of due work shows of an order.
#[derive(Debug, Deserialize, Serialize)]
struct DueOrder {
    id: OrderId,
    state: State,
}

impl Stored for DueOrder {
    const TYPE: &'static str = "ORDER";

    fn keys(&self) -> keys::Keys {
        keys::Keys::of(keys::order(self.id))
    }
}

/// A message that was given up, as far as it may be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeadLetter {
    /// Where it is now.
    pub(crate) queue: String,
    /// Which queue gave it up.
    pub(crate) source: String,
    /// The queue's name of it.
    pub(crate) id: String,
    /// What it is; `None` if it says nothing that we know.
    pub(crate) kind: Option<String>,
    /// The order that it is about, if any.
    pub(crate) order_id: Option<OrderId>,
    /// How often it was delivered, in vain.
    pub(crate) receives: u32,
    /// When it was first sent.
    pub(crate) first_seen: Time,
}

/// What is shown of a body: all else in it may be somebody's.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    kind: Option<String>,
    order_id: Option<OrderId>,
}

impl DeadLetter {
    pub(crate) fn of(letter: sqs::DeadLetter) -> Self {
        let Shown { kind, order_id } = serde_json::from_str(&letter.body).unwrap_or_default();
        let is_a_name = |kind: &String| kind.len() <= 40 && kind.bytes().all(|byte| byte.is_ascii_alphabetic());
        Self {
            queue: letter.queue,
            source: letter.source,
            id: letter.id,
            kind: kind.filter(is_a_name),
            order_id,
            receives: letter.receives,
            first_seen: letter.sent_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn of_a_dead_letter_only_kind_and_order_are_shown() {
        let shown = |body: &str| {
            let letter = sqs::DeadLetter {
                queue: "payments-dead-letters".to_owned(),
                source: "payments".to_owned(),
                id: "m1".to_owned(),
                body: body.to_owned(),
                receives: 5,
                sent_at: Time::from_unix_millis(0),
            };
            serde_json::to_value(DeadLetter::of(letter)).unwrap()
        };
        let order = "01KB2M3N4P5Q6R7S8T9V0W1X2Y";
        let letter = shown(&json!({ "kind": "CheckPayment", "orderId": order, "email": "canary@x" }).to_string());
        assert_eq!(
            (&letter["kind"], &letter["orderId"], &letter["receives"]),
            (&json!("CheckPayment"), &json!(order), &json!(5))
        );
        assert!(!letter.to_string().contains("canary"), "{letter}");
        for body in ["canary", "{", r#"{"kind":"canary@example.com"}"#, r#"{"kind":7,"orderId":"canary"}"#] {
            let letter = shown(body);
            assert!(letter["kind"].is_null() && !letter.to_string().contains("canary"), "{letter}");
        }
    }
}
