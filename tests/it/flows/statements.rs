//! What is told of money: quotes, requests, receipts, settlements and the books, through the front door.

use devloop_local::toss_sandbox::{FaultKind, Leaves, Operation, Outcome};
use domain::{orders::State, time::Time};
use futures::future::join_all;
use serde_json::{Value, json};
use storage::{Write, items::Order, keys};
use testkit::{Action, Gate};

use super::sale::Sale;
use crate::app::{Account, Reply};

/// A project of 91 days, thirty of them in its first month, and a buyer who paid 91,000 won for it.
struct Paid {
    sale: Sale,
    kim: Account,
    order: Value,
}

impl Paid {
    async fn one() -> Self {
        Self::with(json!({})).await
    }

    async fn with(changes: Value) -> Self {
        let mut project = json!({
            "price": 91_000, "maxParticipants": 3, "deadline": "2027-08-20T15:00:00Z",
            "startsAt": "2027-08-31T15:00:00Z", "endsAt": "2027-11-30T15:00:00Z",
        });
        project.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let sale = Sale::with(project).await;
        let kim = sale.app.sign_up("kim").await;
        let order = sale.buy(&kim).await.expect(200);
        Self { sale, kim, order }
    }

    fn path(&self, what: &str) -> String {
        format!("/v1/orders/{}/{what}", self.order["id"].as_str().unwrap())
    }

    /// Goes on to a Korean day's first instant, and logs the buyer in anew.
    async fn at(&mut self, day: &str) {
        let day: Time = format!("{day}T00:00:00+09:00").parse().unwrap();
        let now = self.sale.app.parts.clock.now();
        self.sale.app.clock.advance(day.unix_millis() - now.unix_millis());
        self.kim = self.sale.app.log_in(&self.kim).await;
        self.sale.admin = self.sale.app.log_in(&self.sale.admin).await;
    }

    async fn quote(&self) -> Value {
        self.sale.app.get(&self.path("refund-quote")).by(&self.kim).send().await.expect(200)
    }

    async fn give_back(&self, caller: &Account) -> Reply {
        self.sale.app.post(&self.path("cancel")).by(caller).json(&json!({ "reason": "튜터 사정" })).send().await
    }
}

#[tokio::test]
async fn quote_refund_tells_our_rule_and_the_laws() {
    let mut paid = Paid::one().await;
    for (day, granted, statutory, row) in [
        ("2027-08-20", 91_000, 91_000, "BEFORE_START"),
        ("2027-08-21", 0, 91_000, "BEFORE_START"),
        ("2027-09-11", 0, 81_000, "BY_MONTH"),
        ("2027-10-17", 0, 30_000, "BY_MONTH"),
        ("2027-12-01", 0, 0, "BY_MONTH"),
    ] {
        paid.at(day).await;
        let quote = paid.quote().await;
        let told = (&quote["granted"], &quote["statutory"], &quote["lines"][0]["statutoryRow"]);
        assert_eq!(told, (&json!(granted), &json!(statutory), &json!(row)), "{day}");
    }
    assert!(paid.quote().await["notice"].as_str().unwrap().contains("법률 자문이 아닙니다"));
    let english = paid.sale.app.get(&paid.path("refund-quote")).by(&paid.sale.admin).header("accept-language", "en");
    assert!(english.send().await.expect(200)["notice"].as_str().unwrap().contains("no legal advice"));
}

#[tokio::test]
async fn quote_refund_is_of_what_is_left_of_a_paid_order() {
    let paid = Paid::one().await;
    let lee = paid.sale.app.sign_up("lee").await;
    paid.sale.app.get(&paid.path("refund-quote")).by(&lee).send().await.refused(404, "ORDER_NOT_FOUND");
    let unpaid = paid.sale.order(&lee).await.expect(201);
    let path = format!("/v1/orders/{}/refund-quote", unpaid["id"].as_str().unwrap());
    let problem = paid.sale.app.get(&path).by(&lee).send().await.refused(409, "ORDER_NOT_PAID");
    assert_eq!(problem["state"], "PENDING");
    paid.give_back(&paid.kim).await.expect(200);
    let quote = paid.quote().await;
    assert_eq!((&quote["lines"], &quote["granted"], &quote["statutory"]), (&json!([]), &json!(0), &json!(0)));
}

