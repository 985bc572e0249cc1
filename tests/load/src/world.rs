//! What is measured on: a server whose table was filled before.

use std::path::Path;

use futures::{StreamExt, stream};
use serde_json::{Value, json};

use crate::{
    Part,
    client::{Account, Client, text},
    server::{Server, devloop},
};

/// How many projects the lists have.
pub const MANY: usize = 10_000;
/// How many they have for comparison.
pub const FEW: usize = 100;
const BUYERS: usize = 1_000;
const CATEGORIES: [&str; 4] = ["WEB_DEV", "APP_DEV", "GAME_DEV", "ETC"];
const LEVELS: [&str; 3] = ["EASY", "MEDIUM", "HARD"];

/// A server with passwords hashed as deployed, and everybody who is needed.
#[derive(Debug)]
pub struct World {
    pub server: Server,
    pub admin: Account,
    pub tutor: Account,
    pub buyers: Vec<Account>,
    /// A project on sale.
    pub pwt: String,
}

impl World {
    /// Fills a table through a server that hashes fast, then starts one that does not: tokens
    /// stay good, and nobody who was made here logs in again.
    pub async fn prepare(binary: &Path, data: &Path, part: Part) -> Self {
        let rows = if part.wants(Part::Reads) { MANY } else { FEW };
        let buyers = if part.wants(Part::Sale) { BUYERS } else { 0 };
        println!("preparing {rows} projects and {buyers} buyers");
        let filled = Filled::new(binary, data, rows).await;
        let buyers = filled.server.api.sign_up_many("buyer", buyers).await;
        let Filled { server, admin, tutor, pwt } = filled;
        drop(server);
        Self { server: Server::start(binary, data, &["--no-demo"]).await, admin, tutor, buyers, pwt }
    }
}

/// A server that hashes fast, over a table with projects.
pub struct Filled {
    pub server: Server,
    admin: Account,
    tutor: Account,
    pub pwt: String,
}

impl Filled {
    /// One project of each category goes through the front door; the others are copies of its
    /// items under other ids, put straight into the table.
    pub async fn new(binary: &Path, data: &Path, rows: usize) -> Self {
        let server = Server::start(binary, data, &["--no-demo", "--toy-hashing"]).await;
        let admin = server.api.sign_up("admin").await;
        let mut promote = devloop(binary, data);
        let promoted = promote.args(["admin", "create", "--email", &admin.email]).output().unwrap();
        assert!(promoted.status.success(), "{promoted:?}");
        let admin = server.api.log_in(&admin).await;
        let tutor = tutor(&server.api, &admin).await;
        let mut pwt = String::new();
        for (n, category) in CATEGORIES.into_iter().enumerate() {
            pwt = project(&server.api, &tutor, &admin, category, 10).await;
            let items = items_of(&server.dynamodb, &pwt).await;
            let copies = (1..rows / CATEGORIES.len()).map(|copy| n * rows + copy).collect::<Vec<_>>();
            let batches = copies.chunks(10).map(|chunk| put_copies(&server.dynamodb, &pwt, &items, chunk));
            stream::iter(batches).buffer_unordered(4).collect::<Vec<()>>().await;
        }
        Self { server, admin, tutor, pwt }
    }
}

pub async fn tutor(api: &Client, admin: &Account) -> Account {
    let account = api.sign_up("tutor").await;
    let application = json!({
        "realName": "박튜터", "portfolioUrl": "https://github.com/park", "accountNumber": "110123456789",
    });
    api.post("/v1/tutor-applications", Some(&account), None, &application).await.expect(201);
    let approve = format!("/v1/admin/tutor-applications/{}/approve", account.id);
    api.decide(&approve, admin, None).await.expect(200);
    api.log_in(&account).await
}

/// A project on sale, of 50,000 won a seat.
pub async fn project(api: &Client, tutor: &Account, admin: &Account, category: &str, seats: u32) -> String {
    let now = text(&api.get("/_local/clock").await.expect(200).json(), "/now");
    let year: u32 = now.split('-').next().unwrap().parse().unwrap();
    let at = |day: &str| format!("{}-{day}T00:00:00Z", year + 1);
    let body = json!({
        "title": "러스트로 만드는 서버리스 백엔드", "description": "함께 만들어요. ".repeat(60), "price": 50_000,
        "deadline": at("10-01"), "startsAt": at("11-01"), "endsAt": at("12-01"), "maxParticipants": seats,
        "level": "MEDIUM", "category": category,
    });
    let made = api.post("/v1/pwts", Some(tutor), None, &body).await.expect(201);
    let id = text(&made.json(), "/id");
    api.decide(&format!("/v1/admin/pwts/{id}/approve"), admin, made.etag.as_deref()).await.expect(200);
    id
}

async fn items_of(dynamodb: &Client, pwt: &str) -> [Value; 2] {
    let item = |pk: String, sk: &'static str| async move {
        let key = json!({ "pk": { "S": pk }, "sk": { "S": sk } });
        let found = dynamodb.dynamodb("GetItem", &json!({ "TableName": "devloop", "Key": key })).await.expect(200);
        let item = found.json()["Item"].clone();
        assert!(item.is_object(), "{pk} is not in the table");
        item
    };
    [item(format!("PWT#{pwt}"), "POST").await, item(format!("SEATS#{pwt}#0"), "SEATS").await]
}

async fn put_copies(dynamodb: &Client, pwt: &str, items: &[Value; 2], copies: &[usize]) {
    let puts: Vec<Value> = copies
        .iter()
        .flat_map(|copy| {
            // The last six digits of an id are as good as any.
            let id = format!("{}{copy:06}", &pwt[..20]);
            items.iter().map(move |item| {
                let mut item: Value = serde_json::from_str(&item.to_string().replace(pwt, &id)).unwrap();
                if item.get("level").is_some() {
                    item["level"]["S"] = json!(LEVELS[copy % LEVELS.len()]);
                }
                json!({ "PutRequest": { "Item": item } })
            })
        })
        .collect();
    let body = json!({ "RequestItems": { "devloop": puts } });
    dynamodb.dynamodb("BatchWriteItem", &body).await.expect(200);
}
