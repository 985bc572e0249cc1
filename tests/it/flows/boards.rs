//! What the boards that anybody posts on do alike: each test runs on both.

use futures::future::join_all;
use serde_json::{Value, json};
use storage::{Write, keys};
use testkit::{Action, Gate};

use crate::app::{Account, Reply, TestApp};

const UNKNOWN: &str = "01KB2M3N4P5Q6R7S8T9V0W1X2Y";
const MINUTE: i64 = 60_000;

/// One of the boards: its path, its word in the table, its operations' noun, and where its posts stand at first.
#[derive(Clone, Copy, Debug)]
struct Board {
    path: &'static str,
    word: &'static str,
    operations: [&'static str; 4],
    states: [&'static str; 2],
}

const BOARDS: [Board; 2] = [
    Board {
        path: "/v1/communities",
        word: "COMMUNITY",
        operations: [
            "create_community_post", "update_community_post", "create_community_comment", "update_community_comment",
        ],
        states: ["UNSOLVED", "SOLVED"],
    },
    Board {
        path: "/v1/parties",
        word: "PARTY",
        operations: ["create_party_post", "update_party_post", "create_party_comment", "update_party_comment"],
        states: ["RECRUITING", "COMPLETED"],
    },
];

impl Board {
    fn body(self, changes: &Value) -> Value {
        let mut body = json!({ "title": "제목", "content": "# 내용\n", "category": "WEB_DEV" });
        if self.word == "PARTY" {
            body["capacity"] = json!(5);
        }
        body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        body
    }

    /// The path of a new post, a minute after whatever was before.
    async fn post(self, app: &TestApp, by: &Account, changes: Value) -> String {
        app.clock.advance(MINUTE);
        let made = app.post(self.path).by(by).json(&self.body(&changes)).send().await.expect(201);
        format!("{}/{}", self.path, made["id"].as_str().unwrap())
    }

    /// The titles of all pages of the list.
    async fn titles(self, app: &TestApp, query: &str) -> Vec<String> {
        texts(&all(app, &format!("{}?{query}", self.path)).await, "title")
    }

    /// Says in the table who wrote a post.
    async fn give_to(self, app: &TestApp, post: &str, author: &Account) {
        let board = if self.word == "PARTY" { domain::boards::Board::Party } else { domain::boards::Board::Community };
        let key = keys::post(board, id_of(post).parse().unwrap());
        app.table.write(Write::update(key).set("card.authorId", author.id.as_str())).await.unwrap();
    }
}

fn id_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}

fn texts(items: &[Value], member: &str) -> Vec<String> {
    items.iter().map(|item| item[member].as_str().unwrap().to_owned()).collect()
}

/// The items of all pages of a list.
async fn all(app: &TestApp, path: &str) -> Vec<Value> {
    let (mut items, mut cursor) = (vec![], String::new());
    loop {
        let page = app.get(&format!("{path}{cursor}")).send().await.expect(200);
        items.extend(page["items"].as_array().unwrap().clone());
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return items,
        }
    }
}

/// Comments, a minute after whatever was before; answers the comment's path.
async fn comment(app: &TestApp, post: &str, by: &Account, content: &str) -> String {
    app.clock.advance(MINUTE);
    let made = try_to_comment(app, post, by, content).await.expect(201);
    format!("{post}/comments/{}", made["id"].as_str().unwrap())
}

async fn try_to_comment(app: &TestApp, post: &str, by: &Account, content: &str) -> Reply {
    app.post(&format!("{post}/comments")).by(by).json(&json!({ "content": content })).send().await
}

async fn count_of(app: &TestApp, post: &str) -> Value {
    app.get(post).send().await.expect(200)["commentCount"].clone()
}

fn field_codes(problem: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let errors = problem["errors"].as_array().unwrap().iter();
    let mut found: Vec<_> = errors.map(|error| (text(&error["field"]), text(&error["code"]))).collect();
    found.sort_unstable();
    found
}

