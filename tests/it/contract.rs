//! The contract: what the document says is what the API answers, and the other way round.

use std::{collections::BTreeSet, sync::OnceLock};

use devloop_http::{DEFAULT_ROUTE, Route, openapi};
use devloop_local::contract::contract;
use http::Method;
use serde_json::{Map, Value, json};

use crate::{
    app::{Account, Reply, TestApp, pwt_body},
    template::repository,
};

/// Requires that the contract knows this answer. Every answer of every integration test comes by here.
#[track_caller]
pub fn must_know(routes: &[Route], method: &Method, path: &str, reply: &Reply) {
    // Routes describe themselves by their types alone: one document is as good for all tests.
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    let document = DOCUMENT.get_or_init(|| serde_json::to_value(openapi::document(routes)).unwrap());
    let answered = match operation(document, method, path) {
        Some(operation) => undocumented(document, operation, reply.status, reply.header("content-type"), &reply.body),
        None => unrouted(routes, reply),
    };
    assert_eq!(answered, Vec::<String>::new(), "{method} {path} answered {} {}", reply.status, reply.body);
}

fn unrouted(routes: &[Route], reply: &Reply) -> Vec<String> {
    let default = routes.iter().find(|route| route.path == DEFAULT_ROUTE).map(|route| route.description().refusals());
    let code = reply.body["code"].as_str().unwrap_or_default();
    let known = default.unwrap_or_default().contains(&(reply.status, code));
    if known { vec![] } else { vec![format!("the default route does not refuse with {} {code}", reply.status)] }
}

/// The operation that a request meets, by its route with the fewest parameters.
fn operation<'a>(document: &'a Value, method: &Method, path: &str) -> Option<&'a Value> {
    let path = path.split('?').next().unwrap_or_default();
    // A GET route answers HEAD, too.
    let method = if method == Method::HEAD { "get".to_owned() } else { method.as_str().to_lowercase() };
    let fits = |route: &str| {
        let (parts, asked): (Vec<_>, Vec<_>) = (route.split('/').collect(), path.split('/').collect());
        let fit = |(part, value): (&&str, &&str)| part == value || (part.starts_with('{') && !value.is_empty());
        parts.len() == asked.len() && parts.iter().zip(&asked).all(fit)
    };
    let routes = document["paths"].as_object()?.iter().filter(|(route, _)| fits(route));
    let (_, item) = routes.min_by_key(|(route, _)| route.matches('{').count())?;
    item.get(&method)
}

/// What an operation's description does not say of an answer.
fn undocumented(document: &Value, operation: &Value, status: u16, media_type: &str, body: &Value) -> Vec<String> {
    let Some(response) = operation["responses"].get(status.to_string()) else {
        return vec![format!("no status {status} in {}", operation["operationId"])];
    };
    let none = Map::new();
    let content = response["content"].as_object().unwrap_or(&none);
    match content.get(media_type.split(';').next().unwrap_or_default()) {
        None if body.is_null() && content.is_empty() => vec![],
        None => vec![format!("a body of {media_type:?} that is not described")],
        Some(content) => mismatches(document, &content["schema"], body, "$"),
    }
}

/// Where a value is not what a schema says. Knows as much of JSON Schema as our documents use.
fn mismatches(document: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let against = |schema: &Value| mismatches(document, schema, value, at);
    if let Some(reference) = schema["$ref"].as_str() {
        let component = reference.strip_prefix("#/components/schemas/").unwrap();
        return document["components"]["schemas"]
            .get(component)
            .map_or_else(|| vec![format!("{at}: no component {component}")], against);
    }
    if let Some(all) = schema["allOf"].as_array() {
        // Each part knows its own properties only.
        let mut wrong: Vec<String> = all.iter().flat_map(against).collect();
        wrong.retain(|line| !line.ends_with("is not described"));
        return wrong;
    }
    for choice in ["oneOf", "anyOf"] {
        if let Some(choices) = schema[choice].as_array() {
            let tried: Vec<Vec<String>> = choices.iter().map(against).collect();
            return if tried.iter().any(Vec::is_empty) { vec![] } else { tried.concat() };
        }
    }
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        return vec![format!("{at}: {value} is none of {allowed:?}")];
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind.as_str()],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => return vec![],
    };
    let is = |kind: &&str| match *kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        _ => value.is_object(),
    };
    if !kinds.iter().any(is) {
        return vec![format!("{at}: {value} is no {kinds:?}")];
    }
    match value {
        Value::Array(items) => items
            .iter()
            .enumerate()
            .flat_map(|(n, item)| mismatches(document, &schema["items"], item, &format!("{at}[{n}]")))
            .collect(),
        Value::Object(fields) => of_object(document, schema, fields, at),
        _ => vec![],
    }
}

