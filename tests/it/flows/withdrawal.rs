//! Leaving: what keeps somebody, what goes, what stays, and what would happen without the guards.

use domain::{boards::Board, forums::Party};
use serde_json::{Value, json};
use storage::{
    Item, Query, Stored, Write,
    items::{Buyer, LedgerEntry, Order, Payment, PaymentKeyGuard, Post, Purchase, Refund, RefundRequest},
    keys,
};
use testkit::{Action, Gate};

use super::{
    attachments::{complete, uploaded},
    refunds::Bought,
    sale::Sale,
};
use crate::{
    app::{Account, PASSWORD, Reply, TestApp, pwt_body},
    files,
};

async fn withdraw(app: &TestApp, who: &Account) -> Reply {
    app.post("/v1/auth/withdraw").by(who).json(&json!({ "password": PASSWORD })).send().await
}

/// The account as its owner's next request would find it.
async fn standing(app: &TestApp, who: &Account) -> String {
    serde_json::to_value(app.account(who).await.standing).unwrap().as_str().unwrap().to_owned()
}

/// Every item of the table, whatever its kind.
async fn everything(app: &TestApp) -> Vec<Item> {
    app.wire.rule(|call| {
        if call.operation == "Scan" {
            let scan = call.body.as_object_mut().unwrap();
            for filter in ["FilterExpression", "ExpressionAttributeNames", "ExpressionAttributeValues"] {
                scan.remove(filter);
            }
        }
        Action::Pass
    });
    app.table.scan(&["whatever"]).await.unwrap()
}

fn kind(item: &Item) -> &str {
    item.get("type").and_then(|kind| kind.as_s().ok()).map_or("", String::as_str)
}

/// What of a person is in the table, by the kinds of the items that hold it.
fn found(items: &[Item], canaries: &[&str]) -> Vec<(String, String)> {
    let mut found = vec![];
    for item in items {
        let text = format!("{item:?}");
        let held = canaries.iter().filter(|canary| text.contains(**canary));
        found.extend(held.map(|canary| (kind(item).to_owned(), (*canary).to_owned())));
    }
    found.sort();
    found.dedup();
    found
}

/// What of a person is in the objects, by their keys: in their bytes, or in what they are served with.
async fn found_in_objects(app: &TestApp, canaries: &[&str]) -> Vec<(String, String)> {
    let mut found = vec![];
    for key in app.objects.keys() {
        let served = app.objects.served(&key).await.unwrap();
        let text = format!("{} {}", String::from_utf8_lossy(&served.bytes), served.disposition);
        let held = canaries.iter().filter(|canary| text.contains(**canary));
        found.extend(held.map(|canary| (key.clone(), (*canary).to_owned())));
    }
    found
}

const EMAIL: &str = "canary.kim@example.com";
const USERNAME: &str = "카나리아김";
const RENAMED: &str = "카나리아이";
const REAL_NAME: &str = "김카나리";
const PORTFOLIO: &str = "https://github.com/canary-kim";
const LAST_FOUR: &str = "S(\"7531\")";
const ACCOUNT: &str = "98765432107531";
const REASON: &str = "카나리아 사유";
const DETAIL: &str = "카나리아 신고";
const MESSAGE: &str = "카나리아 신청";
const FILE_NAME: &str = "canary-kim.png";
const PIXELS: &str = "canary in the picture";

