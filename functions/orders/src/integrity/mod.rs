//! The integrity check: recomputes from orders what was counted, bought and booked, and tells every difference.
//!
//! It only reads, also while seats are sold. Nothing is reported that was seen in motion: a sale is judged by what was read
//! between two equal readings of its seats, an order by what was read between two equal readings of it, because
//! whatever moves a seat, a purchase or money moves one of these in the same transaction. `repair.rs` mends what
//! can be mended without knowing more than the table does.

mod compare;
mod finding;
mod read;
mod repair;

use std::collections::BTreeSet;

use storage::{Error, Table};

pub use self::finding::{Finding, Kind};
use self::{
    compare::Around,
    read::{around, sales},
};

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Checked {
    /// How many orders were looked at.
    pub orders: usize,
    /// How many sales.
    pub sales: usize,
    /// How many orders and sales never stood still long enough to be judged.
    pub busy: usize,
    /// What differs.
    pub findings: BTreeSet<Finding>,
    /// Those of them that were mended.
    pub repaired: BTreeSet<Finding>,
}

/// Looks at everything, and mends nothing.
pub async fn check(table: &Table) -> Result<Checked, Error> {
    let mut checked = Box::pin(check_orders(table)).await?;
    let sales = sales(table).await?;
    checked.sales = sales.still.len();
    checked.busy = checked.busy.saturating_add(sales.busy);
    checked.findings.extend(sales.still.iter().flat_map(compare::of_sale));
    Ok(checked)
}

/// Tells operators, by the log that their alarms are made from.
pub fn report(checked: &Checked) {
    for finding in &checked.findings {
        tracing::error!(?finding, alarm = true, "the books differ");
    }
    let Checked { orders, sales, busy, .. } = checked;
    tracing::info!(orders, sales, busy, findings = checked.findings.len(), "the books were checked");
}

async fn check_orders(table: &Table) -> Result<Checked, Error> {
    let mut checked = Checked::default();
    for suspect in read::orders(table).await? {
        checked.orders = checked.orders.saturating_add(1);
        // What was read one after the other may be of different moments.
        if compare::of_order(&suspect).is_empty() {
            continue;
        }
        match Box::pin(around(table, &suspect)).await? {
            Some(still) => checked.findings.extend(compare::of_order(&still)),
            None => checked.busy = checked.busy.saturating_add(1),
        }
    }
    Ok(checked)
}

/// Looks at everything and mends what is provably safe to mend; what it mended is among the findings, too.
pub async fn repair(table: &Table, ids: &clock::Ids) -> Result<Checked, Error> {
    let mut checked = Box::pin(check(table)).await?;
    let orders: BTreeSet<_> = checked.findings.iter().filter_map(|finding| finding.order_id).collect();
    let mut doubtful = BTreeSet::new();
    for order in orders {
        let named = Around::named(order, &checked.findings);
        let still = Box::pin(around(table, &named)).await?;
        if let Some(still) = &still {
            checked.repaired.extend(repair::order(table, ids, still).await?);
        }
        let left = |finding: &&Finding| finding.order_id == Some(order) && !checked.repaired.contains(finding);
        if checked.findings.iter().any(|finding| left(&finding)) {
            doubtful.extend(still.unwrap_or(named).products());
        }
    }
    // Read anew, after the orders: what was mended there may change what the seats ought to be. Where an order is in
    // doubt, so is its seat, and it stays as it is.
    for sale in sales(table).await?.still.iter().filter(|sale| !doubtful.contains(&sale.pwt.id.into())) {
        checked.repaired.extend(repair::sale(table, ids, sale).await?);
    }
    Ok(checked)
}
