//! The walls between rooms that cargo's metadata and the tree of files can show.
//!
//! Each check is a function of plain values with a test of its own that it does find something.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

use crate::template::repository;

/// What each shared room may depend on among the others. Less is always fine.
const SHARED: [(&str, &[&str]); 14] = [
    ("domain", &[]),
    ("telemetry", &[]),
    // Time, ids and randomness.
    ("clock", &["domain"]),
    ("config", &["domain"]),
    ("auth", &["clock", "config", "domain"]),
    ("sealing", &["clock", "config"]),
    ("storage", &["clock", "config", "domain"]),
    ("toss", &["clock", "domain"]),
    ("media", &["clock", "domain"]),
    // Callers are read again from the table, and idempotency records are kept in it.
    ("devloop-http", &["auth", "clock", "config", "domain", "storage", "telemetry"]),
    // Two domains answer alike: requests, views and refusals are theirs in common, too.
    ("boards", &["devloop-http", "domain", "storage"]),
    ("jobs", &["clock", "config", "domain"]),
    ("worker", &["clock", "config", "domain", "jobs", "storage", "telemetry"]),
    ("testkit", &["clock", "domain", "storage"]),
];

/// Crates from outside that belong to some rooms only.
const OUTSIDE: [(&str, &[&str]); 15] = [
    ("aws-sdk-dynamodb", &["storage", "testkit"]),
    ("aws-sdk-sqs", &["jobs", "it"]),
    ("aws-sdk-s3", &["media", "it"]),
    ("aws-config", &["storage", "jobs", "media"]),
    ("serde_dynamo", &["storage"]),
    ("reqwest", &["toss", "devloop-local", "load"]),
    ("argon2", &["auth"]),
    ("jsonwebtoken", &["auth"]),
    ("rand", &["clock"]),
    ("axum", &["devloop-http", "devloop-local", "it", "load", "sim"]),
    ("lambda_http", &["devloop-http", "it"]),
    ("lambda_runtime", &["worker"]),
    ("dynoxide-rs", &["devloop-local", "testkit"]),
    ("s3s", &["devloop-local"]),
    ("s3s-fs", &["devloop-local"]),
];

/// What says nothing about what is in it.
const SAYS_NOTHING: [&str; 5] = ["common", "utils", "helpers", "core", "types"];

const LONGEST_ENDPOINT: usize = 400;

/// One dependency of a crate of ours.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Edge {
    from: String,
    to: String,
    /// In tests only.
    dev: bool,
}

/// A crate of ours, and where it stands.
type Rooms = BTreeMap<String, String>;

fn metadata() -> Metadata {
    MetadataCommand::new().current_dir(repository()).no_deps().exec().unwrap()
}

fn rooms(metadata: &Metadata) -> Rooms {
    let place = |package: &cargo_metadata::Package| {
        let manifest = package.manifest_path.strip_prefix(&metadata.workspace_root).unwrap();
        (package.name.to_string(), manifest.parent().unwrap().to_string())
    };
    metadata.packages.iter().map(place).collect()
}

fn edges(metadata: &Metadata) -> BTreeSet<Edge> {
    let of = |package: &cargo_metadata::Package| {
        let from = package.name.to_string();
        let edge = |dependency: &cargo_metadata::Dependency| Edge {
            from: from.clone(),
            to: dependency.name.clone(),
            dev: dependency.kind == DependencyKind::Development,
        };
        package.dependencies.iter().map(edge).collect::<Vec<_>>()
    };
    metadata.packages.iter().flat_map(of).collect()
}

/// Dependencies that point where none may.
fn broken(rooms: &Rooms, edges: &BTreeSet<Edge>) -> Vec<String> {
    let (shared, outside) = (BTreeMap::from(SHARED), BTreeMap::from(OUTSIDE));
    let mut found = vec![];
    for Edge { from, to, dev } in edges {
        let Some(here) = rooms.get(from) else { continue };
        if let Some(allowed) = outside.get(to.as_str())
            && !allowed.contains(&from.as_str())
        {
            found.push(format!("{from} -> {to}: only {allowed:?} may"));
        }
        let Some(there) = rooms.get(to) else { continue };
        let (here, there) = (here.split('/').next().unwrap_or_default(), there.split('/').next().unwrap_or_default());
        let allowed = match (here, there) {
            ("shared", "shared") => {
                let Some(allowed) = shared.get(from.as_str()) else {
                    found.push(format!("{from}: say in tests/it/rooms.rs what this room may"));
                    continue;
                };
                allowed.contains(&to.as_str()) || (*dev && to == "testkit")
            }
            ("functions", "shared") => {
                (to != "testkit" || *dev)
                    && (to != "toss" || from == "fn-orders")
                    && (to != "media" || from == "fn-attachments")
            }
            ("infra", "shared") => to != "testkit" || *dev,
            ("infra", "functions" | "infra") | ("tests", _) => true,
            _ => false,
        };
        if !allowed {
            found.push(format!("{from} -> {to}"));
        }
    }
    found
}