/// Somebody who did whatever one can do, and whose projects are over.
async fn canary(sale: &Sale) -> Account {
    let app = &sale.app;
    let body = json!({ "email": EMAIL, "password": PASSWORD, "username": USERNAME });
    let signed_up = app.post("/v1/auth/signup").json(&body).send().await.expect(201);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let kim = Account {
        id: text(&signed_up["user"]["id"]),
        email: EMAIL.to_owned(),
        token: text(&signed_up["tokens"]["accessToken"]),
        refresh: text(&signed_up["tokens"]["refreshToken"]),
    };
    app.patch("/v1/users/me").by(&kim).json(&json!({ "username": RENAMED })).send().await.expect(200);
    let application = json!({ "realName": REAL_NAME, "portfolioUrl": PORTFOLIO, "accountNumber": ACCOUNT });
    app.post("/v1/tutor-applications").by(&kim).json(&application).send().await.expect(201);
    let order = sale.buy(&kim).await.expect(200);
    assert_eq!(order["state"], "PAID");
    app.post(&format!("/v1/schedules/{}/feed", sale.pwt)).by(&kim).send().await.expect(201);
    let tutor = app.log_in(&Account { email: "park@example.com".to_owned(), ..kim.clone() }).await;
    let other = app.approved_pwt(&tutor, &sale.admin, json!({})).await;
    app.put(&format!("/v1/cart/items/{other}")).by(&kim).send().await.expect(200);
    // The only seat is somebody else's: one waits, with a claim once it is free.
    let full = app.approved_pwt(&tutor, &sale.admin, json!({ "price": 0, "maxParticipants": 1 })).await;
    let lee = app.sign_up("lee").await;
    let seat = app.buy_free(&lee, &full).await;
    app.post(&format!("/v1/pwts/{full}/waitlist")).by(&kim).send().await.expect(201);
    let back = format!("/v1/orders/{}/cancel", seat["id"].as_str().unwrap());
    app.post(&back).by(&lee).json(&json!({})).send().await.expect(200);
    // After the project, an admin is asked to give the money back all the same.
    app.clock.advance(80 * 24 * 3_600_000);
    let kim = app.log_in(&kim).await;
    let ask = format!("/v1/orders/{}/refund-requests", order["id"].as_str().unwrap());
    let ask = app.post(&ask).by(&kim).header("idempotency-key", "ask").json(&json!({ "reason": REASON }));
    ask.send().await.expect(201);
    leave_files(app, &kim).await;
    speak(app, &kim, &lee).await;
    kim
}

/// A post and a comment, and what is said of others' posts.
async fn speak(app: &TestApp, kim: &Account, lee: &Account) {
    let post = async |board: &str, by: &Account| {
        let mut body = json!({ "title": "제목", "content": "내용", "category": "ETC" });
        if board == "parties" {
            body["capacity"] = json!(5);
        }
        let made = app.post(&format!("/v1/{board}")).by(by).json(&body).send().await.expect(201);
        format!("/v1/{board}/{}", made["id"].as_str().unwrap())
    };
    let lee = &app.log_in(lee).await;
    let own = post("communities", kim).await;
    app.post(&format!("{own}/comments")).by(kim).json(&json!({ "content": "댓글" })).send().await.expect(201);
    let (theirs, party) = (post("communities", lee).await, post("parties", lee).await);
    let id = theirs.rsplit('/').next().unwrap();
    app.put(&format!("/v1/likes/COMMUNITY/{id}")).by(kim).send().await.expect(200);
    app.put(&format!("/v1/bookmarks/COMMUNITY/{id}")).by(kim).send().await.expect(200);
    let report = json!({ "board": "COMMUNITY", "postId": id, "complaint": "OTHER", "detail": DETAIL });
    app.post("/v1/reports").by(kim).json(&report).send().await.expect(201);
    let apply = app.post(&format!("{party}/applications")).by(kim).json(&json!({ "message": MESSAGE }));
    apply.send().await.expect(201);
    app.post(&format!("{party}/applications/{}/accept", kim.id)).by(lee).send().await.expect(200);
}

/// A picture that is shown, one that nothing uses, and an upload that was never completed.
async fn leave_files(app: &TestApp, kim: &Account) {
    let picture = files::png_of(3, 2, PIXELS.as_bytes());
    for n in 0..3 {
        let asked = uploaded(app, kim, ("PROFILE", FILE_NAME, "image/png"), &picture).await;
        if n < 2 {
            complete(app, kim, &asked).await.expect(200);
        }
        if n == 0 {
            let body = json!({ "attachmentId": asked["id"] });
            app.put("/v1/users/me/image").by(kim).json(&body).send().await.expect(200);
        }
    }
}