impl Paid {
    /// One whose deadline is over, so that its buyer has to ask.
    async fn late() -> Self {
        let mut paid = Self::one().await;
        paid.at("2027-09-02").await;
        paid
    }

    async fn ask(&self, caller: &Account, key: &str, body: &Value) -> Reply {
        let ask = self.sale.app.post(&self.path("refund-requests")).by(caller).header("idempotency-key", key);
        ask.json(body).send().await
    }

    async fn ask_once(&self) -> Reply {
        self.ask(&self.kim, "ask", &json!({ "reason": "약속과 다릅니다." })).await
    }

    /// The requests that wait for an admin.
    async fn waiting(&self) -> Vec<Value> {
        let list = self.sale.app.get("/v1/admin/refund-requests").by(&self.sale.admin).send().await.expect(200);
        list["items"].as_array().unwrap().clone()
    }

    async fn shown(&self) -> Value {
        let path = format!("/v1/orders/{}", self.order["id"].as_str().unwrap());
        self.sale.app.get(&path).by(&self.kim).send().await.expect(200)
    }
}

#[tokio::test]
async fn request_refund_is_answered_by_an_admins_refund() {
    let paid = Paid::late().await;
    paid.give_back(&paid.kim).await.refused(409, "REFUND_WINDOW_OVER");
    let asked = paid.ask_once().await;
    assert_eq!(asked.header("location"), format!("/v1/orders/{}", paid.order["id"].as_str().unwrap()));
    let asked = asked.expect(201);
    assert_eq!(asked["state"], "OPEN");
    assert_eq!(paid.shown().await["refundRequest"], asked["id"]);
    let listed = paid.sale.app.get("/v1/orders").by(&paid.kim).send().await.expect(200);
    assert_eq!(listed["items"][0]["refundRequest"], asked["id"]);
    let waiting = paid.waiting().await;
    assert_eq!((&waiting[0]["id"], &waiting[0]["reason"]), (&asked["id"], &json!("약속과 다릅니다.")));
    assert_eq!(
        (&waiting[0]["order"]["buyerId"], &waiting[0]["order"]["refundable"]),
        (&json!(paid.kim.id), &json!(91_000))
    );
    paid.give_back(&paid.sale.admin).await.expect(200);
    assert_eq!((paid.waiting().await.len(), &paid.shown().await["refundRequest"]), (0, &Value::Null));
    assert_eq!(paid.sale.captured(), 0);
    paid.ask(&paid.kim, "again", &json!({ "reason": "다시" })).await.refused(409, "ALREADY_REFUNDED");
}

#[tokio::test]
async fn request_refund_stays_open_until_the_money_is_back() {
    let paid = Paid::late().await;
    paid.ask_once().await.expect(201);
    let refused = FaultKind::Error { status: 400, code: "REFUND_REJECTED".to_owned() };
    paid.sale.app.sandbox.fail_next(Operation::Cancel, refused);
    paid.give_back(&paid.sale.admin).await.refused(409, "REFUND_REFUSED");
    assert_eq!(paid.waiting().await.len(), 1);
    for operation in [Operation::Cancel, Operation::Get] {
        paid.sale.app.sandbox.fail_next(operation, FaultKind::AnswerLost);
    }
    paid.give_back(&paid.sale.admin).await.expect(202);
    assert_eq!(paid.waiting().await.len(), 1);
    // The worker that finishes the refund answers the request, too.
    paid.sale.app.clock.advance(61_000);
    assert_eq!(paid.sale.sweep().await.refunded, 1);
    assert_eq!(paid.waiting().await.len(), 0);
}