#[tokio::test]
async fn a_post_is_answered_listed_and_read_alike() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    for board in BOARDS {
        let body = board.body(&json!({ "title": "  제목 ", "tags": [" Rust", "rust", "한글"] }));
        let made = app.post(board.path).by(&kim).json(&body).send().await;
        assert_eq!(made.header("etag"), "\"1\"");
        let location = made.header("location").to_owned();
        let post = made.expect(201);
        assert_eq!(location, format!("{}/{}", board.path, post["id"].as_str().unwrap()));
        for (member, value) in [
            ("title", json!("제목")),
            ("content", json!("# 내용\n")),
            ("category", json!("WEB_DEV")),
            ("tags", json!(["rust", "한글"])),
            ("status", json!(board.states[0])),
            ("author", json!({ "id": kim.id, "username": "kim" })),
            ("commentCount", json!(0)),
            ("likeCount", json!(0)),
            ("createdAt", json!("2026-11-24T00:00:00.000Z")),
            ("editedAt", json!(null)),
            ("attachments", json!([])),
            ("version", json!(1)),
        ] {
            assert_eq!(post[member], value, "{member}");
        }
        let read = app.get(&location).send().await;
        assert_eq!(read.header("cache-control"), "public, max-age=5");
        assert_eq!(read.expect(200), post);
        let list = app.get(board.path).send().await;
        assert_eq!(list.header("cache-control"), "public, max-age=5");
        let mut card = post.clone();
        card.as_object_mut().unwrap().retain(|name, _| !["content", "attachments", "version"].contains(&name.as_str()));
        assert_eq!(list.expect(200)["items"], json!([card]));
    }
}

#[tokio::test]
async fn a_post_refuses_every_bad_field_and_writes_nothing() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    for board in BOARDS {
        for (changes, field, code) in [
            (json!({ "title": " " }), "title", "LENGTH"),
            (json!({ "title": "가".repeat(101) }), "title", "LENGTH"),
            (json!({ "content": "" }), "content", "LENGTH"),
            (json!({ "content": "가".repeat(20_001) }), "content", "LENGTH"),
            (json!({ "category": "COOKING" }), "category", "NOT_A_CHOICE"),
            (json!({ "tags": ["1", "2", "3", "4", "5", "6"] }), "tags", "TOO_MANY"),
            (json!({ "tags": ["a", "가".repeat(31)] }), "tags[1]", "LENGTH"),
            (json!({ "status": "SOLVED" }), "status", "UNKNOWN_FIELD"),
            (json!({ "imageIds": [] }), "imageIds", "UNKNOWN_FIELD"),
        ] {
            let reply = app.post(board.path).by(&kim).json(&board.body(&changes)).send().await;
            let problem = reply.refused(400, "VALIDATION_FAILED");
            assert_eq!(field_codes(&problem), [(field.to_owned(), code.to_owned())], "{changes}");
        }
        app.post(board.path).json(&board.body(&json!({}))).send().await.refused(401, "UNAUTHENTICATED");
        assert!(board.titles(&app, "limit=20").await.is_empty());
        let widest = json!({ "title": "가".repeat(100), "content": "가".repeat(20_000), "tags": ["가".repeat(30)] });
        let widest = board.post(&app, &kim, widest).await;
        app.get(&widest).send().await.expect(200);
    }
}

