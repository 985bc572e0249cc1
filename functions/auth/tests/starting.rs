//! The deployed binary refuses to start without knowing which operation it is. All domains share
//! `devloop_http::serve`; this one stands for them.

use std::process::Command;

fn start(variables: &[(&str, &str)]) -> (bool, String) {
    let mut binary = Command::new(env!("CARGO_BIN_EXE_auth"));
    let output = binary.env_clear().envs(variables.iter().copied()).output();
    let output = output.unwrap_or_else(|error| panic!("the binary runs: {error}"));
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn without_operation_it_refuses_and_names_all_that_is_missing() {
    let (started, told) = start(&[("TABLE_NAME", "devloop")]);
    assert!(!started);
    for setting in [
        "OPERATION", "AWS_REGION", "TOKEN_PUBLIC_KEYS", "TOKEN_PRIVATE_KEY", "REFRESH_KEY", "CURSOR_KEY",
        "CDN_BASE_URL",
    ] {
        assert!(told.contains(&format!("{setting} is missing")), "{setting}: {told}");
    }
    assert!(!told.contains("TABLE_NAME is missing"), "{told}");
}

#[test]
fn what_is_not_usable_is_not_repeated() {
    let canary = "canary-private-key";
    let settings = [
        ("OPERATION", "log_in"),
        ("TABLE_NAME", "devloop"),
        ("AWS_REGION", "ap-northeast-2"),
        ("TOKEN_PUBLIC_KEYS", "{}"),
        ("TOKEN_PRIVATE_KEY", canary),
        ("REFRESH_KEY", "key"),
        ("CURSOR_KEY", "key"),
        ("CDN_BASE_URL", "https://cdn.devloop.kr"),
    ];
    let (started, told) = start(&settings);
    assert!(!started);
    assert!(!told.contains(canary), "{told}");
}
