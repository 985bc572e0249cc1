mod auth;
mod closing;
mod orders;
mod pwts;
pub mod sale;
mod schedules;
mod tutors;
mod users;
mod waitlist;