#[tokio::test]
async fn request_refund_refuses_what_needs_no_admin() {
    let paid = Paid::one().await;
    paid.ask_once().await.refused(409, "REFUND_WINDOW_OPEN");
    let lee = paid.sale.app.sign_up("lee").await;
    let reason = json!({ "reason": "약속과 다릅니다." });
    paid.ask(&lee, "lee", &reason).await.refused(404, "ORDER_NOT_FOUND");
    paid.ask(&paid.sale.admin, "admin", &reason).await.refused(404, "ORDER_NOT_FOUND");
    for bad in [json!({}), json!({ "reason": "" }), json!({ "reason": "가".repeat(201) })] {
        let problem = paid.ask(&paid.kim, "bad", &bad).await.refused(400, "VALIDATION_FAILED");
        assert_eq!(problem["errors"][0]["field"], "reason");
    }
    let unpaid = paid.sale.order(&lee).await.expect(201);
    let path = format!("/v1/orders/{}/refund-requests", unpaid["id"].as_str().unwrap());
    let ask = paid.sale.app.post(&path).by(&lee).header("idempotency-key", "unpaid").json(&reason);
    ask.send().await.refused(409, "ORDER_NOT_PAID");
}

#[tokio::test]
async fn request_refund_waits_for_a_refund_at_work() {
    let mut paid = Paid::one().await;
    for operation in [Operation::Cancel, Operation::Get] {
        paid.sale.app.sandbox.fail_next(operation, FaultKind::AnswerLost);
    }
    paid.give_back(&paid.kim).await.expect(202);
    paid.at("2027-09-02").await;
    let asked = paid.ask_once().await;
    assert_eq!(asked.header("retry-after"), "5");
    asked.refused(409, "REFUND_IN_PROGRESS");
}

/// Twenty wishes to ask at once: how many were made, and how many wait.
async fn rush_to_ask(paid: &Paid) -> (usize, usize) {
    let ask = |n: usize| async move { paid.ask(&paid.kim, &format!("ask-{n}"), &json!({ "reason": "환불" })).await };
    let (made, refused): (Vec<Reply>, Vec<Reply>) =
        join_all((0..20).map(ask)).await.into_iter().partition(|reply| reply.status == 201);
    for reply in refused {
        reply.refused(409, "REFUND_REQUESTED");
    }
    (made.len(), paid.waiting().await.len())
}

#[tokio::test]
async fn twenty_requests_of_one_order_are_one() {
    assert_eq!(rush_to_ask(&Paid::late().await).await, (1, 1));
}

#[tokio::test]
async fn without_the_condition_on_the_order_many_requests_are_open() {
    let paid = Paid::late().await;
    paid.sale.app.wire.rule(|call| {
        call.strip_conditions("ORDER#");
        Action::Pass
    });
    let (made, waiting) = rush_to_ask(&paid).await;
    assert!(made > 1 && waiting == made, "{made} {waiting}");
}

/// A request that lands between an admin's read and the refund's first write. Answers how many wait at the end.
async fn asked_meanwhile(paid: &Paid) -> usize {
    let (reached, gate) = (Gate::default(), Gate::default());
    let (reaches, waits) = (reached.clone(), gate.clone());
    let mut first = true;
    paid.sale.app.wire.rule(move |call| {
        if call.by == "cancel_order" && call.operation == "TransactWriteItems" && std::mem::take(&mut first) {
            reaches.open();
            return Action::Wait(waits.clone());
        }
        Action::Pass
    });
    let asking = async {
        reached.passed().await;
        paid.ask_once().await.expect(201);
        gate.open();
    };
    let (refund, ()) = tokio::join!(paid.give_back(&paid.sale.admin), asking);
    if refund.status == 409 {
        refund.refused(409, "REFUND_IN_PROGRESS");
        paid.give_back(&paid.sale.admin).await.expect(200);
    }
    assert_eq!(paid.shown().await["state"], "REFUNDED");
    paid.waiting().await.len()
}

#[tokio::test]
async fn a_refund_answers_the_request_that_was_made_meanwhile() {
    assert_eq!(asked_meanwhile(&Paid::late().await).await, 0);
}

#[tokio::test]
async fn without_the_condition_on_the_request_it_waits_for_ever() {
    let paid = Paid::late().await;
    paid.sale.app.wire.rule(|call| {
        if call.by == "cancel_order" {
            call.strip_conditions("ORDER#");
        }
        Action::Pass
    });
    assert_eq!(asked_meanwhile(&paid).await, 1);
}