#[tokio::test]
async fn withdraw_account_leaves_nothing_personal_but_what_the_law_keeps() {
    let sale = Sale::of(3).await;
    let kim = canary(&sale).await;
    let canaries =
        [EMAIL, USERNAME, RENAMED, REAL_NAME, PORTFOLIO, LAST_FOUR, REASON, DETAIL, MESSAGE, FILE_NAME, PIXELS];
    let planted = found(&everything(&sale.app).await, &canaries);
    for (kind, canary) in [
        ("USER", EMAIL),
        ("USER", RENAMED),
        ("TUTOR_APPLICATION", REAL_NAME),
        ("TUTOR_APPLICATION", PORTFOLIO),
        ("TUTOR_APPLICATION", LAST_FOUR),
        ("IDEMPOTENCY_RECORD", REASON),
        ("REFUND_REQUEST", REASON),
        ("ATTACHMENT", FILE_NAME),
        ("REPORT", DETAIL),
        ("PARTY_APPLICATION", MESSAGE),
    ] {
        assert!(planted.contains(&(kind.to_owned(), canary.to_owned())), "{kind} has no {canary}: {planted:?}");
    }
    let in_objects = found_in_objects(&sale.app, &canaries).await;
    let held = |canary| in_objects.iter().filter(|(_, held)| held == canary).count();
    // The one that was not completed is served to nobody, and has no name.
    assert_eq!((held(PIXELS), held(FILE_NAME)), (3, 2), "{in_objects:?}");
    sale.app.wire.clear();
    withdraw(&sale.app, &kim).await.expect(204);
    // Files go once nobody can upload to their URLs any more.
    sale.app.clock.advance(3_600_000);
    for _ in 0..2 {
        fn_attachments::sweep(&sale.app.upload_sweeper().await).await.unwrap();
    }

    assert_eq!(found_in_objects(&sale.app, &canaries).await, []);
    assert_eq!(sale.app.objects.keys(), [""; 0], "and no other object of theirs");
    let items = everything(&sale.app).await;
    // The record of a dispute is kept with its order: it is all that is left in somebody's own words.
    assert_eq!(found(&items, &canaries), [("REFUND_REQUEST".to_owned(), REASON.to_owned())]);
    // Whatever still names the account holds ids only, and is what is listed here.
    let mut naming: Vec<&str> = items.iter().filter(|item| format!("{item:?}").contains(&kim.id)).map(kind).collect();
    naming.sort_unstable();
    naming.dedup();
    let kept = [
        Buyer::TYPE,
        LedgerEntry::TYPE,
        Order::TYPE,
        Payment::TYPE,
        PaymentKeyGuard::TYPE,
        Purchase::TYPE,
        Refund::TYPE,
        RefundRequest::TYPE,
        "USER",
        // Posts stay, under another name, and so do their likes. Of a report its complaint stays.
        "COMMUNITY",
        "LISTING",
        "COMMENT",
        "LIKE",
        "REPORT",
    ];
    assert!(naming.iter().all(|kind| kept.contains(kind)), "{naming:?}");
    assert!(["ORDER", "PURCHASE", "USER"].iter().all(|kind| naming.contains(kind)), "{naming:?}");
}

#[tokio::test]
async fn withdraw_account_ends_every_session_and_frees_the_address() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    let phone = app.log_in(&kim).await;
    withdraw(&app, &phone).await.expect(204);
    for session in [&kim, &phone] {
        let refresh = app.post("/v1/auth/refresh").json(&json!({ "refreshToken": session.refresh }));
        refresh.send().await.refused(401, "UNAUTHENTICATED");
    }
    let log_in = json!({ "email": kim.email, "password": PASSWORD });
    app.post("/v1/auth/login").json(&log_in).send().await.refused(401, "INVALID_CREDENTIALS");
    withdraw(&app, &kim).await.refused(401, "UNAUTHENTICATED");
    app.get("/v1/orders").by(&kim).send().await.refused(401, "UNAUTHENTICATED");
    // What is written with a token that is still good leaves nothing behind.
    let application = json!({ "realName": REAL_NAME, "portfolioUrl": PORTFOLIO, "accountNumber": ACCOUNT });
    let apply = app.post("/v1/tutor-applications").by(&kim).json(&application);
    apply.send().await.refused(401, "UNAUTHENTICATED");
    let gone = app.account(&kim).await;
    assert_eq!((gone.email, gone.password_hash, gone.username.as_str()), (None, None, "탈퇴한 사용자"));
    let again = app.sign_up("kim").await;
    assert_ne!(again.id, kim.id);
}

#[tokio::test]
async fn withdraw_account_refuses_another_password_like_log_in() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    for _ in 0..10 {
        let wrong = json!({ "password": "staple the horse 7" });
        let reply = app.post("/v1/auth/withdraw").by(&kim).json(&wrong).send().await;
        reply.refused(401, "INVALID_CREDENTIALS");
    }
    withdraw(&app, &kim).await.refused(429, "TOO_MANY_REQUESTS");
    assert_eq!(standing(&app, &kim).await, "ACTIVE");
}