#[tokio::test]
async fn a_list_is_newest_first_filtered_and_stable_under_inserts() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    for board in BOARDS {
        for n in 0..6 {
            let category = if n % 2 == 0 { "WEB_DEV" } else { "ETC" };
            let post = board.post(&app, &kim, json!({ "title": format!("{n}"), "category": category })).await;
            if n >= 4 {
                let done = json!({ "status": board.states[1] });
                app.patch(&post).by(&kim).json(&done).send().await.expect(200);
            }
        }
        let kim = app.log_in(&kim).await;
        assert_eq!(board.titles(&app, "limit=20").await, ["5", "4", "3", "2", "1", "0"]);
        assert_eq!(board.titles(&app, "limit=1&category=ETC").await, ["5", "3", "1"]);
        assert_eq!(board.titles(&app, &format!("limit=2&status={}", board.states[1])).await, ["5", "4"]);
        let both = format!("limit=1&category=WEB_DEV&status={}", board.states[0]);
        assert_eq!(board.titles(&app, &both).await, ["2", "0"]);

        let first = app.get(&format!("{}?limit=2", board.path)).send().await.expect(200);
        board.post(&app, &kim, json!({ "title": "new" })).await;
        let cursor = first["nextCursor"].as_str().unwrap();
        let second = app.get(&format!("{}?limit=2&cursor={cursor}", board.path)).send().await.expect(200);
        assert_eq!(texts(second["items"].as_array().unwrap(), "title"), ["3", "2"]);
        let elsewhere = format!("{}?limit=2&category=ETC&cursor={cursor}", board.path);
        app.get(&elsewhere).send().await.refused(400, "BAD_CURSOR");
        for bad in ["limit=0", "category=X", "status=X", "sort=oldest", "limit=1&limit=1"] {
            app.get(&format!("{}?{bad}", board.path)).send().await.refused(400, "VALIDATION_FAILED");
        }
    }
    let of_the_other = app.get("/v1/communities?limit=1").send().await.expect(200);
    let cursor = of_the_other["nextCursor"].as_str().unwrap();
    app.get(&format!("/v1/parties?limit=1&cursor={cursor}")).send().await.refused(400, "BAD_CURSOR");
}

#[tokio::test]
async fn what_everybody_sees_is_answered_304_until_it_changes() {
    let app = TestApp::start().await;
    let (kim, lee) = (app.sign_up("kim").await, app.sign_up("lee").await);
    for board in BOARDS {
        let post = board.post(&app, &kim, json!({})).await;
        for path in [board.path.to_owned(), post.clone(), format!("{post}/comments")] {
            let tag = app.get(&path).send().await.header("etag").to_owned();
            let again = app.get(&path).header("if-none-match", &tag).send().await;
            assert_eq!((again.status, &again.body), (304, &Value::Null), "{path}");
            comment(&app, &post, &lee, "안녕하세요").await;
            let after = app.get(&path).header("if-none-match", &tag).send().await;
            assert_eq!(after.status, 200, "{path}");
        }
    }
}

#[tokio::test]
async fn only_its_author_changes_a_post() {
    let app = TestApp::start().await;
    let (kim, lee, admin) = (app.sign_up("kim").await, app.sign_up("lee").await, app.admin("root").await);
    for board in BOARDS {
        let post = board.post(&app, &kim, json!({ "tags": ["rust"] })).await;
        let change = json!({ "title": "새 제목", "category": "ETC" });
        for other in [&lee, &admin] {
            app.patch(&post).by(other).json(&change).send().await.refused(403, "FORBIDDEN");
        }
        app.clock.advance(MINUTE);
        let changed = app.patch(&post).by(&kim).json(&change).send().await;
        assert_eq!(changed.header("etag"), "\"2\"");
        let changed = changed.expect(200);
        assert_eq!((&changed["title"], &changed["category"]), (&json!("새 제목"), &json!("ETC")));
        assert_eq!((&changed["content"], &changed["tags"]), (&json!("# 내용\n"), &json!(["rust"])));
        assert_ne!(changed["editedAt"], Value::Null);
        assert_eq!(app.get(&post).send().await.expect(200), changed);
        assert_eq!(board.titles(&app, "category=ETC").await, ["새 제목"]);
        assert!(board.titles(&app, "category=WEB_DEV").await.is_empty());
        let cleared = app.patch(&post).by(&kim).json(&json!({ "tags": [], "title": null })).send().await.expect(200);
        assert_eq!((&cleared["title"], &cleared["tags"]), (&json!("새 제목"), &json!([])));
        app.patch(&post).by(&kim).json(&json!({ "author": lee.id })).send().await.refused(400, "VALIDATION_FAILED");
        let unknown = format!("{}/{UNKNOWN}", board.path);
        app.patch(&unknown).by(&kim).json(&change).send().await.refused(404, "POST_NOT_FOUND");

        // Who wrote it is all that keeps others out: were it another, they would be let in.
        board.give_to(&app, &post, &lee).await;
        app.patch(&post).by(&lee).json(&change).send().await.expect(200);
        app.patch(&post).by(&kim).json(&change).send().await.refused(403, "FORBIDDEN");
    }
}

