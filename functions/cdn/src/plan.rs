//! What is asked of the CDN for a batch of messages. Pure.

use std::collections::{BTreeMap, BTreeSet};

use domain::cdn::CdnPath;

/// The most files of one invalidation: a third of what may be in progress, so that the next one need not wait.
/// <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/InvalidationLimits.html>
pub const MOST_FILES: usize = 1_000;
/// The most wildcards of one, of the 15 that may be in progress.
pub const MOST_WILDCARDS: usize = 5;
/// From so many paths in one folder on, the whole folder is forgotten while paths are free: what is still good in it is
/// fetched again, which costs time, and a tenth of what is free in a month is worth that.
const MANY: usize = 100;
/// The same once each path costs money: half a cent then pays for more than ten thousand fetches.
const MANY_PAID: usize = 10;

/// The paths that stand for all of `wanted`, none twice. `free` is how many more cost nothing this month.
pub fn plan<'a>(wanted: impl IntoIterator<Item = &'a CdnPath>, free: u64) -> Vec<CdnPath> {
    let mut paths: BTreeSet<CdnPath> = wanted.into_iter().cloned().collect();
    drop_covered(&mut paths);
    by_folders(&mut paths, MANY);
    if u64::try_from(paths.len()).unwrap_or(u64::MAX) > free {
        by_folders(&mut paths, MANY_PAID);
    }
    // What is still more than one invalidation may have becomes coarser.
    while files(&paths) > MOST_FILES {
        let Some(folder) = fullest(paths.iter().filter(|path| !path.is_wildcard()).map(CdnPath::folder)) else { break };
        forget_folder(&mut paths, &folder);
    }
    while wildcards(&paths) > MOST_WILDCARDS {
        let above = paths.iter().filter(|path| path.is_wildcard()).filter_map(|path| above(path.folder()));
        let Some(folder) = fullest(above) else { break };
        forget_folder(&mut paths, &folder);
    }
    paths.into_iter().collect()
}

fn files(paths: &BTreeSet<CdnPath>) -> usize {
    paths.iter().filter(|path| !path.is_wildcard()).count()
}

fn wildcards(paths: &BTreeSet<CdnPath>) -> usize {
    paths.iter().filter(|path| path.is_wildcard()).count()
}

/// Replaces what is in a folder by the folder, where there are `many` in it.
fn by_folders(paths: &mut BTreeSet<CdnPath>, many: usize) {
    let mut folders = BTreeMap::<String, usize>::new();
    for path in paths.iter().filter(|path| !path.is_wildcard()) {
        *folders.entry(path.folder().to_owned()).or_default() += 1;
    }
    for (folder, _) in folders.into_iter().filter(|(_, count)| *count >= many) {
        forget_folder(paths, &folder);
    }
}

fn forget_folder(paths: &mut BTreeSet<CdnPath>, folder: &str) {
    // A folder of a path is one, so this does not fail; if it did, nothing would be lost.
    if let Ok(whole) = CdnPath::everything_in(folder) {
        paths.insert(whole);
        drop_covered(paths);
    }
}

/// Leaves out what another path covers.
fn drop_covered(paths: &mut BTreeSet<CdnPath>) {
    let patterns: Vec<CdnPath> = paths.iter().filter(|path| path.is_wildcard()).cloned().collect();
    paths.retain(|path| !patterns.iter().any(|pattern| pattern != path && pattern.covers(path)));
}

/// The folder above one; the first has none.
fn above(folder: &str) -> Option<&str> {
    let inner = folder.strip_suffix('/')?;
    folder.get(..=inner.rfind('/')?)
}

