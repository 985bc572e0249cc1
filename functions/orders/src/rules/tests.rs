//! Each rule at its limits.

use domain::{money::Price, orders::Return, seats::Stock, validation::FieldErrors};
use proptest::prelude::*;
use storage::items::Purchase;
use ulid::Ulid;

use super::*;
use crate::samples::{BUYER, now, order, payment, product, pwt, refund};

fn shard(available: u32, held: u32) -> SeatShard {
    SeatShard {
        pwt_id: Ulid::from_parts(1, 1).into(),
        shard: 0,
        stock: Stock { available, held, ..Stock::default() },
        sale: sale(),
        waiting: false,
        hold_until: Some(now().plus_seconds(600)),
    }
}

fn sale() -> SaleFacts {
    SaleFacts { on_sale: true, sales_from: now(), deadline: now().plus_seconds(60), price: Price::new(50_000).unwrap() }
}

#[test]
fn a_sale_opens_at_its_start_and_is_over_at_its_deadline() {
    let at = |seconds: i64| obstacle_of(&shard(0, 0), sale(), now().plus_seconds(seconds));
    assert_eq!(at(-1), Some(Obstacle::NotForSale));
    assert_eq!(at(0), None);
    assert_eq!(at(59), None);
    assert_eq!(at(60), Some(Obstacle::NotForSale));
}

#[test]
fn another_price_is_not_taken_for_sold_out() {
    let expected = SaleFacts { price: Price::new(40_000).unwrap(), ..sale() };
    assert_eq!(obstacle_of(&shard(5, 0), expected, now()), Some(Obstacle::PriceChanged));
}

#[test]
fn sold_out_means_no_shard_has_a_seat() {
    assert_eq!(sold_out(&[shard(0, 2), shard(1, 0)]), None);
    let held_until = Some(now().plus_seconds(600));
    assert_eq!(sold_out(&[shard(0, 2), shard(0, 1)]), Some(Obstacle::SoldOut { held: 3, hold_until: held_until }));
    assert_eq!(sold_out(&[shard(0, 0)]), Some(Obstacle::SoldOut { held: 0, hold_until: None }));
}

#[test]
fn the_first_obstacle_is_told() {
    let open = OpenOrder {
        user_id: BUYER.parse().unwrap(),
        product_id: product(1),
        order_id: order(1).id,
        hold_until: now().plus_seconds(600),
    };
    let lapses = Lapses {
        user_id: BUYER.parse().unwrap(),
        product_id: product(1),
        at: vec![],
        blocked_until: Some(now().plus_seconds(1)),
        version: 1,
    };
    let purchase = Purchase {
        user_id: BUYER.parse().unwrap(),
        product_id: product(1),
        order_id: order(1).id,
        title: "서버리스".parse().unwrap(),
        price: Price::default(),
        purchased_at: now(),
        refunding: false,
    };
    let hidden = Pwt { approval: Approval::Pending, tutor_id: BUYER.parse().unwrap(), on_sale: false, ..pwt(1) };
    let mut facts = Facts { pwt: Some(hidden), purchase: Some(purchase), open: Some(open), lapses: Some(lapses) };
    let told = |facts: &Facts| facts.obstacle(BUYER.parse().unwrap(), now());
    assert_eq!(told(&Facts::default()), Some(Obstacle::NotFound));
    assert_eq!(told(&facts), Some(Obstacle::NotFound));
    facts.pwt.as_mut().unwrap().approval = Approval::Approved;
    assert_eq!(told(&facts), Some(Obstacle::OwnProduct));
    facts.pwt.as_mut().unwrap().tutor_id = pwt(1).tutor_id;
    assert_eq!(told(&facts), Some(Obstacle::AlreadyPurchased));
    facts.purchase = None;
    assert_eq!(told(&facts), Some(Obstacle::Open { order: order(1).id, hold_until: now().plus_seconds(600) }));
    facts.open = None;
    assert_eq!(told(&facts), Some(Obstacle::Blocked { until: now().plus_seconds(1) }));
    facts.lapses.as_mut().unwrap().blocked_until = Some(now());
    assert_eq!(told(&facts), Some(Obstacle::NotForSale));
    facts.pwt.as_mut().unwrap().on_sale = true;
    assert_eq!(told(&facts), None);
}

#[test]
fn a_product_is_on_sale_from_its_start_until_its_deadline() {
    let sold = |sales_from: Option<i64>, deadline: i64| {
        let pwt = Pwt {
            sales_from: sales_from.map(|seconds| now().plus_seconds(seconds)),
            deadline: now().plus_seconds(deadline),
            ..pwt(1)
        };
        Facts { pwt: Some(pwt), ..Facts::default() }.obstacle(BUYER.parse().unwrap(), now()).is_none()
    };
    assert!(sold(Some(0), 1) && sold(Some(-1), 1));
    assert!(!sold(Some(1), 2) && !sold(Some(-1), 0) && !sold(None, 1));
}

#[test]
fn a_hold_is_overdue_when_its_grace_is_over() {
    let open =
        OpenOrder { user_id: BUYER.parse().unwrap(), product_id: product(1), order_id: order(1).id, hold_until: now() };
    let facts = Facts { open: Some(open), ..Facts::default() };
    assert_eq!([29, 30, 31].map(|seconds| facts.overdue(now().plus_seconds(seconds)).is_some()), [false, true, true]);
}