#[tokio::test]
async fn a_change_may_name_the_version_that_was_seen() {
    let app = TestApp::start().await;
    let (kim, lee) = (app.sign_up("kim").await, app.sign_up("lee").await);
    for board in BOARDS {
        let post = board.post(&app, &kim, json!({})).await;
        let change = |title: &str, seen: &str| {
            app.patch(&post).by(&kim).header("if-match", seen).json(&json!({ "title": title })).send()
        };
        // Of the detail's tag only the version counts: comments do not disturb it.
        let tag = app.get(&post).send().await.header("etag").to_owned();
        assert!(tag.starts_with("\"1."), "{tag}");
        comment(&app, &post, &lee, "안녕하세요").await;
        change("둘", &tag).await.expect(200);
        for stale in ["\"1\"", &tag, "W/\"2\"", "nonsense"] {
            let reply = change("셋", stale).await;
            assert_eq!(reply.header("etag"), "\"2\"");
            assert_eq!(reply.refused(412, "VERSION_CONFLICT")["current"]["title"], "둘");
        }
        app.delete(&post).by(&kim).header("if-match", "\"1\"").send().await.refused(412, "VERSION_CONFLICT");
        let titles: Vec<String> = (0..8).map(|n| format!("{n}")).collect();
        let replies = join_all(titles.iter().map(|title| change(title, "\"2\""))).await;
        let mut statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412, 412, 412, 412, 412, 412, 412]);
        // Who names none changes whatever it is by then, and nothing of it is lost.
        let by_title = app.patch(&post).by(&kim).json(&json!({ "title": "끝" })).send();
        let by_category = app.patch(&post).by(&kim).json(&json!({ "category": "ETC" })).send();
        let (one, other) = futures::join!(by_title, by_category);
        assert_eq!((one.status, other.status), (200, 200));
        let read = app.get(&post).send().await.expect(200);
        assert_eq!((&read["title"], &read["category"], &read["version"]), (&json!("끝"), &json!("ETC"), &json!(5)));
    }
}

#[tokio::test]
async fn without_the_version_a_change_would_undo_another() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    for board in BOARDS {
        let post = board.post(&app, &kim, json!({})).await;
        let operation = board.operations[1];
        let (reached, gate) = (Gate::default(), Gate::default());
        let (tell, wait) = (reached.clone(), gate.clone());
        let mut is_first = true;
        app.wire.rule(move |call| {
            if call.by != operation || call.operation != "UpdateItem" {
                return Action::Pass;
            }
            call.strip_conditions("POST");
            if std::mem::take(&mut is_first) {
                tell.open();
                return Action::Wait(wait.clone());
            }
            Action::Pass
        });
        // The change of the title has read the post when the category changes, and is written after it.
        let meanwhile = async {
            reached.passed().await;
            app.patch(&post).by(&kim).json(&json!({ "category": "ETC" })).send().await.expect(200);
            gate.open();
        };
        let (one, ()) = futures::join!(app.patch(&post).by(&kim).json(&json!({ "title": "끝" })).send(), meanwhile);
        one.expect(200);
        let read = app.get(&post).send().await.expect(200);
        assert_eq!((&read["title"], &read["category"]), (&json!("끝"), &json!("WEB_DEV")));
    }
}

