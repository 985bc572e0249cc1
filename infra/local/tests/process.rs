//! The server as a process: starting, stopping, being killed, and what it says when it cannot start.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that meets something else must stop there"
)]
#![cfg(unix)]

mod started;

use std::{
    fs,
    io::Read,
    net::TcpListener,
    path::Path,
    process::{Output, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use started::{PASSWORD, Server, admin, devloop, get, http, post, project, sign_up, tutor};

/// Stops it as Ctrl-C does; answers what it printed and how long it took.
fn interrupt(mut server: Server) -> (String, Duration) {
    #[expect(clippy::disallowed_methods, reason = "stopping is to be fast")]
    let asked = Instant::now();
    let child = &mut server.child;
    kill_process(Pid::from_child(child), Signal::INT).unwrap();
    let mut printed = String::new();
    child.stdout.take().unwrap().read_to_string(&mut printed).unwrap();
    assert!(child.wait().unwrap().success());
    (printed, asked.elapsed())
}

fn refuses_to_start(data: &Path, options: &[&str]) -> String {
    let ended: Output = devloop(data).args(["--no-demo", "--toy-hashing"]).args(options).output().unwrap();
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(ended.stdout.is_empty(), "{ended:?}");
    let told = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(!told.contains("panicked") && !told.contains("Error {"), "{told}");
    told
}

#[tokio::test]
async fn it_starts_with_demo_data_and_stops_on_ctrl_c() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    // With the hashing that is deployed.
    let server = Server::start_with(&data, &["--port", "0"]).await;
    let http = http();
    let ready: Value = serde_json::from_slice(&fs::read(data.join("ready.json")).unwrap()).unwrap();
    assert!(ready["dynamodb"].as_str().unwrap().starts_with("http://127.0.0.1:"), "{ready}");
    assert!(ready["pid"].is_u64() && ready["startedInMillis"].is_u64(), "{ready}");
    let health = get("/v1/health").send(&http, &server.api).await.expect(200);
    assert_eq!(health["status"], "UP");
    let on_sale = get("/v1/pwts").send(&http, &server.api).await.expect(200);
    assert_eq!(on_sale["items"].as_array().unwrap().len(), 4, "{on_sale}");
    for (board, posts, comments) in [("/v1/communities", 3, 4), ("/v1/parties", 2, 2)] {
        let list = get(board).send(&http, &server.api).await.expect(200);
        let list = list["items"].as_array().unwrap();
        let commented: u64 = list.iter().map(|post| post["commentCount"].as_u64().unwrap()).sum();
        assert_eq!((list.len(), commented), (posts, comments), "{board}");
    }
    for who in ["admin", "tutor", "user1", "user2", "user3"] {
        let body = json!({ "email": format!("{who}@devloop.local"), "password": "devloop-demo-2026" });
        post("/v1/auth/login", body).send(&http, &server.api).await.expect(200);
    }
    // An idle connection is open, as a browser keeps them: that must not delay the end.
    let (api, toss) = (server.api.clone(), server.toss.clone());
    let (printed, took) = interrupt(server);
    assert!(took < Duration::from_secs(2), "{took:?}");
    for shown in [api.as_str(), &toss, "admin@devloop.local", "tutor@devloop.local", "user3@devloop.local", "sandbox"] {
        assert!(printed.contains(shown), "{shown} in {printed}");
    }
    assert!(!printed.contains("Note:"), "{printed}");
    assert!(!data.join("ready.json").exists());
    // A second start adds nothing.
    let server = Server::start_with(&data, &["--port", "0", "--toy-hashing"]).await;
    assert_eq!(get("/v1/pwts").send(&http, &server.api).await.expect(200)["items"], on_sale["items"]);
}

#[tokio::test]
async fn demo_data_that_was_cut_off_is_completed() {
    let root = tempfile::tempdir().unwrap();
    for round in 0..3 {
        let data = root.path().join(round.to_string());
        let mut killed = devloop(&data).args(["--port", "0"]).stdout(Stdio::null()).spawn().unwrap();
        while !data.join("demo.json").exists() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_millis(40 * round)).await;
        killed.kill().unwrap();
        killed.wait().unwrap();
        let (printed, _) = interrupt(Server::start_with(&data, &["--port", "0"]).await);
        assert!(!printed.contains("Note:"), "{printed}");
    }
}

