//! Paths of the CDN, as clients ask for them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A path that the CDN can be told to forget: of one object, or of everything in a folder.
///
/// CloudFront compares it with what was asked for, byte by byte, and a `*` at its end stands for any text.
/// <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/invalidation-specifying-objects.html>
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct CdnPath(String);

/// A text is no such path. Says nothing of what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAPath {
    /// It begins with no slash, or has an empty segment or one of dots.
    #[error("a path is absolute, and its segments are names")]
    Shape,
    /// It has a character that a path of ours never has, such as one that has to be percent-encoded and is not.
    #[error("a path has letters, digits, `-`, `.`, `_`, `~` and `%` with two hex digits only")]
    Character,
    /// It is longer than a key of S3 can be.
    #[error("a path has at most {} bytes", CdnPath::MAX)]
    Length,
}

impl CdnPath {
    /// The most bytes: a key of S3 has 1,024, and a slash comes before it.
    pub const MAX: usize = 1_025;

    /// The path of one object, such as `/attachments/01J…`.
    pub fn object(path: &str) -> Result<Self, NotAPath> {
        let mut segments = path.strip_prefix('/').ok_or(NotAPath::Shape)?.split('/');
        if path.len() > Self::MAX {
            return Err(NotAPath::Length);
        }
        segments.try_for_each(check_segment)?;
        Ok(Self(path.to_owned()))
    }

    /// Everything in a folder and below it, such as `/attachments/`, which is `/attachments/*`. Said by whoever means it:
    /// the path of an object is never read as a pattern.
    pub fn everything_in(folder: &str) -> Result<Self, NotAPath> {
        let inner = folder.strip_suffix('/').ok_or(NotAPath::Shape)?;
        // The slash alone is everything that there is.
        if !inner.is_empty() {
            Self::object(inner)?;
        }
        if folder.len() >= Self::MAX { Err(NotAPath::Length) } else { Ok(Self(format!("{folder}*"))) }
    }

    /// The text of it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it stands for many.
    pub fn is_wildcard(&self) -> bool {
        self.0.ends_with('*')
    }

    /// The folder that it is in, or stands for: up to its last slash, which is included.
    pub fn folder(&self) -> &str {
        let end = self.0.rfind('/').map_or(0, |slash| slash.saturating_add(1));
        self.0.get(..end).unwrap_or_default()
    }

    /// Whether forgetting this one forgets `other`, too.
    pub fn covers(&self, other: &Self) -> bool {
        match self.0.strip_suffix('*') {
            Some(beginning) => other.0.starts_with(beginning),
            None => self == other,
        }
    }
}

fn check_segment(segment: &str) -> Result<(), NotAPath> {
    if ["", ".", ".."].contains(&segment) {
        return Err(NotAPath::Shape);
    }
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        let is_hex = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_hexdigit());
        let allowed = match byte {
            b'%' => is_hex(bytes.next()) && is_hex(bytes.next()),
            byte => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~'),
        };
        if !allowed {
            return Err(NotAPath::Character);
        }
    }
    Ok(())
}

impl FromStr for CdnPath {
    type Err = NotAPath;

    fn from_str(text: &str) -> Result<Self, NotAPath> {
        match text.strip_suffix('*') {
            Some(folder) => Self::everything_in(folder),
            None => Self::object(text),
        }
    }
}

impl TryFrom<String> for CdnPath {
    type Error = NotAPath;

    fn try_from(text: String) -> Result<Self, NotAPath> {
        text.parse()
    }
}

impl From<CdnPath> for String {
    fn from(path: CdnPath) -> Self {
        path.0
    }
}

impl fmt::Display for CdnPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_absolute_plain_and_not_too_long() {
        for good in ["/a", "/attachments/01J9Z.png", "/a/b-c_d~e/%EA%B0%80", "/a/.well-known"] {
            let path = CdnPath::object(good).unwrap();
            assert_eq!((path.as_str(), path.is_wildcard()), (good, false));
        }
        for (bad, why) in [
            ("", NotAPath::Shape),
            ("a", NotAPath::Shape),
            ("/", NotAPath::Shape),
            ("//a", NotAPath::Shape),
            ("/a/", NotAPath::Shape),
            ("/a/../b", NotAPath::Shape),
            ("/a/*", NotAPath::Character),
            ("/*", NotAPath::Character),
            ("/a?b=c", NotAPath::Character),
            ("/가", NotAPath::Character),
            ("/a b", NotAPath::Character),
            ("/a%2", NotAPath::Character),
            ("/a%zz", NotAPath::Character),
        ] {
            assert_eq!(CdnPath::object(bad), Err(why), "{bad}");
        }
        let longest = format!("/{}", "a".repeat(1_024));
        assert!(CdnPath::object(&longest).is_ok());
        assert_eq!(CdnPath::object(&format!("{longest}a")), Err(NotAPath::Length));
    }

    #[test]
    fn a_folder_is_named_on_purpose() {
        for (folder, pattern) in [("/", "/*"), ("/attachments/", "/attachments/*"), ("/a/b/", "/a/b/*")] {
            let path = CdnPath::everything_in(folder).unwrap();
            assert_eq!((path.as_str(), path.folder(), path.is_wildcard()), (pattern, folder, true));
            assert_eq!((path.to_string(), String::from(path.clone())), (pattern.to_owned(), pattern.to_owned()));
            assert_eq!(pattern.parse(), Ok(path));
        }
        for bad in ["", "/a", "a/", "//", "/a*/", "/a/*"] {
            assert!(CdnPath::everything_in(bad).is_err(), "{bad}");
        }
        for bad in ["*", "/a*", "/*/a", "/a/**"] {
            assert!(bad.parse::<CdnPath>().is_err(), "{bad}");
        }
        assert!(CdnPath::everything_in(&format!("/{}/", "a".repeat(1_022))).is_ok());
        assert_eq!(CdnPath::everything_in(&format!("/{}/", "a".repeat(1_023))), Err(NotAPath::Length));
    }

    #[test]
    fn a_pattern_covers_what_begins_like_it() {
        let path = |text: &str| text.parse::<CdnPath>().unwrap();
        for (one, other, covers) in [
            ("/a/b", "/a/b", true),
            ("/a/b", "/a/bc", false),
            ("/a/*", "/a/b", true),
            ("/a/*", "/a/b/c", true),
            ("/a/*", "/a/b/*", true),
            ("/a/b/*", "/a/*", false),
            ("/a/*", "/ab", false),
            ("/*", "/a", true),
        ] {
            assert_eq!(path(one).covers(&path(other)), covers, "{one} {other}");
        }
        assert_eq!((path("/a/b").folder(), path("/a").folder()), ("/a/", "/"));
    }
}
