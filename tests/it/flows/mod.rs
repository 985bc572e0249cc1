mod auth;
mod orders;
mod schedules;