#[tokio::test]
async fn no_demo_means_an_empty_table_for_good() {
    let root = tempfile::tempdir().unwrap();
    let http = http();
    drop(interrupt(Server::start(root.path()).await));
    let server = Server::start_with(root.path(), &["--port", "0", "--toy-hashing"]).await;
    let on_sale = get("/v1/pwts").send(&http, &server.api).await.expect(200);
    assert_eq!(on_sale["items"], json!([]), "demo data goes into new tables only");
}

#[tokio::test]
async fn a_restart_keeps_data_keys_and_clock() {
    let root = tempfile::tempdir().unwrap();
    let http = http();
    let server = Server::start(root.path()).await;
    let kim = sign_up(&http, &server.api, "kim").await;
    post("/_local/clock", json!({ "advanceSeconds": 300 })).send(&http, &server.api).await.expect(200);
    let (_, took) = interrupt(server);
    assert!(took < Duration::from_secs(2), "{took:?}");
    let server = Server::start(root.path()).await;
    let me = get("/v1/users/me").by(&kim).send(&http, &server.api).await.expect(200);
    assert_eq!(me["email"], "kim@example.com");
    let clock = get("/_local/clock").send(&http, &server.api).await.expect(200);
    assert_eq!(clock["aheadSeconds"], 300);
}

#[tokio::test]
async fn kill_9_keeps_every_acknowledged_write() {
    let root = tempfile::tempdir().unwrap();
    let http = http();
    for round in 0..3 {
        let server = Server::start(root.path()).await;
        let acknowledged = Arc::new(Mutex::new(vec![]));
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let (http, api, acknowledged) = (http.clone(), server.api.clone(), acknowledged.clone());
                #[expect(clippy::disallowed_methods, reason = "the server is killed while they write")]
                tokio::spawn(async move {
                    for n in 0.. {
                        let name = format!("writer-{round}-{writer}-{n}");
                        let body =
                            json!({ "email": format!("{name}@example.com"), "password": PASSWORD, "username": name });
                        match post("/v1/auth/signup", body).try_send(&http, &api).await {
                            Ok(reply) if reply.status == 201 => {
                                acknowledged.lock().unwrap().push(reply.text("/tokens/accessToken"));
                            }
                            // The server is gone.
                            _ => return,
                        }
                    }
                })
            })
            .collect();
        while acknowledged.lock().unwrap().len() < 40 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        server.kill();
        futures::future::join_all(writers).await;
        let server = Server::start(root.path()).await;
        let acknowledged = acknowledged.lock().unwrap().clone();
        for token in &acknowledged {
            let account = started::Account { id: String::new(), token: token.clone() };
            get("/v1/users/me").by(&account).send(&http, &server.api).await.expect(200);
        }
        server.kill();
    }
}

#[tokio::test]
async fn the_stream_goes_on_after_a_kill_where_it_was_left() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    let http = http();
    let server = Server::start(&data).await;
    let kim = sign_up(&http, &server.api, "kim").await;
    let ask = async |server: &Server, title: &str| {
        let question = json!({ "title": title, "content": "내용", "category": "ETC" });
        post("/v1/communities", question).by(&kim).send(&http, &server.api).await.expect(201);
        // What follows from it is done: it is in a list that only the stream keeps.
        let swept = post("/_local/sweep", json!({})).send(&http, &server.api).await.expect(200);
        assert_eq!(swept["stream"]["failed"], 0);
        let unanswered = get("/v1/communities?sort=UNANSWERED").send(&http, &server.api).await.expect(200);
        let shards = get("/_local/stream").send(&http, &server.api).await.expect(200);
        assert_eq!((&shards[0]["behindSeconds"], &shards[0]["failures"]), (&Value::Null, &json!(0)), "{shards}");
        (unanswered["items"].as_array().unwrap().len(), shards)
    };
    let (listed, left_at) = ask(&server, "하나").await;
    assert_eq!(listed, 1);
    server.kill();
    let kept: Value = serde_json::from_slice(&fs::read(data.join("stream.json")).unwrap()).unwrap();
    assert_eq!(kept["shards"].as_object().unwrap().values().next(), Some(&left_at[0]["position"]));
    let server = Server::start(&data).await;
    let found_at = get("/_local/stream").send(&http, &server.api).await.expect(200);
    assert_eq!(
        found_at[0]["position"], left_at[0]["position"],
        "nothing was written meanwhile, nothing is played again"
    );
    let (listed, moved_to) = ask(&server, "둘").await;
    assert_eq!(listed, 2);
    assert_ne!(moved_to[0]["position"], left_at[0]["position"]);
}

