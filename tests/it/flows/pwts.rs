//! Projects with a tutor: made, approved, changed, listed and counted.

use serde_json::{Value, json};
use storage::{Write, keys};
use testkit::Action;

use crate::app::{Account, Reply, TestApp, pwt_body};

async fn people() -> (TestApp, Account, Account) {
    let app = TestApp::start().await;
    let (tutor, admin) = (app.tutor("park").await, app.admin("root").await);
    (app, tutor, admin)
}

async fn make(app: &TestApp, tutor: &Account, changes: Value) -> Reply {
    let mut body = pwt_body();
    body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    app.post("/v1/pwts").by(tutor).json(&body).send().await
}

/// The id of a project that waits for approval.
async fn made(app: &TestApp, tutor: &Account, changes: Value) -> String {
    make(app, tutor, changes).await.expect(201)["id"].as_str().unwrap().to_owned()
}

async fn reject(app: &TestApp, admin: &Account, id: &str, version: u64) -> Reply {
    let path = format!("/v1/admin/pwts/{id}/reject");
    let reason = json!({ "reason": "아직" });
    app.post(&path).by(admin).header("if-match", &format!("\"{version}\"")).json(&reason).send().await
}

/// The ids on a page.
async fn ids(app: &TestApp, reader: &Account, path: &str) -> Vec<String> {
    let page = app.get(path).by(reader).send().await.expect(200);
    page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

async fn approve(app: &TestApp, admin: &Account, id: &str, version: u64) -> Reply {
    let path = format!("/v1/admin/pwts/{id}/approve");
    app.post(&path).by(admin).header("if-match", &format!("\"{version}\"")).send().await
}

async fn change(app: &TestApp, tutor: &Account, id: &str, version: u64, body: &Value) -> Reply {
    let path = format!("/v1/pwts/{id}");
    app.patch(&path).by(tutor).header("if-match", &format!("\"{version}\"")).json(body).send().await
}

async fn seats(app: &TestApp, id: &str) -> [u64; 4] {
    let seats = app.get(&format!("/v1/pwts/{id}/seats")).send().await.expect(200);
    ["total", "available", "held", "sold"].map(|name| seats[name].as_u64().unwrap())
}

#[tokio::test]
async fn create_pwt_names_every_bad_field() {
    let (app, tutor, _) = people().await;
    let body = json!({
        "title": "", "description": "x", "price": 500, "deadline": "soon", "startsAt": "2027-01-04T00:00:00Z",
        "endsAt": "2027-02-04T00:00:00Z", "maxParticipants": 0, "level": "HARDEST", "imageId": "x",
    });
    let problem = app.post("/v1/pwts").by(&tutor).json(&body).send().await.refused(400, "VALIDATION_FAILED");
    let mut fields: Vec<&str> =
        problem["errors"].as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap()).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["category", "deadline", "imageId", "level", "maxParticipants", "price", "title"]);
}

#[tokio::test]
async fn create_pwt_wants_its_dates_in_order() {
    let (app, tutor, _) = people().await;
    for changes in [
        json!({ "deadline": "2026-11-23T00:00:00Z" }),
        json!({ "salesFrom": "2026-12-24T00:00:00Z" }),
        json!({ "startsAt": "2026-12-23T00:00:00Z" }),
        json!({ "endsAt": "2027-01-04T00:00:00Z" }),
    ] {
        make(&app, &tutor, changes.clone()).await.refused(400, "VALIDATION_FAILED");
    }
    make(&app, &tutor, json!({ "startsAt": "2026-12-24T00:00:00Z" })).await.expect(201);
}

