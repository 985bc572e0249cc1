//! The templates against the code: what is deployed is what is written, and what is granted is
//! what is used.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use devloop_http::{DEFAULT_ROUTE, Route, cors};
use devloop_local::{
    cloudfront::policies,
    contract::contract,
    queues::{CDN_BATCH, PAYMENTS_BATCH, QUEUES, RETENTION_SECONDS, STREAM_DEAD_LETTERS},
    stream::{BATCH_SIZE, MOST_RETRIES, OLDEST_SECONDS},
};
use serde_json::{Map, Value, json};
use serde_norway::Value as Yaml;
use storage::schema::INDEXES;

const ROOT: &str = "template.yaml";
const WORKERS: &str = "infra/workers.yaml";
const MESSAGING: &str = "infra/messaging.yaml";

/// The repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A template as JSON, with `!Sub x` as `{"Fn::Sub": x}`: the form that CloudFormation itself uses.
pub fn read(file: &str) -> Value {
    let text = std::fs::read_to_string(repository().join(file)).unwrap();
    long_form(serde_norway::from_str(&text).unwrap())
}

fn long_form(yaml: Yaml) -> Value {
    match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(value) => value.into(),
        Yaml::Number(number) => number.as_i64().map_or_else(|| number.as_f64().into(), Value::from),
        Yaml::String(text) => text.into(),
        Yaml::Sequence(items) => items.into_iter().map(long_form).collect(),
        Yaml::Mapping(fields) => {
            let field = |(name, value): (Yaml, Yaml)| (name.as_str().unwrap().to_owned(), long_form(value));
            Value::Object(fields.into_iter().map(field).collect())
        }
        Yaml::Tagged(tagged) => {
            let name = tagged.tag.to_string();
            let name = match name.trim_start_matches('!') {
                "Ref" => "Ref".to_owned(),
                other => format!("Fn::{other}"),
            };
            json!({ name: long_form(tagged.value) })
        }
    }
}

/// One deployed function.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its name in the template.
    pub name: String,
    /// Its operation id; of a worker, its name in snake case.
    pub operation: String,
    /// Everything that the template says of it.
    pub properties: Value,
}

/// The functions of a template.
pub fn functions(template: &Value) -> Vec<Function> {
    let resources = template["Resources"].as_object().unwrap();
    let functions = resources.iter().filter(|(_, resource)| resource["Type"] == "AWS::Serverless::Function");
    let function = |(name, resource): (&String, &Value)| {
        let properties = resource["Properties"].clone();
        let operation = properties["Environment"]["Variables"]["OPERATION"].as_str().map(str::to_owned);
        let operation = operation.unwrap_or_else(|| snake_case(name.strip_suffix("Function").unwrap()));
        Function { name: name.clone(), operation, properties }
    };
    functions.map(function).collect()
}

/// Every function of every template.
pub fn all_functions() -> Vec<Function> {
    [ROOT, WORKERS, MESSAGING].map(|file| functions(&read(file))).concat()
}

impl Function {
    /// Which binary it runs.
    fn binary(&self) -> String {
        let code = self.properties["CodeUri"].as_str().unwrap();
        code.trim_start_matches("../").strip_prefix("target/lambda/").unwrap().trim_end_matches('/').to_owned()
    }

    fn variables(&self) -> BTreeSet<&str> {
        self.properties["Environment"]["Variables"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name.as_str())
            .collect()
    }

    /// Its route, as [`line`] writes it.
    fn route(&self) -> String {
        let event = &self.properties["Events"]["Http"];
        assert_eq!(event["Type"], "HttpApi", "{}", self.name);
        let event = event["Properties"].as_object().unwrap();
        match (event.get("Method"), event.get("Path")) {
            (Some(method), Some(path)) => line(&self.operation, method.as_str().unwrap(), path.as_str().unwrap()),
            // Neither is how SAM spells the default route.
            (None, None) => line(&self.operation, "", DEFAULT_ROUTE),
            half => panic!("{}: {half:?}", self.name),
        }
    }
}