#[tokio::test]
async fn a_port_in_use_is_told() {
    let root = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let told = refuses_to_start(&root.path().join("a"), &["--port", &port]);
    assert!(told.contains(&format!("Port {port} is in use")) && told.contains("--port"), "{told}");
    let told = refuses_to_start(&root.path().join("b"), &["--port", "0", "--toss-port", &port]);
    assert!(told.contains(&format!("Port {port} is in use")) && told.contains("--toss-port"), "{told}");
}

#[tokio::test]
async fn a_data_folder_that_cannot_be_used_is_told() {
    let root = tempfile::tempdir().unwrap();
    // Root may write anywhere, but not into a file.
    let file = root.path().join("file");
    fs::write(&file, "").unwrap();
    let told = refuses_to_start(&file, &["--port", "0"]);
    assert!(told.contains("cannot be used") && told.contains("--data"), "{told}");

    let newer = root.path().join("newer");
    fs::create_dir(&newer).unwrap();
    fs::write(newer.join("version"), "999\n").unwrap();
    let told = refuses_to_start(&newer, &["--port", "0"]);
    assert!(told.contains("newer DevLoop") && told.contains("999") && told.contains("--fresh"), "{told}");

    let foreign = root.path().join("foreign");
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("thesis.txt"), "years of work").unwrap();
    let told = refuses_to_start(&foreign, &["--port", "0", "--fresh"]);
    assert!(told.contains("no data folder of DevLoop") && foreign.join("thesis.txt").exists(), "{told}");

    let used = root.path().join("used");
    let server = Server::start(&used).await;
    let told = refuses_to_start(&used, &["--port", "0"]);
    assert!(told.contains("Another DevLoop") && told.contains("--data"), "{told}");
    get("/v1/health").send(&http(), &server.api).await.expect(200);
}

#[tokio::test]
async fn a_live_key_and_a_missing_dynamodb_are_told() {
    let root = tempfile::tempdir().unwrap();
    let told = |variables: &[(&str, &str)]| {
        let ended = devloop(root.path()).args(["--port", "0"]).envs(variables.iter().copied()).output().unwrap();
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        String::from_utf8(ended.stderr).unwrap()
    };
    let live = [
        ("TOSS_BASE_URL", "https://api.tosspayments.com"),
        ("TOSS_SECRET_KEY", "live_sk_canary"),
        ("TOSS_CLIENT_KEY", "live_ck_canary"),
    ];
    let sentence = told(&live);
    assert!(sentence.contains("test key") && !sentence.contains("canary"), "{sentence}");
    let sentence = told(&[("TOSS_BASE_URL", "https://api.tosspayments.com")]);
    assert!(sentence.contains("TOSS_SECRET_KEY is missing"), "{sentence}");
    let sentence = told(&[("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:1")]);
    assert!(sentence.contains("http://127.0.0.1:1") && sentence.contains("AWS_ENDPOINT_URL_DYNAMODB"), "{sentence}");
}

#[tokio::test]
async fn the_operator_makes_and_promotes_admins() {
    let root = tempfile::tempdir().unwrap();
    let http = http();
    let create = |email: &str, more: &[&str], password: Option<&str>| {
        let mut command = devloop(root.path());
        command.args(["admin", "create", "--email", email]).args(more);
        command.envs(password.map(|password| ("DEVLOOP_ADMIN_PASSWORD", password)));
        command.output().unwrap()
    };
    // Nothing runs: the folder itself is opened.
    let made = create("root@example.com", &["--username", "운영자"], Some(PASSWORD));
    assert!(made.status.success(), "{made:?}");

    let server = Server::start(root.path()).await;
    let log_in = async |email: &str| {
        let body = json!({ "email": email, "password": PASSWORD });
        let reply = post("/v1/auth/login", body).send(&http, &server.api).await;
        started::Account { id: String::new(), token: reply.text("/accessToken") }
    };
    let list = || get("/v1/admin/tutor-applications?state=PENDING");
    list().by(&log_in("root@example.com").await).send(&http, &server.api).await.expect(200);

    // A server runs: its table is used.
    let kim = sign_up(&http, &server.api, "kim").await;
    list().by(&kim).send(&http, &server.api).await.expect(403);
    let made = create("Kim@example.com", &[], None);
    assert!(String::from_utf8_lossy(&made.stdout).contains("is an administrator now"), "{made:?}");
    list().by(&log_in("kim@example.com").await).send(&http, &server.api).await.expect(200);
    let again = create("kim@example.com", &[], None);
    assert!(String::from_utf8_lossy(&again.stdout).contains("already"), "{again:?}");

    for (more, password, told) in [
        (vec![], Some(PASSWORD), "--username"),
        (vec!["--username", "새 운영자"], None, "DEVLOOP_ADMIN_PASSWORD"),
        (vec!["--username", "새 운영자"], Some("password1"), "too common"),
        (vec!["--username", "새 운영자"], Some("short"), "8 to 128"),
    ] {
        let refused = create("new@example.com", &more, password);
        assert_eq!(refused.status.code(), Some(1), "{refused:?}");
        let sentence = String::from_utf8_lossy(&refused.stderr);
        assert!(sentence.contains(told), "{told} in {sentence}");
    }
}

