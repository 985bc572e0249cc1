//! Boards with few posts and with many: lists in every order, from the first page to the last, and details with comments.

use std::{collections::BTreeMap, path::Path, time::Duration};

use futures::{StreamExt, stream};
use serde_json::{Value, json};

use crate::{
    client::{Account, Client, text},
    measure::{RUNS, closed_loop},
    server::Server,
};

/// How many posts there are in the end, and how many when it is measured before.
pub const ROWS: [usize; 3] = [1_000, 10_000, 100_000];
/// How deep it is looked into the longest list, in parts of its length.
const DEPTHS: [f64; 4] = [0.01, 0.1, 0.5, 0.99];
const LASTS: Duration = Duration::from_millis(900);
const CATEGORIES: [&str; 4] = ["WEB_DEV", "APP_DEV", "GAME_DEV", "ETC"];
const COMMENTS: usize = 20;

/// Lists of 20: a name, and the query.
const LISTS: [(&str, &str); 6] = [
    ("newest", ""),
    ("newest of a category", "category=ETC"),
    ("newest that are solved", "status=SOLVED"),
    ("most liked", "sort=MOST_LIKED"),
    ("most liked of a category", "sort=MOST_LIKED&category=ETC"),
    ("unanswered", "sort=UNANSWERED"),
];

/// Measures with ever more posts.
pub async fn measure(binary: &Path, smaller: usize) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(binary, folder.path(), &["--no-demo", "--toy-hashing"]).await;
    let author = server.api.sign_up("author").await;
    let mut board = Board { server, author, patterns: vec![], rows: 0 };
    board.begin().await;
    let (mut lists, mut details) = (vec![], vec![]);
    for rows in ROWS.map(|rows| rows / smaller) {
        board.grow(rows).await;
        for (name, query) in LISTS {
            lists.push(board.list(name, query, 0.0).await);
        }
        details.push(board.detail().await);
    }
    let mut depths = vec![];
    for (name, query) in LISTS {
        for depth in DEPTHS {
            depths.push(board.list(name, query, depth).await);
        }
    }
    json!({ "rows": ROWS.map(|rows| rows / smaller), "lists": lists, "depths": depths, "details": details })
}

struct Board {
    server: Server,
    author: Account,
    /// The items of posts that went through the front door, one of each category.
    patterns: Vec<Pattern>,
    rows: usize,
}

/// A post's id, when it was made, and the items that it consists of once the stream was played.
struct Pattern {
    id: String,
    made: String,
    items: Vec<Value>,
}

impl Board {
    /// One post of each category by the front door. Everything else is a copy of their items.
    async fn begin(&mut self) {
        let api = &self.server.api;
        for category in CATEGORIES.into_iter().take(3) {
            self.patterns.push(pattern(&self.server, &self.author, category).await);
        }
        // A new account posts three times a minute.
        let minute = json!({ "advanceSeconds": 60 });
        api.post("/_local/clock", None, None, &minute).await.expect(200);
        self.patterns.push(pattern(&self.server, &self.author, CATEGORIES[3]).await);
        self.rows = self.patterns.len();
        self.comment().await;
    }

    /// Comments on the post whose detail is measured: copies of one that went through the front door.
    async fn comment(&self) {
        let id = &self.patterns[0].id;
        let path = format!("/v1/communities/{id}/comments");
        let body = json!({ "content": "`Arc<Mutex<T>>` 대신 채널을 써 보세요. ".repeat(5) });
        let made = self.server.api.post(&path, Some(&self.author), None, &body).await.expect(201).json();
        let said = text(&made, "/id");
        let dynamodb = &self.server.dynamodb;
        let item = item(dynamodb, &format!("COMMUNITY#{id}"), &format!("COMMENT#{said}")).await.unwrap();
        let copies: Vec<Value> = (1..COMMENTS)
            .map(|n| serde_json::from_str(&item.to_string().replace(&said, &format!("{}{n:06}", &said[..20]))).unwrap())
            .collect();
        put(dynamodb, &copies).await;
    }

