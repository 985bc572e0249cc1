//! One run: a sale is prepared, everybody goes their way under faults, everything comes to rest, and the books are compared.

use std::{collections::BTreeMap, sync::LazyLock, time::Duration};

use config::Settings;
use futures::future::{BoxFuture, join_all};
use http::Method;
use serde_json::{Value, json};
use storage::{Write, keys};

use crate::{
    actors::{Buyer, PASSWORD, Person, Sale},
    app::App,
    books::Expected,
    bugs::Bug,
    dice,
    faults::{Fault, Plan, Service, Step},
    journeys::Journey,
    workers::Workers,
    world::{LARGEST_SKEW, World},
};

/// What a seat costs, in won.
pub const PRICE: i64 = 50_000;
const OTHER_PRICE: i64 = 30_000;

/// What all hosts are given.
pub fn settings() -> &'static Settings {
    static SETTINGS: LazyLock<Settings> = LazyLock::new(crate::app::settings);
    &SETTINGS
}

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
    let dice = |what: &str, bound| dice::below(seed, what, 0, bound);
    let crowd = play.alone.is_none();
    let journeys: Vec<Journey> = match play.alone {
        Some(journey) => vec![journey],
        None => (0..3 + dice("buyers", 4))
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
    let hostile = crowd && dice("hostile", 2) == 0;
    let (leads, administers, closes) =
        (crowd && dice("leads", 3) == 0, crowd && dice("admin", 4) == 0, dice("closes", 2) == 0);
    // Who waits alone needs somebody who had the only seat, and gives it back.
    let held = play.alone.is_some_and(Journey::waits);
    let mut names: Vec<String> = (0..journeys.len() + usize::from(hostile)).map(|n| format!("buyer{n}")).collect();
    names.extend(held.then(|| "holder".to_owned()));
    let wanted = Wanted {
        seats: match play.alone {
            Some(_) if held => 1,
            Some(_) => 3,
            None => 1 + dice("seats", 5),
        },
        shards: if crowd { 1 + dice("shards", 3) } else { 1 },
        closes: leads && closes,
    };
    let Stage { sale, mut people, tutor, admin } = Box::pin(prepare(world, &wanted, &names)).await;
    let mut apps = vec![];
    for name in &names {
        apps.push(App::new(world, settings(), name, skew(seed, name)).await);
    }
    let workers = Box::pin(Workers::new(world, |name| skew(seed, name))).await;
    let desk = App::new(world, settings(), "desk", skew(seed, "desk")).await;
    // Whose clock is behind sees the sale open a little later.
    tokio::time::sleep(Duration::from_secs(10)).await;
    let buyer = |app, person| Buyer { world, app, sale: &sale, person, asked: 0 };
    let holder = if held {
        let mut holder = buyer(apps.last().unwrap(), people.pop().unwrap());
        let order = holder.own().await;
        Some((holder, order))
    } else {
        None
    };
    world.begin();
    world.plan(play.plan.clone());

    let mut ways: Vec<BoxFuture<'_, ()>> = vec![];
    for (n, (person, app)) in people.into_iter().zip(&apps).enumerate() {
        let buyer = buyer(app, person);
        ways.push(match journeys.get(n).copied() {
            Some(journey) => Box::pin(buyer.go(journey)),
            None => Box::pin(buyer.mean_no_good()),
        });
    }
    if let Some((holder, order)) = holder {
        ways.push(Box::pin(holder.give_back(order)));
    }
    if leads {
        ways.push(Box::pin(buyer(&desk, tutor).lead()));
    }
    if administers {
        ways.push(Box::pin(buyer(&desk, admin).administer()));
    }
    tokio::select! {
        biased;
        _ = join_all(ways) => {}
        () = workers.work_on() => {}
        () = tokio::time::sleep(LONGEST) => world.watch(|watch| watch.violation("they come to no end".to_owned())),
    }
    // More under faults, so that a last step that went wrong is met by one, too, and so is whatever is due later.
    let rounds = match play.alone {
        Some(Journey::Leaves | Journey::DeclinedAndGone) => 16,
        Some(Journey::Forgets) => 36,
        _ => 2,
    };
    for _ in 0..rounds {
        workers.round().await;
    }
    let persistent = journeys.iter().filter(|journey| journey.persists()).count();
    let some_give_back = journeys.iter().any(|journey| journey.gives_back()) || hostile || leads || administers;
    let expected = Expected { persistent: if some_give_back { 0 } else { i64::try_from(persistent).unwrap_or(0) } };
    workers.come_to_rest(world, expected).await;
}

