//! What the templates grant each function, enforced on the wire: every integration test runs
//! under the policies that are deployed.
//!
//! This plays IAM for the part that the templates use. `dynamodb:LeadingKeys` is the partition
//! keys that a request names: the table's, or the index's where an index is queried. A
//! transaction needs the permission of each of its elements, as IAM wants it, and is judged
//! action by action with the keys of all elements of that action together. Of SQS, a message is
//! sent to a queue, whose name stands where DynamoDB has an index; of S3, the keys of objects stand
//! where those of partitions do.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::OpenOptions,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock, PoisonError},
};

use serde_json::{Map, Value, json};
use testkit::{Action, Call};

use crate::template::{self, Function};

/// The bucket of files, where DynamoDB has an index.
const BUCKET: &str = "media";

/// One use of the table that needs a permission.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Access {
    /// Such as `PutItem`.
    pub action: String,
    /// The index that is read, if it is one.
    pub index: Option<String>,
    /// The partition keys that the request names.
    pub leading_keys: Vec<String>,
}

impl Access {
    fn new(action: &str, index: Option<&str>, leading_keys: Vec<String>) -> Self {
        Self { action: action.to_owned(), index: index.map(str::to_owned), leading_keys }
    }

    /// What sending a message to a queue needs, by the queue's name such as `payments`.
    pub fn to_send(queue: &str) -> Self {
        let name = queue.chars().take(1).flat_map(char::to_uppercase).chain(queue.chars().skip(1));
        Self::new("sqs:SendMessage", Some(&format!("{}Queue", name.collect::<String>())), vec![])
    }

    /// What `action` on an object of the bucket needs.
    pub fn to_object(action: &str, key: &str) -> Self {
        Self::new(action, Some(BUCKET), vec![key.to_owned()])
    }

    /// What being told that there is no such object needs.
    pub fn to_list() -> Self {
        Self::new("s3:ListBucket", Some(BUCKET), vec![])
    }

    /// Everything that a call needs.
    pub fn of(call: &Call) -> Vec<Self> {
        let body = &call.body;
        let one = |key: &Value| vec![Self::new(&call.operation, None, vec![partition_key(key)])];
        match call.operation.as_str() {
            "GetItem" | "UpdateItem" | "DeleteItem" => one(&body["Key"]),
            "PutItem" => one(&body["Item"]),
            "Query" => {
                let index = body["IndexName"].as_str();
                vec![Self::new("Query", index, queried_partition(body).into_iter().collect())]
            }
            "BatchGetItem" => {
                let tables = body["RequestItems"].as_object().into_iter().flat_map(Map::values);
                let keys = tables.flat_map(|asked| asked["Keys"].as_array().into_iter().flatten());
                vec![Self::new("BatchGetItem", None, keys.map(partition_key).collect())]
            }
            "TransactGetItems" | "TransactWriteItems" => {
                let mut by_action = BTreeMap::<&str, Vec<String>>::new();
                let elements = body["TransactItems"].as_array().into_iter().flatten().filter_map(Value::as_object);
                for (kind, element) in elements.flatten() {
                    let (action, key) = match kind.as_str() {
                        "Get" => ("GetItem", &element["Key"]),
                        "Put" => ("PutItem", &element["Item"]),
                        "Update" => ("UpdateItem", &element["Key"]),
                        "Delete" => ("DeleteItem", &element["Key"]),
                        _ => ("ConditionCheckItem", &element["Key"]),
                    };
                    by_action.entry(action).or_default().push(partition_key(key));
                }
                by_action.into_iter().map(|(action, keys)| Self::new(action, None, keys)).collect()
            }
            // DescribeTable and whatever else names no item.
            other => vec![Self::new(other, None, vec![])],
        }
    }
}

fn partition_key(key: &Value) -> String {
    key["pk"]["S"].as_str().unwrap_or_default().to_owned()
}

