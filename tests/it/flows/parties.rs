//! Study parties: applied to, joined and left, never by more people than they have places.

use futures::future::join_all;
use serde_json::{Value, json};
use testkit::{Action, Gate};

use crate::app::{Account, Reply, TestApp};

const UNKNOWN: &str = "01KB2M3N4P5Q6R7S8T9V0W1X2Y";

/// A party of kim's.
struct Recruited {
    app: TestApp,
    kim: Account,
    party: String,
}

impl Recruited {
    async fn with(capacity: u32) -> Self {
        let app = TestApp::start().await;
        let kim = app.sign_up("kim").await;
        let body = json!({ "title": "스터디", "content": "함께", "category": "ETC", "capacity": capacity });
        let made = app.post("/v1/parties").by(&kim).json(&body).send().await.expect(201);
        let party = format!("/v1/parties/{}", made["id"].as_str().unwrap());
        Self { app, kim, party }
    }

    /// People who have applied.
    async fn applicants(&self, count: usize) -> Vec<Account> {
        let names: Vec<String> = (0..count).map(|n| format!("user{n}")).collect();
        let people = join_all(names.iter().map(|name| self.app.sign_up(name))).await;
        for one in &people {
            self.apply(one).await.expect(201);
        }
        people
    }

    async fn apply(&self, by: &Account) -> Reply {
        self.app.post(&format!("{}/applications", self.party)).by(by).json(&json!({})).send().await
    }

    async fn decide(&self, by: &Account, applicant: &str, verdict: &str) -> Reply {
        self.app.post(&format!("{}/applications/{applicant}/{verdict}", self.party)).by(by).send().await
    }

    async fn accept(&self, applicant: &Account) -> Reply {
        self.decide(&self.kim, &applicant.id, "accept").await
    }

    async fn decline(&self, applicant: &Account) -> Reply {
        self.decide(&self.kim, &applicant.id, "decline").await
    }

    async fn leave(&self, by: &Account) -> Reply {
        self.app.delete(&format!("{}/applications/me", self.party)).by(by).send().await
    }

    async fn change(&self, change: Value) -> Reply {
        self.app.patch(&self.party).by(&self.kim).json(&change).send().await
    }

    async fn applications(&self, query: &str) -> Vec<Value> {
        let list = self.app.get(&format!("{}/applications?{query}", self.party)).by(&self.kim).send().await;
        list.expect(200)["items"].as_array().unwrap().clone()
    }

    /// How many have joined, by the party's own count and by its applications.
    async fn members(&self) -> (u64, usize) {
        let party = self.app.get(&self.party).send().await.expect(200);
        (party["memberCount"].as_u64().unwrap(), self.applications("state=ACCEPTED&limit=100").await.len())
    }
}

#[tokio::test]
async fn apply_to_party_sends_one_application() {
    let recruited = Recruited::with(2).await;
    let lee = recruited.app.sign_up("lee").await;
    let path = format!("{}/applications", recruited.party);
    let message = json!({ "message": "잘 **부탁**드립니다." });
    let sent = recruited.app.post(&path).by(&lee).json(&message).send().await;
    assert_eq!(sent.header("location"), format!("{path}/me"));
    let sent = sent.expect(201);
    let expected = json!({
        "applicant": { "id": lee.id, "username": "lee" }, "state": "PENDING", "message": "잘 **부탁**드립니다.",
        "createdAt": "2026-11-24T00:00:00.000Z", "decidedAt": null,
    });
    assert_eq!(sent, expected);
    // Once more answers what there is.
    assert_eq!(recruited.apply(&lee).await.expect(200), sent);
    recruited.accept(&lee).await.expect(200);
    assert_eq!(recruited.apply(&lee).await.expect(200)["state"], "ACCEPTED");
    let others = join_all((0..8).map(|_| recruited.apply(&lee))).await;
    assert!(others.iter().all(|reply| reply.status == 200));
    assert_eq!(recruited.applications("limit=100").await.len(), 1);
}

#[tokio::test]
async fn apply_to_party_has_one_winner_of_a_race() {
    let recruited = Recruited::with(2).await;
    let lee = recruited.app.sign_up("lee").await;
    let mut statuses: Vec<u16> =
        join_all((0..8).map(|_| recruited.apply(&lee))).await.iter().map(|reply| reply.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 200, 200, 201]);
}

