mod auth;
mod orders;
mod pwts;
mod schedules;
mod tutors;
mod users;