#[tokio::test]
async fn the_clock_moves_forward_only_and_tokens_end_by_it() {
    let root = tempfile::tempdir().unwrap();
    let http = http();
    let server = Server::start(root.path()).await;
    let kim = sign_up(&http, &server.api, "kim").await;
    let advance = |seconds: Value| post("/_local/clock", json!({ "advanceSeconds": seconds }));
    for backwards in [json!(-1), json!("60"), json!(1.5), json!(10_000_000_000_i64)] {
        let refused = advance(backwards).send(&http, &server.api).await;
        assert!(refused.status.is_client_error(), "{}", refused.body);
    }
    get("/v1/users/me").by(&kim).send(&http, &server.api).await.expect(200);
    let moved = advance(json!(901)).send(&http, &server.api).await.expect(200);
    assert_eq!(moved["aheadSeconds"], 901);
    assert!(moved["swept"].is_object(), "{moved}");
    let refused = get("/v1/users/me").by(&kim).send(&http, &server.api).await;
    assert_eq!(refused.text("/code"), "TOKEN_EXPIRED");
}

#[tokio::test]
async fn pages_of_other_sites_reach_no_local_call() {
    let root = tempfile::tempdir().unwrap();
    let http = http();
    let server = Server::start(root.path()).await;
    let advance = || post("/_local/clock", json!({ "advanceSeconds": 60 }));
    let sweep = || post("/_local/sweep", json!({}));
    // Their name may lead to this machine: it is still theirs.
    for host in ["example.com", "example.com:8080", "localhost.example.com", "127.0.0.1.example.com", "127.0.0.1@x"] {
        let reads = ["", "/places", "/queues", "/dead-letters", "/holds", "/dependencies", "/clock"];
        for call in reads.map(|path| get(&format!("/_local{path}"))).into_iter().chain([advance(), sweep()]) {
            let refused = call.header("host", host).send(&http, &server.api).await.expect(403);
            assert!(refused["message"].as_str().unwrap().contains("127.0.0.1, localhost, [::1]"), "{host}: {refused}");
        }
    }
    for host in ["127.0.0.1", "127.0.0.1:8080", "localhost:8080", "LocalHost", "[::1]", "[::1]:8080"] {
        let clock = get("/_local/clock").header("host", host).send(&http, &server.api).await.expect(200);
        assert_eq!(clock["aheadSeconds"], 0);
    }
    // A plain form goes to any address, unasked.
    for path in ["/_local/clock", "/_local/sweep", "/_local/queues/redrive", "/_local/dependencies"] {
        for kind in [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("multipart/form-data")] {
            let form = http.post(format!("{}{path}", server.api)).body(r#"{"advanceSeconds":60}"#);
            let form = kind.into_iter().fold(form, |form, kind| form.header("content-type", kind));
            assert_eq!(form.send().await.unwrap().status(), 415, "{path} {kind:?}");
        }
    }
    sweep().send(&http, &server.api).await.expect(200);
}

#[tokio::test]
async fn an_unpaid_hold_ends_when_the_clock_passes_it() {
    let root = tempfile::tempdir().unwrap();
    let http = http();
    let server = Server::start(root.path()).await;
    let admin = admin(&http, &server).await;
    let tutor = tutor(&http, &server.api, &admin).await;
    let pwt = project(&http, &server.api, &tutor, &admin, 3, 50_000).await;
    let kim = sign_up(&http, &server.api, "kim").await;
    let order = post("/v1/orders", json!({ "productIds": [pwt] })).by(&kim).header("idempotency-key", "one");
    order.send(&http, &server.api).await.expect(201);
    let seats = || get(&format!("/v1/pwts/{pwt}/seats"));
    assert_eq!(seats().send(&http, &server.api).await.expect(200)["held"], 1);
    let swept = post("/_local/sweep", json!({})).send(&http, &server.api).await.expect(200);
    assert_eq!(swept["swept"]["expired"], 0, "{swept}");
    let moved = post("/_local/clock", json!({ "advanceSeconds": 631 })).send(&http, &server.api).await.expect(200);
    assert_eq!(moved["swept"]["expired"], 1, "{moved}");
    let seats = seats().send(&http, &server.api).await.expect(200);
    assert_eq!((&seats["held"], &seats["available"]), (&json!(0), &json!(3)));
}

#[tokio::test]
async fn a_seat_is_bought_from_sign_up_to_receipt() {
    let root = tempfile::tempdir().unwrap();
    let http = http();
    let server = Server::start(root.path()).await;
    let admin = admin(&http, &server).await;
    let tutor = tutor(&http, &server.api, &admin).await;
    let pwt = project(&http, &server.api, &tutor, &admin, 10, 50_000).await;
    let kim = sign_up(&http, &server.api, "kim").await;
    let order = post("/v1/orders", json!({ "productIds": [pwt] })).by(&kim).header("idempotency-key", "order");
    let order = order.send(&http, &server.api).await.expect(201);
    let payment = &order["payment"];
    assert_eq!(payment["successUrl"], format!("{}/pay/success", server.api));

    // The window opens for what the order says.
    let mut window: url::Url = format!("{}/window", server.toss).parse().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    window.query_pairs_mut().extend_pairs([
        ("clientKey", text(&payment["clientKey"])),
        ("customerKey", text(&payment["customerKey"])),
        ("orderId", text(&order["id"])),
        ("orderName", text(&payment["orderName"])),
        ("amount", order["total"].to_string()),
        ("successUrl", text(&payment["successUrl"])),
        ("failUrl", text(&payment["failUrl"])),
    ]);
    let page = http.get(window).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("50,000원"), "{page}");

    let asked = json!({ "orderId": order["id"], "amount": order["total"] });
    let paid = post("/sandbox/authenticate", asked).send(&http, &server.toss).await.expect(200);
    let confirm = post("/v1/payments/confirm", paid).by(&kim).header("idempotency-key", "confirm");
    let receipt = confirm.send(&http, &server.api).await.expect(200);
    assert_eq!((&receipt["state"], &receipt["settlement"]["method"]), (&json!("PAID"), &json!("카드")));
    let mine = get("/v1/users/me/purchases").by(&kim).send(&http, &server.api).await.expect(200);
    assert_eq!(mine["items"].as_array().unwrap().len(), 1, "{mine}");
    let charges = get("/sandbox/charges").send(&http, &server.toss).await.expect(200);
    assert_eq!((&charges[0]["status"], &charges[0]["captures"]), (&json!("DONE"), &json!(1)), "{charges}");
}