/// The value that a query's key condition gives the partition key.
fn queried_partition(body: &Value) -> Option<String> {
    let name = format!("{}pk", body["IndexName"].as_str().unwrap_or_default());
    let condition = body["KeyConditionExpression"].as_str()?;
    let equals = condition.split(" AND ").filter_map(|clause| clause.split_once(" = "));
    let names = |attribute: &str| body["ExpressionAttributeNames"][attribute].as_str().unwrap_or(attribute) == name;
    let (_, value) = equals.map(|(left, right)| (left.trim(), right.trim())).find(|(left, _)| names(left))?;
    Some(body["ExpressionAttributeValues"][value]["S"].as_str()?.to_owned())
}

/// One statement of a policy, as far as the templates go: anything else in one is refused, so
/// that nothing is read more generously than it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Grant {
    actions: Vec<String>,
    index: Option<String>,
    leading_keys: Option<Vec<String>>,
}

impl Grant {
    fn read(statement: &Value) -> Self {
        let fields = statement.as_object().unwrap();
        let unknown: Vec<_> = fields
            .keys()
            .filter(|name| !["Effect", "Action", "Resource", "Condition"].contains(&name.as_str()))
            .collect();
        assert!(unknown.is_empty() && statement["Effect"] == "Allow", "not understood: {statement}");
        let texts = |value: &Value| -> Vec<String> {
            let many = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
            many.iter().map(|text| text.as_str().unwrap().to_owned()).collect()
        };
        let actions = texts(&statement["Action"]);
        let actions: Vec<String> =
            actions.iter().map(|action| action.strip_prefix("dynamodb:").unwrap_or(action).to_owned()).collect();
        let of_queues = |action: &String| action.starts_with("sqs:");
        if actions.iter().all(|action| action.starts_with("s3:")) {
            let keys: Vec<String> = match &statement["Resource"] {
                Value::Array(resources) => resources.iter().filter_map(objects_of).collect(),
                resource => objects_of(resource).into_iter().collect(),
            };
            let leading_keys = (!keys.is_empty()).then_some(keys);
            return Self { actions, index: Some(BUCKET.to_owned()), leading_keys };
        }
        let index = if actions.iter().all(of_queues) { Some(queue_of(&statement["Resource"])) } else { None };
        assert!(index.is_some() || !actions.iter().any(of_queues), "not understood: {statement}");
        let leading_keys = fields.get("Condition").map(|condition| {
            let keys = &condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"];
            assert_eq!(condition, &json!({ "ForAllValues:StringLike": { "dynamodb:LeadingKeys": keys } }));
            texts(keys)
        });
        Self { actions, index: index.or_else(|| index_of(&statement["Resource"])), leading_keys }
    }

    fn allows(&self, access: &Access) -> bool {
        let like = |key: &String, patterns: &[String]| patterns.iter().any(|pattern| is_like(pattern, key));
        self.actions.contains(&access.action)
            && self.index == access.index
            && self
                .leading_keys
                .as_ref()
                .is_none_or(|patterns| access.leading_keys.iter().all(|key| like(key, patterns)))
    }

    /// Each single permission in it, in words.
    fn lines(&self, operation: &str, used_by: Option<&Access>) -> Vec<String> {
        let any = vec!["anything".to_owned()];
        let mut lines = vec![];
        for action in self.actions.iter().filter(|action| used_by.is_none_or(|access| &access.action == *action)) {
            for pattern in self.leading_keys.as_ref().unwrap_or(&any) {
                let used = |access: &Access| {
                    self.leading_keys.is_none() || access.leading_keys.iter().any(|key| is_like(pattern, key))
                };
                if used_by.is_none_or(used) {
                    let index = self.index.as_deref().unwrap_or("table");
                    lines.push(format!("{operation} {action} {index} {pattern}"));
                }
            }
        }
        lines
    }
}

/// The index of a resource; `None` is the table itself.
fn index_of(resource: &Value) -> Option<String> {
    let table = [json!({ "Fn::GetAtt": "Data.Outputs.TableArn" }), json!({ "Ref": "TableArn" })];
    if table.contains(resource) {
        return None;
    }
    let resource = resource["Fn::Sub"].as_str().unwrap_or_else(|| panic!("not understood: {resource}"));
    let (table, index) = resource.split_once("/index/").unwrap_or_else(|| panic!("not understood: {resource}"));
    assert!(["${Data.Outputs.TableArn}", "${TableArn}"].contains(&table), "not understood: {resource}");
    Some(index.to_owned())
}