fn line(operation: &str, method: &str, path: &str) -> String {
    format!("{operation} {method} {path}")
}

fn snake_case(camel: &str) -> String {
    let mut snake = String::new();
    for letter in camel.chars() {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

fn camel_case(snake: &str) -> String {
    let word =
        |word: &str| word.chars().take(1).flat_map(char::to_uppercase).chain(word.chars().skip(1)).collect::<String>();
    snake.split('_').map(word).collect()
}

fn of_routes(routes: &[Route]) -> BTreeSet<String> {
    let method = |route: &Route| if route.path == DEFAULT_ROUTE { String::new() } else { route.method.to_string() };
    routes.iter().map(|route| line(route.id, &method(route), route.path)).collect()
}

fn of_document(document: &Value) -> BTreeSet<String> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let operations = paths.flat_map(|(path, item)| {
        let operations = item.as_object().unwrap().iter().filter(|(_, operation)| operation["operationId"].is_string());
        operations.map(move |(method, operation)| {
            line(operation["operationId"].as_str().unwrap(), &method.to_uppercase(), path)
        })
    });
    operations.collect()
}

/// What one place has and another one lacks, in both directions.
fn differences(one: (&str, &BTreeSet<String>), other: (&str, &BTreeSet<String>)) -> Vec<String> {
    let lacks = |(from, have): (&str, &BTreeSet<String>), (to, other): (&str, &BTreeSet<String>)| -> Vec<String> {
        have.difference(other).map(|line| format!("{line}: in {from}, not in {to}")).collect()
    };
    [lacks(one, other), lacks(other, one)].concat()
}

#[test]
fn differences_are_named_in_both_directions() {
    let set = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<BTreeSet<String>>();
    let found = differences(("the routes", &set(&["a", "b"])), ("the template", &set(&["b", "c"])));
    assert_eq!(found, ["a: in the routes, not in the template", "c: in the template, not in the routes"]);
    assert!(differences(("one", &set(&["a"])), ("other", &set(&["a"]))).is_empty());
}

#[tokio::test]
async fn routes_template_and_document_have_the_same_operations() {
    let routes = contract().await.unwrap();
    let routed = of_routes(&routes);
    assert_eq!(routed.len(), routes.len(), "an operation is routed twice");
    let deployed: BTreeSet<String> = functions(&read(ROOT)).iter().map(Function::route).collect();
    let document = std::fs::read_to_string(repository().join("infra/openapi.json")).unwrap();
    let documented = of_document(&serde_json::from_str(&document).unwrap());
    let public = routed.iter().filter(|line| !line.ends_with(DEFAULT_ROUTE)).cloned().collect();
    let wrong = [
        differences(("the routes", &routed), (ROOT, &deployed)),
        differences(("the routes", &public), ("infra/openapi.json", &documented)),
    ];
    assert_eq!(wrong.concat(), Vec::<String>::new());
}

#[test]
fn every_function_is_named_after_its_operation_and_runs_its_domain() {
    for function in functions(&read(ROOT)) {
        assert_eq!(function.name, format!("{}Function", camel_case(&function.operation)));
        let file = format!("functions/{}/src/endpoints/{}.rs", function.binary(), function.operation);
        assert!(repository().join(&file).exists(), "{} would run {file}", function.name);
        let event = &function.properties["Events"]["Http"]["Properties"]["ApiId"];
        assert_eq!(event, &json!({ "Ref": "Api" }), "{}", function.name);
    }
}

#[test]
fn every_function_logs_to_the_group_of_its_domain() {
    let outputs = read("infra/logs.yaml")["Outputs"].clone();
    for function in functions(&read(ROOT)) {
        let group = camel_case(&function.binary());
        assert!(outputs[&group].is_object(), "infra/logs.yaml has no {group}");
        let logging = &function.properties["LoggingConfig"]["LogGroup"];
        assert_eq!(logging, &json!({ "Fn::GetAtt": format!("Logs.Outputs.{group}") }), "{}", function.name);
    }
}

/// API Gateway gives up after 30 s: an answer that comes later is lost with its effect done.
#[test]
fn every_function_ends_before_the_gateway_gives_up() {
    let template = read(ROOT);
    let usual = template["Globals"]["Function"]["Timeout"].as_i64().unwrap();
    for function in functions(&template) {
        let seconds = function.properties["Timeout"].as_i64().unwrap_or(usual);
        assert!((1..30).contains(&seconds), "{}: {seconds}", function.name);
        let source = format!("functions/{}/src/endpoints/{}.rs", function.binary(), function.operation);
        let source = std::fs::read_to_string(repository().join(source)).unwrap();
        // The client waits for Toss for 20 s.
        let waits = source.contains("toss") && !function.operation.starts_with("receive_");
        assert!(!waits || seconds == 28, "{} may wait for Toss, and has {seconds} s", function.name);
    }
}

/// The settings that only some functions have, by the need that they declare.
const NEEDS: [(&str, &[&str]); 7] = [
    ("signing", &["TOKEN_PRIVATE_KEY", "REFRESH_KEY"]),
    ("account_key", &["ACCOUNT_KEY"]),
    (
        "payments",
        &[
            "TOSS_BASE_URL", "TOSS_SECRET_KEY", "TOSS_CLIENT_KEY", "PAYMENT_SUCCESS_URL", "PAYMENT_FAIL_URL",
            "MAX_ORDER_TOTAL", "COMMISSION_BASIS_POINTS", "SUPPLIER", "PWT_DEPOSIT_HOURS",
        ],
    ),
    ("queues", &["PAYMENTS_QUEUE_URL", "NOTIFICATIONS_QUEUE_URL"]),
    ("cdn_queue", &["CDN_QUEUE_URL"]),
    ("invalidation", &["CDN_DISTRIBUTION_ID", "CDN_FREE_PATHS"]),
    ("media", &["MEDIA_BUCKET"]),
];

#[test]
fn every_function_gets_the_settings_that_it_needs_and_no_others() {
    for function in all_functions() {
        let binary = function.binary();
        let main = match binary.as_str() {
            "order-sweeper" | "payment-reconciler" | "integrity-checker" => {
                format!("orders/src/bin/{}.rs", binary.replace('-', "_"))
            }
            "event-router" => "router/src/bin/event_router.rs".to_owned(),
            "cdn-invalidator" => "cdn/src/bin/cdn_invalidator.rs".to_owned(),
            "upload-sweeper" => format!("attachments/src/bin/{}.rs", binary.replace('-', "_")),
            domain => format!("{domain}/src/main.rs"),
        };
        let main = std::fs::read_to_string(repository().join("functions").join(main)).unwrap();
        // Some domains say it for each of their operations, and the others for all.
        let declared = match binary.as_str() {
            "orders" => format!("{:?}", fn_orders::needs(&function.operation)),
            "tutors" => format!("{:?}", fn_tutors::needs(&function.operation)),
            _ => main.clone(),
        };
        let needed = NEEDS.iter().filter(|(need, _)| declared.contains(&format!("{need}: true")));
        let mut needed: BTreeSet<&str> = needed.flat_map(|(_, variables)| variables.iter().copied()).collect();
        if main.contains("devloop_http::serve") {
            needed.insert("OPERATION");
        }
        assert_eq!(function.variables(), needed, "{}", function.name);
    }
    for file in [ROOT, WORKERS, MESSAGING] {
        let shared = read(file)["Globals"]["Function"]["Environment"]["Variables"].clone();
        let shared: BTreeSet<&String> = shared.as_object().unwrap().keys().collect();
        assert_eq!(
            shared.into_iter().collect::<Vec<_>>(),
            ["BUILD", "CDN_BASE_URL", "CURSOR_KEY", "TABLE_NAME", "TOKEN_PUBLIC_KEYS"]
        );
    }
}

/// What of a function's environment is a secret comes out of Secrets Manager, never as a parameter.
#[test]
fn secrets_are_references() {
    let is_secret = |name: &str| ["_KEY", "_KEYS"].iter().any(|end| name.ends_with(end));
    for file in [ROOT, WORKERS, MESSAGING] {
        let template = read(file);
        let mut environments = vec![template["Globals"]["Function"]["Environment"]["Variables"].clone()];
        environments.extend(functions(&template).into_iter().map(|f| f.properties["Environment"]["Variables"].clone()));
        // A function without settings of its own has no such block.
        for (name, value) in environments.iter().filter_map(Value::as_object).flatten() {
            let reference = value["Fn::Sub"].as_str().unwrap_or_default();
            let resolved = reference.starts_with("{{resolve:secretsmanager:${SecretName}:SecretString:");
            assert_eq!(resolved, is_secret(name), "{file}: {name}");
        }
    }
}

#[test]
fn the_table_is_the_one_that_the_code_creates() {
    let table = read("infra/data.yaml")["Resources"]["Table"].clone();
    assert_eq!((&table["DeletionPolicy"], &table["UpdateReplacePolicy"]), (&json!("Retain"), &json!("Retain")));
    let table = &table["Properties"];
    let keys = |prefix: &str| {
        json!([
            { "AttributeName": format!("{prefix}pk"), "KeyType": "HASH" },
            { "AttributeName": format!("{prefix}sk"), "KeyType": "RANGE" },
        ])
    };
    assert_eq!(table["KeySchema"], keys(""));
    let index = |(name, shown): &(&str, &[&str])| {
        let projection = json!({ "ProjectionType": "INCLUDE", "NonKeyAttributes": shown });
        json!({ "IndexName": name, "KeySchema": keys(name), "Projection": projection })
    };
    let indexes: Vec<Value> = INDEXES.iter().map(index).collect();
    assert_eq!(table["GlobalSecondaryIndexes"], json!(indexes));
    let names = ["", "gsi1", "gsi2", "gsi3"].iter().flat_map(|prefix| [format!("{prefix}pk"), format!("{prefix}sk")]);
    let attributes: Vec<Value> = names.map(|name| json!({ "AttributeName": name, "AttributeType": "S" })).collect();
    assert_eq!(table["AttributeDefinitions"], json!(attributes));
    assert_eq!(table["BillingMode"], "PAY_PER_REQUEST");
    assert_eq!(table["StreamSpecification"]["StreamViewType"], "NEW_AND_OLD_IMAGES");
    assert_eq!(table["TimeToLiveSpecification"], json!({ "AttributeName": "ttl", "Enabled": true }));
    assert_eq!(table["PointInTimeRecoverySpecification"], json!({ "PointInTimeRecoveryEnabled": true }));
    assert_eq!(table["SSESpecification"], json!({ "SSEEnabled": true }));
}

#[test]
fn the_queues_are_those_that_the_local_server_makes() {
    let resources = read(MESSAGING)["Resources"].clone();
    let queues = resources.as_object().unwrap().iter().filter(|(_, resource)| resource["Type"] == "AWS::SQS::Queue");
    let mut names: BTreeSet<&str> = queues.map(|(name, _)| name.as_str()).collect();
    for (queue, visibility, most_receives) in QUEUES {
        let (name, dead_letters) = (format!("{}Queue", camel_case(queue)), format!("{}DeadLetters", camel_case(queue)));
        assert!(names.remove(name.as_str()) && names.remove(dead_letters.as_str()), "{queue}");
        let kept = json!({ "MessageRetentionPeriod": RETENTION_SECONDS, "SqsManagedSseEnabled": true });
        assert_eq!(resources[&dead_letters]["Properties"], kept, "{queue}");
        let mut expected = kept;
        expected["VisibilityTimeout"] = json!(visibility);
        expected["RedrivePolicy"] = json!({
            "deadLetterTargetArn": { "Fn::GetAtt": format!("{dead_letters}.Arn") }, "maxReceiveCount": most_receives,
        });
        assert_eq!(resources[&name]["Properties"], expected, "{queue}");
    }
    let given_up = camel_case(&STREAM_DEAD_LETTERS.replace('-', "_"));
    assert!(names.remove(given_up.as_str()));
    let kept = json!({ "MessageRetentionPeriod": RETENTION_SECONDS, "SqsManagedSseEnabled": true });
    assert_eq!(resources[&given_up]["Properties"], kept);
    assert!(names.is_empty(), "{names:?}");
}

#[test]
fn the_stream_is_played_as_the_local_server_plays_it() {
    let workers = read(WORKERS);
    let events = &workers["Resources"]["EventRouterFunction"]["Properties"]["Events"];
    let expected = json!({
        "Stream": { "Ref": "StreamArn" }, "StartingPosition": "TRIM_HORIZON", "BatchSize": BATCH_SIZE,
        "MaximumBatchingWindowInSeconds": 0, "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "BisectBatchOnFunctionError": true, "MaximumRetryAttempts": MOST_RETRIES,
        "MaximumRecordAgeInSeconds": OLDEST_SECONDS,
        "DestinationConfig": { "OnFailure": { "Type": "SQS", "Destination": { "Ref": "StreamDeadLettersArn" } } },
    });
    assert_eq!(events, &json!({ "Changes": { "Type": "DynamoDB", "Properties": expected } }));
}

#[test]
fn workers_are_handed_as_many_messages_here_as_there() {
    let batch = |function: Function| function.properties["Events"]["Messages"]["Properties"]["BatchSize"].as_u64();
    let batches: BTreeMap<String, Option<u64>> =
        functions(&read(MESSAGING)).into_iter().map(|function| (function.operation.clone(), batch(function))).collect();
    let expected = [("cdn_invalidator", CDN_BATCH), ("payment_reconciler", PAYMENTS_BATCH)];
    assert_eq!(batches, expected.map(|(name, most)| (name.to_owned(), u64::try_from(most).ok())).into());
}

#[test]
fn the_cdn_is_the_one_that_the_local_server_plays() {
    let resources = read("infra/cdn.yaml")["Resources"].clone();
    let config = &resources["Distribution"]["Properties"]["DistributionConfig"];
    let usual = &config["DefaultCacheBehavior"];
    let private = &config["CacheBehaviors"]["Fn::If"][1][0];
    assert_eq!(private["PathPattern"], format!("{}*", policies::PRIVATE));
    assert_eq!(private["TrustedKeyGroups"], json!([{ "Ref": "SigningKeys" }]));
    for behaviour in [usual, private] {
        assert_eq!(behaviour["AllowedMethods"], json!(policies::METHODS));
        assert_eq!(behaviour["CachePolicyId"], json!({ "Ref": "Caching" }));
        assert_eq!(behaviour["ResponseHeadersPolicyId"], json!({ "Ref": "Headers" }));
    }
    let reads = resources["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"][0].clone();
    let mut folders: Vec<Value> =
        policies::PUBLIC.iter().map(|folder| json!({ "Fn::Sub": format!("${{Bucket.Arn}}{folder}*") })).collect();
    let private = json!({ "Fn::Sub": format!("${{Bucket.Arn}}{}*", policies::PRIVATE) });
    folders.push(json!({ "Fn::If": ["HasSigningKey", private, { "Ref": "AWS::NoValue" }] }));
    assert_eq!((&reads["Action"], &reads["Resource"]), (&json!("s3:GetObject"), &json!(folders)));
    let caching = &resources["Caching"]["Properties"]["CachePolicyConfig"];
    let seconds = |name: &str| caching[name].as_i64().unwrap();
    assert_eq!(
        (seconds("MinTTL"), seconds("DefaultTTL"), seconds("MaxTTL")),
        (policies::LEAST_SECONDS, policies::USUAL_SECONDS, policies::MOST_SECONDS)
    );
    for refusal in config["CustomErrorResponses"].as_array().unwrap() {
        assert_eq!(refusal["ErrorCachingMinTTL"], policies::REFUSAL_SECONDS);
    }
    let headers = &resources["Headers"]["Properties"]["ResponseHeadersPolicyConfig"];
    let cors = &headers["CorsConfig"];
    assert_eq!(cors["AccessControlAllowMethods"]["Items"], json!(policies::METHODS));
    assert_eq!(cors["AccessControlExposeHeaders"]["Items"], json!(policies::EXPOSED));
    assert_eq!(cors["AccessControlMaxAgeSec"], policies::PREFLIGHT_SECONDS);
    assert_eq!(cors["AccessControlAllowOrigins"]["Items"], json!({ "Ref": "Origins" }));
    let security = &headers["SecurityHeadersConfig"];
    assert_eq!(security["ContentSecurityPolicy"]["ContentSecurityPolicy"], policies::CONTENT_POLICY);
    assert_eq!(security["StrictTransportSecurity"]["AccessControlMaxAgeSec"], policies::HTTPS_SECONDS);
}

#[test]
fn the_bucket_is_private() {
    let bucket = read("infra/cdn.yaml")["Resources"]["Bucket"].clone();
    assert_eq!((&bucket["DeletionPolicy"], &bucket["UpdateReplacePolicy"]), (&json!("Retain"), &json!("Retain")));
    let bucket = &bucket["Properties"];
    let blocked = ["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"];
    assert!(blocked.iter().all(|name| bucket["PublicAccessBlockConfiguration"][name] == true));
    assert_eq!(bucket["OwnershipControls"]["Rules"], json!([{ "ObjectOwnership": "BucketOwnerEnforced" }]));
    let cors = &bucket["CorsConfiguration"]["CorsRules"][0];
    assert_eq!((&cors["AllowedOrigins"], &cors["ExposedHeaders"]), (&json!({ "Ref": "Origins" }), &json!(["ETag"])));
    let rules = bucket["LifecycleConfiguration"]["Rules"].as_array().unwrap();
    assert!(rules.iter().any(|rule| rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"].is_number()));
}

/// AWS advises six times the function's time: a batch may have waited for its turn.
#[test]
fn a_message_stays_away_until_its_function_has_certainly_ended() {
    let template = read(MESSAGING);
    for function in functions(&template) {
        for event in function.properties["Events"].as_object().unwrap().values().filter(|event| event["Type"] == "SQS")
        {
            let queue = event["Properties"]["Queue"]["Fn::GetAtt"].as_str().unwrap().trim_end_matches(".Arn");
            let visibility = template["Resources"][queue]["Properties"]["VisibilityTimeout"].as_i64().unwrap();
            let seconds = function.properties["Timeout"].as_i64().unwrap();
            assert!(visibility >= 6 * seconds, "{}: {visibility} s", function.name);
            assert_eq!(event["Properties"]["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]));
        }
    }
}

/// DynamoDB counts the projected attributes of all indexes together.
#[test]
fn the_indexes_project_at_most_a_hundred_attributes() {
    let projected: usize = INDEXES.iter().map(|(_, shown)| shown.len()).sum();
    assert!(projected <= 100, "{projected}");
}

#[test]
fn the_gateway_and_the_local_server_allow_the_same_origins_the_same() {
    let cors = read(ROOT)["Resources"]["Api"]["Properties"]["CorsConfiguration"].clone();
    let expected = json!({
        "AllowOrigins": { "Ref": "Origins" },
        "AllowMethods": cors::ALLOW_METHODS.map(|method| method.to_string()),
        "AllowHeaders": cors::ALLOW_HEADERS,
        "ExposeHeaders": cors::EXPOSE_HEADERS,
        "MaxAge": cors::MAX_AGE_SECONDS,
    });
    assert_eq!(cors, expected);
}

/// What the SAM transform makes of a template, by kind: `.ci/count_resources.py` asks the
/// transform itself.
fn resources(template: &Value) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::<String, usize>::new();
    let mut count = |kind: &str| *counted.entry(kind.to_owned()).or_default() += 1;
    for resource in template["Resources"].as_object().unwrap().values() {
        match resource["Type"].as_str().unwrap() {
            "AWS::Serverless::Function" => {
                count("AWS::Lambda::Function");
                if resource["Properties"].get("Role").is_none() {
                    count("AWS::IAM::Role");
                }
                let none = Map::new();
                for event in resource["Properties"]["Events"].as_object().unwrap_or(&none).values() {
                    // Of the resources that an event is made of, its route and integration are part of the
                    // API's definition.
                    match event["Type"].as_str().unwrap() {
                        "HttpApi" => count("AWS::Lambda::Permission"),
                        "Schedule" => ["AWS::Lambda::Permission", "AWS::Events::Rule"].into_iter().for_each(&mut count),
                        "SQS" => count("AWS::Lambda::EventSourceMapping"),
                        other => panic!("how many resources is an event of type {other}?"),
                    }
                }
            }
            "AWS::Serverless::HttpApi" => {
                count("AWS::ApiGatewayV2::Api");
                count("AWS::ApiGatewayV2::Stage");
            }
            plain => {
                assert!(!plain.starts_with("AWS::Serverless::"), "how many resources is a {plain}?");
                count(plain);
            }
        }
    }
    counted
}

#[test]
fn the_whole_product_will_fit_into_one_template() {
    const LIMIT: usize = 500;
    const WHOLE_PRODUCT: usize = 150;
    let template = read(ROOT);
    let operations = functions(&template).len();
    let counted = resources(&template);
    let of_operations: usize = ["AWS::Lambda::Function", "AWS::IAM::Role", "AWS::Lambda::Permission"]
        .iter()
        .map(|kind| counted.get(*kind).copied().unwrap_or_default())
        .sum();
    assert!(of_operations <= 3 * operations, "{of_operations} resources for {operations} operations");
    let others = counted.values().sum::<usize>() - of_operations;
    assert!(others + 3 * WHOLE_PRODUCT <= LIMIT, "{counted:?}");
}

#[test]
fn resources_are_counted_as_the_transform_makes_them() {
    let template = json!({ "Resources": {
        "Api": { "Type": "AWS::Serverless::HttpApi" },
        "A": { "Type": "AWS::Serverless::Function", "Properties": { "Events": { "Http": { "Type": "HttpApi" } } } },
        "B": { "Type": "AWS::Serverless::Function", "Properties": { "Role": "arn", "Events": { "E": { "Type": "Schedule" }, "M": { "Type": "SQS" } } } },
        "C": { "Type": "AWS::SQS::Queue" },
    } });
    let expected = [
        ("AWS::ApiGatewayV2::Api", 1),
        ("AWS::ApiGatewayV2::Stage", 1),
        ("AWS::Events::Rule", 1),
        ("AWS::IAM::Role", 1),
        ("AWS::Lambda::EventSourceMapping", 1),
        ("AWS::Lambda::Function", 2),
        ("AWS::Lambda::Permission", 2),
        ("AWS::SQS::Queue", 1),
    ];
    assert_eq!(resources(&template), expected.map(|(kind, count)| (kind.to_owned(), count)).into());
}

#[test]
fn operations_and_names_translate_both_ways() {
    for operation in ["sign_up", "get_my_tutor_application"] {
        assert_eq!(snake_case(&camel_case(operation)), operation);
    }
}