#[test]
fn dependencies_point_one_way() {
    let metadata = metadata();
    assert_eq!(broken(&rooms(&metadata), &edges(&metadata)), Vec::<String>::new());
}

#[test]
fn dependencies_that_point_elsewhere_are_found() {
    let rooms: Rooms = [
        ("domain", "shared/domain"),
        ("storage", "shared/storage"),
        ("toss", "shared/toss"),
        ("testkit", "shared/testkit"),
        ("newcomer", "shared/newcomer"),
        ("fn-orders", "functions/orders"),
        ("fn-users", "functions/users"),
        ("it", "tests/it"),
    ]
    .map(|(name, place)| (name.to_owned(), place.to_owned()))
    .into();
    let among =
        |from: &str, to: &str, dev| broken(&rooms, &[Edge { from: from.to_owned(), to: to.to_owned(), dev }].into());
    for (from, to) in [
        ("fn-users", "fn-orders"),
        ("fn-users", "toss"),
        ("fn-users", "testkit"),
        ("fn-users", "it"),
        ("fn-users", "aws-sdk-dynamodb"),
        ("fn-users", "reqwest"),
        ("storage", "fn-orders"),
        ("domain", "storage"),
        ("newcomer", "domain"),
    ] {
        assert_eq!(among(from, to, false).len(), 1, "{from} -> {to}");
    }
    assert_eq!(among("fn-users", "fn-orders", true).len(), 1);
    for (from, to, dev) in [
        ("fn-users", "storage", false),
        ("fn-users", "testkit", true),
        ("fn-orders", "toss", false),
        ("storage", "domain", false),
        ("storage", "aws-sdk-dynamodb", false),
        ("it", "fn-orders", false),
        ("it", "testkit", true),
    ] {
        assert_eq!(among(from, to, dev), Vec::<String>::new(), "{from} -> {to}");
    }
}

/// Every Rust file of the project, by its path in it.
fn sources() -> Vec<String> {
    fn walk(folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path.strip_prefix(repository()).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    let mut found = vec![];
    for folder in ["functions", "infra", "shared", "tests"] {
        walk(&repository().join(folder), &mut found);
    }
    found.sort();
    found
}

/// Crates, folders, files and modules named by a word that says nothing.
fn misnamed<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let says_nothing =
        |path: &&str| path.split(['/', '-', ' ']).any(|part| SAYS_NOTHING.contains(&part.trim_end_matches(".rs")));
    names.into_iter().filter(says_nothing).map(str::to_owned).collect()
}

/// The modules that a source declares, as paths.
fn modules(path: &str, source: &str) -> Vec<String> {
    let declared = source.lines().filter_map(|line| {
        let line = line.trim_start();
        let line = line.strip_prefix("pub ").or_else(|| line.strip_prefix("pub(crate) ")).unwrap_or(line);
        line.strip_prefix("mod ")?.split([' ', ';', '{']).next()
    });
    declared.map(|module| format!("{path} {module}")).collect()
}

#[test]
fn everything_is_named_by_what_is_in_it() {
    let metadata = metadata();
    let crates: Vec<String> = rooms(&metadata).into_iter().map(|(name, place)| format!("{name} {place}")).collect();
    let files = sources();
    let declared =
        files.iter().flat_map(|path| modules(path, &std::fs::read_to_string(repository().join(path)).unwrap()));
    let declared: Vec<String> = declared.collect();
    let names = crates.iter().chain(&files).chain(&declared).map(String::as_str);
    assert_eq!(misnamed(names), Vec::<String>::new());
}

#[test]
fn names_that_say_nothing_are_found() {
    let bad = [
        "shared/common/src/lib.rs", "shared/http/src/utils.rs", "devloop-core shared/devloop",
        "functions/a/src/types/x.rs",
    ];
    assert_eq!(misnamed(bad), bad);
    assert_eq!(misnamed(["functions/a/src/commons.rs", "shared/http/src/score.rs"]), Vec::<String>::new());
    assert_eq!(modules("a.rs", "pub mod helpers;\nmod tests {\n"), ["a.rs helpers", "a.rs tests"]);
    assert_eq!(misnamed(["a.rs helpers"]), ["a.rs helpers"]);
}

/// The endpoints of a domain by its files; what stands beside them in a folder of the same name is theirs.
fn endpoints(files: &[String]) -> BTreeSet<(String, String)> {
    let endpoint = |path: &String| {
        let (domain, file) = path.strip_prefix("functions/")?.split_once("/src/endpoints/")?;
        let name = file.split('/').next()?.trim_end_matches(".rs");
        (name != "mod").then(|| (domain.to_owned(), name.to_owned()))
    };
    files.iter().filter_map(endpoint).collect()
}