#[test]
fn a_closed_sale_sells_nothing() {
    let closed = SeatShard { sale: SaleFacts { on_sale: false, ..sale() }, ..shard(5, 0) };
    assert_eq!(obstacle_of(&closed, sale(), now()), Some(Obstacle::NotForSale));
}

#[test]
fn a_seat_that_is_kept_for_those_who_wait_is_nobody_elses() {
    let kept = SeatShard { waiting: true, ..shard(1, 0) };
    assert_eq!(sold_out(std::slice::from_ref(&kept)), Some(Obstacle::SoldOut { held: 0, hold_until: None }));
    assert_eq!(sold_out(&[kept, shard(1, 0)]), None);
}

#[test]
fn an_amount_is_a_whole_number_from_zero() {
    let read = |number: i64| deserr::deserialize::<Amount, _, FieldErrors>(serde_json::json!(number));
    assert_eq!(read(-1).unwrap_err().0[0].invalid.code, "RANGE");
    assert!(read(0).unwrap().is(Won::ZERO));
    assert!(read(50_000).unwrap().is(Won::new(50_000).unwrap()));
    assert!(!read(50_001).unwrap().is(Won::new(50_000).unwrap()));
}

#[test]
fn lines_are_given_back_once_and_only_those_of_the_order() {
    let mut order = order(3);
    order.lines[0].returned = Some(Return::Refunded);
    let asked = |products: &[u128]| lines_to_refund(&order, Some(products.iter().map(|n| product(*n)).collect()));
    assert_eq!(lines_to_refund(&order, None), Ok(vec![product(2), product(3)]));
    assert_eq!(asked(&[3]), Ok(vec![product(3)]));
    assert_eq!(asked(&[1, 3]), Err(NoRefund::Already(vec![product(1)])));
    for no_lines in [&[][..], &[2, 2], &[2, 4]] {
        assert_eq!(asked(no_lines), Err(NoRefund::NotLines), "{no_lines:?}");
    }
    order.lines.iter_mut().for_each(|line| line.returned = Some(Return::Refunding));
    assert_eq!(lines_to_refund(&order, None), Err(NoRefund::Already(vec![product(1), product(2), product(3)])));
}

#[test]
fn seats_are_taken_back_until_the_deadline() {
    let pwts = [Pwt { deadline: now().plus_seconds(1), ..pwt(1) }, Pwt { deadline: now(), ..pwt(2) }];
    assert_eq!(pwts.each_ref().map(|pwt| takes_back(pwt, now())), [true, false]);
    assert_eq!(within_window(&[product(1)], &pwts, now()), Ok(()));
    assert_eq!(within_window(&[product(1), product(2)], &pwts, now()), Err(NoRefund::WindowOver(vec![product(2)])));
    // What is not known is not taken back.
    assert_eq!(within_window(&[product(3)], &pwts, now()), Err(NoRefund::WindowOver(vec![product(3)])));
}

#[test]
fn an_admin_is_asked_once_for_what_buyers_may_not_take_back() {
    let over = [Pwt { deadline: now(), ..pwt(1) }];
    let mut order = order(1);
    assert_eq!(may_ask(&order, &over, now()), Ok(()));
    assert_eq!(may_ask(&order, &[pwt(1)], now()), Err(NoRequest::WindowOpen));
    order.lines[0].returned = Some(Return::Refunding);
    assert_eq!(may_ask(&order, &over, now()), Err(NoRequest::NothingLeft));
    order.open_refund = Some(refund(1).id);
    assert_eq!(may_ask(&order, &over, now()), Err(NoRequest::RefundInProgress));
    order.refund_request = Some(Ulid::from_parts(1, 9).into());
    assert_eq!(may_ask(&order, &over, now()), Err(NoRequest::Asked));
}

#[test]
fn a_part_takes_a_way_of_paying_that_gives_parts_back() {
    let takes = |amount: i64, partial_refunds: bool| {
        let mut order = order(2);
        order.payment.as_mut().unwrap().partial_refunds = partial_refunds;
        let (amount, refundable) = (Won::new(amount).unwrap(), Won::new(100_000).unwrap());
        takes_parts(&order, &Refund { amount, refundable, ..refund(1) }).is_ok()
    };
    assert!(takes(50_000, true));
    assert!(!takes(50_000, false));
    // Nothing and everything are no parts.
    assert!(takes(0, false) && takes(100_000, false));
}

#[test]
fn a_deposit_is_waited_for_as_long_as_it_was_to_take_and_a_minute() {
    let due = now().plus_seconds(2 * 60 * 60 + 60);
    let waited = |due_date: Time| {
        let mut payment = payment();
        payment.virtual_account.as_mut().unwrap().due_date = due_date;
        deposit(&payment, Some(2), now())
    };
    assert_eq!(waited(due.plus_seconds(1)), None);
    assert_eq!(deposit(&payment(), None, now()), None);
    let expected = Deposit {
        bank_code: "88".to_owned(),
        account_number: "X123456".to_owned(),
        holder: "디브루프".to_owned(),
        due_date: due,
        proof: Some(keys::hashed("ps_secret")),
    };
    assert_eq!(waited(due), Some(expected));
}

proptest! {
    #[test]
    fn a_duplicate_is_found_wherever_it_stands(ids in prop::collection::vec(0_u128..6, 0..6)) {
        let products: Vec<ProductId> = ids.iter().map(|n| Ulid::from_parts(1, *n).into()).collect();
        let distinct: std::collections::BTreeSet<_> = products.iter().collect();
        prop_assert_eq!(duplicate(&products).is_some(), distinct.len() < products.len());
    }
}
