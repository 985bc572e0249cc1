//! What is stored is found again under these strings: a change of one loses what stands under the old one.

use std::{fmt::Debug, str::FromStr};

use domain::{
    accounts::Approval,
    boards::{Board, Category},
    orders::State,
    reports::ReportState,
    time::Time,
};

use super::*;

const ID: &str = "01KB2M3N4P5Q6R7S8T9V0W1X2Y";

/// The one id of this test, of any kind.
fn x<T: FromStr<Err: Debug>>() -> T {
    ID.parse().unwrap()
}

fn at() -> Time {
    "2026-11-24T15:30:00Z".parse().unwrap()
}

#[test]
fn items_are_found_under_the_keys_that_they_were_stored_under() {
    for (key, pk, sk) in [
        (user(x()), "USER#ID", "PROFILE"),
        (email_guard("hash"), "EMAIL#hash", "GUARD"),
        (payment_key_guard("key"), "PAYMENT_KEY#key", "GUARD"),
        (session(x(), x()), "USER#ID", "SESSION#ID"),
        (log_in_window("hash", at()), "LOGIN#hash", "WINDOW#2026-11-24T15:30:00.000Z"),
        (tutor_application(x()), "USER#ID", "TUTOR_APPLICATION"),
        (pwt(x()), "PWT#ID", "POST"),
        (seats(x(), 3), "SEATS#ID#3", "SEATS"),
        (buyer(x(), x()), "PRODUCT#ID", "BUYER#ID"),
        (todo(x(), x()), "SCHEDULE#ID", "TODO#ID"),
        (cart_line(x(), x()), "USER#ID", "CART#ID"),
        (order(x()), "ORDER#ID", "ORDER"),
        (payment(x()), "ORDER#ID", "PAYMENT"),
        (refund(x(), x()), "ORDER#ID", "REFUND#ID"),
        (ledger_entry(x(), "sale"), "ORDER#ID", "LEDGER#sale"),
        (transactions_matched(), "TRANSACTIONS", "MATCHED"),
        (open_order(x(), x()), "USER#ID", "OPEN#ID"),
        (lapses(x(), x()), "USER#ID", "LAPSES#ID"),
        (purchase(x(), x()), "USER#ID", "PURCHASE#ID"),
        (idempotency(x(), "create_order", "key"), "IDEMPOTENCY#ID", "RECORD#create_order#key"),
        (waitlist(x()), "PWT#ID", "WAITLIST"),
        (place(x(), x()), "PWT#ID", "WAIT#ID"),
        (waiter(x(), x()), "PWT#ID", "WAITER#ID"),
        (note(x(), x()), "USER#ID", "NOTE#ID"),
        (refund_request(x(), x()), "ORDER#ID", "REFUND_REQUEST#ID"),
        (post(Board::Party, x()), "PARTY#ID", "POST"),
        (comment(Board::Community, x(), x()), "COMMUNITY#ID", "COMMENT#ID"),
        (party_application(x(), x()), "PARTY#ID", "APPLICATION#ID"),
        (listing(Board::Party, x(), ListedBy::Likes), "PARTY#ID", "LISTED#LIKES"),
        (listing(Board::Community, x(), ListedBy::Unanswered), "COMMUNITY#ID", "LISTED#UNANSWERED"),
        (like(Board::Party, x(), x()), "PARTY#ID", "LIKE#ID"),
        (bookmark(Board::Community, x(), x()), "COMMUNITY#ID", "BOOKMARK#ID"),
        (report(x()), "REPORT#ID", "REPORT"),
        (report_guard(x(), Board::Party, x(), None), "USER#ID", "REPORTED#PARTY#ID"),
        (report_guard(x(), Board::Party, x(), Some(x())), "USER#ID", "REPORTED#PARTY#ID#ID"),
        (attachment(x()), "ATTACHMENT#ID", "ATTACHMENT"),
        (forgotten_paths(at()), "CDN#2026-11", "PATHS"),
        (posting_window(x(), "post", at()), "POSTING#ID", "post#2026-11-24T15:30:00.000Z"),
        (feed_guard("hash"), "FEED#hash", "GUARD"),
        (feed(x(), x()), "USER#ID", "FEED#ID"),
    ] {
        assert_eq!((key.pk.replace(ID, "ID"), key.sk.replace(ID, "ID")), (pk.to_owned(), sk.to_owned()));
        assert_eq!(Key::of(&Item::from(key.clone())), Some(key));
    }
    assert_eq!(Key::of(&Item::new()), None);
    assert_eq!(hashed("a"), "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb");
}