/// The folder that is named most often; of several the deepest, where least is forgotten that is good.
fn fullest<'a>(folders: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut counted = BTreeMap::<&str, usize>::new();
    for folder in folders {
        *counted.entry(folder).or_default() += 1;
    }
    let depth = |folder: &str| folder.matches('/').count();
    counted.into_iter().max_by_key(|(folder, count)| (*count, depth(folder))).map(|(folder, _)| folder.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PLENTY: u64 = 1_000;

    fn path(text: &str) -> CdnPath {
        text.parse().unwrap()
    }

    fn planned(wanted: &[CdnPath], free: u64) -> Vec<String> {
        plan(wanted, free).iter().map(ToString::to_string).collect()
    }

    fn files_in(folder: &str, count: usize) -> Vec<CdnPath> {
        (0..count).map(|n| path(&format!("{folder}{n:04}"))).collect()
    }

    #[test]
    fn nothing_is_asked_for_twice() {
        let wanted = ["/a/1", "/b/2", "/a/1", "/c/*", "/c/d/*", "/c/d/e", "/cd"].map(path);
        assert_eq!(planned(&wanted, PLENTY), ["/a/1", "/b/2", "/c/*", "/cd"]);
        assert_eq!(planned(&["/*", "/a/1", "/b/*"].map(path), PLENTY), ["/*"]);
        assert!(planned(&[], PLENTY).is_empty());
    }

    #[test]
    fn a_folder_is_forgotten_whole_only_where_that_is_cheaper() {
        let mut wanted = files_in("/pwts/", 99);
        assert_eq!(planned(&wanted, PLENTY).len(), 99);
        wanted.extend(files_in("/parties/", 100));
        let paths = planned(&wanted, PLENTY);
        assert_eq!((paths.len(), paths.contains(&"/parties/*".to_owned())), (100, true));
        // Once they cost money, fewer are enough.
        let wanted = [files_in("/pwts/", 10), files_in("/parties/", 9)].concat();
        assert_eq!(planned(&wanted, 19).len(), 19);
        assert_eq!(planned(&wanted, 18).len(), 10);
        assert_eq!(planned(&wanted, 0)[9], "/pwts/*");
        // One path costs what a pattern costs, and forgets less.
        assert_eq!(planned(&[path("/pwts/1")], 0), ["/pwts/1"]);
    }

    #[test]
    fn no_invalidation_is_larger_than_may_be_in_progress() {
        let scattered: Vec<CdnPath> = (0..60).flat_map(|folder| files_in(&format!("/{folder}/"), 40)).collect();
        let paths = plan(&scattered, 1_000_000);
        assert!(paths.iter().filter(|path| !path.is_wildcard()).count() <= MOST_FILES);
        assert!(paths.iter().filter(|path| path.is_wildcard()).count() <= MOST_WILDCARDS);
        let folders: Vec<CdnPath> = (0..40).map(|n| path(&format!("/hls/{n}/*"))).collect();
        let wanted = [folders, vec![path("/profiles/*"), path("/pwts/1")]].concat();
        assert_eq!(planned(&wanted, PLENTY), ["/hls/*", "/profiles/*", "/pwts/1"]);
        let deep: Vec<CdnPath> = (0..6).map(|n| path(&format!("/a{n}/b/c/*"))).collect();
        // Folders that have nothing but the root in common are too many together only as a whole.
        assert_eq!(planned(&deep[1..], PLENTY).len(), MOST_WILDCARDS);
        assert_eq!(planned(&deep, PLENTY), ["/*"]);
    }

    #[test]
    fn folders_have_folders_above_them() {
        assert_eq!((above("/a/b/"), above("/a/"), above("/")), (Some("/a/"), Some("/"), None));
    }

    proptest! {
        #[test]
        fn whatever_is_wanted_is_covered(
            texts in prop::collection::vec("/[ab](/[ab]){0,2}(/[a-z0-9]{1,2}|/\\*)", 0..200), free in 0_u64..300,
        ) {
            let wanted: Vec<CdnPath> = texts.iter().map(|text| path(text)).collect();
            let paths = plan(&wanted, free);
            for one in &wanted {
                prop_assert!(paths.iter().any(|path| path.covers(one)), "{one} is not in {paths:?}");
            }
            prop_assert!(paths.iter().filter(|path| path.is_wildcard()).count() <= MOST_WILDCARDS);
            for one in &paths {
                prop_assert!(!paths.iter().any(|path| path != one && path.covers(one)), "{one} twice in {paths:?}");
            }
            // The same messages in another order are the same invalidation.
            let reversed: Vec<CdnPath> = wanted.into_iter().rev().collect();
            prop_assert_eq!(plan(&reversed, free), paths);
        }
    }
}