#[tokio::test]
async fn withdraw_account_waits_for_open_orders_and_refunds() {
    let bought = Bought::two().await;
    let (app, kim) = (&bought.sale.app, &bought.kim);
    let lee = app.sign_up("lee").await;
    let order = bought.sale.order(&lee).await.expect(201);
    let problem = withdraw(app, &lee).await.refused(409, "OPEN_ORDERS");
    assert_eq!(problem["orderIds"], json!([order["id"]]));
    assert_eq!(standing(app, &lee).await, "ACTIVE");
    let cancel = format!("/v1/orders/{}/cancel", order["id"].as_str().unwrap());
    app.post(&cancel).by(&lee).json(&json!({})).send().await.expect(200);
    withdraw(app, &lee).await.expect(204);

    app.sandbox.fail_next(
        devloop_local::toss_sandbox::Operation::Cancel,
        devloop_local::toss_sandbox::FaultKind::Status500 { after_effect: false },
    );
    bought.cancel(json!({})).await.expect(202);
    let problem = withdraw(app, kim).await.refused(409, "OPEN_ORDERS");
    assert_eq!(problem["orderIds"], json!([bought.order["id"]]));
    app.clock.advance(60_000);
    bought.sale.sweep().await;
    let kim = app.log_in(kim).await;
    withdraw(app, &kim).await.expect(204);
}

#[tokio::test]
async fn withdraw_account_waits_for_projects_to_end() {
    let sale = Sale::of(3).await;
    let (app, kim) = (&sale.app, sale.app.sign_up("kim").await);
    sale.buy(&kim).await.expect(200);
    let tutor = app.log_in(&Account { email: "park@example.com".to_owned(), ..kim.clone() }).await;
    let unseen = app.post("/v1/pwts").by(&tutor).json(&pwt_body()).send().await;
    let unseen = unseen.expect(201)["id"].as_str().unwrap().to_owned();
    for who in [&kim, &tutor] {
        let problem = withdraw(app, who).await.refused(409, "UNFINISHED_PROJECTS");
        assert_eq!(problem["pwtIds"], json!([sale.pwt]));
    }
    let account = Account {
        id: app.get("/v1/users/me").by(&tutor).send().await.expect(200)["id"].as_str().unwrap().to_owned(),
        ..tutor
    };
    assert_eq!(standing(app, &account).await, "ACTIVE");
    // The end of the project.
    let until = "2027-02-04T00:00:00Z".parse::<domain::time::Time>().unwrap();
    app.clock.advance(until.unix_millis() - app.parts.clock.now().unix_millis());
    for who in [&kim, &account] {
        withdraw(app, &app.log_in(who).await).await.expect(204);
    }
    app.get(&format!("/v1/pwts/{unseen}")).send().await.refused(404, "PWT_NOT_FOUND");
    let shown = app.get(&format!("/v1/pwts/{}", sale.pwt)).send().await.expect(200);
    assert_eq!(shown["tutor"]["username"], "탈퇴한 사용자");
}

#[tokio::test]
async fn withdraw_account_takes_no_free_seat_for_a_paid_project() {
    let sale = Sale::with(json!({ "price": 0 })).await;
    let kim = sale.app.sign_up("kim").await;
    sale.app.buy_free(&kim, &sale.pwt).await;
    withdraw(&sale.app, &kim).await.expect(204);
    let members = sale.app.get(&format!("/v1/pwts/{}/schedule", sale.pwt)).by(&sale.admin).send().await.expect(200);
    assert_eq!(members["members"]["items"][0]["username"], "탈퇴한 사용자");
}

#[tokio::test]
async fn withdraw_account_takes_along_more_than_fits_into_one_write() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    let user: domain::ids::UserId = kim.id.parse().unwrap();
    for n in 0..230 {
        let note = Write::update(keys::note(user, ulid::Ulid::from_parts(n, 1).into())).set("type", "NOTE");
        app.table.write(note).await.unwrap();
    }
    let own = Query::partition(keys::user_partition(user), "");
    assert_eq!(app.table.count(&own, usize::MAX).await.unwrap(), 232, "with account and session");
    withdraw(&app, &kim).await.expect(204);
    assert_eq!(app.table.count(&own, usize::MAX).await.unwrap(), 1);
}

