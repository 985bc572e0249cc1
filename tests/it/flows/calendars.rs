//! Calendars: one's own over all schedules, and the feeds that calendar programs read.

use std::collections::BTreeSet;

use futures::future::join_all;
use icalendar::{Calendar, CalendarComponent, Component, Event};
use serde_json::{Value, json};
use storage::{Write, items::Todo, keys};
use testkit::Action;
use ulid::Ulid;

use super::schedules::Project;
use crate::app::{Account, PASSWORD};

const MINUTE: i64 = 60_000;

/// A project, and another one that its tutor leads and the buyer of both is in.
struct Two {
    project: Project,
    other: String,
}

impl Two {
    async fn start() -> Self {
        let project = Project::start().await;
        let other = project.app.approved_pwt(&project.tutor, &project.admin, json!({ "price": 0 })).await;
        for pwt in [&project.pwt, &other] {
            project
                .app
                .table
                .write(Write::delete(keys::buyer(
                    pwt.parse::<domain::ids::PwtId>().unwrap().into(),
                    project.kim.id.parse().unwrap(),
                )))
                .await
                .unwrap();
            project.app.buy_free(&project.kim, pwt).await;
        }
        Self { project, other }
    }

    /// Todos of the tutor, by their project, in minutes from the start of 2027.
    async fn plan(&self, todos: &[(&str, i64, i64)]) {
        for (n, (pwt, start, end)) in (0..).zip(todos) {
            let at =
                |minute: &i64| "2027-01-01T00:00:00Z".parse::<domain::time::Time>().unwrap().plus_seconds(minute * 60);
            let todo = json!({ "title": format!("{n}"), "content": "", "start": at(start), "end": at(end) });
            let path = format!("/v1/schedules/{pwt}/todos");
            self.project.app.post(&path).by(&self.project.tutor).json(&todo).send().await.expect(201);
        }
    }

    /// The entries of all pages, and how many pages there were.
    async fn calendar(&self, by: &Account, query: &str) -> (Vec<Value>, usize) {
        let (mut entries, mut pages, mut cursor) = (vec![], 0, String::new());
        loop {
            let path = format!("/v1/users/me/calendar?{query}{cursor}");
            let page = self.project.app.get(&path).by(by).send().await.expect(200);
            entries.extend(page["items"].as_array().unwrap().clone());
            pages += 1;
            match page["nextCursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return (entries, pages),
            }
        }
    }

    async fn titles(&self, by: &Account, query: &str) -> Vec<String> {
        let (entries, _) = self.calendar(by, query).await;
        entries.iter().map(|entry| entry["title"].as_str().unwrap().to_owned()).collect()
    }
}

const YEAR: &str = "from=2027-01-01T00:00:00Z&to=2027-12-31T00:00:00Z";

#[tokio::test]
async fn get_my_calendar_lists_what_is_bought_and_what_is_led_by_start() {
    let two = Two::start().await;
    let (one, other) = (two.project.pwt.as_str(), two.other.as_str());
    two.plan(&[(one, 30, 40), (other, 10, 20), (one, 20, 25), (other, 21, 21), (one, -500, -1), (other, -60, 5)]).await;
    let expected = ["5", "1", "2", "3", "0"];
    for member in [&two.project.kim, &two.project.tutor] {
        assert_eq!(two.titles(member, YEAR).await, expected);
    }
    let (entries, _) = two.calendar(&two.project.kim, YEAR).await;
    let on: Vec<&Value> = entries.iter().map(|entry| &entry["scheduleId"]).collect();
    assert_eq!(on, [other, other, one, other, one]);
    // Neither an admin's nor a stranger's: they are in none.
    assert!(two.titles(&two.project.admin, YEAR).await.is_empty());
    assert!(two.titles(&two.project.stranger, YEAR).await.is_empty());
}

#[tokio::test]
async fn get_my_calendar_has_the_same_entries_however_it_is_paged() {
    let two = Two::start().await;
    let (one, other) = (two.project.pwt.as_str(), two.other.as_str());
    let mut todos: Vec<(&str, i64, i64)> =
        (0..23).map(|n| (if n % 3 == 0 { other } else { one }, n * 7 % 11, 60)).collect();
    // Those that end before the range take reads, but no place in a page.
    todos.extend((0..40).map(|n| (one, -9_000 + n, -8_000)));
    two.plan(&todos).await;
    let (whole, pages) = two.calendar(&two.project.kim, &format!("{YEAR}&limit=100")).await;
    assert_eq!((whole.len(), pages), (23, 1));
    for limit in [1, 2, 3, 7, 22, 23] {
        let (paged, _) = two.calendar(&two.project.kim, &format!("{YEAR}&limit={limit}")).await;
        assert_eq!(paged, whole, "{limit}");
    }
}

