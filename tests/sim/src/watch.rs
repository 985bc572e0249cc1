//! Looks at the table after every effect, from outside, and notes what must never be.

use std::{collections::BTreeMap, time::Duration};

use devloop_local::toss_sandbox::TossSandbox;
use domain::orders::State;
use serde_json::{Value, json};
use testkit::{Call, Embedded};

use crate::world::TABLE;

/// What was seen so far.
#[derive(Debug, Default)]
pub struct Watch {
    /// What must never be.
    pub violations: Vec<String>,
    /// How often each fault and each end was reached.
    pub reached: BTreeMap<String, u64>,
    orders: BTreeMap<String, Seen>,
    places: BTreeMap<(String, String), Place>,
    by_key: BTreeMap<String, String>,
    refunds: BTreeMap<(String, String), String>,
    entries: BTreeMap<(String, String), Value>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    joined: Duration,
    waits: bool,
}

#[derive(Clone, Debug)]
struct Seen {
    state: State,
    buyer: String,
    products: Vec<String>,
}

impl Watch {
    /// Counts something that was reached.
    pub fn reached(&mut self, what: &str) {
        *self.reached.entry(what.to_owned()).or_default() += 1;
    }

    /// Notes what must never be.
    pub fn violation(&mut self, what: String) {
        self.violations.push(what);
    }

    /// One key, one order, however often it is asked for.
    pub fn ordered(&mut self, key: &str, order: &str) {
        let first = self.by_key.entry(key.to_owned()).or_insert_with(|| order.to_owned()).clone();
        if first != order {
            self.violation(format!("{key} made the orders {first} and {order}"));
        }
    }

    /// Looks at whatever a call has changed, `at` so long after the beginning.
    pub fn after(&mut self, dynamo: &Embedded, sandbox: &TossSandbox, call: &Call, at: Duration) {
        for (pk, sk) in written(call) {
            if let Some(pwt) = pk.strip_prefix("SEATS#").and_then(|rest| rest.split('#').next()) {
                self.seats(dynamo, pwt);
            } else if pk.starts_with("ORDER#") && sk == "ORDER" {
                self.order(dynamo, sandbox, &pk);
            } else if sk.starts_with("REFUND#") {
                self.refund(dynamo, &pk, &sk);
            } else if sk.starts_with("LEDGER#") {
                self.entry(dynamo, &pk, &sk);
            } else if sk.starts_with("WAIT#") {
                self.place(dynamo, pk, sk, at);
            }
        }
    }

    fn seats(&mut self, dynamo: &Embedded, pwt: &str) {
        let Some(post) = get(dynamo, &format!("PWT#{pwt}"), "POST") else { return };
        let (shards, total) = (number(&post, "seatShards"), number(&post, "maxParticipants"));
        let mut sum = 0;
        for shard in 0..shards {
            let item = get(dynamo, &format!("SEATS#{pwt}#{shard}"), "SEATS").unwrap_or_default();
            for count in ["available", "held", "sold", "claimed"] {
                let count_of = number(&item, count);
                if count_of < 0 {
                    self.violation(format!("{count} of shard {shard} is {count_of}"));
                }
                sum += count_of;
            }
        }
        if sum != total {
            self.violation(format!("{pwt} has {sum} seats instead of {total}"));
        }
    }

    fn refund(&mut self, dynamo: &Embedded, pk: &str, sk: &str) {
        let Some(item) = get(dynamo, pk, sk) else { return };
        let text = |name: &str| item[name]["S"].as_str().unwrap_or_default().to_owned();
        let (before, state) = (self.refunds.insert((pk.to_owned(), sk.to_owned()), text("state")), text("state"));
        if before.as_ref() == Some(&state) {
            return;
        }
        if before.is_some_and(|before| before != "REQUESTED") {
            self.violation(format!("{pk} {sk} ended twice"));
        }
        self.reached(&format!("refund {state}"));
        if state == "DONE" && text("reason") == "CANCELED_AT_TOSS" {
            self.reached("refund CANCELED_AT_TOSS");
        }
    }

    /// In balance, and never changed.
    fn entry(&mut self, dynamo: &Embedded, pk: &str, sk: &str) {
        let Some(item) = get(dynamo, pk, sk) else { return };
        let postings = item["postings"]["L"].as_array().cloned().unwrap_or_default();
        let sum: i64 = postings.iter().map(|posting| number(&posting["M"], "amount")).sum();
        if sum != 0 {
            self.violation(format!("{pk} {sk} sums to {sum}"));
        }
        let before = self.entries.insert((pk.to_owned(), sk.to_owned()), item.clone());
        if before.is_some_and(|before| before != item) {
            self.violation(format!("{pk} {sk} was changed"));
        }
    }

    /// What is paid is its buyer's from that moment on, and what was given back is not.
    fn entitled(&mut self, dynamo: &Embedded, pk: &str, order: &Value, state: State) {
        let paid = matches!(state, State::Paid | State::PartiallyRefunded | State::Refunded);
        let (id, buyer) = (pk.trim_start_matches("ORDER#"), order["buyerId"]["S"].as_str().unwrap_or_default());
        for line in order["lines"]["L"].as_array().into_iter().flatten() {
            let line = &line["M"];
            let product = line["productId"]["S"].as_str().unwrap_or_default();
            let has = paid && line["returned"]["S"] != "REFUNDED";
            for (pk, sk) in [
                (format!("USER#{buyer}"), format!("PURCHASE#{product}")),
                (format!("PRODUCT#{product}"), format!("BUYER#{buyer}")),
            ] {
                if get(dynamo, &pk, &sk).is_some_and(|item| item["orderId"]["S"] == id) != has {
                    self.violation(format!("order {id} is {state:?}, and {sk} says otherwise"));
                }
            }
        }
    }

