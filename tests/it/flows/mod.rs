mod auth;
mod orders;
mod pwts;
pub mod sale;
mod schedules;
mod tutors;
mod users;
