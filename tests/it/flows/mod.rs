mod auth;
mod orders;
mod payments;
mod pwts;
pub mod sale;
mod schedules;
mod tutors;
mod users;