#[tokio::test]
async fn list_refund_requests_begins_with_the_oldest_and_goes_on_by_cursor() {
    let mut paid = Paid::one().await;
    let lee = paid.sale.app.sign_up("lee").await;
    let lees = paid.sale.buy(&lee).await.expect(200);
    paid.at("2027-09-02").await;
    let first = paid.ask_once().await.expect(201);
    paid.sale.app.clock.advance(1_000);
    let lee = paid.sale.app.log_in(&lee).await;
    let path = format!("/v1/orders/{}/refund-requests", lees["id"].as_str().unwrap());
    let second = paid.sale.app.post(&path).by(&lee).header("idempotency-key", "lee");
    let second = second.json(&json!({ "reason": "저도요" })).send().await.expect(201);
    let page = async |path: &str| paid.sale.app.get(path).by(&paid.sale.admin).send().await.expect(200);
    let one = page("/v1/admin/refund-requests?limit=1").await;
    assert_eq!(one["items"][0]["id"], first["id"]);
    let two = page(&format!("/v1/admin/refund-requests?limit=1&cursor={}", one["nextCursor"].as_str().unwrap())).await;
    assert_eq!(two["items"][0]["id"], second["id"]);
    paid.sale
        .app
        .get("/v1/admin/refund-requests?cursor=x")
        .by(&paid.sale.admin)
        .send()
        .await
        .refused(400, "BAD_CURSOR");
}

#[tokio::test]
async fn list_ledger_tells_one_korean_day() {
    let mut paid = Paid::one().await;
    let ledger = async |paid: &Paid, query: &str| {
        let list = paid.sale.app.get(&format!("/v1/admin/ledger{query}")).by(&paid.sale.admin).send().await.expect(200);
        list["items"].as_array().unwrap().clone()
    };
    let today = ledger(&paid, "").await;
    let postings = json!([
        { "account": "TOSS_CLEARING", "amount": 91_000 },
        { "account": "TUTOR_PAYABLE", "amount": -81_900 },
        { "account": "PLATFORM_FEE", "amount": -9_100 },
    ]);
    assert_eq!((today.len(), &today[0]["postings"], &today[0]["occasion"]), (1, &postings, &json!("SALE")));
    assert_eq!((&today[0]["orderId"], &today[0]["productId"]), (&paid.order["id"], &json!(paid.sale.pwt)));
    // Fifteen hours UTC are the next day's midnight in Korea.
    paid.at("2026-11-25").await;
    assert_eq!(ledger(&paid, "").await.len(), 0);
    paid.give_back(&paid.kim).await.expect(200);
    assert_eq!(ledger(&paid, "").await[0]["occasion"], "REFUND");
    assert_eq!(ledger(&paid, "?day=2026-11-24").await, today);
    assert_eq!(ledger(&paid, "?day=2026-11-23").await.len(), 0);
    let call = paid.sale.app.get("/v1/admin/ledger?day=2026-11-31").by(&paid.sale.admin);
    assert_eq!(call.send().await.refused(400, "VALIDATION_FAILED")["errors"][0]["code"], "NOT_A_DAY");
}

