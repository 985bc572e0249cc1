//! One run: a sale is prepared, everybody goes their way under faults, everything comes to rest, and the books are compared.

use std::{collections::BTreeMap, sync::LazyLock, time::Duration};

use config::Settings;
use futures::future::join_all;
use http::Method;
use serde_json::{Value, json};
use storage::{Write, keys};

use crate::{
    actors::{Buyer, Journey, PASSWORD, Person, Sale},
    app::App,
    books::{self, Expected},
    bugs::Bug,
    dice,
    faults::{Fault, Plan, Service, Step},
    world::World,
};

/// What a seat costs, in won.
pub const PRICE: i64 = 50_000;
const OTHER_PRICE: i64 = 30_000;

static SETTINGS: LazyLock<Settings> = LazyLock::new(crate::app::settings);

/// What is played.
#[derive(Clone, Debug)]
pub struct Play {
    /// Decides everything that is left to chance.
    pub seed: u64,
    /// What goes wrong.
    pub plan: Plan,
    /// Which guard is missing.
    pub bug: Option<Bug>,
    /// One buyer alone on this journey; a crowd otherwise.
    pub alone: Option<Journey>,
    /// Whether the history is kept as text.
    pub verbose: bool,
}

/// How it ended.
#[derive(Clone, Debug)]
pub struct Report {
    /// Of everything that happened.
    pub hash: String,
    /// What must never be.
    pub violations: Vec<String>,
    /// How often what was reached.
    pub reached: BTreeMap<String, u64>,
    /// Which steps went wrong.
    pub struck: BTreeMap<Step, Fault>,
    /// All steps.
    pub steps: BTreeMap<Step, Service>,
    /// The history, if it was kept.
    pub lines: Vec<String>,
}

/// Plays it, in virtual time, on this thread.
pub fn run(play: &Play) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let world = World::new(play.seed, play.bug, play.verbose);
        Box::pin(act(&world, play)).await;
        let (violations, reached) =
            world.watch(|watch| (std::mem::take(&mut watch.violations), std::mem::take(&mut watch.reached)));
        Report {
            hash: world.hash(),
            violations,
            reached,
            struck: world.struck(),
            steps: world.steps(),
            lines: world.told(),
        }
    })
}

/// Longer than any buyer tries.
const LONGEST: Duration = Duration::from_hours(6);

async fn act(world: &World, play: &Play) {
    let seed = play.seed;
    let journeys: Vec<Journey> = match play.alone {
        Some(journey) => vec![journey],
        None => (0..3 + dice::below(seed, "buyers", 0, 4))
            .map(|n| {
                // Half of them want nothing but a seat.
                let among = Journey::ALL.len() as u64;
                match dice::below(seed, "journey", n, 2 * among) {
                    choice if choice < among => Journey::ALL[usize::try_from(choice).unwrap_or(0)],
                    _ => Journey::Pays,
                }
            })
            .collect(),
    };
    let hostile = play.alone.is_none() && dice::below(seed, "hostile", 0, 2) == 0;
    let seats = if play.alone.is_some() { 3 } else { 1 + dice::below(seed, "seats", 0, 5) };
    let names: Vec<String> = (0..journeys.len() + usize::from(hostile)).map(|n| format!("buyer{n}")).collect();
    let (sale, people) = prepare(world, seats, &names).await;
    let mut apps = vec![];
    for name in &names {
        apps.push(App::new(world, &SETTINGS, name, skew(seed, name)).await);
    }
    let sweeper = App::new(world, &SETTINGS, "sweeper", skew(seed, "sweeper")).await;
    // Whose clock is behind sees the sale open a little later.
    tokio::time::sleep(Duration::from_secs(10)).await;
    let reconciler = App::new(world, &SETTINGS, "reconciler", skew(seed, "reconciler")).await;
    world.begin();
    world.plan(play.plan.clone());

    let ways = people.into_iter().zip(&apps).enumerate().map(|(n, (person, app))| {
        let buyer = Buyer { world, app, sale: &sale, person, asked: 0 };
        let journey = journeys.get(n).copied();
        async move {
            match journey {
                Some(journey) => Box::pin(buyer.go(journey)).await,
                None => Box::pin(buyer.mean_no_good()).await,
            }
        }
    });
    let sweeping = async {
        loop {
            tokio::time::sleep(Duration::from_mins(1)).await;
            sweeper.work().await;
        }
    };
    let hearing = async {
        loop {
            tokio::time::sleep(Duration::from_secs(7)).await;
            reconciler.hear().await;
        }
    };
    tokio::select! {
        biased;
        _ = join_all(ways) => {}
        () = sweeping => {}
        () = hearing => {}
        () = tokio::time::sleep(LONGEST) => world.watch(|watch| watch.violation("the buyers come to no end".to_owned())),
    }
    // More under faults, so that a last step that went wrong is met by one, too, and so is whatever is due later.
    let rounds = match play.alone {
        Some(Journey::Leaves | Journey::DeclinedAndGone) => 16,
        _ => 2,
    };
    for _ in 0..rounds {
        tokio::time::sleep(Duration::from_mins(1)).await;
        sweeper.work().await;
        reconciler.hear().await;
    }

    world.calm_down();
    let persistent = journeys.iter().filter(|journey| journey.persists()).count();
    let nobody_gives_back = !journeys.iter().any(|journey| journey.gives_back()) && !hostile;
    let expected = Expected { persistent: if nobody_gives_back { i64::try_from(persistent).unwrap_or(0) } else { 0 } };
    let mut wrong = vec![];
    for _ in 0..40 {
        tokio::time::sleep(Duration::from_mins(1)).await;
        sweeper.work().await;
        reconciler.hear().await;
        wrong = books::differences(world, expected);
        if wrong.is_empty() {
            return;
        }
    }
    world.watch(|watch| watch.violations.append(&mut wrong));
}