#[tokio::test]
async fn get_pwt_hides_what_is_not_approved() {
    let (app, tutor, admin) = people().await;
    let made = make(&app, &tutor, json!({})).await;
    assert_eq!(made.header("etag"), "\"1\"");
    let id = made.expect(201)["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/pwts/{id}");
    app.get(&path).send().await.refused(404, "PWT_NOT_FOUND");
    app.get(&format!("{path}/seats")).send().await.refused(404, "PWT_NOT_FOUND");
    assert_eq!(app.get("/v1/pwts").send().await.expect(200)["items"], json!([]));
    app.get(&path).by(&tutor).send().await.expect(200);
    let reason = json!({ "reason": "설명이 부족합니다." });
    let reject = format!("/v1/admin/pwts/{id}/reject");
    for _ in 0..2 {
        let rejected = app.post(&reject).by(&admin).header("if-match", "\"1\"").json(&reason).send().await;
        assert_eq!(rejected.expect(200)["approval"], "REJECTED");
    }
    assert_eq!(app.get(&path).by(&tutor).send().await.expect(200)["reason"], "설명이 부족합니다.");
    assert_eq!(approve(&app, &admin, &id, 2).await.status, 409);
}

#[tokio::test]
async fn approve_pwt_makes_the_stock_and_publishes() {
    let (app, tutor, admin) = people().await;
    let id = make(&app, &tutor, json!({ "maxParticipants": 130 })).await.expect(201)["id"].as_str().unwrap().to_owned();
    app.post(&format!("/v1/admin/pwts/{id}/approve")).by(&admin).send().await.refused(428, "PRECONDITION_REQUIRED");
    let stale = approve(&app, &admin, &id, 7).await;
    assert_eq!(stale.header("etag"), "\"1\"");
    assert_eq!(stale.refused(412, "VERSION_CONFLICT")["current"]["id"], json!(id));
    approve(&app, &admin, &id, 1).await.expect(200);
    approve(&app, &admin, &id, 1).await.expect(200);
    assert_eq!(seats(&app, &id).await, [130, 130, 0, 0]);
    let listed = app.get("/v1/pwts").send().await.expect(200);
    assert_eq!((&listed["items"][0]["id"], &listed["items"][0]["status"]), (&json!(id), &json!("RECRUITING")));
    app.get(&format!("/v1/pwts/{id}/schedule")).by(&tutor).send().await.expect(200);
}