#[tokio::test]
async fn a_payment_left_unanswered_is_finished_after_a_kill() {
    let root = tempfile::tempdir().unwrap();
    let http = http();
    let server = Server::start(root.path()).await;
    let admin = admin(&http, &server).await;
    let tutor = tutor(&http, &server.api, &admin).await;
    let pwt = project(&http, &server.api, &tutor, &admin, 10, 50_000).await;
    let kim = sign_up(&http, &server.api, "kim").await;
    let order = post("/v1/orders", json!({ "productIds": [pwt] })).by(&kim).header("idempotency-key", "order");
    let order = order.send(&http, &server.api).await.expect(201);
    let lost = json!({ "operation": "confirm", "kind": "answer_lost", "times": 1 });
    post("/sandbox/faults", lost).send(&http, &server.toss).await.expect(200);
    let asked = json!({ "orderId": order["id"], "amount": order["total"] });
    let paid = post("/sandbox/authenticate", asked).send(&http, &server.toss).await.expect(200);
    let confirm = post("/v1/payments/confirm", paid).by(&kim).header("idempotency-key", "confirm");
    confirm.send(&http, &server.api).await.expect(202);
    server.kill();

    let server = Server::start(root.path()).await;
    let queues = get("/_local/queues").send(&http, &server.api).await.expect(200);
    let payments = queues.as_array().unwrap().iter().find(|queue| queue["queue"] == "payments").unwrap();
    // The reminder; Toss's webhook may have come, too.
    assert!(payments["delayed"].as_u64().unwrap() >= 1, "{queues}");
    post("/_local/clock", json!({ "advanceSeconds": 60 })).send(&http, &server.api).await.expect(200);
    let path = format!("/v1/orders/{}", order["id"].as_str().unwrap());
    assert_eq!(get(&path).by(&kim).send(&http, &server.api).await.expect(200)["state"], "PAID");
    let charges = get("/sandbox/charges").send(&http, &server.toss).await.expect(200);
    assert_eq!((&charges[0]["status"], &charges[0]["captures"]), (&json!("DONE"), &json!(1)), "{charges}");
    // There are no dead letters to send back, and queues that are none have no way back.
    let redrive = |queue: &str| post("/_local/queues/redrive", json!({ "queue": queue }));
    let moved = redrive("payments-dead-letters").send(&http, &server.api).await.expect(200);
    assert_eq!(moved, json!({ "moved": 0 }));
    redrive("payments").send(&http, &server.api).await.expect(400);
}