/// What is to be sold.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// How many seats.
    pub seats: u64,
    /// Over how many shards.
    pub shards: u64,
    /// Whether its tutor may close it.
    pub closes: bool,
}

/// A sale, and everybody who has to do with it.
#[derive(Debug)]
pub struct Stage {
    /// What is sold.
    pub sale: Sale,
    /// The buyers.
    pub people: Vec<Person>,
    /// Who sells.
    pub tutor: Person,
    /// Who administers.
    pub admin: Person,
}

fn skew(seed: u64, name: &str) -> i64 {
    let range = LARGEST_SKEW.unsigned_abs() * 2 + 1;
    i64::try_from(dice::below(seed, &format!("skew {name}"), 0, range)).unwrap_or(0) - LARGEST_SKEW
}

/// A tutor's two projects on sale, and buyers with accounts. Nothing goes wrong here.
pub async fn prepare(world: &World, wanted: &Wanted, names: &[String]) -> Stage {
    /// As many seats have one shard more.
    const SEATS_A_SHARD: u64 = 25;
    let stage = App::new(world, settings(), "stage", 0).await;
    let table = stage.table();
    table.create_if_missing().await.unwrap();
    let (mut admin, admin_id) = sign_up(&stage, "admin").await;
    table.write(Write::update(keys::user(admin_id.parse().unwrap())).set("role", "ADMIN")).await.unwrap();
    admin.token = log_in(&stage, &admin.email).await;
    let (mut tutor, tutor_id) = sign_up(&stage, "tutor").await;
    let application =
        json!({ "realName": "박튜터", "portfolioUrl": "https://github.com/park", "accountNumber": "110123456789" });
    post(&stage, "/v1/tutor-applications", &tutor.token, &application).await;
    let approve = format!("/v1/admin/tutor-applications/{tutor_id}/approve");
    post(&stage, &approve, &admin.token, &Value::Null).await;
    tutor.token = log_in(&stage, &tutor.email).await;
    let mut pwts = vec![];
    for (seats, shards, price) in [(wanted.seats, wanted.shards, PRICE), (20, 1, OTHER_PRICE)] {
        let at_first = if shards > 1 { shards * SEATS_A_SHARD } else { seats };
        let pwt = json!({
            "title": "러스트로 만드는 서버리스", "description": "# 함께 만들어요", "price": price,
            "deadline": "2026-12-24T00:00:00Z", "startsAt": "2027-01-04T00:00:00Z", "endsAt": "2027-02-04T00:00:00Z",
            "maxParticipants": at_first, "level": "MEDIUM", "category": "WEB_DEV",
        });
        let made = post(&stage, "/v1/pwts", &tutor.token, &pwt).await;
        let id = made.body["id"].as_str().unwrap().to_owned();
        let change = async |method, path: &str, token: &str, version: &str, body| {
            let reply = stage.send(method, path, Some(token), &[("if-match", version)], body).await.unwrap();
            assert_eq!(reply.status, 200, "{path}: {}", reply.body);
            reply
        };
        let approve = format!("/v1/admin/pwts/{id}/approve");
        let sold = change(Method::POST, &approve, &admin.token, &made.etag.unwrap(), &Value::Null).await;
        if at_first != seats {
            // The number of shards never falls.
            let fewer = json!({ "maxParticipants": seats });
            change(Method::PATCH, &format!("/v1/pwts/{id}"), &tutor.token, &sold.etag.unwrap(), &fewer).await;
        }
        pwts.push(id);
    }
    let mut people = vec![];
    for name in names {
        people.push(sign_up(&stage, name).await.0);
    }
    let sale = Sale { pwt: pwts.remove(0), other: pwts.remove(0), closes: wanted.closes };
    Stage { sale, people, tutor, admin }
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

/// A new access token.
pub async fn log_in(stage: &App, email: &str) -> String {
    let body = json!({ "email": email, "password": PASSWORD });
    let reply = stage.send(Method::POST, "/v1/auth/login", None, &[], &body).await.unwrap();
    reply.body["accessToken"].as_str().unwrap().to_owned()
}