#[tokio::test]
async fn list_ledger_goes_on_by_cursor_within_its_day() {
    let paid = Paid::one().await;
    for name in ["lee", "choi"] {
        let buyer = paid.sale.app.sign_up(name).await;
        paid.sale.buy(&buyer).await.expect(200);
    }
    let page =
        async |query: &str| paid.sale.app.get(&format!("/v1/admin/ledger{query}")).by(&paid.sale.admin).send().await;
    let (mut seen, mut cursor) = (vec![], String::new());
    loop {
        let list = page(&format!("?limit=2{cursor}")).await.expect(200);
        seen.extend(list["items"].as_array().unwrap().iter().map(|entry| entry["orderId"].clone()));
        let Some(next) = list["nextCursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    seen.dedup();
    assert_eq!(seen.len(), 3);
    page(&format!("?limit=2&day=2026-11-23{cursor}")).await.refused(400, "BAD_CURSOR");
}

impl Paid {
    /// All orders that an admin finds, by pages of `limit`.
    async fn found(&self, query: &str, limit: usize) -> Vec<Value> {
        let (mut found, mut cursor) = (vec![], String::new());
        loop {
            let path = format!("/v1/admin/orders?limit={limit}{query}{cursor}");
            let list = self.sale.app.get(&path).by(&self.sale.admin).send().await.expect(200);
            let page = list["items"].as_array().unwrap();
            found.extend(page.clone());
            assert!(page.len() <= limit && found.len() < 1_000, "{} of {}", page.len(), found.len());
            match list["nextCursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return found,
            }
        }
    }

    async fn ids(&self, query: &str, limit: usize) -> Vec<String> {
        self.found(query, limit).await.iter().map(|order| order["id"].as_str().unwrap().to_owned()).collect()
    }
}

fn id(order: &Value) -> String {
    order["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn list_orders_for_admin_begins_with_what_is_stuck() {
    let paid = Paid::with(json!({ "maxParticipants": 10 })).await;
    let (lee, choi) = (paid.sale.app.sign_up("lee").await, paid.sale.app.sign_up("choi").await);
    // One that just waits for its buyer, one whose confirmation got no answer, and a refund that got none.
    let waiting = paid.sale.order(&lee).await.expect(201);
    let stuck = paid.sale.order(&choi).await.expect(201);
    let payment_key = paid.sale.authenticate(&stuck);
    for operation in [Operation::Confirm, Operation::Get] {
        paid.sale.app.sandbox.fail_next(operation, FaultKind::AnswerLost);
    }
    paid.sale.confirm(&choi, &stuck, &payment_key).await.expect(202);
    for operation in [Operation::Cancel, Operation::Get] {
        paid.sale.app.sandbox.fail_next(operation, FaultKind::AnswerLost);
    }
    paid.give_back(&paid.kim).await.expect(202);
    for limit in [1, 2, 20] {
        assert_eq!(paid.ids("", limit).await, [id(&paid.order), id(&stuck), id(&waiting)], "{limit}");
    }
    // All in one page, if there is room.
    let page = paid.sale.app.get("/v1/admin/orders?limit=20").by(&paid.sale.admin).send().await.expect(200);
    assert_eq!((page["items"].as_array().unwrap().len(), &page["nextCursor"]), (3, &Value::Null));
    let found = paid.found("", 20).await;
    assert_eq!((&found[0]["lines"][0]["returned"], &found[1]["state"]), (&json!("REFUNDING"), &json!("CONFIRMING")));
    assert!(found[0]["openRefund"].is_string() && found[1]["due"].is_string(), "{found:?}");
    // When all is done, nothing is left to look at.
    paid.sale.app.sandbox.clear_faults();
    paid.sale.app.clock.advance(700_000);
    paid.sale.sweep().await;
    let done = paid.ids("", 20).await;
    assert!(!done.contains(&id(&stuck)) && !done.contains(&id(&paid.order)), "{done:?}");
}

#[tokio::test]
async fn list_orders_for_admin_ends_where_its_partitions_end() {
    let paid = Paid::with(json!({ "maxParticipants": 30 })).await;
    // Nine orders in eight partitions: two are in the same one, and two are not.
    let mut orders = vec![];
    for n in 0..9 {
        let buyer = paid.sale.app.sign_up(&format!("buyer{n}")).await;
        paid.sale.app.clock.advance(1);
        orders.push((buyer.clone(), id(&paid.sale.order(&buyer).await.expect(201))));
    }
    let partition = |id: &str| {
        let digit = id.chars().last().unwrap();
        "0123456789ABCDEFGHJKMNPQRSTVWXYZ".find(digit).unwrap() % 8
    };
    let pairs = || (0..9).flat_map(|n| (0..n).map(move |m| (m, n)));
    let same = pairs().find(|(m, n)| partition(&orders[*m].1) == partition(&orders[*n].1)).unwrap();
    let other = (0..9).find(|n| partition(&orders[*n].1) != partition(&orders[same.0].1)).unwrap();
    let cancel = async |n: usize| {
        let (buyer, id) = &orders[n];
        let path = format!("/v1/orders/{id}/cancel");
        paid.sale.app.post(&path).by(buyer).json(&json!({})).send().await.expect(200);
    };
    let newest_first = |mut of: Vec<usize>| {
        of.sort_unstable_by(|one, another| another.cmp(one));
        of.into_iter().map(|n| orders[n].1.clone()).collect::<Vec<_>>()
    };
    // One in each of two partitions: what fits on a page has no next one.
    cancel(same.0).await;
    cancel(other).await;
    let page =
        paid.sale.app.get("/v1/admin/orders?state=CANCELED&limit=2").by(&paid.sale.admin).send().await.expect(200);
    assert_eq!((page["items"].as_array().unwrap().len(), &page["nextCursor"]), (2, &Value::Null));
    // What is left in one partition only is found, too.
    cancel(same.1).await;
    for limit in [1, 2, 3] {
        assert_eq!(paid.ids("&state=CANCELED", limit).await, newest_first(vec![same.0, same.1, other]), "{limit}");
    }
}

#[tokio::test]
async fn list_orders_for_admin_tells_where_it_goes_on() {
    let paid = Paid::one().await;
    let lee = paid.sale.app.sign_up("lee").await;
    let pending = id(&paid.sale.order(&lee).await.expect(201));
    let table = &paid.sale.app.table;
    let order: Order = table.get_now(keys::order(pending.parse().unwrap())).await.unwrap().unwrap();
    // The last letter of an id says which partition it is in.
    let beside = |n: u32| {
        let digit = char::from_digit(n, 10).unwrap();
        pending.chars().enumerate().map(|(at, letter)| if at == 20 { digit } else { letter }).collect::<String>()
    };
    let put = async |n: u32, state: State, due: Option<Time>| {
        let order = Order { id: beside(n).parse().unwrap(), state, due, ..order.clone() };
        table.write(Write::put(&order)).await.unwrap();
    };
    // More that are of another state than one request reads: the rest is for the next.
    for n in 0..6 {
        put(n, State::Pending, order.due).await;
    }
    let path = "/v1/admin/orders?state=CONFIRMING&limit=1";
    let page = paid.sale.app.get(path).by(&paid.sale.admin).send().await.expect(200);
    assert!(page["items"] == json!([]) && page["nextCursor"].is_string(), "{page}");
    assert_eq!(paid.ids("&state=CONFIRMING", 1).await, Vec::<String>::new());
    // As many as a page has, and more, all in one partition.
    for n in 0..2 {
        put(n, State::Canceled, None).await;
    }
    assert_eq!(paid.ids("&state=CANCELED", 1).await, [beside(1), beside(0)]);
}

#[tokio::test]
async fn list_orders_for_admin_finds_every_state_newest_first() {
    let paid = Paid::with(json!({ "maxParticipants": 30 })).await;
    let mut bought = vec![id(&paid.order)];
    for n in 0..11 {
        let buyer = paid.sale.app.sign_up(&format!("buyer{n}")).await;
        paid.sale.app.clock.advance(1);
        bought.insert(0, id(&paid.sale.buy(&buyer).await.expect(200)));
    }
    for limit in [1, 5, 100] {
        assert_eq!(paid.ids("&state=PAID", limit).await, bought, "{limit}");
    }
    paid.give_back(&paid.kim).await.expect(200);
    assert_eq!(paid.ids("&state=REFUNDED", 20).await, [id(&paid.order)]);
    assert_eq!(paid.ids("&state=PAID", 3).await, bought[..11]);
    // From held to let go: with a last look ahead of it, and after it.
    let lee = paid.sale.app.sign_up("lee").await;
    let order = paid.sale.order(&lee).await.expect(201);
    assert_eq!(paid.ids("&state=PENDING", 1).await, [id(&order)]);
    let refusing = Outcome::Refuse { code: "REJECT_CARD_COMPANY".to_owned(), leaves: Leaves::Aborted, times: None };
    let payment_key = paid.sale.authenticate_as(&order, refusing);
    assert_eq!(paid.sale.confirm(&lee, &order, &payment_key).await.status, 409);
    let cancel = format!("/v1/orders/{}/cancel", id(&order));
    paid.sale.app.post(&cancel).by(&lee).json(&json!({})).send().await.expect(200);
    assert_eq!(paid.ids("&state=CANCELED", 1).await, [id(&order)]);
    assert_eq!(paid.ids("", 1).await, [id(&order)]);
    paid.sale.app.clock.advance(13 * 60_000);
    assert_eq!(paid.sale.sweep().await.laid_down, 1);
    assert_eq!(paid.ids("&state=CANCELED", 1).await, [id(&order)]);
    assert_eq!(paid.ids("", 1).await, Vec::<String>::new());
}

#[tokio::test]
async fn list_orders_for_admin_finds_a_buyers() {
    let paid = Paid::one().await;
    let lee = paid.sale.app.sign_up("lee").await;
    paid.sale.buy(&lee).await.expect(200);
    let of = |account: &Account, more: &str| format!("&userId={}{more}", account.id);
    assert_eq!(paid.ids(&of(&paid.kim, ""), 1).await, [id(&paid.order)]);
    assert_eq!(paid.ids(&of(&paid.kim, "&state=PAID"), 1).await, [id(&paid.order)]);
    assert_eq!(paid.ids(&of(&paid.kim, "&state=FAILED"), 1).await, Vec::<String>::new());
    let call = paid.sale.app.get("/v1/admin/orders?state=LOST").by(&paid.sale.admin);
    call.send().await.refused(400, "VALIDATION_FAILED");
}

#[tokio::test]
async fn get_receipt_tells_what_was_paid_and_what_went_back() {
    let paid = Paid::one().await;
    let receipt = async |caller: &Account| paid.sale.app.get(&paid.path("receipt")).by(caller).send().await;
    let told = receipt(&paid.kim).await.expect(200);
    assert_eq!((&told["total"], &told["balance"], &told["refunds"]), (&json!(91_000), &json!(91_000), &json!([])));
    assert_eq!((&told["buyerName"], &told["method"]), (&json!("kim"), &json!("카드")));
    assert_eq!(told["supplier"]["registrationNumber"], "000-00-00000");
    paid.give_back(&paid.kim).await.expect(200);
    let told = receipt(&paid.sale.admin).await.expect(200);
    assert_eq!((&told["refunded"], &told["balance"]), (&json!(91_000), &json!(0)));
    assert_eq!((&told["refunds"][0]["amount"], &told["buyerName"]), (&json!(91_000), &json!("kim")));
    let lee = paid.sale.app.sign_up("lee").await;
    receipt(&lee).await.refused(404, "ORDER_NOT_FOUND");
    let unpaid = paid.sale.order(&lee).await.expect(201);
    let path = format!("/v1/orders/{}/receipt", id(&unpaid));
    paid.sale.app.get(&path).by(&lee).send().await.refused(409, "ORDER_NOT_PAID");
    paid.sale.app.get(&path).by(&lee).header("accept", "text/html").send().await.refused(409, "ORDER_NOT_PAID");
}

#[tokio::test]
async fn get_receipt_is_a_page_for_who_prefers_one() {
    let paid = Paid::with(json!({ "title": "<b>러스트</b> & \"서버리스\"" })).await;
    let receipt = paid.sale.app.get(&paid.path("receipt")).by(&paid.kim);
    let page = receipt.header("accept", "text/html,application/xhtml+xml,*/*;q=0.8").send().await;
    assert_eq!((page.header("content-type"), page.header("vary")), ("text/html; charset=utf-8", "Accept"));
    assert_eq!((page.header("cache-control"), page.header("x-content-type-options")), ("no-store", "nosniff"));
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    let page = page.expect(200);
    let page = page.as_str().unwrap();
    for part in ["<html lang=\"ko\">", "&lt;b&gt;러스트&lt;/b&gt; &amp;", "91,000원", "주식회사 데브루프", "카드"]
    {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("부가"), "no tax is claimed: {page}");
    let json = paid.sale.app.get(&paid.path("receipt")).by(&paid.kim).header("accept", "*/*").send().await;
    assert_eq!(json.header("content-type"), "application/json");
    paid.give_back(&paid.kim).await.expect(200);
    let receipt = paid.sale.app.get(&paid.path("receipt")).by(&paid.kim).header("accept", "text/html");
    let page = receipt.send().await.expect(200);
    for part in ["환불 완료", "−91,000원", "<td class=\"won\">0원</td>"] {
        assert!(page.as_str().unwrap().contains(part), "{part}: {page}");
    }
}

impl Paid {
    async fn tutor(&self) -> Account {
        self.sale.app.log_in(&Account { email: "park@example.com".to_owned(), ..self.kim.clone() }).await
    }

    async fn settlements(&self, query: &str) -> Value {
        let tutor = self.tutor().await;
        self.sale.app.get(&format!("/v1/users/me/settlements{query}")).by(&tutor).send().await.expect(200)
    }
}

#[tokio::test]
async fn list_my_settlements_sums_the_ledger_by_korean_months() {
    let mut paid = Paid::one().await;
    // The last millisecond of November in Korea, and the first of December.
    let lee = paid.sale.app.sign_up("lee").await;
    let choi = paid.sale.app.sign_up("choi").await;
    paid.at("2026-12-01").await;
    paid.sale.app.clock.advance(-1);
    paid.sale.buy(&paid.sale.app.log_in(&lee).await).await.expect(200);
    paid.sale.app.clock.advance(1);
    paid.sale.buy(&paid.sale.app.log_in(&choi).await).await.expect(200);
    paid.at("2027-01-15").await;
    paid.give_back(&paid.kim).await.expect(200);
    let told = paid.settlements("").await;
    let months = told["months"].as_array().unwrap();
    assert_eq!((months.len(), &months[0]["month"], &months[11]["month"]), (12, &json!("2026-02"), &json!("2027-01")));
    let month = |sales: i64, refunds: i64, fee: i64, payable: i64, month: &str| json!({ "month": month, "sales": sales, "refunds": refunds, "fee": fee, "payable": payable });
    assert_eq!(months[8], month(0, 0, 0, 0, "2026-10"));
    assert_eq!(months[9], month(182_000, 0, 18_200, 163_800, "2026-11"));
    assert_eq!(months[10], month(91_000, 0, 9_100, 81_900, "2026-12"));
    assert_eq!(months[11], month(0, 91_000, -9_100, -81_900, "2027-01"));
    assert_eq!(told["total"], json!({ "sales": 273_000, "refunds": 91_000, "fee": 18_200, "payable": 163_800 }));
    let two = paid.settlements("?from=2026-12&until=2027-01").await;
    assert_eq!((two["months"].as_array().unwrap().len(), &two["total"]["payable"]), (2, &json!(0)));
    let other = paid.sale.app.tutor("jung").await;
    let nothing = paid.sale.app.get("/v1/users/me/settlements").by(&other).send().await.expect(200);
    assert_eq!(nothing["total"], json!({ "sales": 0, "refunds": 0, "fee": 0, "payable": 0 }));
}

#[tokio::test]
async fn list_my_settlements_is_a_table_for_who_prefers_one() {
    let paid = Paid::one().await;
    let tutor = paid.tutor().await;
    let call = paid.sale.app.get("/v1/users/me/settlements?from=2026-10&until=2026-11").by(&tutor);
    let table = call.header("accept", "text/csv").send().await;
    assert_eq!(table.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(table.header("content-disposition"), "attachment; filename=\"settlements.csv\"");
    let expected = "\u{feff}월,매출,환불,수수료,정산 금액\r\n2026-10,0,0,0,0\r\n2026-11,91000,0,9100,81900\r\n\
                    합계,91000,0,9100,81900\r\n";
    assert_eq!(table.expect(200), expected);
}

#[tokio::test]
async fn list_my_settlements_reads_one_to_twelve_months() {
    let paid = Paid::one().await;
    let tutor = paid.tutor().await;
    for query in ["?from=2026-12&until=2026-11", "?from=2025-11&until=2026-11", "?from=2027-01"] {
        let call = paid.sale.app.get(&format!("/v1/users/me/settlements{query}")).by(&tutor);
        assert_eq!(call.send().await.refused(400, "VALIDATION_FAILED")["errors"][0]["code"], "MONTHS", "{query}");
    }
    let call = paid.sale.app.get("/v1/users/me/settlements?from=2026-13").by(&tutor);
    assert_eq!(call.send().await.refused(400, "VALIDATION_FAILED")["errors"][0]["code"], "NOT_A_MONTH");
}
