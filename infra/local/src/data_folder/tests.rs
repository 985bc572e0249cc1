use super::*;

#[test]
fn a_folder_has_one_server_at_a_time() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("data");
    let first = DataFolder::open(&path, false).unwrap();
    assert!(matches!(DataFolder::open(&path, false), Err(FolderError::InUse(_))));
    assert!(matches!(running_on(&path), Err(FolderError::InUse(_))));
    let ready =
        Ready { api: "a".to_owned(), toss: "t".to_owned(), dynamodb: "d".to_owned(), pid: 1, started_in_millis: 2 };
    first.announce(&ready).unwrap();
    assert_eq!(running_on(&path).unwrap(), Some(ready));
    drop(first);
    // As after a kill: the announcement is still there, but nobody holds the lock.
    assert_eq!(running_on(&path).unwrap(), None);
    DataFolder::open(&path, false).unwrap();
    assert!(!path.join(READY_FILE).exists());
}

#[test]
fn what_is_not_ours_is_left_alone() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("thesis.txt"), "years of work").unwrap();
    for fresh in [false, true] {
        assert!(matches!(DataFolder::open(root.path(), fresh), Err(FolderError::NotOurs(_))));
    }
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
}

#[test]
fn fresh_deletes_our_files_and_no_others() {
    let root = tempfile::tempdir().unwrap();
    let folder = DataFolder::open(root.path(), false).unwrap();
    folder.keep_clock_ahead(5).unwrap();
    let old = folder.secrets(&Rng::from_seed(1)).unwrap();
    fs::create_dir_all(folder.s3_folder().join("bucket")).unwrap();
    drop(folder);
    fs::write(root.path().join("notes.txt"), "mine").unwrap();
    let folder = DataFolder::open(root.path(), true).unwrap();
    assert_eq!(folder.clock_ahead().unwrap(), 0);
    assert_ne!(folder.secrets(&Rng::from_seed(2)).unwrap(), old);
    assert!(root.path().join("notes.txt").exists() && !folder.s3_folder().exists());
}

#[test]
fn another_versions_folder_is_refused_until_it_is_made_anew() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join(VERSION_FILE), "999\n").unwrap();
    let refused = DataFolder::open(root.path(), false).unwrap_err();
    assert!(matches!(refused, FolderError::Newer { found: 999, .. }), "{refused}");
    fs::write(root.path().join(VERSION_FILE), "1\n").unwrap();
    let refused = DataFolder::open(root.path(), false).unwrap_err();
    assert!(matches!(refused, FolderError::Older { found: 1, .. }), "{refused}");
    DataFolder::open(root.path(), true).unwrap();
    DataFolder::open(root.path(), false).unwrap();
}

#[test]
fn a_broken_file_is_named_without_its_content() {
    let root = tempfile::tempdir().unwrap();
    let folder = DataFolder::open(root.path(), false).unwrap();
    fs::write(folder.file(SECRETS_FILE), r#"{"refreshKey": ["canary"]}"#).unwrap();
    let refused = folder.secrets(&Rng::from_seed(1)).unwrap_err().to_string();
    assert!(
        refused.contains("secrets.json") && refused.contains("--fresh") && !refused.contains("canary"),
        "{refused}"
    );
}

#[cfg(unix)]
#[test]
fn keys_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;

    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("data");
    let folder = DataFolder::open(&path, false).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    let drawn = folder.secrets(&Rng::from_seed(1)).unwrap();
    assert_eq!(folder.secrets(&Rng::from_seed(2)).unwrap(), drawn);
    assert_eq!(fs::metadata(folder.file(SECRETS_FILE)).unwrap().permissions().mode() & 0o777, 0o600);
}