/// Approves twice at once, after a buyer's order between the two reached its write; answers how
/// many seats there are after.
async fn approve_twice(strip: bool) -> u64 {
    let (app, tutor, admin) = people().await;
    let id = make(&app, &tutor, json!({ "maxParticipants": 3, "price": 0 })).await.expect(201)["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let (reached, gate) = (testkit::Gate::default(), testkit::Gate::default());
    let (reaches, waits) = (reached.clone(), gate.clone());
    let mut first = true;
    app.wire.rule(move |call| {
        if call.by != "approve_pwt" || call.operation != "TransactWriteItems" {
            return Action::Pass;
        }
        if strip {
            call.strip_conditions("PWT#");
            call.strip_conditions("SEATS#");
        }
        if std::mem::take(&mut first) {
            reaches.open();
            return Action::Wait(waits.clone());
        }
        Action::Pass
    });
    let second = async {
        reached.passed().await;
        approve(&app, &admin, &id, 1).await.expect(200);
        let kim = app.sign_up("kim").await;
        app.buy_free(&kim, &id).await;
        gate.open();
    };
    let both = async { tokio::join!(approve(&app, &admin, &id, 1), second) };
    let (slow, ()) = tokio::time::timeout(std::time::Duration::from_secs(30), both).await.expect("both ended");
    slow.expect(200);
    let [_, available, _, sold] = seats(&app, &id).await;
    assert_eq!(available + sold, 3);
    available
}

#[tokio::test]
async fn approve_pwt_twice_at_once_makes_one_stock() {
    assert_eq!(approve_twice(false).await, 2);
}

#[tokio::test]
async fn without_its_conditions_a_second_approval_makes_the_stock_anew() {
    assert_eq!(approve_twice(true).await, 3);
}

#[tokio::test]
async fn update_pwt_grows_and_shrinks_to_what_is_in_use() {
    let (app, tutor, admin) = people().await;
    let id = make(&app, &tutor, json!({ "maxParticipants": 60 })).await.expect(201)["id"].as_str().unwrap().to_owned();
    let approved = approve(&app, &admin, &id, 1).await;
    assert_eq!(approved.header("etag"), "\"2\"");
    for n in 0..3 {
        let buyer = app.sign_up(&format!("buyer{n}")).await;
        let order =
            app.post("/v1/orders").by(&buyer).header("idempotency-key", "k").json(&json!({ "productIds": [id] }));
        order.send().await.expect(201);
    }
    change(&app, &tutor, &id, 2, &json!({ "maxParticipants": 200 })).await.expect(200);
    assert_eq!(seats(&app, &id).await, [200, 197, 3, 0]);
    change(&app, &tutor, &id, 3, &json!({ "maxParticipants": 2 })).await.refused(409, "SEATS_IN_USE");
    change(&app, &tutor, &id, 3, &json!({ "maxParticipants": 3 })).await.expect(200);
    assert_eq!(seats(&app, &id).await, [3, 0, 3, 0]);
    change(&app, &tutor, &id, 3, &json!({ "title": "늦은 변경" })).await.refused(412, "VERSION_CONFLICT");
    // A new price is for new orders.
    change(&app, &tutor, &id, 4, &json!({ "price": 70_000, "maxParticipants": 4 })).await.expect(200);
    let buyer = app.sign_up("late").await;
    let order = app.post("/v1/orders").by(&buyer).header("idempotency-key", "k").json(&json!({ "productIds": [id] }));
    assert_eq!(order.send().await.expect(201)["total"], 70_000);
}

#[tokio::test]
async fn list_pwts_filters_and_pages_to_the_end() {
    let (app, tutor, admin) = people().await;
    for n in 0..7 {
        let level = if n % 3 == 0 { "HARD" } else { "EASY" };
        let category = if n % 2 == 0 { "WEB_DEV" } else { "GAME_DEV" };
        app.approved_pwt(&tutor, &admin, json!({ "title": format!("{n}"), "level": level, "category": category }))
            .await;
        app.clock.advance(1_000);
    }
    let all = async |filter: &str| {
        let (mut titles, mut cursor) = (vec![], String::new());
        loop {
            let page = app.get(&format!("/v1/pwts?limit=2{filter}{cursor}")).send().await.expect(200);
            titles.extend(
                page["items"].as_array().unwrap().iter().map(|item| item["title"].as_str().unwrap().to_owned()),
            );
            match page["nextCursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return titles.join(""),
            }
        }
    };
    assert_eq!(all("").await, "6543210");
    assert_eq!(all("&level=HARD").await, "630");
    assert_eq!(all("&category=WEB_DEV").await, "6420");
    assert_eq!(all("&category=WEB_DEV&level=HARD").await, "60");
    assert_eq!(all("&status=CLOSED").await, "");
    let first = app.get("/v1/pwts?limit=2").send().await.expect(200);
    let cursor = first["nextCursor"].as_str().unwrap();
    app.get(&format!("/v1/pwts?limit=2&level=HARD&cursor={cursor}")).send().await.refused(400, "BAD_CURSOR");
    app.get(&format!("/v1/admin/pwts?cursor={cursor}")).by(&admin).send().await.refused(400, "BAD_CURSOR");
}

#[tokio::test]
async fn list_pwts_is_cacheable_and_details_with_seats_are_not() {
    let (app, tutor, admin) = people().await;
    let id = app.approved_pwt(&tutor, &admin, json!({})).await;
    let list = app.get("/v1/pwts").send().await;
    assert!(list.header("cache-control").starts_with("public"));
    app.get("/v1/pwts").header("if-none-match", list.header("etag")).send().await.expect(304);
    assert_eq!(app.get(&format!("/v1/pwts/{id}")).send().await.header("cache-control"), "no-store");
    assert_eq!(app.get(&format!("/v1/pwts/{id}/seats")).send().await.header("cache-control"), "no-store");
}

#[tokio::test]
async fn list_pwts_closes_what_is_sold_out_or_over() {
    let (app, tutor, admin) = people().await;
    let id = app.approved_pwt(&tutor, &admin, json!({ "maxParticipants": 1, "price": 0 })).await;
    let (kim, lee) = (app.sign_up("kim").await, app.sign_up("lee").await);
    app.buy_free(&kim, &id).await;
    let order = app.post("/v1/orders").by(&lee).header("idempotency-key", "k").json(&json!({ "productIds": [id] }));
    order.send().await.refused(409, "SEAT_SOLD_OUT");
    let status = async |filter: &str| {
        app.get(&format!("/v1/pwts?status={filter}")).send().await.expect(200)["items"].as_array().unwrap().len()
    };
    assert_eq!((status("RECRUITING").await, status("CLOSED").await), (0, 1));
    app.approved_pwt(&tutor, &admin, json!({})).await;
    assert_eq!(status("RECRUITING").await, 1);
    app.clock.advance(31 * 86_400_000);
    assert_eq!((status("RECRUITING").await, status("CLOSED").await), (0, 2));
}

#[tokio::test]
async fn get_pwt_seats_answers_though_writers_are_in_the_way() {
    let (app, tutor, admin) = people().await;
    let id = app.approved_pwt(&tutor, &admin, json!({ "maxParticipants": 30 })).await;
    app.wire.rule(|call| if call.operation == "TransactGetItems" { Action::Conflict } else { Action::Pass });
    assert_eq!(seats(&app, &id).await, [30, 30, 0, 0]);
}

#[tokio::test]
async fn get_pwt_for_admin_shows_what_is_on_sale_and_whose_it_is() {
    let (app, tutor, admin) = people().await;
    let id = app.approved_pwt(&tutor, &admin, json!({ "maxParticipants": 30 })).await;
    let path = format!("/v1/admin/pwts/{id}");
    let shown = app.get(&path).by(&admin).send().await.expect(200);
    assert_eq!((&shown["tutorEmail"], &shown["id"]), (&json!(tutor.email), &json!(id)));
    app.get(&path).by(&tutor).send().await.refused(403, "FORBIDDEN");
}

#[tokio::test]
async fn create_pwt_is_for_tutors() {
    let (app, _, admin) = people().await;
    let kim = app.sign_up("kim").await;
    app.post("/v1/pwts").json(&pwt_body()).send().await.refused(401, "UNAUTHENTICATED");
    make(&app, &kim, json!({})).await.refused(403, "FORBIDDEN");
    make(&app, &admin, json!({})).await.refused(403, "FORBIDDEN");
}

#[tokio::test]
async fn get_pwt_shows_a_pending_one_to_admins_and_minds_a_bad_token() {
    let (app, tutor, admin) = people().await;
    let (kim, id) = (app.sign_up("kim").await, made(&app, &tutor, json!({})).await);
    let path = format!("/v1/pwts/{id}");
    let shown = app.get(&path).by(&admin).send().await.expect(200);
    assert_eq!(
        (&shown["approval"], &shown["status"], &shown["seatsLeft"]),
        (&json!("PENDING"), &json!("CLOSED"), &Value::Null)
    );
    app.get(&path).by(&kim).send().await.refused(404, "PWT_NOT_FOUND");
    approve(&app, &admin, &id, 1).await.expect(200);
    let shown = app.get(&path).send().await;
    assert_eq!(shown.header("etag"), "\"2\"");
    let shown = shown.expect(200);
    assert_eq!((&shown["status"], &shown["seatsLeft"]), (&json!("RECRUITING"), &json!(10)));
    assert_eq!(shown["tutor"], json!({ "id": tutor.id, "username": "park" }));
    assert_eq!(shown["salesFrom"], "2026-11-24T00:00:00.000Z");
    app.get(&path).header("authorization", "Bearer nonsense").send().await.refused(401, "UNAUTHENTICATED");
    app.clock.advance(15 * 60 * 1_000);
    app.get(&path).by(&kim).send().await.refused(401, "TOKEN_EXPIRED");
}

#[tokio::test]
async fn approve_pwt_refuses_the_rejected_the_late_and_the_unknown() {
    let (app, tutor, admin) = people().await;
    let (id, late) = (made(&app, &tutor, json!({})).await, made(&app, &tutor, json!({})).await);
    approve(&app, &tutor, &id, 1).await.refused(403, "FORBIDDEN");
    approve(&app, &admin, "01KB2M3N4P5Q6R7S8T9V0W1X2Y", 1).await.refused(404, "PWT_NOT_FOUND");
    reject(&app, &admin, &id, 1).await.expect(200);
    approve(&app, &admin, &id, 2).await.refused(409, "PWT_REJECTED");
    app.clock.advance(31 * 86_400_000);
    let admin = app.log_in(&admin).await;
    approve(&app, &admin, &late, 1).await.refused(409, "DEADLINE_PASSED");
}

#[tokio::test]
async fn reject_pwt_refuses_the_approved_the_stale_and_the_unknown() {
    let (app, tutor, admin) = people().await;
    let id = made(&app, &tutor, json!({})).await;
    reject(&app, &tutor, &id, 1).await.refused(403, "FORBIDDEN");
    reject(&app, &admin, "01KB2M3N4P5Q6R7S8T9V0W1X2Y", 1).await.refused(404, "PWT_NOT_FOUND");
    let stale = reject(&app, &admin, &id, 9).await;
    assert_eq!(stale.header("etag"), "\"1\"");
    assert_eq!(stale.refused(412, "VERSION_CONFLICT")["current"]["approval"], "PENDING");
    let body = json!({ "reason": "아직" });
    let path = format!("/v1/admin/pwts/{id}/reject");
    app.post(&path).by(&admin).json(&body).send().await.refused(428, "PRECONDITION_REQUIRED");
    approve(&app, &admin, &id, 1).await.expect(200);
    reject(&app, &admin, &id, 2).await.refused(409, "PWT_APPROVED");
}

#[tokio::test]
async fn update_pwt_is_its_tutors_and_names_a_version() {
    let (app, tutor, admin) = people().await;
    let (kim, id) = (app.sign_up("kim").await, made(&app, &tutor, json!({})).await);
    let title = json!({ "title": "새 제목" });
    change(&app, &kim, &id, 1, &title).await.refused(404, "PWT_NOT_FOUND");
    change(&app, &admin, &id, 1, &title).await.refused(403, "FORBIDDEN");
    change(&app, &tutor, "01KB2M3N4P5Q6R7S8T9V0W1X2Y", 1, &title).await.refused(404, "PWT_NOT_FOUND");
    let unnamed = app.patch(&format!("/v1/pwts/{id}")).by(&tutor).json(&title).send().await;
    unnamed.refused(428, "PRECONDITION_REQUIRED");
    let bad = json!({ "salesFrom": "2027-03-01T00:00:00Z", "endsAt": "2027-01-01T00:00:00Z" });
    let problem = change(&app, &tutor, &id, 1, &bad).await.refused(400, "VALIDATION_FAILED");
    assert_eq!(problem["errors"].as_array().unwrap().len(), 2);
    let changed = change(&app, &tutor, &id, 1, &title).await;
    assert_eq!(changed.header("etag"), "\"2\"");
    assert_eq!(changed.expect(200)["title"], "새 제목");
    let stale = change(&app, &tutor, &id, 1, &title).await;
    assert_eq!(stale.header("etag"), "\"2\"");
    assert_eq!(stale.refused(412, "VERSION_CONFLICT")["current"]["title"], "새 제목");
    approve(&app, &admin, &id, 2).await.expect(200);
    change(&app, &kim, &id, 3, &title).await.refused(403, "FORBIDDEN");
}

#[tokio::test]
async fn update_pwt_of_a_rejected_one_asks_for_approval_again() {
    let (app, tutor, admin) = people().await;
    let id = made(&app, &tutor, json!({})).await;
    reject(&app, &admin, &id, 1).await.expect(200);
    let changed = change(&app, &tutor, &id, 2, &json!({ "description": "자세히" })).await.expect(200);
    assert_eq!((&changed["approval"], &changed["reason"]), (&json!("PENDING"), &Value::Null));
    assert_eq!(ids(&app, &admin, "/v1/admin/pwts").await, std::slice::from_ref(&id));
    assert_eq!(ids(&app, &admin, "/v1/admin/pwts?approval=REJECTED").await, [""; 0]);
    approve(&app, &admin, &id, 3).await.expect(200);
}

#[tokio::test]
async fn update_pwt_moves_between_categories_and_leaves_seats_alone() {
    let (app, tutor, admin) = people().await;
    let id = app.approved_pwt(&tutor, &admin, json!({ "maxParticipants": 60 })).await;
    app.wire.take_calls();
    change(&app, &tutor, &id, 2, &json!({ "category": "ETC", "level": "EASY" })).await.expect(200);
    assert!(app.wire.take_calls().iter().all(|call| call.operation != "TransactWriteItems"));
    for (filter, found) in [("WEB_DEV", 0), ("ETC", 1), ("ETC&level=EASY", 1), ("ETC&level=MEDIUM", 0)] {
        assert_eq!(ids(&app, &admin, &format!("/v1/pwts?category={filter}")).await.len(), found, "{filter}");
    }
}

#[tokio::test]
async fn update_pwt_past_the_deadline_may_set_a_new_one_but_no_past_one() {
    let (app, tutor, admin) = people().await;
    let id = app.approved_pwt(&tutor, &admin, json!({})).await;
    app.clock.advance(31 * 86_400_000);
    let tutor = app.log_in(&tutor).await;
    change(&app, &tutor, &id, 2, &json!({ "title": "아직 고칠 수 있다" })).await.expect(200);
    let past = json!({ "deadline": "2026-12-20T00:00:00Z" });
    let problem = change(&app, &tutor, &id, 3, &past).await.refused(400, "VALIDATION_FAILED");
    assert_eq!(
        (&problem["errors"][0]["field"], &problem["errors"][0]["code"]),
        (&json!("deadline"), &json!("IN_THE_PAST"))
    );
    let reopened = change(&app, &tutor, &id, 3, &json!({ "deadline": "2027-01-01T00:00:00Z" })).await.expect(200);
    assert_eq!(reopened["status"], "RECRUITING");
}

/// Changes a project while `meanwhile` happens between its read and its write.
async fn change_while(
    app: &TestApp,
    tutor: &Account,
    id: &str,
    body: &Value,
    strip: &'static str,
    meanwhile: impl Future<Output = ()>,
) -> Reply {
    let (reached, gate) = (testkit::Gate::default(), testkit::Gate::default());
    let (reaches, waits) = (reached.clone(), gate.clone());
    let mut first = true;
    app.wire.rule(move |call| {
        let writes = ["TransactWriteItems", "UpdateItem"].contains(&call.operation.as_str());
        if call.by != "update_pwt" || !writes {
            return Action::Pass;
        }
        if !strip.is_empty() {
            call.strip_conditions(strip);
        }
        if std::mem::take(&mut first) {
            reaches.open();
            return Action::Wait(waits.clone());
        }
        Action::Pass
    });
    let meanwhile = async {
        reached.passed().await;
        meanwhile.await;
        gate.open();
    };
    let both = async { tokio::join!(change(app, tutor, id, 2, body), meanwhile) };
    tokio::time::timeout(std::time::Duration::from_secs(30), both).await.expect("both ended").0
}

/// Answers how an overtaken change of the same version ends.
async fn change_twice(strip: &'static str) -> u16 {
    let (app, tutor, admin) = people().await;
    let id = app.approved_pwt(&tutor, &admin, json!({})).await;
    let faster = async {
        change(&app, &tutor, &id, 2, &json!({ "title": "먼저" })).await.expect(200);
    };
    change_while(&app, &tutor, &id, &json!({ "title": "나중" }), strip, faster).await.status
}

#[tokio::test]
async fn update_pwt_twice_at_once_changes_one_version_once() {
    assert_eq!(change_twice("").await, 412);
}

#[tokio::test]
async fn without_its_version_a_change_would_undo_another() {
    assert_eq!(change_twice("POST").await, 200);
}

/// Shrinks 60 seats to `wanted` while one is sold from each of the two shards.
async fn shrink_while_selling(app: &TestApp, wanted: u32, strip: &'static str) -> (Reply, String) {
    let (tutor, admin) = (app.tutor("park").await, app.admin("root").await);
    let id = app.approved_pwt(&tutor, &admin, json!({ "maxParticipants": 60 })).await;
    let sold = async {
        for shard in 0..2 {
            let seat = Write::update(keys::seats(id.parse().unwrap(), shard)).add("available", -1).add("sold", 1);
            app.table.write(seat).await.unwrap();
        }
    };
    let reply = change_while(app, &tutor, &id, &json!({ "maxParticipants": wanted }), strip, sold).await;
    (reply, id)
}

#[tokio::test]
async fn update_pwt_works_its_shrinking_out_anew_when_seats_moved() {
    let app = TestApp::start().await;
    let (reply, id) = shrink_while_selling(&app, 25, "").await;
    assert_eq!(reply.expect(200)["seatsLeft"], 23);
    assert_eq!(seats(&app, &id).await, [25, 23, 0, 2]);
}

#[tokio::test]
async fn update_pwt_never_takes_a_seat_that_was_sold_meanwhile() {
    let app = TestApp::start().await;
    let (reply, id) = shrink_while_selling(&app, 1, "").await;
    assert_eq!(reply.refused(409, "SEATS_IN_USE")["inUse"], 2);
    assert_eq!(seats(&app, &id).await, [60, 58, 0, 2]);
}

#[tokio::test]
async fn without_the_shards_conditions_shrinking_would_take_sold_seats() {
    let app = TestApp::start().await;
    let (reply, id) = shrink_while_selling(&app, 1, "SEATS#").await;
    reply.expect(200);
    // A shard was left with less than nothing.
    app.get(&format!("/v1/pwts/{id}/seats")).send().await.refused(500, "INTERNAL");
}

#[tokio::test]
async fn list_my_pwts_pages_through_own_ones_in_any_state() {
    let (app, tutor, admin) = people().await;
    let other = app.tutor("choi").await;
    made(&app, &other, json!({})).await;
    let pending = made(&app, &tutor, json!({})).await;
    app.clock.advance(1_000);
    let rejected = made(&app, &tutor, json!({})).await;
    app.clock.advance(1_000);
    let approved = app.approved_pwt(&tutor, &admin, json!({})).await;
    reject(&app, &admin, &rejected, 1).await.expect(200);
    assert_eq!(ids(&app, &tutor, "/v1/users/me/pwts").await, [approved, rejected, pending]);
    let first = app.get("/v1/users/me/pwts?limit=2").by(&tutor).send().await.expect(200);
    assert_eq!((&first["items"][1]["approval"], &first["items"][1]["reason"]), (&json!("REJECTED"), &json!("아직")));
    let cursor = first["nextCursor"].as_str().unwrap();
    let path = format!("/v1/users/me/pwts?cursor={cursor}");
    assert_eq!(ids(&app, &tutor, &path).await.len(), 1);
    app.get(&path).by(&other).send().await.refused(400, "BAD_CURSOR");
    app.get(&path.replace("cursor=", "cursor=A")).by(&tutor).send().await.refused(400, "BAD_CURSOR");
    app.get("/v1/users/me/pwts").by(&admin).send().await.refused(403, "FORBIDDEN");
    app.get("/v1/users/me/pwts").send().await.refused(401, "UNAUTHENTICATED");
}

#[tokio::test]
async fn list_pwts_for_admin_goes_by_approval() {
    let (app, tutor, admin) = people().await;
    let pending = made(&app, &tutor, json!({})).await;
    let rejected = made(&app, &tutor, json!({})).await;
    let approved = app.approved_pwt(&tutor, &admin, json!({})).await;
    reject(&app, &admin, &rejected, 1).await.expect(200);
    for (filter, found) in [
        ("", &pending),
        ("?approval=PENDING", &pending),
        ("?approval=APPROVED", &approved),
        ("?approval=REJECTED", &rejected),
    ] {
        assert_eq!(ids(&app, &admin, &format!("/v1/admin/pwts{filter}")).await, [found.as_str()], "{filter}");
    }
    let list = app.get("/v1/admin/pwts").by(&admin).send().await.expect(200);
    assert_eq!(
        (&list["items"][0]["tutor"]["username"], &list["items"][0]["tutorEmail"]),
        (&json!("park"), &json!(tutor.email))
    );
    app.get("/v1/admin/pwts?approval=NEW").by(&admin).send().await.refused(400, "VALIDATION_FAILED");
    app.get("/v1/admin/pwts").by(&tutor).send().await.refused(403, "FORBIDDEN");
}