/// Clocks differ by up to five seconds.
fn skew(seed: u64, name: &str) -> i64 {
    i64::try_from(dice::below(seed, &format!("skew {name}"), 0, 10_001)).unwrap_or(0) - 5_000
}

/// A tutor's two projects on sale, and buyers with accounts. Nothing goes wrong here.
async fn prepare(world: &World, seats: u64, names: &[String]) -> (Sale, Vec<Person>) {
    let stage = App::new(world, &SETTINGS, "stage", 0).await;
    let table = stage.table();
    table.create_if_missing().await.unwrap();
    let admin = sign_up(&stage, "admin").await;
    table.write(Write::update(keys::user(admin.1.parse().unwrap())).set("role", "ADMIN")).await.unwrap();
    let admin = log_in(&stage, &admin.0.email).await;
    let tutor = sign_up(&stage, "tutor").await;
    let application =
        json!({ "realName": "박튜터", "portfolioUrl": "https://github.com/park", "accountNumber": "110123456789" });
    post(&stage, "/v1/tutor-applications", &tutor.0.token, &application).await;
    post(&stage, &format!("/v1/admin/tutor-applications/{}/approve", tutor.1), &admin, &Value::Null).await;
    let tutor = log_in(&stage, &tutor.0.email).await;
    let mut pwts = vec![];
    for (seats, price) in [(seats, PRICE), (20, OTHER_PRICE)] {
        let pwt = json!({
            "title": "러스트로 만드는 서버리스", "description": "# 함께 만들어요", "price": price,
            "deadline": "2026-12-24T00:00:00Z", "startsAt": "2027-01-04T00:00:00Z", "endsAt": "2027-02-04T00:00:00Z",
            "maxParticipants": seats, "level": "MEDIUM", "category": "WEB_DEV",
        });
        let made = post(&stage, "/v1/pwts", &tutor, &pwt).await;
        let id = made.body["id"].as_str().unwrap().to_owned();
        let approve = format!("/v1/admin/pwts/{id}/approve");
        let version = made.etag.unwrap();
        let reply =
            stage.send(Method::POST, &approve, Some(&admin), &[("if-match", &version)], &Value::Null).await.unwrap();
        assert_eq!(reply.status, 200, "{}", reply.body);
        world.watch(|watch| watch.expect_total(&id, i64::try_from(seats).unwrap()));
        pwts.push(id);
    }
    let mut people = vec![];
    for name in names {
        people.push(sign_up(&stage, name).await.0);
    }
    (Sale { pwt: pwts.remove(0), other: pwts.remove(0) }, people)
}

async fn post(stage: &App, path: &str, token: &str, body: &Value) -> crate::app::Reply {
    let reply = stage.send(Method::POST, path, Some(token), &[], body).await.unwrap();
    assert!(reply.status < 300, "{path}: {}", reply.body);
    reply
}

async fn sign_up(stage: &App, name: &str) -> (Person, String) {
    let email = format!("{name}@example.com");
    let body = json!({ "email": email, "password": PASSWORD, "username": name });
    let reply = stage.send(Method::POST, "/v1/auth/signup", None, &[], &body).await.unwrap();
    assert_eq!(reply.status, 201, "{}", reply.body);
    let token = reply.body["tokens"]["accessToken"].as_str().unwrap().to_owned();
    let id = reply.body["user"]["id"].as_str().unwrap().to_owned();
    (Person { name: name.to_owned(), email, token }, id)
}

async fn log_in(stage: &App, email: &str) -> String {
    let body = json!({ "email": email, "password": PASSWORD });
    let reply = stage.send(Method::POST, "/v1/auth/login", None, &[], &body).await.unwrap();
    reply.body["accessToken"].as_str().unwrap().to_owned()
}
