//! What can be measured.

pub mod accounts;
pub mod cdn;
pub mod cold_start;
pub mod reads;
pub mod sale;
pub mod stall;
pub mod start;
pub mod table;
pub mod uploads;