#[tokio::test]
async fn withdraw_account_gives_up_places_and_claims() {
    let sale = Sale::with(json!({ "price": 0, "maxParticipants": 1 })).await;
    let app = &sale.app;
    let (owner, kim, lee) = (app.sign_up("owner").await, app.sign_up("kim").await, app.sign_up("lee").await);
    let seat = app.buy_free(&owner, &sale.pwt).await;
    for waiter in [&kim, &lee] {
        app.post(&format!("/v1/pwts/{}/waitlist", sale.pwt)).by(waiter).send().await.expect(201);
        app.clock.advance(1_000);
    }
    let back = format!("/v1/orders/{}/cancel", seat["id"].as_str().unwrap());
    app.post(&back).by(&owner).json(&json!({})).send().await.expect(200);
    let place = |who| {
        let path = format!("/v1/pwts/{}/waitlist/me", sale.pwt);
        async move { app.get(&path).by(who).send().await }
    };
    assert_eq!(place(&kim).await.expect(200)["state"], "CLAIMED");
    withdraw(app, &kim).await.expect(204);
    sale.sweep().await;
    assert_eq!(place(&lee).await.expect(200)["state"], "CLAIMED");
    assert_eq!(sale.seats().await, [1, 0, 1, 0]);
}

#[tokio::test]
async fn withdraw_account_gives_up_a_claim_that_comes_while_leaving() {
    let sale = Sale::with(json!({ "price": 0, "maxParticipants": 1 })).await;
    let app = &sale.app;
    let (owner, kim) = (app.sign_up("owner").await, app.sign_up("kim").await);
    let seat = app.buy_free(&owner, &sale.pwt).await;
    app.post(&format!("/v1/pwts/{}/waitlist", sale.pwt)).by(&kim).send().await.expect(201);
    let (reached, gate) = (Gate::default(), Gate::default());
    let (reaches, waits) = (reached.clone(), gate.clone());
    let mut first = true;
    app.wire.rule(move |call| {
        let leaves = call.by == "withdraw_account" && call.operation == "TransactWriteItems" && call.mentions("WAIT#");
        if leaves && std::mem::take(&mut first) {
            reaches.open();
            return Action::Wait(waits.clone());
        }
        Action::Pass
    });
    let claiming = async {
        reached.passed().await;
        let back = format!("/v1/orders/{}/cancel", seat["id"].as_str().unwrap());
        app.post(&back).by(&owner).json(&json!({})).send().await.expect(200);
        assert_eq!(sale.seats().await, [1, 0, 1, 0]);
        gate.open();
    };
    let (left, ()) = tokio::join!(withdraw(app, &kim), claiming);
    left.expect(204);
    // Nobody waits any more, which the sweeper tells the seats.
    sale.sweep().await;
    assert_eq!(sale.seats().await, [1, 1, 0, 0]);
}

/// Cuts a withdrawal off at each of its writes in turn, then sends it again.
#[tokio::test]
async fn withdraw_account_goes_on_where_it_was_cut_off() {
    let mut cut = 0;
    loop {
        let sale = Sale::with(json!({ "price": 0 })).await;
        let (app, kim) = (&sale.app, sale.app.sign_up("kim").await);
        app.buy_free(&kim, &sale.pwt).await;
        let mut writes = 0;
        app.wire.rule(move |call| {
            let writes_now = call.by == "withdraw_account"
                && !call.mentions("LOGIN#")
                && ["UpdateItem", "DeleteItem", "TransactWriteItems"].contains(&call.operation.as_str());
            writes += usize::from(writes_now);
            // Final, so that the handler ends here and nothing is tried again.
            if writes_now && writes > cut {
                Action::Refuse { status: 400, code: "ValidationException" }
            } else {
                Action::Pass
            }
        });
        let reply = withdraw(app, &kim).await;
        app.wire.clear();
        if reply.status == 204 {
            break;
        }
        reply.refused(500, "INTERNAL");
        if cut > 0 {
            // Nothing is ordered any more, but its owner may come in to finish it.
            assert_eq!(standing(app, &kim).await, "WITHDRAWING");
            sale.order(&kim).await.refused(401, "UNAUTHENTICATED");
        }
        withdraw(app, &app.log_in(&kim).await).await.expect(204);
        assert_eq!(standing(app, &kim).await, "WITHDRAWN");
        cut += 1;
    }
    assert!(cut >= 3, "{cut} writes");
}

/// An order that is on its way while its buyer leaves. Answers its status.
async fn order_beside_withdrawal(sale: &Sale, kim: &Account) -> u16 {
    let (reached, gate) = (Gate::default(), Gate::default());
    let (reaches, waits) = (reached.clone(), gate.clone());
    sale.app.wire.rule(move |call| {
        if call.by == "create_order" && call.operation == "TransactWriteItems" {
            reaches.open();
            return Action::Wait(waits.clone());
        }
        Action::Pass
    });
    let leaving = async {
        reached.passed().await;
        withdraw(&sale.app, kim).await.expect(204);
        gate.open();
    };
    let (order, ()) = tokio::join!(sale.order(kim), leaving);
    order.status
}