    /// Makes as many posts as are missing, and waits until what follows from them is done.
    async fn grow(&mut self, rows: usize) {
        let copies: Vec<usize> = (self.rows..rows).collect();
        let puts = copies.chunks(8).map(|chunk| {
            let items: Vec<Value> = chunk.iter().flat_map(|n| self.patterns[n % CATEGORIES.len()].copy(*n)).collect();
            let dynamodb = &self.server.dynamodb;
            async move { put(dynamodb, &items).await }
        });
        stream::iter(puts).buffer_unordered(4).collect::<Vec<()>>().await;
        self.rows = self.rows.max(rows);
        loop {
            let shards = self.server.api.get("/_local/stream").await.expect(200).json();
            if shards.as_array().unwrap().iter().all(|shard| shard["behindSeconds"].is_null()) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        println!("  {} posts", self.rows);
    }

    /// A page of 20 so deep in a list, asked for by one client.
    async fn list(&self, name: &str, query: &str, depth: f64) -> Value {
        let found = self.rows as f64 * share(query);
        let cursor = self.cursor(query, (found * depth) as usize).await;
        let path = match cursor {
            Some(cursor) => format!("/v1/communities?{query}&cursor={cursor}"),
            None => format!("/v1/communities?{query}"),
        };
        let told = self.path(path).await;
        println!("  {name} at {depth}: p50 {} ms, p99 {} ms", told["p50"][RUNS / 2], told["p99"][RUNS / 2]);
        json!({ "name": name, "rows": self.rows, "depth": depth, "latency": told })
    }

    /// A post and the first page of its comments, one after the other as a page of a frontend loads them.
    async fn detail(&self) -> Value {
        let post = format!("/v1/communities/{}", self.patterns[0].id);
        let (detail, comments) = (self.path(post.clone()).await, self.path(format!("{post}/comments")).await);
        println!("  detail: p50 {} ms; its comments: p50 {} ms", detail["p50"][RUNS / 2], comments["p50"][RUNS / 2]);
        json!({ "rows": self.rows, "detail": detail, "comments": comments })
    }

    async fn path(&self, path: String) -> Value {
        let mut sorted = BTreeMap::from([("p50", vec![]), ("p99", vec![])]);
        for _ in 0..RUNS {
            let (api, path) = (self.server.api.clone(), path.clone());
            let read = move || {
                let (api, path) = (api.clone(), path.clone());
                async move { drop(api.get(&path).await.expect(200)) }
            };
            let run = closed_loop(1, LASTS, read).await;
            for (name, quantile) in [("p50", 0.5), ("p99", 0.99)] {
                sorted.get_mut(name).unwrap().push(run.millis(quantile));
            }
        }
        for runs in sorted.values_mut() {
            runs.sort_by(f64::total_cmp);
        }
        json!(sorted)
    }

    /// Where a list goes on after so many posts.
    async fn cursor(&self, query: &str, mut after: usize) -> Option<String> {
        let mut cursor = None;
        while after > 0 {
            let at = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
            let path = format!("/v1/communities?{query}&limit={}{at}", after.min(100));
            let page = self.server.api.get(&path).await.expect(200).json();
            after = after.saturating_sub(page["items"].as_array().unwrap().len().max(1));
            cursor = page["nextCursor"].as_str().map(str::to_owned);
            // The list ends before: its last page then.
            cursor.as_ref()?;
        }
        cursor
    }
}

/// Which part of all posts a list has.
fn share(query: &str) -> f64 {
    let category = if query.contains("category") { 0.25 } else { 1.0 };
    let status = if query.contains("SOLVED") { 1.0 / 3.0 } else { 1.0 };
    let unanswered = if query.contains("UNANSWERED") { 0.5 } else { 1.0 };
    category * status * unanswered
}

impl Pattern {
    /// The items of the `n`th post: each is a minute older than the one before, every third is solved, every second
    /// one is answered, and people like it.
    fn copy(&self, n: usize) -> Vec<Value> {
        // Twenty digits of an id tell nothing apart.
        let id = format!("{}{n:06}", &self.id[..20]);
        let minutes = n % (60 * 24);
        let made = format!("20{:02}-01-01T{:02}:{:02}:00.000Z", 10 + n / 1_440 % 15, minutes / 60, minutes % 60);
        let (solved, answered, likes) = (n.is_multiple_of(3), n % 8 < 4, n * 7_919 % 1_000);
        let copy = |item: &Value| {
            let text = item.to_string().replace(&self.id, &id).replace(&self.made, &made);
            let mut item: Value = serde_json::from_str(&text).unwrap();
            item["counts"]["M"]["likes"] = json!({ "N": likes.to_string() });
            if solved {
                item["card"]["M"]["status"] = json!({ "S": "SOLVED" });
            }
            if answered {
                item["counts"]["M"]["comments"] = json!({ "N": "1" });
            }
            if item["sk"]["S"] == "LISTED#LIKES" {
                for key in ["gsi1sk", "gsi3sk"] {
                    let rest = item[key]["S"].as_str().unwrap().split_once('#').unwrap().1.to_owned();
                    item[key]["S"] = json!(format!("{likes:010}#{rest}"));
                }
            }
            item
        };
        let listed = |item: &Value| !(answered && item["sk"]["S"] == "LISTED#UNANSWERED");
        self.items.iter().map(copy).filter(listed).collect()
    }
}

async fn pattern(server: &Server, author: &Account, category: &str) -> Pattern {
    let body = json!({
        "title": "러스트에서 상태를 공유하는 방법", "content": "함께 배워요. ".repeat(120), "category": category,
        "tags": ["rust", "tokio"],
    });
    let made = server.api.post("/v1/communities", Some(author), None, &body).await.expect(201).json();
    let (id, made) = (text(&made, "/id"), text(&made, "/createdAt"));
    server.api.post("/_local/sweep", None, None, &json!({})).await.expect(200);
    let mut items = vec![];
    for sk in ["POST", "LISTED#LIKES", "LISTED#UNANSWERED"] {
        items.push(item(&server.dynamodb, &format!("COMMUNITY#{id}"), sk).await.unwrap());
    }
    Pattern { id, made, items }
}

async fn item(dynamodb: &Client, pk: &str, sk: &str) -> Option<Value> {
    let key = json!({ "pk": { "S": pk }, "sk": { "S": sk } });
    let found = dynamodb.dynamodb("GetItem", &json!({ "TableName": "devloop", "Key": key })).await.expect(200);
    Some(found.json()["Item"].clone()).filter(Value::is_object)
}

async fn put(dynamodb: &Client, items: &[Value]) {
    let puts: Vec<Value> = items.iter().map(|item| json!({ "PutRequest": { "Item": item } })).collect();
    for puts in puts.chunks(25) {
        dynamodb.dynamodb("BatchWriteItem", &json!({ "RequestItems": { "devloop": puts } })).await.expect(200);
    }
}