#[tokio::test]
async fn apply_to_party_refuses_what_cannot_be() {
    let recruited = Recruited::with(2).await;
    let lee = recruited.app.sign_up("lee").await;
    recruited.apply(&recruited.kim).await.refused(409, "OWN_PARTY");
    let path = format!("{}/applications", recruited.party);
    for body in [json!({ "message": "" }), json!({ "message": "가".repeat(501) }), json!({ "state": "ACCEPTED" })] {
        recruited.app.post(&path).by(&lee).json(&body).send().await.refused(400, "VALIDATION_FAILED");
    }
    let nowhere = format!("/v1/parties/{UNKNOWN}/applications");
    recruited.app.post(&nowhere).by(&lee).json(&json!({})).send().await.refused(404, "POST_NOT_FOUND");
    recruited.change(json!({ "status": "COMPLETED" })).await.expect(200);
    recruited.apply(&lee).await.refused(409, "PARTY_CLOSED");
    assert!(recruited.applications("limit=100").await.is_empty());
    recruited.change(json!({ "status": "RECRUITING" })).await.expect(200);
    recruited.apply(&lee).await.expect(201);
    recruited.app.delete(&recruited.party).by(&recruited.kim).send().await.expect(204);
    recruited.apply(&lee).await.refused(404, "POST_NOT_FOUND");
    recruited.leave(&lee).await.refused(404, "POST_NOT_FOUND");
    recruited.accept(&lee).await.refused(404, "POST_NOT_FOUND");
}

/// The party is completed after an application was let in and before it is written.
async fn complete_while_applying(recruited: &Recruited) -> Reply {
    let lee = recruited.app.sign_up("lee").await;
    let (reached, gate) = (Gate::default(), Gate::default());
    let (at_it, held) = (reached.clone(), gate.clone());
    recruited.app.wire.rule(move |call| {
        if call.by != "apply_to_party" || call.operation != "TransactWriteItems" {
            return Action::Pass;
        }
        at_it.open();
        Action::Wait(held.clone())
    });
    let completing = async {
        reached.passed().await;
        recruited.change(json!({ "status": "COMPLETED" })).await.expect(200);
        gate.open();
    };
    futures::join!(recruited.apply(&lee), completing).0
}

#[tokio::test]
async fn a_completed_party_takes_no_application_that_is_on_its_way() {
    let recruited = Recruited::with(2).await;
    complete_while_applying(&recruited).await.refused(409, "PARTY_CLOSED");
    assert!(recruited.applications("limit=100").await.is_empty());
}

#[tokio::test]
async fn without_the_look_at_its_status_a_completed_party_would_take_one() {
    let recruited = Recruited::with(2).await;
    recruited.app.wire.rule(|call| {
        if call.by == "apply_to_party" {
            call.strip_conditions("\"POST\"");
        }
        Action::Pass
    });
    complete_while_applying(&recruited).await.expect(201);
}