#[tokio::test]
async fn get_my_calendar_forgets_what_is_given_back() {
    let two = Two::start().await;
    two.plan(&[(&two.project.pwt, 1, 2), (&two.other, 3, 4)]).await;
    let app = &two.project.app;
    let orders = app.get("/v1/orders").by(&two.project.kim).send().await.expect(200);
    let order = orders["items"].as_array().unwrap().iter();
    let order = order.clone().find(|order| order["lines"][0]["productId"] == json!(two.other)).unwrap();
    let cancel = format!("/v1/orders/{}/cancel", order["id"].as_str().unwrap());
    app.post(&cancel).by(&two.project.kim).json(&json!({})).send().await.expect(200);
    assert_eq!(two.titles(&two.project.kim, YEAR).await, ["0"]);
}

#[tokio::test]
async fn get_my_calendar_refuses_bad_ranges_and_the_cursors_of_others() {
    let two = Two::start().await;
    two.plan(&[(&two.project.pwt, 1, 2), (&two.other, 3, 4)]).await;
    let app = &two.project.app;
    let get = |by, query: String| app.get(&format!("/v1/users/me/calendar?{query}")).by(by).send();
    for (query, field) in [
        ("from=2027-01-02T00:00:00Z&to=2027-01-01T00:00:00Z", "to"),
        ("from=2027-01-01T00:00:00Z&to=2028-02-01T00:00:00Z", "to"),
        ("from=tomorrow", "from"),
        ("limit=101", "limit"),
        ("schedule=1", "schedule"),
    ] {
        let problem = get(&two.project.kim, query.to_owned()).await.refused(400, "VALIDATION_FAILED");
        assert_eq!(problem["errors"][0]["field"], field);
    }
    let page = get(&two.project.kim, format!("{YEAR}&limit=1")).await.expect(200);
    let cursor = page["nextCursor"].as_str().unwrap();
    get(&two.project.tutor, format!("{YEAR}&cursor={cursor}")).await.refused(400, "BAD_CURSOR");
    get(&two.project.kim, format!("cursor={cursor}")).await.refused(400, "BAD_CURSOR");
    app.get("/v1/users/me/calendar").send().await.refused(401, "UNAUTHENTICATED");
}

async fn issue(project: &Project, by: &Account) -> String {
    let path = format!("/v1/schedules/{}/feed", project.pwt);
    let issued = project.app.post(&path).by(by).send().await;
    assert_eq!(issued.header("cache-control"), "no-store");
    let location = issued.header("location").to_owned();
    let path = issued.expect(201)["path"].as_str().unwrap().to_owned();
    assert_eq!(path, location);
    path
}

/// The text of a feed, and its events as another's parser reads them.
async fn read(project: &Project, path: &str) -> (String, Vec<Event>) {
    let text = project.app.get(path).send().await.expect(200).as_str().unwrap().to_owned();
    let calendar: Calendar = text.parse().unwrap();
    assert_eq!(calendar.get_name(), Some("러스트로 만드는 서버리스"));
    let events = calendar.components.into_iter().map(|component| match component {
        CalendarComponent::Event(event) => event,
        other => panic!("{other:?}"),
    });
    (text.clone(), events.collect())
}

