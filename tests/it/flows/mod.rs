mod auth;
mod orders;
mod pwts;
mod refunds;
pub mod sale;
mod schedules;
mod tutors;
mod users;