#[tokio::test]
async fn who_leaves_orders_nothing_meanwhile() {
    let sale = Sale::of(1).await;
    let kim = sale.app.sign_up("kim").await;
    assert_eq!(order_beside_withdrawal(&sale, &kim).await, 401);
    assert_eq!(sale.seats().await, [1, 1, 0, 0]);
}

#[tokio::test]
async fn without_the_look_at_the_account_somebody_gone_would_hold_a_seat() {
    let sale = Sale::of(1).await;
    let kim = sale.app.sign_up("kim").await;
    sale.app.wire.rule(|call| {
        if call.by == "create_order" {
            call.strip_conditions("PROFILE");
        }
        Action::Pass
    });
    assert_eq!(order_beside_withdrawal(&sale, &kim).await, 201);
    assert_eq!((standing(&sale.app, &kim).await.as_str(), sale.seats().await), ("WITHDRAWN", [1, 0, 1, 0]));
}

#[tokio::test]
async fn who_pays_does_not_leave_meanwhile() {
    let sale = Sale::of(1).await;
    let kim = sale.app.sign_up("kim").await;
    let order = sale.order(&kim).await.expect(201);
    let payment_key = sale.authenticate(&order);
    let (reached, gate) = (Gate::default(), Gate::default());
    let (reaches, waits) = (reached.clone(), gate.clone());
    let mut first = true;
    sale.app.wire.rule(move |call| {
        if call.by == "confirm_payment" && call.operation == "TransactWriteItems" && std::mem::take(&mut first) {
            reaches.open();
            return Action::Wait(waits.clone());
        }
        Action::Pass
    });
    let leaving = async {
        reached.passed().await;
        withdraw(&sale.app, &kim).await.refused(409, "OPEN_ORDERS");
        gate.open();
    };
    let (confirmed, ()) = tokio::join!(sale.confirm(&kim, &order, &payment_key), leaving);
    assert_eq!(confirmed.expect(200)["state"], "PAID");
    assert_eq!(standing(&sale.app, &kim).await, "ACTIVE");
}

/// A confirmation that began before its buyer was leaving and is written while they are. Answers
/// its status.
async fn confirm_beside_withdrawal(sale: &Sale) -> u16 {
    let app = &sale.app;
    let kim = app.sign_up("kim").await;
    let order = sale.order(&kim).await.expect(201);
    let payment_key = sale.authenticate(&order);
    let (reached, gate) = (Gate::default(), Gate::default());
    let (off_reached, off_gate) = (Gate::default(), Gate::default());
    let gates = (reached.clone(), gate.clone(), off_reached.clone(), off_gate.clone());
    let mut turns = 0;
    app.wire.rule(move |call| {
        if call.by == "confirm_payment" && call.operation == "TransactWriteItems" && turns == 0 {
            gates.0.open();
            return Action::Wait(gates.1.clone());
        }
        if call.by == "withdraw_account" && call.operation == "UpdateItem" && call.mentions("PROFILE") {
            turns += 1;
            // The first begins, the second calls off.
            if turns == 2 {
                gates.2.open();
                return Action::Wait(gates.3.clone());
            }
        }
        Action::Pass
    });
    let confirming = async {
        let status = sale.confirm(&kim, &order, &payment_key).await.status;
        off_gate.open();
        status
    };
    let leaving = async {
        reached.passed().await;
        let ((), left) = tokio::join!(
            async {
                off_reached.passed().await;
                gate.open();
            },
            withdraw(app, &kim)
        );
        left.refused(409, "OPEN_ORDERS");
    };
    let (confirmed, ()) = tokio::join!(confirming, leaving);
    assert_eq!(standing(app, &kim).await, "ACTIVE");
    confirmed
}

#[tokio::test]
async fn who_is_leaving_is_charged_nothing() {
    let sale = Sale::of(1).await;
    assert_eq!(confirm_beside_withdrawal(&sale).await, 401);
    assert_eq!(sale.seats().await, [1, 0, 1, 0]);
}

#[tokio::test]
async fn without_the_look_at_the_account_somebody_leaving_would_be_charged() {
    let sale = Sale::of(1).await;
    sale.app.wire.rule(|call| {
        if call.by == "confirm_payment" {
            call.strip_conditions("PROFILE");
        }
        Action::Pass
    });
    assert_eq!(confirm_beside_withdrawal(&sale).await, 200);
    assert_eq!(sale.seats().await, [1, 0, 0, 1]);
}