    /// Nobody who has paid, or may pay at any moment, loses the seat.
    fn let_go(&mut self, sandbox: &TossSandbox, pk: &str, before: State, state: State) {
        let order_id = pk.trim_start_matches("ORDER#");
        for charge in sandbox.charges().unwrap().iter().filter(|charge| charge.order_id == order_id) {
            let has_paid = charge.captures > 0 && charge.balance_amount > 0;
            let may_pay = before == State::AwaitingDeposit && charge.status == "WAITING_FOR_DEPOSIT";
            if has_paid || may_pay {
                self.violation(format!("{pk} is {state:?}, and {} {}", charge.payment_key, charge.status));
            }
        }
    }

    /// Who waited longer is served first.
    fn place(&mut self, dynamo: &Embedded, pk: String, sk: String, at: Duration) {
        // Ids are made by clocks that differ by ten seconds at most.
        const CLOCKS_DIFFER: Duration = Duration::from_secs(10);
        let key = (pk, sk);
        let Some(item) = get(dynamo, &key.0, &key.1) else {
            self.places.remove(&key);
            return;
        };
        let waits = item["state"]["S"] == "WAITING";
        let place = Place { waits, ..self.places.get(&key).copied().unwrap_or(Place { joined: at, waits }) };
        let before = self.places.insert(key.clone(), place);
        if !waits && before.is_none_or(|before| before.waits) {
            self.reached("place CLAIMED");
            let sooner = |(other, of): &(&(String, String), &Place)| {
                of.waits && other.0 == key.0 && of.joined + CLOCKS_DIFFER < place.joined
            };
            if let Some((passed, _)) = self.places.iter().find(sooner) {
                let passed = format!("{} was served before {}", key.1, passed.1);
                self.violation(passed);
            }
        }
    }

    fn order(&mut self, dynamo: &Embedded, sandbox: &TossSandbox, pk: &str) {
        let Some(item) = get(dynamo, pk, "ORDER") else { return };
        let state: State = serde_json::from_value(item["state"]["S"].clone()).unwrap();
        let lines = item["lines"]["L"].as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value["S"].as_str().unwrap_or_default().to_owned();
        let seen = Seen {
            state,
            buyer: text(&item["buyerId"]),
            products: lines.iter().map(|line| text(&line["M"]["productId"])).collect(),
        };
        let before = self.orders.insert(pk.to_owned(), seen.clone());
        self.entitled(dynamo, pk, &item, state);
        if let Some(before) = before.as_ref().filter(|before| before.state != state && before.state.holds_seats())
            && matches!(state, State::Expired | State::Canceled | State::Failed)
        {
            self.let_go(sandbox, pk, before.state, state);
        }
        match before {
            Some(before) if before.state == state => return,
            Some(before) if !before.state.may_become(state) => {
                self.violation(format!("{pk} went from {:?} to {state:?}", before.state));
            }
            None if !matches!(state, State::Pending | State::Paid) => {
                self.violation(format!("{pk} began as {state:?}"));
            }
            None => {
                let open = |other: &&Seen| {
                    other.state.holds_seats()
                        && other.buyer == seen.buyer
                        && other.products.iter().any(|product| seen.products.contains(product))
                };
                if self.orders.values().filter(open).count() > 1 {
                    self.violation(format!("{pk} is a second open order of one product"));
                }
            }
            Some(_) => {}
        }
        if item.get("void").is_some() && !matches!(state, State::Confirming | State::Failed) {
            self.violation(format!("{pk} is {state:?}, and its charge is to be cancelled"));
        }
        self.reached(&format!("order {}", state.as_str()));
        let total = number(&item, "total");
        if state == State::Paid && total > 0 {
            let order_id = pk.trim_start_matches("ORDER#");
            let key = item["paymentKey"]["S"].as_str().unwrap_or_default();
            let paid = sandbox.charges().unwrap().into_iter().any(|charge| {
                charge.payment_key == key
                    && charge.order_id == order_id
                    && charge.captures == 1
                    && charge.total_amount == total
                    && charge.balance_amount == total
            });
            if !paid {
                self.violation(format!("{pk} is paid without a charge of {total}"));
            }
        }
    }
}

/// One item as it is.
pub fn get(dynamo: &Embedded, pk: &str, sk: &str) -> Option<Value> {
    let body = json!({ "TableName": TABLE, "Key": { "pk": { "S": pk }, "sk": { "S": sk } } });
    let (_, answer) = dynamo.answer("GetItem", &body);
    let answer: Value = serde_json::from_str(&answer).unwrap();
    answer.get("Item").cloned()
}

/// An attribute that is a number; 0 where there is none.
pub fn number(item: &Value, name: &str) -> i64 {
    item[name]["N"].as_str().and_then(|number| number.parse().ok()).unwrap_or_default()
}

/// The keys of what a call writes.
fn written(call: &Call) -> Vec<(String, String)> {
    let key = |write: &Value| {
        let key = write.get("Key").or_else(|| write.get("Item"))?;
        Some((key["pk"]["S"].as_str()?.to_owned(), key["sk"]["S"].as_str()?.to_owned()))
    };
    match call.operation.as_str() {
        "TransactWriteItems" => {
            let writes = call.body["TransactItems"].as_array().into_iter().flatten();
            writes.filter_map(|write| key(write.as_object()?.values().next()?)).collect()
        }
        "PutItem" | "UpdateItem" | "DeleteItem" => key(&call.body).into_iter().collect(),
        _ => vec![],
    }
}