fn of_object(document: &Value, schema: &Value, fields: &Map<String, Value>, at: &str) -> Vec<String> {
    let Some(properties) = schema["properties"].as_object() else { return vec![] };
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let missing = required.filter(|name| !fields.contains_key(*name)).map(|name| format!("{at}.{name} is missing"));
    let found = fields.iter().flat_map(|(name, value)| match properties.get(name) {
        Some(schema) => mismatches(document, schema, value, &format!("{at}.{name}")),
        None => vec![format!("{at}.{name} is not described")],
    });
    missing.chain(found).collect()
}

fn example(schema: &Value) -> Option<&Value> {
    schema.get("example").or_else(|| schema["examples"].as_array()?.first())
}

/// Every operation of the document, with its method and path.
fn operations(document: &Value) -> Vec<(Method, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    let operations = paths.flat_map(|(path, item)| {
        let operations = item.as_object().unwrap().iter().filter(|(_, operation)| operation["operationId"].is_string());
        operations.map(move |(method, operation)| (method.to_uppercase().parse().unwrap(), path.as_str(), operation))
    });
    operations.collect()
}

fn component(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.strip_prefix("#/components/schemas/")
}

/// The components that are whole bodies.
fn bodies(document: &Value) -> BTreeSet<&str> {
    let contents = operations(document).into_iter().flat_map(|(_, _, operation)| {
        let responses = operation["responses"].as_object().unwrap().values();
        responses
            .chain([&operation["requestBody"]])
            .filter_map(|body| body["content"]["application/json"].get("schema"))
    });
    contents.filter_map(component).collect()
}

async fn document() -> Value {
    serde_json::to_value(openapi::document(&contract().await.unwrap())).unwrap()
}

#[tokio::test]
async fn the_document_in_the_repository_is_the_one_that_the_endpoints_describe() {
    let written = std::fs::read_to_string(repository().join("infra/openapi.json")).unwrap();
    let present = serde_json::to_string_pretty(&openapi::document(&contract().await.unwrap())).unwrap() + "\n";
    assert!(written == present, "infra/openapi.json is not what the endpoints say: run `cargo xtask openapi`");
}