#[tokio::test]
async fn a_deleted_post_takes_its_comments_out_of_reach() {
    let app = TestApp::start().await;
    let (kim, lee, admin) = (app.sign_up("kim").await, app.sign_up("lee").await, app.admin("root").await);
    for board in BOARDS {
        for by in [&kim, &admin] {
            let post = board.post(&app, &kim, json!({})).await;
            let said = comment(&app, &post, &lee, "안녕하세요").await;
            app.delete(&post).by(&lee).send().await.refused(403, "FORBIDDEN");
            app.delete(&post).by(by).send().await.expect(204);
            app.delete(&post).by(by).send().await.refused(404, "POST_NOT_FOUND");
            app.get(&post).send().await.refused(404, "POST_NOT_FOUND");
            app.get(&format!("{post}/comments")).send().await.refused(404, "POST_NOT_FOUND");
            app.delete(&said).by(&lee).send().await.refused(404, "POST_NOT_FOUND");
            let change = app.patch(&said).by(&lee).json(&json!({ "content": "아니" })).send().await;
            change.refused(404, "POST_NOT_FOUND");
            try_to_comment(&app, &post, &lee, "또").await.refused(404, "POST_NOT_FOUND");
            assert!(board.titles(&app, "limit=20").await.is_empty());
        }
    }
}

#[tokio::test]
async fn comments_are_read_oldest_first_and_counted() {
    let app = TestApp::start().await;
    let (kim, lee) = (app.sign_up("kim").await, app.sign_up("lee").await);
    for board in BOARDS {
        let post = board.post(&app, &kim, json!({})).await;
        let path = format!("{post}/comments");
        let made = try_to_comment(&app, &post, &lee, " **0** ").await;
        assert_eq!(made.header("etag"), "\"1\"");
        let location = made.header("location").to_owned();
        let made = made.expect(201);
        assert_eq!(location, format!("{path}/{}", made["id"].as_str().unwrap()));
        let at = made["createdAt"].clone();
        let expected = json!({
            "id": made["id"], "postId": id_of(&post), "author": { "id": lee.id, "username": "lee" },
            "content": " **0** ", "createdAt": at, "editedAt": null, "version": 1,
        });
        assert_eq!(made, expected);
        for n in 1..5 {
            comment(&app, &post, if n % 2 == 0 { &kim } else { &lee }, &format!("{n}")).await;
        }
        let contents = texts(&all(&app, &format!("{path}?limit=2")).await, "content");
        assert_eq!(contents, [" **0** ", "1", "2", "3", "4"]);
        assert_eq!(count_of(&app, &post).await, 5);
        assert_eq!(app.get(board.path).send().await.expect(200)["items"][0]["commentCount"], 5);
        let page = app.get(&format!("{path}?limit=3")).send().await.expect(200);
        comment(&app, &post, &lee, "5").await;
        let cursor = page["nextCursor"].as_str().unwrap();
        let rest = app.get(&format!("{path}?limit=3&cursor={cursor}")).send().await.expect(200);
        assert_eq!(texts(rest["items"].as_array().unwrap(), "content"), ["3", "4", "5"]);
        let other = board.post(&app, &kim, json!({})).await;
        let elsewhere = format!("{other}/comments?limit=3&cursor={cursor}");
        app.get(&elsewhere).send().await.refused(400, "BAD_CURSOR");
        app.get(&format!("{path}?after=1")).send().await.refused(400, "VALIDATION_FAILED");
        let nowhere = format!("{}/{UNKNOWN}/comments", board.path);
        app.get(&nowhere).send().await.refused(404, "POST_NOT_FOUND");
    }
}