#[tokio::test]
async fn get_schedule_feed_is_a_calendar_that_others_can_read() {
    let project = Project::start().await;
    let path = issue(&project, &project.kim).await;
    assert_eq!(read(&project, &path).await.1, []);
    let title = "1주차: 소유권과 빌림, 그리고 수명; 왜 러스트인가\\? 다 함께 이야기해 봅시다. 준비물은 노트북과 질문 세 가지입니다!";
    let content = "- 과제 PR 올리기,\r\n- 서로 리뷰하기; \"꼭\"\n\n경로는 C:\\과제 입니다 🦀 \u{7}끝";
    let body = json!({ "title": title, "content": content, "start": "2027-01-05T19:00:00+09:00", "end": "2027-01-05T12:00:00Z" });
    let made = project.app.post(&project.todos).by(&project.lee).json(&body).send().await.expect(201);
    project.app.clock.advance(MINUTE);
    let todo = format!("{}/{}", project.todos, made["id"].as_str().unwrap());
    project.change(&todo, &project.lee, "\"1\"", json!({ "end": "2027-01-05T12:30:00Z" })).await.expect(200);
    project.add(&project.tutor, "알림", "2027-01-06T00:00:00.001Z", "2027-01-06T00:00:00.900Z").await;

    let reply = project.app.get(&path).send().await;
    assert_eq!(reply.header("content-type"), "text/calendar; charset=utf-8");
    assert_eq!(reply.header("cache-control"), "private, max-age=300");
    assert_eq!(reply.header("content-disposition"), "attachment; filename=\"devloop.ics\"");
    assert_eq!(reply.header("x-content-type-options"), "nosniff");
    let known = project.app.get(&path).header("if-none-match", reply.header("etag")).send().await;
    assert_eq!(known.expect(304), Value::Null);

    let (text, events) = read(&project, &path).await;
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert!(lines.iter().all(|line| line.len() <= 75 && !line.contains('\n')), "{text}");
    assert!(lines.iter().any(|line| line.starts_with(' ')), "nothing is folded: {text}");
    let find = |summary: &str| events.iter().find(|event| event.get_summary() == Some(summary)).unwrap();
    let (review, notice) = (find(title), find("알림"));
    assert_eq!(
        review.get_description(),
        Some("- 과제 PR 올리기,\n- 서로 리뷰하기; \"꼭\"\n\n경로는 C:\\과제 입니다 🦀 끝")
    );
    assert_eq!(review.get_uid(), Some(format!("{}@devloop.kr", made["id"].as_str().unwrap()).as_str()));
    for (name, value) in [
        ("SEQUENCE", "2"),
        ("DTSTART", "20270105T100000Z"),
        ("DTEND", "20270105T123000Z"),
        ("CREATED", "20261124T000000Z"),
        ("DTSTAMP", "20261124T000100Z"),
        ("LAST-MODIFIED", "20261124T000100Z"),
    ] {
        assert_eq!(review.property_value(name), Some(value), "{name}");
    }
    // An end must be later than the start, in whole seconds.
    assert_eq!((notice.property_value("DTSTART"), notice.property_value("DTEND")), (Some("20270106T000000Z"), None));
    assert_eq!((notice.property_value("SEQUENCE"), notice.get_description()), (Some("1"), None));
    let of_feed = |name: &str| lines.iter().filter(|line| **line == name).count();
    for line in
        ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//DevLoop//Schedules//KO", "METHOD:PUBLISH", "END:VCALENDAR"]
    {
        assert_eq!(of_feed(line), 1, "{line}");
    }
}

#[tokio::test]
async fn get_schedule_feed_shows_the_newest_thousand_and_the_beginning_of_long_contents() {
    let project = Project::start().await;
    let path = issue(&project, &project.kim).await;
    let at = project.app.parts.clock.now();
    let schedule: domain::ids::ScheduleId = project.pwt.parse().unwrap();
    let todo = |n: u64| Todo {
        id: Ulid::from_parts(n, 0).into(),
        schedule_id: schedule,
        title: format!("{n}").parse().unwrap(),
        content: Some("가".repeat(1_001).parse().unwrap()),
        start: at,
        end: at,
        creator_id: project.kim.id.parse().unwrap(),
        version: 1,
        created_at: at,
        updated_at: at,
    };
    join_all((0..1_001).map(|n| {
        let write = Write::put(&todo(n));
        let table = &project.app.table;
        async move { table.write(write).await.unwrap() }
    }))
    .await;
    let (text, events) = read(&project, &path).await;
    assert_eq!(events.len(), 1_000);
    assert!(events.iter().all(|event| event.get_summary() != Some("0")));
    assert_eq!(events[0].get_description(), Some(format!("{}…", "가".repeat(1_000)).as_str()));
    // What a function can answer.
    assert!(text.len() < 6 * 1024 * 1024, "{}", text.len());
}

