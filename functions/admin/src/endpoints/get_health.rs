//! `GET /v1/health`: the build, and whether each dependency answers.

use std::convert::Infallible;

use devloop_http::{Json, Public};
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// Whether something answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Health {
    /// It answers.
    Up,
    /// It does not.
    Down,
}

/// How the service is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({ "status": "UP", "build": "dev", "table": "UP" }))]
pub struct HealthView {
    /// Up only if everything is.
    status: Health,
    /// What runs.
    build: String,
    /// The table.
    table: Health,
}

/// Asks each dependency.
pub async fn get_health(app: App, _: Public, (): ()) -> Result<Json<HealthView>, Infallible> {
    let table = if app.edge.table.answers().await { Health::Up } else { Health::Down };
    Ok(Json(HealthView { status: table, build: app.build, table }))
}