#[tokio::test]
async fn a_comment_has_1_to_2_000_characters() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    for board in BOARDS {
        let post = board.post(&app, &kim, json!({})).await;
        let said = comment(&app, &post, &kim, &"가".repeat(2_000)).await;
        for content in [String::new(), "가".repeat(2_001)] {
            try_to_comment(&app, &post, &kim, &content).await.refused(400, "VALIDATION_FAILED");
            let change = app.patch(&said).by(&kim).json(&json!({ "content": content })).send().await;
            change.refused(400, "VALIDATION_FAILED");
        }
        assert_eq!(count_of(&app, &post).await, 1);
    }
}

#[tokio::test]
async fn only_its_writer_changes_a_comment() {
    let app = TestApp::start().await;
    let (kim, lee, admin) = (app.sign_up("kim").await, app.sign_up("lee").await, app.admin("root").await);
    for board in BOARDS {
        let post = board.post(&app, &kim, json!({})).await;
        let said = comment(&app, &post, &lee, "하나").await;
        let change = |by| app.patch(&said).by(by).json(&json!({ "content": "둘" })).send();
        for other in [&kim, &admin] {
            change(other).await.refused(403, "FORBIDDEN");
        }
        let changed = change(&lee).await;
        assert_eq!(changed.header("etag"), "\"2\"");
        let changed = changed.expect(200);
        assert_eq!((&changed["content"], &changed["version"]), (&json!("둘"), &json!(2)));
        assert_ne!(changed["editedAt"], Value::Null);
        assert_eq!(all(&app, &format!("{post}/comments?limit=9")).await, [changed]);
        let stale =
            app.patch(&said).by(&lee).header("if-match", "\"1\"").json(&json!({ "content": "셋" })).send().await;
        assert_eq!(stale.refused(412, "VERSION_CONFLICT")["current"]["content"], "둘");
        let unknown = format!("{post}/comments/{UNKNOWN}");
        let nothing = app.patch(&unknown).by(&lee).json(&json!({ "content": "셋" })).send().await;
        nothing.refused(404, "COMMENT_NOT_FOUND");
        assert_eq!(count_of(&app, &post).await, 1);
    }
}

#[tokio::test]
async fn its_writer_the_posts_author_or_an_admin_deletes_a_comment() {
    let app = TestApp::start().await;
    let (kim, lee, admin) = (app.sign_up("kim").await, app.sign_up("lee").await, app.admin("root").await);
    let stranger = app.sign_up("stranger").await;
    for board in BOARDS {
        let post = board.post(&app, &kim, json!({})).await;
        for by in [&lee, &kim, &admin] {
            let said = comment(&app, &post, &lee, "안녕하세요").await;
            assert_eq!(count_of(&app, &post).await, 1);
            app.delete(&said).by(&stranger).send().await.refused(403, "FORBIDDEN");
            app.delete(&said).by(by).header("if-match", "\"7\"").send().await.refused(412, "VERSION_CONFLICT");
            app.delete(&said).by(by).send().await.expect(204);
            app.delete(&said).by(by).send().await.refused(404, "COMMENT_NOT_FOUND");
            assert_eq!(count_of(&app, &post).await, 0);
        }
        // Counting changes no version.
        assert_eq!(app.get(&post).send().await.expect(200)["version"], 1);
    }
}

#[tokio::test]
async fn a_comment_is_reachable_only_under_its_own_post() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    for board in BOARDS {
        let (post, other) = (board.post(&app, &kim, json!({})).await, board.post(&app, &kim, json!({})).await);
        let said = comment(&app, &post, &kim, "하나").await;
        let elsewhere = format!("{other}/comments/{}", id_of(&said));
        let change = || app.patch(&elsewhere).by(&kim).json(&json!({ "content": "둘" })).send();
        change().await.refused(404, "COMMENT_NOT_FOUND");
        app.delete(&elsewhere).by(&kim).send().await.refused(404, "COMMENT_NOT_FOUND");
        assert!(all(&app, &format!("{other}/comments?limit=9")).await.is_empty());

        // It is the post in the comment's key that does it: another there, and it would be found.
        let (right, wrong) = (format!("{}#{}", board.word, id_of(&post)), format!("{}#{}", board.word, id_of(&other)));
        let operation = board.operations[3];
        app.wire.rule(move |call| {
            if call.by == operation && call.operation == "BatchGetItem" {
                let keys = call.body["RequestItems"].as_object_mut().unwrap().values_mut().next().unwrap();
                for key in keys["Keys"].as_array_mut().unwrap() {
                    if key["sk"]["S"].as_str().unwrap().starts_with("COMMENT#") && key["pk"]["S"] == wrong {
                        key["pk"]["S"] = json!(right);
                    }
                }
            }
            Action::Pass
        });
        change().await.expect(200);
        app.wire.clear();
        assert_eq!(texts(&all(&app, &format!("{post}/comments?limit=9")).await, "content"), ["둘"]);
    }
}