#[tokio::test]
async fn every_body_has_an_example_that_is_one() {
    let document = document().await;
    let mut wrong = vec![];
    for name in bodies(&document) {
        let schema = &document["components"]["schemas"][name];
        match example(schema) {
            None => wrong.push(format!("{name} has no example")),
            Some(example) => wrong.extend(mismatches(&document, schema, example, name)),
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// What the examples' paths name: a PWT on sale, a todo on its schedule, an open order for it.
struct Scene {
    app: TestApp,
    callers: Vec<Account>,
    parameters: Vec<(&'static str, String)>,
}

impl Scene {
    async fn set() -> Self {
        let app = TestApp::start().await;
        let (tutor, admin, buyer) = (app.tutor("tutor").await, app.admin("admin").await, app.sign_up("buyer").await);
        let pwt = app.approved_pwt(&tutor, &admin, pwt_body()).await;
        let todo = json!({ "title": "리뷰", "start": "2026-12-07T10:00:00Z", "end": "2026-12-07T12:00:00Z" });
        let todo = app.post(&format!("/v1/schedules/{pwt}/todos")).by(&tutor).json(&todo).send().await.expect(201);
        let order = app.post("/v1/orders").by(&buyer).header("idempotency-key", "scene");
        let order = order.json(&json!({ "productIds": [pwt] })).send().await.expect(201);
        let post = json!({ "title": "제목", "content": "내용", "category": "ETC", "capacity": 5 });
        let mut question = post.clone();
        question.as_object_mut().unwrap().remove("capacity");
        let question = app.post("/v1/communities").by(&buyer).json(&question).send().await.expect(201);
        let party = app.post("/v1/parties").by(&tutor).json(&post).send().await.expect(201);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let parameters = vec![
            ("{pwtId}", pwt.clone()),
            ("{scheduleId}", pwt.clone()),
            ("{productId}", pwt),
            ("{todoId}", text(&todo["id"])),
            ("{orderId}", text(&order["id"])),
            ("{userId}", buyer.id.clone()),
            // Ids of one kind, on two boards.
            ("communities/{postId}", format!("communities/{}", text(&question["id"]))),
            ("parties/{postId}", format!("parties/{}", text(&party["id"]))),
            ("{commentId}", text(&question["id"])),
            ("{reportId}", text(&question["id"])),
        ];
        Self { app, callers: vec![buyer, tutor, admin], parameters }
    }

    async fn send(&self, method: &Method, path: &str, by: &Account, body: &Value) -> Reply {
        let put_in = |path: String, (name, value): &(&str, String)| path.replace(name, value);
        let path = self.parameters.iter().fold(path.to_owned(), put_in);
        assert!(!path.contains('{'), "the scene has nothing for {path}");
        let call = self
            .app
            .request(method.clone(), &path)
            .by(by)
            .header("idempotency-key", "example")
            .header("if-match", "\"1\"");
        call.json(body).send().await
    }
}

fn field_codes(reply: &Reply) -> Vec<&str> {
    reply.body["errors"].as_array().into_iter().flatten().filter_map(|error| error["code"].as_str()).collect()
}

/// Others decide what these requests hold: more than is described is no mistake.
const OPEN: [&str; 1] = ["TossWebhook"];

#[tokio::test]
async fn every_request_example_is_read() {
    let document = document().await;
    let scene = Scene::set().await;
    let mut wrong = vec![];
    for (method, path, operation) in operations(&document) {
        let Some(name) = component(&operation["requestBody"]["content"]["application/json"]["schema"]) else {
            continue;
        };
        let Some(example) = example(&document["components"]["schemas"][name]) else { continue };
        let mut with_more = example.clone();
        with_more["noSuchField"] = json!(1);
        let mut read = false;
        for caller in &scene.callers {
            // That a field too many is refused shows that this caller's body is looked at.
            let reply = scene.send(&method, path, caller, &with_more).await;
            if OPEN.contains(&name) {
                read = reply.status == 200;
                break;
            }
            if field_codes(&reply) != ["UNKNOWN_FIELD"] {
                continue;
            }
            read = true;
            let reply = scene.send(&method, path, caller, example).await;
            if matches!(reply.body["code"].as_str(), Some("VALIDATION_FAILED" | "MALFORMED_JSON")) {
                wrong.push(format!("{method} {path} refuses its example: {}", reply.body));
            }
            break;
        }
        if !read {
            wrong.push(format!("{method} {path}: nobody's {name} was read"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn what_the_contract_does_not_say_is_named() {
    let document = json!({
        "components": { "schemas": { "View": {
            "type": "object", "required": ["id", "seats"],
            "properties": { "id": { "type": "string" }, "seats": { "type": "integer" }, "reason": { "type": ["string", "null"] } },
        } } },
        "paths": {
            "/v1/pwts/{pwtId}": { "get": { "operationId": "get_pwt", "responses": {
                "200": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/View" } } } },
                "204": {},
                "404": { "content": { "application/problem+json": { "schema": { "allOf": [
                    { "type": "object", "properties": { "status": { "type": "integer" } } },
                    { "type": "object", "properties": { "code": { "enum": ["PWT_NOT_FOUND"] } }, "required": ["code"] },
                ] } } } },
            } } },
            "/v1/pwts/mine": { "get": { "operationId": "list_my_pwts", "responses": {} } },
        },
    });
    let get_pwt = operation(&document, &Method::GET, "/v1/pwts/1?x=1").unwrap();
    assert_eq!(get_pwt["operationId"], "get_pwt");
    assert_eq!(operation(&document, &Method::GET, "/v1/pwts/mine").unwrap()["operationId"], "list_my_pwts");
    assert!(operation(&document, &Method::POST, "/v1/pwts/1").is_none());
    let said = |status, body: Value| {
        let media_type = if status < 400 { "application/json" } else { "application/problem+json" };
        undocumented(&document, get_pwt, status, media_type, &body)
    };
    assert!(said(200, json!({ "id": "1", "seats": 2, "reason": null })).is_empty());
    assert!(said(204, Value::Null).is_empty());
    assert!(said(404, json!({ "status": 404, "code": "PWT_NOT_FOUND", "current": {} })).is_empty());
    assert_eq!(said(200, json!({ "id": 1, "more": true })).len(), 3);
    assert_eq!(said(409, Value::Null).len(), 1);
    assert_eq!(said(204, json!({})).len(), 1);
    assert_eq!(said(404, json!({ "code": "USER_NOT_FOUND" })).len(), 1);
    assert_eq!(said(404, json!({ "status": 404 })).len(), 1);
}