/// Two withdrawals, one of which meets an order that is gone when the other one looks: it calls
/// leaving off, another order is made, a third withdrawal begins, and only then does the other one
/// finish. Answers its status.
async fn withdrawals_across(sale: &Sale, kim: &Account) -> u16 {
    let app = &sale.app;
    sale.order(kim).await.expect(201);
    let (off_reached, off_gate) = (Gate::default(), Gate::default());
    let (last_reached, last_gate) = (Gate::default(), Gate::default());
    let gates = (off_reached.clone(), off_gate.clone(), last_reached.clone(), last_gate.clone());
    let (mut offs, mut lasts) = (0, 0);
    app.wire.rule(move |call| {
        if call.by != "withdraw_account" || !call.mentions("PROFILE") {
            return Action::Pass;
        }
        if call.operation == "UpdateItem" && call.mentions("\"ACTIVE\"") && call.mentions("\"WITHDRAWING\"") {
            offs += 1;
            // The first begins, the second calls off.
            if offs == 2 {
                gates.0.open();
                return Action::Wait(gates.1.clone());
            }
        }
        if call.operation == "TransactWriteItems" {
            lasts += 1;
            if lasts == 1 {
                gates.2.open();
                return Action::Wait(gates.3.clone());
            }
        }
        Action::Pass
    });
    let first = async { withdraw(app, kim).await.refused(409, "OPEN_ORDERS") };
    let second = async {
        off_reached.passed().await;
        app.clock.advance(11 * 60_000);
        sale.sweep().await;
        withdraw(app, kim).await.status
    };
    let between = async {
        last_reached.passed().await;
        off_gate.open();
        while standing(app, kim).await != "ACTIVE" {
            tokio::task::yield_now().await;
        }
        sale.order(kim).await.expect(201);
        // As a third withdrawal does before it looks.
        let account = app.account(kim).await;
        app.table.write(account.turn(domain::accounts::Standing::Withdrawing)).await.unwrap();
        last_gate.open();
    };
    let (_, status, ()) = tokio::join!(first, second, between);
    status
}

#[tokio::test]
async fn a_withdrawal_that_was_called_off_finishes_nothing() {
    let sale = Sale::of(1).await;
    let kim = sale.app.sign_up("kim").await;
    assert_eq!(withdrawals_across(&sale, &kim).await, 503);
    assert_eq!(standing(&sale.app, &kim).await, "WITHDRAWING");
}

#[tokio::test]
async fn without_the_version_of_a_withdrawal_somebody_gone_would_have_an_open_order() {
    let sale = Sale::of(1).await;
    let kim = sale.app.sign_up("kim").await;
    sale.app.wire.rule(|call| {
        if call.by == "withdraw_account" && call.operation == "TransactWriteItems" {
            call.strip_conditions("PROFILE");
        }
        Action::Pass
    });
    assert_eq!(withdrawals_across(&sale, &kim).await, 204);
    assert_eq!(sale.seats().await, [1, 0, 1, 0]);
}

/// A project that is approved while its tutor leaves. Answers both statuses.
async fn approval_beside_withdrawal(app: &TestApp) -> (u16, u16) {
    let (tutor, admin) = (app.tutor("park").await, app.admin("root").await);
    let made = app.post("/v1/pwts").by(&tutor).json(&pwt_body()).send().await;
    let approve = format!("/v1/admin/pwts/{}/approve", made.body["id"].as_str().unwrap());
    let (reached, gate) = (Gate::default(), Gate::default());
    let (reaches, waits) = (reached.clone(), gate.clone());
    app.wire.rule(move |call| {
        // After the look at the tutor's projects, before they are removed.
        if call.by == "withdraw_account" && call.operation == "Query" && call.mentions("#WAIT") {
            reaches.open();
            return Action::Wait(waits.clone());
        }
        Action::Pass
    });
    let approving = async {
        reached.passed().await;
        let reply = app.post(&approve).by(&admin).header("if-match", made.header("etag")).send().await;
        gate.open();
        reply.status
    };
    let (left, approved) = tokio::join!(withdraw(app, &tutor), approving);
    (left.status, approved)
}

#[tokio::test]
async fn nothing_of_a_tutor_who_leaves_becomes_public() {
    assert_eq!(approval_beside_withdrawal(&TestApp::start().await).await, (204, 409));
}