/// Twenty people comment at once; half of them take it back at once.
async fn crowd(app: &TestApp, board: Board, people: &[Account]) -> (Value, usize) {
    let post = board.post(app, &people[0], json!({})).await;
    let said = join_all(people.iter().map(|one| try_to_comment(app, &post, one, "안녕하세요"))).await;
    let said: Vec<String> =
        said.into_iter().map(|reply| reply.expect(201)["id"].as_str().unwrap().to_owned()).collect();
    let first = format!("{post}/comments/{}", said[0]);
    let twice = join_all((0..3).map(|_| app.delete(&first).by(&people[0]).send()));
    let others = join_all(people.iter().zip(&said).skip(1).step_by(2).map(|(one, id)| {
        let path = format!("{post}/comments/{id}");
        async move { app.delete(&path).by(one).send().await }
    }));
    let (twice, others) = futures::join!(twice, others);
    assert_eq!(twice.iter().filter(|reply| reply.status == 204).count(), 1);
    assert!(others.iter().all(|reply| reply.status == 204));
    (count_of(app, &post).await, all(app, &format!("{post}/comments?limit=50")).await.len())
}

#[tokio::test]
async fn the_count_is_exact_however_many_comment_at_once() {
    let app = TestApp::start().await;
    let names: Vec<String> = (0..20).map(|n| format!("user{n}")).collect();
    let people = join_all(names.iter().map(|name| app.sign_up(name))).await;
    for board in BOARDS {
        assert_eq!(crowd(&app, board, &people).await, (json!(9), 9));
    }
    // A lost answer, and a conflict: counted once all the same.
    let board = BOARDS[0];
    let post = board.post(&app, &people[0], json!({})).await;
    let mut calls = 0;
    app.wire.rule(move |call| {
        if call.by != board.operations[2] || call.operation != "TransactWriteItems" {
            return Action::Pass;
        }
        calls += 1;
        [Action::Conflict, Action::LoseAnswer].get(calls - 1).cloned().unwrap_or(Action::Pass)
    });
    try_to_comment(&app, &post, &people[1], "안녕하세요").await.expect(201);
    app.wire.clear();
    assert_eq!(count_of(&app, &post).await, 1);
}

#[tokio::test]
async fn without_the_comments_transaction_the_count_would_be_another() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    for board in BOARDS {
        let post = board.post(&app, &kim, json!({})).await;
        let operation = board.operations[2];
        app.wire.rule(move |call| {
            if call.by == operation && call.operation == "TransactWriteItems" {
                let writes = call.body["TransactItems"].as_array_mut().unwrap();
                writes.retain(|write| write["Update"]["Key"]["sk"]["S"] != "POST");
            }
            Action::Pass
        });
        comment(&app, &post, &kim, "안녕하세요").await;
        app.wire.clear();
        assert_eq!(count_of(&app, &post).await, 0);
        assert_eq!(all(&app, &format!("{post}/comments?limit=9")).await.len(), 1);
    }
}