#[test]
fn lists_are_found_under_the_keys_that_they_were_stored_under() {
    for (key, pk, sk) in [
        (tutor_applications(Approval::Pending, at(), x()), "TUTOR_APPLICATION#PENDING", "AT#ID"),
        (public_pwt(at(), x()), "PWT", "AT#ID"),
        (public_pwt_in_category(Category::WebDev, at(), x()), "PWT#WEB_DEV", "AT#ID"),
        (unpublished_pwt(Approval::Rejected, x()), "PWT#REJECTED", "ID"),
        (pwt_of(x(), x()), "USER#ID#PWT", "ID"),
        (todo_at(x(), at(), x()), "SCHEDULE#ID", "AT#ID"),
        (order_of(x(), x()), "USER#ID#ORDER", "ID"),
        (due_order(x(), at()), "ORDERS_DUE#6", "AT#ID"),
        (idle_order(x(), State::Paid), "ORDERS#PAID#6", "ID"),
        (order_by_work(x(), State::Paid, None), "ORDERS#PAID#6", "ID"),
        (order_by_work(x(), State::Paid, Some(at())), "ORDERS_DUE#6", "AT#ID"),
        (due_refund(x(), at()), "REFUNDS_DUE", "AT#ID"),
        // Seoul is nine hours ahead.
        (ledger_of_day(at(), x(), "sale"), "LEDGER#2026-11-25", "AT#ID#sale"),
        (ledger_of_tutor(x(), at(), x(), "sale"), "USER#ID#LEDGER", "AT#ID#sale"),
        (purchase_of(x(), at(), x()), "USER#ID#PURCHASE", "AT#ID"),
        (place_of(x(), x()), "USER#ID#WAIT", "ID"),
        (due_waitlist(x(), at()), "WAITS_DUE", "AT#ID"),
        (due_claim(x(), at()), "CLAIMS_DUE", "AT#ID"),
        (open_refund_request(at(), x()), "REFUND_REQUESTS", "AT#ID"),
        (public_post(Board::Party, at(), x()), "PARTY", "AT#ID"),
        (public_post_in_category(Board::Party, Category::Etc, at(), x()), "PARTY#ETC", "AT#ID"),
        (post_of(x(), Board::Lecture, x()), "USER#ID#LECTURE", "ID"),
        (application_to(x(), at(), x()), "PARTY#ID#APPLICATION", "AT#ID"),
        (application_of(x(), x()), "USER#ID#APPLICATION", "ID"),
        (
            listed_post(Board::Party, Some(Category::Etc), ListedBy::Likes, (7, at(), x())),
            "PARTY#ETC#LIKES",
            "0000000007#AT#ID",
        ),
        (listed_post(Board::Community, None, ListedBy::Unanswered, (7, at(), x())), "COMMUNITY#UNANSWERED", "AT#ID"),
        (bookmark_of(x(), at(), x()), "USER#ID#BOOKMARK", "AT#ID"),
        (report_by_state(ReportState::Open, at(), x()), "REPORTS#OPEN", "AT#ID"),
        (due_attachment(x(), at()), "ATTACHMENTS_DUE", "AT#ID"),
        (attachment_of(x(), x()), "USER#ID#ATTACHMENT", "ID"),
    ] {
        let plain = |text: String| text.replace(ID, "ID").replace("2026-11-24T15:30:00.000Z", "AT");
        assert_eq!((plain(key.pk), plain(key.sk)), (pk.to_owned(), sk.to_owned()));
    }
    assert_eq!(schedule_partition(x()), format!("SCHEDULE#{ID}"));
    assert_eq!(user_partition(x()), format!("USER#{ID}"));
    assert_eq!(buyers_of(x()), format!("PRODUCT#{ID}"));
}

#[test]
fn orders_are_spread_over_all_their_partitions() {
    let shards = "01234567".chars().map(|last| {
        let id = format!("{}{last}", ID.strip_suffix('Y').unwrap());
        super::orders::order_shard(id.parse().unwrap())
    });
    assert_eq!(shards.collect::<Vec<_>>(), (0..DUE_SHARDS).collect::<Vec<_>>());
}

#[test]
fn ranges_have_their_last_one_in_them() {
    let (from, until) = todos_between(at(), at());
    let of_that_instant = todo_at(x(), at(), x()).sk;
    assert!(from <= of_that_instant && of_that_instant <= until);
    assert_eq!((from.as_str(), until.as_str()), ("2026-11-24T15:30:00.000Z", "2026-11-24T15:30:00.000Z$"));
    assert_eq!(todos_after(&of_that_instant), format!("{of_that_instant}$"));
    assert_eq!(places_up_to(x()), ("WAIT#".to_owned(), format!("WAIT#{ID}")));
}

#[test]
fn a_post_is_told_from_what_hangs_on_it() {
    for (key, as_one, with) in [
        (post(Board::Party, x()), Some(Board::Party), Some(Board::Party)),
        (like(Board::Community, x(), x()), None, Some(Board::Community)),
        // Nobody just posts a project, and an account is no post.
        (pwt(x()), None, None),
        (user(x()), None, None),
        (Key::new("PARTY#1".to_owned(), "POST"), None, None),
    ] {
        let of = |board: Option<Board>| board.map(|board| (board, x()));
        assert_eq!((as_post(&key), post_with(&key)), (of(as_one), of(with)), "{key:?}");
    }
}
