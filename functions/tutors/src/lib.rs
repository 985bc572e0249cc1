//! Tutor applications: sending one, and deciding on it.

mod app;
mod endpoints;
mod views;

pub use app::App;
use config::Needs;
use devloop_http::{Operation, Route, mount_each};
use endpoints::{
    apply_as_tutor, approve_tutor_application, get_my_tutor_application, list_tutor_applications,
    reject_tutor_application,
};

/// The endpoints of this domain.
pub fn operations() -> Vec<Operation<App>> {
    vec![
        Operation::post(
            "apply_as_tutor",
            "/v1/tutor-applications",
            "Applies to become a tutor",
            apply_as_tutor::apply_as_tutor,
        ),
        Operation::get(
            "get_my_tutor_application",
            "/v1/tutor-applications/me",
            "The caller's own application",
            get_my_tutor_application::get_my_tutor_application,
        ),
        Operation::get(
            "list_tutor_applications",
            "/v1/admin/tutor-applications",
            "Applications in a state, oldest first",
            list_tutor_applications::list_tutor_applications,
        ),
        Operation::post(
            "approve_tutor_application",
            "/v1/admin/tutor-applications/{userId}/approve",
            "Makes the applicant a tutor",
            approve_tutor_application::approve_tutor_application,
        ),
        Operation::post(
            "reject_tutor_application",
            "/v1/admin/tutor-applications/{userId}/reject",
            "Rejects an application with a reason",
            reject_tutor_application::reject_tutor_application,
        ),
    ]
}

/// The endpoints, ready to be served. Each has the keys that it has when deployed, also where all are in one process.
pub fn routes(app: &App) -> Vec<Route> {
    mount_each(operations(), |operation| {
        let cipher = app.cipher.clone().filter(|_| needs(operation).account_key);
        App { cipher, ..app.clone() }
    })
}

/// What the function of an operation needs. Account numbers are written, and read nowhere.
pub fn needs(operation: &str) -> Needs {
    Needs { account_key: operation == "apply_as_tutor", ..Needs::default() }
}
