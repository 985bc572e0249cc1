pub mod answer_unknown_route;
pub mod get_health;
pub mod get_openapi;