#[tokio::test]
async fn pages_load_nothing_from_elsewhere() {
    let root = tempfile::tempdir().unwrap();
    let http = http();
    let server = Server::start(root.path()).await;
    let pages = ["/", "/demo", "/_local", "/pay/success", "/pay/fail", "/docs/", "/docs/swagger-initializer.js"];
    for path in pages {
        let page = http.get(format!("{}{path}", server.api)).send().await.unwrap();
        assert_eq!(page.status(), 200, "{path}");
        let html = page.headers()["content-type"].to_str().unwrap().starts_with("text/html");
        if html {
            assert!(
                page.headers()["content-security-policy"].to_str().unwrap().contains("default-src 'self'"),
                "{path}"
            );
        }
        let text = page.text().await.unwrap();
        let foreign = text.split("http").skip(1).filter(|rest| rest.starts_with("://") || rest.starts_with("s://"));
        let foreign: Vec<_> = foreign.filter(|rest| !rest.starts_with("://127.0.0.1:")).collect();
        assert!(foreign.is_empty(), "{path}: {foreign:?}");
        for source in text.split("src=\"").skip(1).chain(text.split("href=\"").skip(1)) {
            let target = source.split('"').next().unwrap();
            let local = target.starts_with("http://127.0.0.1:") || !target.contains("//");
            assert!(local, "{path}: {target}");
        }
    }
    for asset in ["/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css", "/_local/shop.js", "/_local/session.js"] {
        let asset = http.get(format!("{}{asset}", server.api)).send().await.unwrap();
        assert!(asset.status().is_success() && !asset.bytes().await.unwrap().is_empty());
    }
    let settings = http.get(format!("{}/docs/swagger-initializer.js", server.api)).send().await.unwrap();
    let settings = settings.text().await.unwrap();
    assert!(settings.contains("/v1/openapi.json") && settings.contains("\"validatorUrl\": \"none\""), "{settings}");
}

#[tokio::test]
async fn frontends_may_call_from_their_origins_only() {
    let root = tempfile::tempdir().unwrap();
    let http = http();
    let options = ["--port", "0", "--no-demo", "--toy-hashing", "--origin", "http://localhost:4000"];
    let server = Server::start_with(root.path(), &options).await;
    for (origin, allowed) in [("http://localhost:4000", true), ("http://localhost:3000", false)] {
        let preflight = http.request(reqwest::Method::OPTIONS, format!("{}/v1/orders", server.api));
        let preflight = preflight.header("origin", origin).header("access-control-request-method", "POST");
        let answer = preflight.send().await.unwrap();
        let allows = answer.headers().get("access-control-allow-origin").is_some_and(|value| value == origin);
        assert_eq!(allows, allowed, "{origin}");
    }
    let unknown = get("/v1/nothing").send(&http, &server.api).await;
    assert_eq!(unknown.text("/code"), "ROUTE_NOT_FOUND");
}