#[tokio::test]
async fn get_schedule_feed_is_there_only_while_its_owner_is_a_member() {
    let project = Project::start().await;
    let (kims, lees) = (issue(&project, &project.kim).await, issue(&project, &project.lee).await);
    let tutors = issue(&project, &project.tutor).await;
    assert!(kims != lees && lees != tutors);
    let status = |path: &str| {
        let call = project.app.get(path).send();
        async move { call.await.status }
    };
    project.unseat(&project.kim).await;
    assert_eq!((status(&kims).await, status(&lees).await, status(&tutors).await), (404, 200, 200));
    let withdraw = project.app.post("/v1/auth/withdraw").by(&project.lee).json(&json!({ "password": PASSWORD }));
    withdraw.send().await.expect(204);
    assert_eq!((status(&lees).await, status(&tutors).await), (404, 200));
    let pwt: domain::ids::PwtId = project.pwt.parse().unwrap();
    project.app.table.write(Write::update(keys::pwt(pwt)).set("approval", "REJECTED")).await.unwrap();
    assert_eq!(status(&tutors).await, 404);
}

#[tokio::test]
async fn get_schedule_feed_answers_whatever_is_no_address_alike() {
    let project = Project::start().await;
    let old = issue(&project, &project.kim).await;
    let gone = issue(&project, &project.lee).await;
    issue(&project, &project.kim).await;
    project.unseat(&project.lee).await;
    let unknown = format!("/v1/feeds/{}.ics", "0".repeat(64));
    let bare = gone.trim_end_matches(".ics").to_owned();
    let mut answers = BTreeSet::new();
    for path in [old, gone, unknown, bare, "/v1/feeds/x.ics".to_owned(), "/v1/feeds/.ics".to_owned()] {
        let reply = project.app.get(&path).send().await;
        assert_eq!(reply.header("cache-control"), "no-store");
        let mut problem = reply.refused(404, "FEED_NOT_FOUND");
        assert_eq!(problem["instance"], "/v1/feeds/{file}");
        problem["requestId"] = Value::Null;
        answers.insert(problem.to_string());
    }
    assert_eq!(answers.len(), 1);
    // Elsewhere a problem does name the path.
    let user = format!("/v1/users/{}", Ulid::from_parts(1, 1));
    assert_eq!(project.app.get(&user).send().await.refused(404, "USER_NOT_FOUND")["instance"], json!(user));
}

#[tokio::test]
async fn issue_schedule_feed_is_for_members_and_keeps_the_hash_alone() {
    let project = Project::start().await;
    let path = format!("/v1/schedules/{}/feed", project.pwt);
    project.app.post(&path).send().await.refused(401, "UNAUTHENTICATED");
    project.app.post(&path).by(&project.stranger).send().await.refused(403, "NOT_A_MEMBER");
    let nowhere = format!("/v1/schedules/{}/feed", Ulid::from_parts(1, 1));
    project.app.post(&nowhere).by(&project.kim).send().await.refused(404, "SCHEDULE_NOT_FOUND");
    project.app.wire.take_calls();
    let address = issue(&project, &project.kim).await;
    let secret = address.strip_prefix("/v1/feeds/").unwrap().strip_suffix(".ics").unwrap();
    assert_eq!(hex_digits(secret), 64);
    let calls = project.app.wire.take_calls();
    assert!(calls.iter().any(|call| call.mentions(&keys::hashed(secret))));
    assert!(!calls.iter().any(|call| call.mentions(secret)));
}

fn hex_digits(text: &str) -> usize {
    text.chars().filter(char::is_ascii_hexdigit).count()
}

/// How many of the addresses that were issued at once are good.
async fn good_of_three(app: &Project) -> usize {
    let first = issue(app, &app.kim).await;
    let mut addresses = join_all((0..3).map(|_| issue(app, &app.kim))).await;
    addresses.push(first);
    let distinct: BTreeSet<&String> = addresses.iter().collect();
    assert_eq!(distinct.len(), 4);
    let statuses = join_all(addresses.iter().map(|path| async { app.app.get(path).send().await.status })).await;
    statuses.into_iter().filter(|status| *status == 200).count()
}

#[tokio::test]
async fn issue_schedule_feed_leaves_one_address_good() {
    assert_eq!(good_of_three(&Project::start().await).await, 1);
}

#[tokio::test]
async fn without_the_condition_on_the_address_before_several_would_be_good() {
    let project = Project::start().await;
    project.app.wire.rule(|call| {
        if call.by == "issue_schedule_feed" {
            call.strip_conditions("FEED#");
        }
        Action::Pass
    });
    assert!(good_of_three(&project).await > 1);
}