#[tokio::test]
async fn list_party_applications_is_the_authors_oldest_first() {
    let recruited = Recruited::with(2).await;
    for name in ["lee", "choi", "jung"] {
        recruited.app.clock.advance(1_000);
        recruited.apply(&recruited.app.sign_up(name).await).await.expect(201);
    }
    let names = |items: &[Value]| {
        items.iter().map(|item| item["applicant"]["username"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let all = recruited.applications("limit=100").await;
    assert_eq!(names(&all), ["lee", "choi", "jung"]);
    let accepted = all[1]["applicant"]["id"].as_str().unwrap();
    recruited.decide(&recruited.kim, accepted, "accept").await.expect(200);
    assert_eq!(names(&recruited.applications("state=PENDING").await), ["lee", "jung"]);
    assert_eq!(names(&recruited.applications("state=ACCEPTED").await), ["choi"]);
    let path = format!("{}/applications", recruited.party);
    let (lee, admin) = (recruited.app.sign_up("other").await, recruited.app.admin("root").await);
    for other in [&lee, &admin] {
        recruited.app.get(&path).by(other).send().await.refused(403, "FORBIDDEN");
    }
    recruited.app.get(&format!("{path}?state=X")).by(&recruited.kim).send().await.refused(400, "VALIDATION_FAILED");
    recruited.app.get(&format!("{path}?cursor=x")).by(&recruited.kim).send().await.refused(400, "BAD_CURSOR");
    let nowhere = format!("/v1/parties/{UNKNOWN}/applications");
    recruited.app.get(&nowhere).by(&recruited.kim).send().await.refused(404, "POST_NOT_FOUND");
}

#[tokio::test]
async fn applications_are_decided_on_by_the_author_and_as_often_as_wanted() {
    let recruited = Recruited::with(2).await;
    let people = recruited.applicants(2).await;
    let (lee, choi) = (&people[0], &people[1]);
    let admin = recruited.app.admin("root").await;
    for verdict in ["accept", "decline"] {
        for other in [lee, choi, &admin] {
            recruited.decide(other, &lee.id, verdict).await.refused(403, "FORBIDDEN");
        }
        recruited.decide(&recruited.kim, UNKNOWN, verdict).await.refused(404, "APPLICATION_NOT_FOUND");
        recruited.decide(&recruited.kim, &admin.id, verdict).await.refused(404, "APPLICATION_NOT_FOUND");
        recruited.decide(&recruited.kim, "x", verdict).await.refused(400, "INVALID_ID");
    }
    recruited.app.clock.advance(1_000);
    let accepted = recruited.accept(lee).await.expect(200);
    assert_eq!((&accepted["state"], &accepted["decidedAt"]), (&json!("ACCEPTED"), &json!("2026-11-24T00:00:01.000Z")));
    recruited.app.clock.advance(1_000);
    assert_eq!(recruited.accept(lee).await.expect(200), accepted);
    assert_eq!(recruited.members().await, (1, 1));
    let declined = recruited.decline(lee).await.expect(200);
    assert_eq!(declined["state"], "DECLINED");
    recruited.app.clock.advance(1_000);
    assert_eq!(recruited.decline(lee).await.expect(200), declined);
    assert_eq!(recruited.members().await, (0, 0));
    recruited.decline(choi).await.expect(200);
    assert_eq!(recruited.members().await, (0, 0));
    recruited.accept(lee).await.expect(200);
    assert_eq!(recruited.members().await, (1, 1));
    // A completed party takes no new ones; those that are there are still decided on.
    recruited.change(json!({ "status": "COMPLETED" })).await.expect(200);
    recruited.accept(choi).await.expect(200);
    assert_eq!(recruited.members().await, (2, 2));
}

#[tokio::test]
async fn a_full_party_takes_the_next_when_somebody_leaves() {
    let recruited = Recruited::with(1).await;
    let people = recruited.applicants(3).await;
    recruited.accept(&people[0]).await.expect(200);
    recruited.accept(&people[1]).await.refused(409, "PARTY_FULL");
    recruited.leave(&people[0]).await.expect(204);
    assert_eq!(recruited.members().await, (0, 0));
    recruited.accept(&people[1]).await.expect(200);
    recruited.accept(&people[2]).await.refused(409, "PARTY_FULL");
    // Leaving twice gives no second place, and neither does taking back what was only asked for.
    recruited.leave(&people[0]).await.expect(204);
    recruited.leave(&people[2]).await.expect(204);
    assert_eq!(recruited.members().await, (1, 1));
    // Who left may apply again; who was declined may not take that back and ask anew.
    assert_eq!(recruited.apply(&people[0]).await.expect(201)["state"], "PENDING");
    recruited.decline(&people[0]).await.expect(200);
    recruited.leave(&people[0]).await.expect(204);
    assert_eq!(recruited.apply(&people[0]).await.expect(200)["state"], "DECLINED");
}

#[tokio::test]
async fn update_party_post_keeps_the_places_that_are_taken() {
    let recruited = Recruited::with(3).await;
    let people = recruited.applicants(3).await;
    for one in &people[..2] {
        recruited.accept(one).await.expect(200);
    }
    let refused = recruited.change(json!({ "capacity": 1 })).await.refused(409, "PLACES_TAKEN");
    assert_eq!(refused["taken"], 2);
    let changed = recruited.change(json!({ "capacity": 2 })).await.expect(200);
    assert_eq!((&changed["capacity"], &changed["memberCount"]), (&json!(2), &json!(2)));
    recruited.accept(&people[2]).await.refused(409, "PARTY_FULL");
    recruited.change(json!({ "capacity": 3 })).await.expect(200);
    recruited.accept(&people[2]).await.expect(200);
    assert_eq!(recruited.members().await, (3, 3));
    for bad in [0, 101, -1] {
        recruited.change(json!({ "capacity": bad })).await.refused(400, "VALIDATION_FAILED");
    }
}

/// How many of a hundred are accepted at once: by the answers.
async fn accepted_at_once(recruited: &Recruited, people: &[Account]) -> usize {
    let replies = join_all(people.iter().map(|one| recruited.accept(one))).await;
    let accepted = replies.iter().filter(|reply| reply.status == 200).count();
    let full = replies.iter().filter(|reply| reply.body["code"] == "PARTY_FULL").count();
    assert_eq!(accepted + full, people.len());
    accepted
}

#[tokio::test]
async fn of_a_hundred_acceptances_at_once_as_many_succeed_as_there_are_places() {
    let recruited = Recruited::with(5).await;
    let people = recruited.applicants(100).await;
    assert_eq!(accepted_at_once(&recruited, &people).await, 5);
    assert_eq!(recruited.members().await, (5, 5));
    // As many leave as have joined, at once and twice each: then there are five places again.
    let leaving = people.iter().chain(&people).map(|one| recruited.leave(one));
    assert!(join_all(leaving).await.iter().all(|reply| reply.status == 204));
    assert_eq!(recruited.members().await, (0, 0));
    let again = join_all(people.iter().map(|one| recruited.apply(one))).await;
    assert!(again.iter().all(|reply| reply.status == 201));
    assert_eq!(accepted_at_once(&recruited, &people).await, 5);
}

#[tokio::test]
async fn without_the_places_condition_more_would_be_accepted() {
    let recruited = Recruited::with(5).await;
    let people = recruited.applicants(20).await;
    recruited.app.wire.rule(|call| {
        if call.by == "accept_party_application" {
            call.strip_conditions("\"POST\"");
        }
        Action::Pass
    });
    assert!(accepted_at_once(&recruited, &people).await > 5);
}

#[tokio::test]
async fn one_applicant_accepted_many_times_at_once_takes_one_place() {
    let recruited = Recruited::with(5).await;
    let people = recruited.applicants(1).await;
    let replies = join_all((0..10).map(|_| recruited.accept(&people[0]))).await;
    assert!(replies.iter().all(|reply| reply.status == 200));
    assert_eq!(recruited.members().await, (1, 1));
    let both = (0..5).map(|_| async {
        futures::join!(recruited.decline(&people[0]), recruited.accept(&people[0]), recruited.leave(&people[0]))
    });
    join_all(both).await;
    let (counted, accepted) = recruited.members().await;
    assert_eq!(usize::try_from(counted).unwrap(), accepted);
}

#[tokio::test]
async fn without_the_applications_version_one_would_take_many_places() {
    let recruited = Recruited::with(5).await;
    let people = recruited.applicants(1).await;
    let gates = [Gate::default(), Gate::default()];
    let mut writing = 0;
    // None writes before all have read.
    recruited.app.wire.rule(move |call| {
        if call.by != "accept_party_application" || call.operation != "TransactWriteItems" {
            return Action::Pass;
        }
        call.strip_conditions("APPLICATION#");
        writing += 1;
        if let Some(gate) = gates.get(writing - 1) {
            return Action::Wait(gate.clone());
        }
        gates.iter().for_each(Gate::open);
        Action::Pass
    });
    join_all((0..3).map(|_| recruited.accept(&people[0]))).await;
    let (counted, accepted) = recruited.members().await;
    assert!(usize::try_from(counted).unwrap() > accepted);
}

#[tokio::test]
async fn an_acceptance_whose_answer_is_lost_takes_one_place() {
    let recruited = Recruited::with(5).await;
    let people = recruited.applicants(1).await;
    let mut calls = 0;
    recruited.app.wire.rule(move |call| {
        if call.by != "accept_party_application" || call.operation != "TransactWriteItems" {
            return Action::Pass;
        }
        calls += 1;
        [Action::Conflict, Action::LoseAnswer].get(calls - 1).cloned().unwrap_or(Action::Pass)
    });
    recruited.accept(&people[0]).await.expect(200);
    assert_eq!(recruited.members().await, (1, 1));
}
