//! The folder that keeps everything over a restart: the table, uploaded files, Toss's books, keys and the clock.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use clock::Rng;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::secrets::Secrets;

/// What this build writes into a folder. Raised when another build could not go on with it.
const VERSION: u32 = 3;

const VERSION_FILE: &str = "version";
const LOCK_FILE: &str = "lock";
const SECRETS_FILE: &str = "secrets.json";
const CLOCK_FILE: &str = "clock.json";
const DEMO_FILE: &str = "demo.json";
const READY_FILE: &str = "ready.json";
const TABLE_FILE: &str = "dynamodb.sqlite";
const TOSS_FILE: &str = "toss.sqlite";
const SQS_FILE: &str = "sqs.sqlite";
const S3_FOLDER: &str = "s3";
/// A file is replaced by writing this beside it and renaming: a reader sees the old or the new one.
const NEW_SUFFIX: &str = ".new";
/// What `SQLite` keeps beside a database.
const SQLITE_SUFFIXES: [&str; 4] = ["", "-wal", "-shm", "-journal"];

/// The folder cannot be used. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It cannot be made, read or written.
    #[error(
        "The data folder {} cannot be used: {cause}. Make it writable, or name another one with --data.",
        .folder.display()
    )]
    Unusable {
        /// Which.
        folder: PathBuf,
        /// The system's word.
        cause: io::Error,
    },
    /// It holds something else.
    #[error("The folder {} is not empty and is no data folder of DevLoop. Name another one with --data.", .0.display())]
    NotOurs(PathBuf),
    /// A newer build wrote it.
    #[error(
        "The data folder {} was written by a newer DevLoop: its version is {found}, and this build knows {VERSION}. \
         Run the newer build, name another folder with --data, or start anew with --fresh.",
        .folder.display()
    )]
    Newer {
        /// Which.
        folder: PathBuf,
        /// Its version.
        found: u32,
    },
    /// An older build wrote it.
    #[error(
        "The data folder {} was written by an older DevLoop, whose table is another: its version is {found}, and this build's is {VERSION}. \
         Start anew with --fresh, which deletes all local data, or name another folder with --data.",
        .folder.display()
    )]
    Older {
        /// Which.
        folder: PathBuf,
        /// Its version.
        found: u32,
    },
    /// Somebody has it open.
    #[error(
        "Another DevLoop is using the data folder {}. Stop that one first, or name another folder with --data.",
        .0.display()
    )]
    InUse(PathBuf),
    /// A file of ours is broken.
    #[error(
        "The file {} cannot be read: {cause}. Restore it, or start anew with --fresh, which deletes all local data.",
        .file.display()
    )]
    Broken {
        /// Which.
        file: PathBuf,
        /// What is wrong with it; never what it says.
        cause: String,
    },
}

/// How to reach the server that runs on a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ready {
    /// The API and the pages.
    pub api: String,
    /// Where payments are taken.
    pub toss: String,
    /// The table's endpoint.
    pub dynamodb: String,
    /// The server's process.
    pub pid: u32,
    /// From the start of the process until all of it answered.
    pub started_in_millis: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeptClock {
    ahead_millis: i64,
}

/// How far the demo data of a table has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemoMark {
    /// Of which table: its endpoint and name, or the embedded one.
    pub table: String,
    /// Whether all of it is there.
    pub complete: bool,
}

/// A data folder that this process alone has open.
#[derive(Debug)]
pub struct DataFolder {
    folder: PathBuf,
    /// Closing it, by whatever end of the process, lets the next server in.
    _lock: File,
}