/// The keys of a resource in the bucket; `None` is the bucket itself.
fn objects_of(resource: &Value) -> Option<String> {
    let arn = resource["Fn::Sub"].as_str().unwrap_or_else(|| panic!("not understood: {resource}"));
    let rest = arn.strip_prefix("arn:${AWS::Partition}:s3:::${MediaBucket}");
    let rest = rest.unwrap_or_else(|| panic!("not understood: {resource}"));
    let keys = rest.strip_prefix('/').map(str::to_owned);
    assert!(keys.is_some() || rest.is_empty(), "not understood: {resource}");
    keys
}

/// The queue of a resource, as its template names it.
fn queue_of(resource: &Value) -> String {
    let parameter = resource["Ref"].as_str().and_then(|name| name.strip_suffix("Arn"));
    let attribute = resource["Fn::GetAtt"].as_str().and_then(|name| {
        let output = name.strip_prefix("Messaging.Outputs.").map(|output| output.strip_suffix("Arn"));
        output.unwrap_or_else(|| name.strip_suffix(".Arn"))
    });
    parameter.or(attribute).unwrap_or_else(|| panic!("not understood: {resource}")).to_owned()
}

/// IAM's `StringLike`: `*` is any text, `?` any one character.
fn is_like(pattern: &str, text: &str) -> bool {
    let mut rest = text.chars();
    let mut wanted = pattern.chars();
    while let Some(next) = wanted.next() {
        if next == '*' {
            // The star stands for nothing, or for one character and again the star.
            return is_like(wanted.as_str(), rest.as_str())
                || rest.next().is_some() && is_like(&format!("*{}", wanted.as_str()), rest.as_str());
        }
        match rest.next() {
            Some(found) if next == '?' || next == found => {}
            _ => return false,
        }
    }
    rest.next().is_none()
}

/// The policies of every function.
#[derive(Clone, Debug)]
pub struct Policies {
    grants: BTreeMap<String, Vec<Grant>>,
}

impl Policies {
    /// Those of the templates in this repository, read once.
    pub fn deployed() -> &'static Self {
        static DEPLOYED: OnceLock<Policies> = OnceLock::new();
        DEPLOYED.get_or_init(|| {
            let policies = Self::of(&template::all_functions());
            let granted = policies
                .grants
                .iter()
                .flat_map(|(operation, grants)| grants.iter().flat_map(move |grant| grant.lines(operation, None)));
            let granted: BTreeSet<String> = granted.collect();
            let lines = granted.into_iter().map(|line| line + "\n").collect::<String>();
            std::fs::write(note("granted"), lines).unwrap();
            policies
        })
    }

    fn of(functions: &[Function]) -> Self {
        let grants = |function: &Function| {
            let policies = function.properties["Policies"].as_array().cloned().unwrap_or_default();
            let statements = policies.iter().flat_map(|policy| policy["Statement"].as_array().unwrap().clone());
            (function.operation.clone(), statements.map(|statement| Grant::read(&statement)).collect())
        };
        Self { grants: functions.iter().map(grants).collect() }
    }

    /// Whether `operation` may do `action` with items of these partition keys, in the table or one of its indexes.
    pub fn allows(&self, operation: &str, action: &str, leading_keys: &[String], index: Option<&str>) -> bool {
        self.grant(operation, &Access::new(action, index, leading_keys.to_vec())).is_some()
    }

    fn grant(&self, operation: &str, access: &Access) -> Option<&Grant> {
        self.grants.get(operation)?.iter().find(|grant| grant.allows(access))
    }

    /// What IAM says of a call; the test itself may do everything.
    pub fn judge(&self, call: &Call) -> Action {
        if call.by.is_empty() {
            return Action::Pass;
        }
        let granted = Access::of(call).iter().all(|access| self.is_granted(call.by, access));
        if granted { Action::Pass } else { Action::Refuse { status: 400, code: "AccessDeniedException" } }
    }

    /// Whether `operation` has this access; if so, that is noted.
    pub fn is_granted(&self, operation: &str, access: &Access) -> bool {
        let grant = self.grant(operation, access);
        grant.inspect(|grant| note_use(grant.lines(operation, Some(access)))).is_some()
    }
}