/// The operations in a domain's table.
fn operations(domain: &str, table: &str) -> BTreeSet<(String, String)> {
    let mut texts = table.split('"').skip(1).step_by(2);
    let mut found = BTreeSet::new();
    // An id, a path, a summary.
    while let (Some(id), Some(path), Some(_)) = (texts.next(), texts.next(), texts.next()) {
        assert!(path.starts_with(['/', '$']), "{domain}: {id} has no path");
        found.insert((domain.to_owned(), id.to_owned()));
    }
    found
}

#[test]
fn an_endpoint_has_the_name_of_its_operation_everywhere() {
    let files = sources();
    let mut in_tables = BTreeSet::new();
    for library in files.iter().filter(|path| path.starts_with("functions/") && path.ends_with("/src/lib.rs")) {
        let domain = library.split('/').nth(1).unwrap();
        let source = std::fs::read_to_string(repository().join(library)).unwrap();
        // The default route's path is named, not written.
        let source = source.replace("DEFAULT_ROUTE,", "\"$default\",");
        let table = source.split("pub fn operations").nth(1).unwrap_or_default();
        in_tables.extend(operations(domain, table.split("\n}").next().unwrap_or_default()));
    }
    assert_eq!(endpoints(&files), in_tables);
}

#[test]
fn endpoints_and_operations_are_found_where_they_stand() {
    let files = [
        "functions/a/src/endpoints/mod.rs",
        "functions/a/src/endpoints/get_me.rs",
        "functions/a/src/endpoints/get_me/x.rs",
    ];
    let found = endpoints(&files.map(str::to_owned));
    assert_eq!(found, [("a".to_owned(), "get_me".to_owned())].into());
    let table = r#"Operation::get("get_you", "/v1/you", "Tells, in a sentence", get_you::get_you)"#;
    assert_eq!(operations("a", table), [("a".to_owned(), "get_you".to_owned())].into());
}

fn too_long<'a>(files: impl IntoIterator<Item = (&'a str, usize)>) -> Vec<String> {
    let long = files.into_iter().filter(|(path, lines)| path.contains("/src/endpoints/") && *lines > LONGEST_ENDPOINT);
    long.map(|(path, lines)| format!("{path}: {lines} lines")).collect()
}

#[test]
fn no_endpoint_is_too_long() {
    let files = sources();
    let lines = |path: &String| std::fs::read_to_string(repository().join(path)).unwrap().lines().count();
    let counted: Vec<(&str, usize)> = files.iter().map(|path| (path.as_str(), lines(path))).collect();
    assert_eq!(too_long(counted), Vec::<String>::new());
}

#[test]
fn an_endpoint_that_is_too_long_is_found() {
    let files = [
        ("functions/a/src/endpoints/b.rs", 401),
        ("functions/a/src/endpoints/c.rs", 400),
        ("functions/a/src/d.rs", 401),
    ];
    assert_eq!(too_long(files), ["functions/a/src/endpoints/b.rs: 401 lines"]);
}

/// The rooms without a card.
fn without_card(rooms: &Rooms, has_card: impl Fn(&str) -> bool) -> Vec<String> {
    rooms.values().filter(|place| place.starts_with("functions/") && !has_card(place)).cloned().collect()
}

#[test]
fn every_domain_has_a_card() {
    let has_card = |place: &str| repository().join(place).join("README.md").exists();
    assert_eq!(without_card(&rooms(&metadata()), has_card), Vec::<String>::new());
}

#[test]
fn a_domain_without_a_card_is_found() {
    let rooms: Rooms = [("fn-a", "functions/a"), ("fn-b", "functions/b"), ("c", "shared/c")]
        .map(|(name, place)| (name.to_owned(), place.to_owned()))
        .into();
    assert_eq!(without_card(&rooms, |place| place == "functions/a"), ["functions/b"]);
}

/// Handlers that would escape the simulation: what decides the order of events must be handed in.
fn escapes(path: &str, source: &str) -> Vec<String> {
    let is_handler = path.starts_with("functions/") && !path.contains("/src/bin/");
    let mut found = vec![];
    for (number, line) in source.lines().enumerate() {
        let unordered =
            line.contains("select!") && !source.lines().nth(number + 1).is_some_and(|next| next.contains("biased"));
        if is_handler && unordered {
            found.push(format!("{path}:{}: a `select!` that is not `biased`", number + 1));
        }
    }
    found
}

#[test]
fn what_handlers_wait_for_is_ordered() {
    let source = |path: &String| std::fs::read_to_string(repository().join(path)).unwrap();
    let found: Vec<String> = sources().iter().flat_map(|path| escapes(path, &source(path))).collect();
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn a_handler_that_waits_for_whatever_comes_first_is_found() {
    let path = "functions/a/src/b.rs";
    assert_eq!(escapes(path, "tokio::select! {\n    a = b => {}\n}").len(), 1);
    assert!(escapes(path, "tokio::select! {\n    biased;\n    a = b => {}\n}").is_empty());
}