#[tokio::test]
async fn who_withdrew_has_no_name_any_more() {
    let app = TestApp::start().await;
    let (kim, lee) = (app.sign_up("kim").await, app.sign_up("lee").await);
    for board in BOARDS {
        let post = board.post(&app, &kim, json!({})).await;
        comment(&app, &post, &kim, "안녕하세요").await;
        let renamed = Write::update(keys::user(kim.id.parse().unwrap())).set("username", "새이름");
        app.table.write(renamed).await.unwrap();
        assert_eq!(app.get(&post).send().await.expect(200)["author"]["username"], "새이름");
        let gone = |standing| Write::update(keys::user(kim.id.parse().unwrap())).set("standing", standing);
        app.table.write(gone("WITHDRAWN")).await.unwrap();
        for shown in [
            app.get(&post).send().await.expect(200),
            app.get(board.path).send().await.expect(200)["items"][0].clone(),
            app.get(&format!("{post}/comments")).send().await.expect(200)["items"][0].clone(),
        ] {
            assert_eq!(shown["author"], json!({ "id": kim.id, "username": "탈퇴한 사용자" }));
        }
        app.post(board.path).by(&kim).json(&board.body(&json!({}))).send().await.refused(401, "UNAUTHENTICATED");
        try_to_comment(&app, &post, &kim, "또").await.refused(401, "UNAUTHENTICATED");
        app.table.write(gone("ACTIVE")).await.unwrap();
        app.delete(&post).by(&lee).send().await.refused(403, "FORBIDDEN");
    }
}

/// How many of `tries` posts and comments in one minute are taken, alternating between the boards.
async fn burst(app: &TestApp, by: &Account, tries: usize) -> (usize, usize) {
    let post = BOARDS[0].post(app, by, json!({})).await;
    app.clock.advance(MINUTE);
    let taken = |replies: Vec<Reply>| {
        let wrong = replies.iter().find(|reply| ![201, 429].contains(&reply.status));
        assert!(wrong.is_none(), "{wrong:?}");
        replies.iter().filter(|reply| reply.status == 201).count()
    };
    let posts = join_all((0..tries).map(|n| {
        let board = BOARDS[n % 2];
        app.post(board.path).by(by).json(&board.body(&json!({}))).send()
    }));
    let comments = join_all((0..tries).map(|_| try_to_comment(app, &post, by, "안녕하세요")));
    let (posts, comments) = futures::join!(posts, comments);
    (taken(posts), taken(comments))
}

#[tokio::test]
async fn new_accounts_write_three_posts_and_ten_comments_a_minute_and_others_more() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    assert_eq!(burst(&app, &kim, 40).await, (3, 10));
    app.clock.advance(15_000);
    let board = BOARDS[1];
    let refused = app.post(board.path).by(&kim).json(&board.body(&json!({}))).send().await;
    assert_eq!((refused.header("retry-after"), refused.header("ratelimit")), ("45", "\"create_party_post\";r=0;t=45"));
    assert_eq!(refused.header("ratelimit-policy"), "\"create_party_post\";q=3;w=60");
    refused.refused(429, "TOO_MANY_REQUESTS");
    app.clock.advance(45_000);
    app.post(board.path).by(&kim).json(&board.body(&json!({}))).send().await.expect(201);
    // What is refused for another reason costs nothing, and others have counts of their own.
    for _ in 0..5 {
        try_to_comment(&app, &format!("{}/{UNKNOWN}", board.path), &kim, "?").await.refused(404, "POST_NOT_FOUND");
    }
    let lee = app.sign_up("lee").await;
    app.post(board.path).by(&lee).json(&board.body(&json!({}))).send().await.expect(201);

    app.clock.advance(24 * 60 * MINUTE);
    let kim = app.log_in(&kim).await;
    assert_eq!(burst(&app, &kim, 40).await, (10, 30));
}

#[tokio::test]
async fn without_the_windows_condition_a_burst_would_pass() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    app.wire.rule(|call| {
        call.strip_conditions("POSTING#");
        Action::Pass
    });
    assert_eq!(burst(&app, &kim, 15).await, (15, 15));
}