#[tokio::test]
async fn without_the_look_at_the_tutor_a_project_would_be_sold_by_nobody() {
    let app = TestApp::start().await;
    app.wire.rule(|call| {
        if call.by == "approve_pwt" {
            call.strip_conditions("PROFILE");
        }
        Action::Pass
    });
    assert_eq!(approval_beside_withdrawal(&app).await, (204, 200));
}

/// A party with three places accepts somebody while they leave. Answers how many places it has left.
async fn acceptance_beside_withdrawal(app: &TestApp, guarded: bool) -> u32 {
    let (host, kim) = (app.sign_up("host").await, app.sign_up("kim").await);
    let body = json!({ "title": "스터디", "content": "함께", "category": "ETC", "capacity": 3 });
    let party = app.post("/v1/parties").by(&host).json(&body).send().await.expect(201);
    let id = party["id"].as_str().unwrap();
    let applications = format!("/v1/parties/{id}/applications");
    app.post(&applications).by(&kim).json(&json!({})).send().await.expect(201);
    let (reached, gate) = (Gate::default(), Gate::default());
    let (reaches, waits) = (reached.clone(), gate.clone());
    let mut first = true;
    app.wire.rule(move |call| {
        if call.by != "withdraw_account" || !call.mentions("APPLICATION#") || call.operation != "TransactWriteItems" {
            return Action::Pass;
        }
        if !guarded {
            call.strip_conditions("APPLICATION#");
        }
        if std::mem::take(&mut first) {
            reaches.open();
            return Action::Wait(waits.clone());
        }
        Action::Pass
    });
    let accepting = async {
        reached.passed().await;
        app.post(&format!("{applications}/{}/accept", kim.id)).by(&host).send().await.expect(200);
        gate.open();
    };
    let (left, ()) = tokio::join!(withdraw(app, &kim), accepting);
    left.expect(204);
    let party: Post<Party> = app.table.get_now(keys::post(Board::Party, id.parse().unwrap())).await.unwrap().unwrap();
    party.counts.places
}

#[tokio::test]
async fn who_is_accepted_while_leaving_keeps_no_place() {
    assert_eq!(acceptance_beside_withdrawal(&TestApp::start().await, true).await, 3);
}

#[tokio::test]
async fn without_the_version_of_an_application_somebody_gone_would_keep_a_place() {
    assert_eq!(acceptance_beside_withdrawal(&TestApp::start().await, false).await, 2);
}

/// A report that is decided on while its maker leaves. Answers whether what they said in it is still there.
async fn words_after_decision_beside_withdrawal(guarded: bool) -> bool {
    let app = &TestApp::start().await;
    let (writer, kim, admin) = (app.sign_up("writer").await, app.sign_up("kim").await, app.admin("root").await);
    let post = json!({ "title": "제목", "content": "내용", "category": "ETC" });
    let post = app.post("/v1/communities").by(&writer).json(&post).send().await.expect(201);
    let report = json!({ "board": "COMMUNITY", "postId": post["id"], "complaint": "SPAM", "detail": DETAIL });
    let report = app.post("/v1/reports").by(&kim).json(&report).send().await.expect(201);
    let (reached, gate) = (Gate::default(), Gate::default());
    let (reaches, waits) = (reached.clone(), gate.clone());
    let mut first = true;
    app.wire.rule(move |call| {
        if call.by != "resolve_report" || call.operation != "TransactWriteItems" {
            return Action::Pass;
        }
        if !guarded {
            call.strip_conditions("REPORT#");
            call.strip_conditions("PROFILE");
        }
        if std::mem::take(&mut first) {
            reaches.open();
            return Action::Wait(waits.clone());
        }
        Action::Pass
    });
    let leaving = async {
        reached.passed().await;
        withdraw(app, &kim).await.expect(204);
        gate.open();
    };
    let path = format!("/v1/admin/reports/{}/resolve", report["id"].as_str().unwrap());
    let decide = app.post(&path).by(&admin).json(&json!({ "outcome": "DISMISSED" }));
    let (decided, ()) = tokio::join!(decide.send(), leaving);
    decided.expect(200);
    app.wire.clear();
    !found(&everything(app).await, &[DETAIL]).is_empty()
}

#[tokio::test]
async fn a_decision_does_not_bring_back_the_words_of_who_left_meanwhile() {
    assert!(!words_after_decision_beside_withdrawal(true).await);
}

#[tokio::test]
async fn without_the_version_of_a_report_the_words_of_who_left_would_come_back() {
    assert!(words_after_decision_beside_withdrawal(false).await);
}
