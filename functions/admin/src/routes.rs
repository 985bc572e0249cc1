//! Which routes the whole API has. This room may not know the others, so the contract tells.

use std::{collections::BTreeMap, sync::LazyLock};

use serde_json::Value;

/// The OpenAPI document of this build.
pub const CONTRACT: &str = include_str!("../../../infra/openapi.json");

static ROUTES: LazyLock<BTreeMap<String, Vec<String>>> = LazyLock::new(|| {
    let contract: Value = serde_json::from_str(CONTRACT).unwrap_or_default();
    let paths = contract.get("paths").and_then(Value::as_object).cloned().unwrap_or_default();
    let methods = |item: Value| {
        let methods = item.as_object().into_iter().flat_map(|item| item.keys().map(|method| method.to_uppercase()));
        methods.filter(|method| matches!(method.as_str(), "GET" | "POST" | "PUT" | "PATCH" | "DELETE")).collect()
    };
    paths.into_iter().map(|(path, item)| (path, methods(item))).collect()
});

/// The methods of every route that a path matches.
pub fn methods_of(path: &str) -> Vec<String> {
    let asked: Vec<&str> = path.split('/').collect();
    let matches = |route: &str| {
        let parts: Vec<&str> = route.split('/').collect();
        let fits = |(part, value): (&&str, &&str)| part == value || (part.starts_with('{') && !value.is_empty());
        parts.len() == asked.len() && parts.iter().zip(&asked).all(fits)
    };
    let mut methods: Vec<String> =
        ROUTES.iter().filter(|(route, _)| matches(route)).flat_map(|(_, methods)| methods.clone()).collect();
    methods.sort_unstable();
    methods.dedup();
    methods
}