impl DataFolder {
    /// Opens the folder at `path`, or makes it. `fresh` deletes what an earlier server left there.
    pub fn open(path: &Path, fresh: bool) -> Result<Self, FolderError> {
        let unusable = |cause| FolderError::Unusable { folder: path.to_owned(), cause };
        make_folder(path).map_err(unusable)?;
        if !is_ours(path).map_err(unusable)? {
            return Err(FolderError::NotOurs(path.to_owned()));
        }
        let lock =
            OpenOptions::new().create(true).truncate(false).write(true).open(path.join(LOCK_FILE)).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(FolderError::InUse(path.to_owned())),
            Err(TryLockError::Error(cause)) => return Err(unusable(cause)),
        }
        let this = Self { folder: path.to_owned(), _lock: lock };
        if fresh {
            for name in known_names().filter(|name| name != LOCK_FILE) {
                remove(&path.join(name)).map_err(unusable)?;
            }
            remove_all(&path.join(S3_FOLDER)).map_err(unusable)?;
        }
        this.check_version()?;
        // Left by a server that was killed: nobody is ready here now.
        this.retract()?;
        Ok(this)
    }

    fn check_version(&self) -> Result<(), FolderError> {
        let file = self.file(VERSION_FILE);
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return self.replace(VERSION_FILE, format!("{VERSION}\n").as_bytes());
            }
            Err(cause) => return Err(self.unusable(cause)),
        };
        match text.trim().parse::<u32>() {
            Ok(found) if found > VERSION => Err(FolderError::Newer { folder: self.folder.clone(), found }),
            Ok(found) if found < VERSION => Err(FolderError::Older { folder: self.folder.clone(), found }),
            Ok(_) => Ok(()),
            Err(error) => Err(FolderError::Broken { file, cause: error.to_string() }),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// The embedded table.
    pub fn table_file(&self) -> PathBuf {
        self.file(TABLE_FILE)
    }

    /// The books of the sandbox of Toss.
    pub fn toss_file(&self) -> PathBuf {
        self.file(TOSS_FILE)
    }

    /// The queues.
    pub fn sqs_file(&self) -> PathBuf {
        self.file(SQS_FILE)
    }

    /// The uploaded files.
    pub fn s3_folder(&self) -> PathBuf {
        self.file(S3_FOLDER)
    }

    /// The keys of this folder, drawn when it is first used.
    pub fn secrets(&self, rng: &Rng) -> Result<Secrets, FolderError> {
        if let Some(secrets) = self.read(SECRETS_FILE)? {
            return Ok(secrets);
        }
        let secrets = Secrets::draw(rng)
            .map_err(|error| FolderError::Broken { file: self.file(SECRETS_FILE), cause: error.to_string() })?;
        self.keep(SECRETS_FILE, &secrets)?;
        Ok(secrets)
    }

    /// How far the clock was ahead of the machine's when it was last moved, in milliseconds.
    pub fn clock_ahead(&self) -> Result<i64, FolderError> {
        Ok(self.read(CLOCK_FILE)?.map_or(0, |kept: KeptClock| kept.ahead_millis))
    }

    /// Remembers how far the clock is ahead.
    pub fn keep_clock_ahead(&self, ahead_millis: i64) -> Result<(), FolderError> {
        self.keep(CLOCK_FILE, &KeptClock { ahead_millis })
    }

    /// What was noted about demo data.
    pub fn demo_mark(&self) -> Result<Option<DemoMark>, FolderError> {
        self.read(DEMO_FILE)
    }

    /// Notes how far demo data has come.
    pub fn keep_demo_mark(&self, mark: &DemoMark) -> Result<(), FolderError> {
        self.keep(DEMO_FILE, mark)
    }

    /// Tells where the running server answers.
    pub fn announce(&self, ready: &Ready) -> Result<(), FolderError> {
        self.keep(READY_FILE, ready)
    }

    /// Takes that back.
    pub fn retract(&self) -> Result<(), FolderError> {
        remove(&self.file(READY_FILE)).map_err(|cause| self.unusable(cause))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn unusable(&self, cause: io::Error) -> FolderError {
        FolderError::Unusable { folder: self.folder.clone(), cause }
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, FolderError> {
        read_json(&self.file(name))
    }

    fn keep(&self, name: &str, value: &impl Serialize) -> Result<(), FolderError> {
        let json = serde_json::to_vec_pretty(value).map_err(|error| self.unusable(error.into()))?;
        self.replace(name, &json)
    }

    fn replace(&self, name: &str, content: &[u8]) -> Result<(), FolderError> {
        let new = self.file(&format!("{name}{NEW_SUFFIX}"));
        let written = write_privately(&new, content).and_then(|()| fs::rename(&new, self.file(name)));
        written.map_err(|cause| self.unusable(cause))
    }
}

/// The server that is ready on the folder at `path`, if one runs there.
pub fn running_on(path: &Path) -> Result<Option<Ready>, FolderError> {
    let in_use = match File::open(path.join(LOCK_FILE)).map(|lock| lock.try_lock_shared()) {
        Ok(Err(TryLockError::WouldBlock)) => true,
        Ok(_) | Err(_) => false,
    };
    if !in_use {
        return Ok(None);
    }
    // Between taking the folder and being ready there is a moment with neither.
    read_json(&path.join(READY_FILE))?.map_or_else(|| Err(FolderError::InUse(path.to_owned())), |ready| Ok(Some(ready)))
}

fn read_json<T: DeserializeOwned>(file: &Path) -> Result<Option<T>, FolderError> {
    let broken = |cause: String| FolderError::Broken { file: file.to_owned(), cause };
    match fs::read(file) {
        Ok(json) => serde_json::from_slice(&json).map(Some).map_err(|error| {
            // The message of a wrong value would repeat it, and it may be a key.
            broken(format!("line {}, column {} is not what was expected", error.line(), error.column()))
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(broken(error.to_string())),
    }
}

fn known_names() -> impl Iterator<Item = String> {
    let plain = [VERSION_FILE, LOCK_FILE, SECRETS_FILE, CLOCK_FILE, DEMO_FILE, READY_FILE];
    let plain = plain.into_iter().flat_map(|name| [name.to_owned(), format!("{name}{NEW_SUFFIX}")]);
    let databases = [TABLE_FILE, TOSS_FILE, SQS_FILE].into_iter();
    plain.chain(databases.flat_map(|name| SQLITE_SUFFIXES.map(|suffix| format!("{name}{suffix}"))))
}

/// A folder is ours if it has our version file, or nothing but files of ours: also none, and also
/// what is left when a first start is killed.
fn is_ours(path: &Path) -> io::Result<bool> {
    if path.join(VERSION_FILE).is_file() {
        return Ok(true);
    }
    for entry in fs::read_dir(path)? {
        let name = entry?.file_name();
        if name != S3_FOLDER && !known_names().any(|known| name == known.as_str()) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// For its owner only: it holds keys, password hashes and addresses.
fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn remove_all(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn write_privately(file: &Path, content: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)?.write_all(content)
}

#[cfg(test)]
mod tests {
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
}
