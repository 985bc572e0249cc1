//! The entries of the ledger that follow from what becomes of an order. Each is written in the
//! very transaction that it is about, under a key that lets it be written once.

use domain::{
    ledger::{self, Occasion, Posting},
    time::Time,
};
use storage::{
    Write,
    items::{LedgerEntry, Order, OrderLine, Refund},
    keys,
};

fn write(entry: &LedgerEntry) -> Option<Write> {
    // Nothing moves where nothing was paid.
    (!entry.postings.is_empty()).then(|| Write::put(entry).if_absent())
}

fn of_line(
    order: &Order,
    line: &OrderLine,
    occasion: Occasion,
    id: String,
    postings: Vec<Posting>,
    created_at: Time,
) -> Option<Write> {
    let (product_id, tutor_id) = (Some(line.product_id), Some(line.tutor_id));
    write(&LedgerEntry { order_id: order.id, id, occasion, created_at, product_id, tutor_id, postings })
}

/// One entry for each line of an order that is paid.
pub fn sales(order: &Order, now: Time) -> impl Iterator<Item = Write> + '_ {
    order.lines.iter().filter_map(move |line| {
        let id = format!("SALE#{}", line.product_id);
        of_line(order, line, Occasion::Sale, id, ledger::sale(line.price, line.fee), now)
    })
}

/// The entry of a line that is given back.
pub fn refund(order: &Order, line: &OrderLine, refund: &Refund, now: Time) -> Option<Write> {
    let id = format!("REFUND#{}#{}", refund.id, line.product_id);
    of_line(order, line, Occasion::Refund, id, ledger::refund(line.price, line.fee), now)
}

/// The entry of a charge that was cancelled in full; none if nothing was ever taken.
pub fn void(order: &Order, payment: &toss::Payment, now: Time) -> Option<Write> {
    let charged = payment.approved_at.map_or(0, |_| payment.total_amount);
    write(&LedgerEntry {
        order_id: order.id,
        id: format!("VOID#{}", keys::hashed(&payment.payment_key)),
        occasion: Occasion::Void,
        created_at: now,
        product_id: None,
        tutor_id: None,
        postings: ledger::void(charged),
    })
}

#[cfg(test)]
mod tests {
    use domain::money::{Price, Won};

    use super::*;
    use crate::samples::{now, order, payment, refund};

    #[test]
    fn each_line_that_cost_something_has_an_entry() {
        let mut order = order(3);
        (order.lines[1].price, order.lines[1].fee) = (Price::default(), Won::ZERO);
        assert_eq!(sales(&order, now()).count(), 2);
        let given_back = |line: &OrderLine| super::refund(&order, line, &refund(1), now()).is_some();
        assert_eq!(order.lines.iter().map(given_back).collect::<Vec<_>>(), [true, false, true]);
    }

    #[test]
    fn a_charge_that_was_never_taken_has_no_entry() {
        let mut payment = payment();
        assert!(void(&order(1), &payment, now()).is_none());
        payment.approved_at = Some(now());
        assert!(void(&order(1), &payment, now()).is_some());
    }
}
