//! What the deployed binary does with the settings that it is given. All domains start alike:
//! `main` hands over to one function of `shared/http`.

use std::process::Command;

/// Runs the binary with these variables and no others: its exit status, and what it logged.
#[expect(clippy::unwrap_used, reason = "cargo has built it for this test")]
fn start(variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_schedules"));
    let output = command.env_clear().envs(variables.iter().copied()).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

#[test]
fn without_an_operation_it_does_not_start() {
    let settings = [
        ("TABLE_NAME", "canary-table"),
        ("AWS_REGION", "ap-northeast-2"),
        ("TOKEN_PUBLIC_KEYS", "canary-keys"),
        ("CURSOR_KEY", "canary-key"),
    ];
    let (status, log) = start(&settings);
    assert_eq!(status, Some(1), "{log}");
    assert!(log.contains("the settings are incomplete: OPERATION is missing\""), "{log}");
    assert!(!log.contains("canary"), "{log}");
}

#[test]
fn an_empty_operation_is_none() {
    let (status, log) = start(&[("OPERATION", "")]);
    assert_eq!(status, Some(1), "{log}");
    assert!(log.contains("OPERATION is missing"), "{log}");
}

#[test]
fn with_nothing_at_all_it_says_everything_that_is_missing() {
    let (status, log) = start(&[]);
    assert_eq!(status, Some(1), "{log}");
    for name in ["OPERATION", "TABLE_NAME", "AWS_REGION", "TOKEN_PUBLIC_KEYS", "CURSOR_KEY"] {
        assert!(log.contains(&format!("{name} is missing")), "{name}: {log}");
    }
}