/// A rule for the wire. A refused call could be swallowed as one that was only worth a try, so it ends the test.
pub fn enforce(call: &mut Call) -> Action {
    let action = Policies::deployed().judge(call);
    assert!(matches!(action, Action::Pass), "template.yaml does not let {} do {:?}", call.by, Access::of(call));
    action
}

/// Where a run of all tests notes what is granted and what was used: `.ci/unused_grants` compares.
fn note(what: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{what}-permissions.txt"))
}

fn note_use(lines: Vec<String>) {
    static USED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let mut known = USED.lock().unwrap_or_else(PoisonError::into_inner);
    for line in lines {
        if known.insert(line.clone()) {
            let mut file = OpenOptions::new().create(true).append(true).open(note("used")).unwrap();
            writeln!(file, "{line}").unwrap();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(operation: &str, body: Value) -> Call {
        Call { by: "test", operation: operation.to_owned(), body }
    }

    fn policies(statements: &Value) -> Policies {
        let properties = json!({ "Policies": [{ "Statement": statements }] });
        Policies::of(&[Function { name: "TestFunction".to_owned(), operation: "test".to_owned(), properties }])
    }

    fn table() -> Value {
        json!({ "Fn::GetAtt": "Data.Outputs.TableArn" })
    }

    fn condition(patterns: &[&str]) -> Value {
        json!({ "ForAllValues:StringLike": { "dynamodb:LeadingKeys": patterns } })
    }

    fn keys(keys: &[&str]) -> Vec<String> {
        keys.iter().map(|key| (*key).to_owned()).collect()
    }

    #[test]
    fn only_what_is_granted_is_allowed() {
        let policies = policies(&json!([
            { "Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": table(), "Condition": condition(&["USER#*", "PWT#*"]) },
            { "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": { "Fn::GetAtt": "Messaging.Outputs.PaymentsQueueArn" } },
            { "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": { "Fn::GetAtt": "MailQueue.Arn" } },
            { "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": { "Ref": "NewsQueueArn" } },
            {
                "Effect": "Allow", "Action": "s3:GetObject",
                "Resource": { "Fn::Sub": "arn:${AWS::Partition}:s3:::${MediaBucket}/uploads/*" },
            },
            {
                "Effect": "Allow", "Action": ["dynamodb:Query"], "Condition": condition(&["USER#*#PWT"]),
                "Resource": { "Fn::Sub": "${Data.Outputs.TableArn}/index/gsi2" },
            },
        ]));
        assert!(policies.allows("test", "GetItem", &keys(&["USER#1"]), None));
        assert!(policies.allows("test", "GetItem", &keys(&["USER#1", "PWT#1"]), None));
        assert!(policies.allows("test", "Query", &keys(&["USER#1#PWT"]), Some("gsi2")));
        for (queue, granted) in [("payments", true), ("mail", true), ("news", true), ("notifications", false)] {
            assert_eq!(policies.grant("test", &Access::to_send(queue)).is_some(), granted, "{queue}");
        }
        for (access, granted) in [
            (Access::to_object("s3:GetObject", "uploads/1"), true),
            (Access::to_object("s3:GetObject", "profiles/1"), false),
            (Access::to_object("s3:PutObject", "uploads/1"), false),
            (Access::to_list(), false),
        ] {
            assert_eq!(policies.grant("test", &access).is_some(), granted, "{access:?}");
        }
        for (operation, action, leading_keys, index) in [
            ("another", "GetItem", ["USER#1"].as_slice(), None),
            ("test", "PutItem", &["USER#1"], None),
            ("test", "GetItem", &["ORDER#1"], None),
            ("test", "GetItem", &["USER#1", "ORDER#1"], None),
            ("test", "Query", &["USER#1#PWT"], None),
            ("test", "Query", &["USER#1#PWT"], Some("gsi1")),
            ("test", "Query", &["USER#1#ORDER"], Some("gsi2")),
        ] {
            assert!(
                !policies.allows(operation, action, &keys(leading_keys), index),
                "{operation} {action} {leading_keys:?}"
            );
        }
    }

    #[test]
    #[should_panic(expected = "not understood")]
    fn what_is_not_understood_is_not_read_as_something_else() {
        policies(&json!([{ "Effect": "Deny", "Action": "dynamodb:GetItem", "Resource": table() }]));
    }

    #[test]
    #[should_panic(expected = "not understood")]
    fn everything_is_no_resource() {
        policies(&json!([{ "Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "*" }]));
    }

    #[test]
    fn a_transaction_needs_the_permission_of_each_of_its_elements() {
        let key = |pk: &str| json!({ "pk": { "S": pk }, "sk": { "S": "X" } });
        let writes = call(
            "TransactWriteItems",
            json!({ "TransactItems": [
                { "Put": { "Item": key("USER#1") } }, { "Put": { "Item": key("EMAIL#1") } }, { "Update": { "Key": key("SEATS#1") } },
                { "Delete": { "Key": key("USER#2") } }, { "ConditionCheck": { "Key": key("USER#3") } },
            ] }),
        );
        let expected = [
            Access::new("ConditionCheckItem", None, keys(&["USER#3"])),
            Access::new("DeleteItem", None, keys(&["USER#2"])),
            Access::new("PutItem", None, keys(&["USER#1", "EMAIL#1"])),
            Access::new("UpdateItem", None, keys(&["SEATS#1"])),
        ];
        assert_eq!(Access::of(&writes), expected);
        let reads = call("TransactGetItems", json!({ "TransactItems": [{ "Get": { "Key": key("SEATS#1") } }] }));
        assert_eq!(Access::of(&reads), [Access::new("GetItem", None, keys(&["SEATS#1"]))]);
    }

    #[test]
    fn reads_name_their_partitions() {
        let query = call(
            "Query",
            json!({
                "IndexName": "gsi1", "KeyConditionExpression": "#pk = :pk AND #sk BETWEEN :from AND :until",
                "ExpressionAttributeNames": { "#pk": "gsi1pk", "#sk": "gsi1sk" },
                "ExpressionAttributeValues": { ":pk": { "S": "PWT" }, ":from": { "S": "a" }, ":until": { "S": "b" } },
            }),
        );
        assert_eq!(Access::of(&query), [Access::new("Query", Some("gsi1"), keys(&["PWT"]))]);
        let batch = call(
            "BatchGetItem",
            json!({ "RequestItems": { "devloop": { "Keys": [{ "pk": { "S": "A#1" } }, { "pk": { "S": "B#1" } }] } } }),
        );
        assert_eq!(Access::of(&batch), [Access::new("BatchGetItem", None, keys(&["A#1", "B#1"]))]);
        assert_eq!(Access::of(&call("Scan", json!({}))), [Access::new("Scan", None, vec![])]);
    }

    #[test]
    fn a_function_that_oversteps_is_refused_and_a_test_is_not() {
        let policies = policies(&json!([]));
        let get = call("GetItem", json!({ "Key": { "pk": { "S": "USER#1" } } }));
        assert!(matches!(policies.judge(&get), Action::Refuse { status: 400, code: "AccessDeniedException" }));
        assert!(matches!(policies.judge(&Call { by: "", ..get }), Action::Pass));
    }

    #[test]
    fn patterns_match_as_iam_does() {
        for (pattern, text, matches) in [
            ("USER#*", "USER#1", true),
            ("USER#*", "USER#", true),
            ("USER#*", "USERS", false),
            ("USER#*#PWT", "USER#1#PWT", true),
            ("USER#*#PWT", "USER#1#PWT#2", false),
            ("PWT", "PWT", true),
            ("PWT", "PWT#1", false),
            ("PW?", "PWT", true),
            ("*", "한글", true),
        ] {
            assert_eq!(is_like(pattern, text), matches, "{pattern} {text}");
        }
    }
}
