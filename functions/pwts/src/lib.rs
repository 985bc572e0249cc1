//! Projects with a tutor: from draft to sale, and the seats that are sold.

mod app;
mod endpoints;
mod reading;
mod rules;
mod stock;
mod views;
mod waitlist;

pub use app::App;
use devloop_http::{Operation, Route, mount};
use endpoints::{
    approve_pwt, close_pwt, create_pwt, delete_pwt, get_my_waitlist_place, get_pwt, get_pwt_for_admin, get_pwt_seats,
    join_waitlist, leave_waitlist, list_my_pwts, list_pwt_buyers, list_pwts, list_pwts_for_admin, reject_pwt,
    update_pwt,
};

/// The endpoints of this domain.
pub fn operations() -> Vec<Operation<App>> {
    vec![
        Operation::post("create_pwt", "/v1/pwts", "Proposes a project", create_pwt::create_pwt),
        Operation::get("list_pwts", "/v1/pwts", "Approved projects, newest first", list_pwts::list_pwts),
        Operation::get("get_pwt", "/v1/pwts/{pwtId}", "A project, with the seats left", get_pwt::get_pwt),
        Operation::patch("update_pwt", "/v1/pwts/{pwtId}", "Changes a project", update_pwt::update_pwt),
        Operation::get(
            "get_pwt_seats",
            "/v1/pwts/{pwtId}/seats",
            "All seats of a project by state, in one consistent read",
            get_pwt_seats::get_pwt_seats,
        ),
        Operation::post("close_pwt", "/v1/pwts/{pwtId}/close", "Ends the sale of a project", close_pwt::close_pwt),
        Operation::delete(
            "delete_pwt",
            "/v1/pwts/{pwtId}",
            "Deletes a project that nobody has a seat of",
            delete_pwt::delete_pwt,
        ),
        Operation::get(
            "list_pwt_buyers",
            "/v1/pwts/{pwtId}/buyers",
            "Who has a seat of a project",
            list_pwt_buyers::list_pwt_buyers,
        ),
        Operation::post(
            "join_waitlist",
            "/v1/pwts/{pwtId}/waitlist",
            "Waits for a seat of a sold-out project",
            join_waitlist::join_waitlist,
        ),
        Operation::get(
            "get_my_waitlist_place",
            "/v1/pwts/{pwtId}/waitlist/me",
            "The caller's place in line, and the seat that is kept for it",
            get_my_waitlist_place::get_my_waitlist_place,
        ),
        Operation::delete(
            "leave_waitlist",
            "/v1/pwts/{pwtId}/waitlist/me",
            "Gives up the caller's place in line",
            leave_waitlist::leave_waitlist,
        ),
        Operation::get(
            "list_my_pwts",
            "/v1/users/me/pwts",
            "The caller's own projects in any state, newest first",
            list_my_pwts::list_my_pwts,
        ),
        Operation::get(
            "list_pwts_for_admin",
            "/v1/admin/pwts",
            "Projects by approval, newest first",
            list_pwts_for_admin::list_pwts_for_admin,
        ),
        Operation::get(
            "get_pwt_for_admin",
            "/v1/admin/pwts/{pwtId}",
            "A project in any state, with its tutor's address",
            get_pwt_for_admin::get_pwt_for_admin,
        ),
        Operation::post(
            "approve_pwt",
            "/v1/admin/pwts/{pwtId}/approve",
            "Puts a project on sale: creates its seats and its schedule",
            approve_pwt::approve_pwt,
        ),
        Operation::post(
            "reject_pwt",
            "/v1/admin/pwts/{pwtId}/reject",
            "Rejects a project with a reason",
            reject_pwt::reject_pwt,
        ),
    ]
}

/// The endpoints, ready to be served.
pub fn routes(app: &App) -> Vec<Route> {
    mount(operations(), app)
}
