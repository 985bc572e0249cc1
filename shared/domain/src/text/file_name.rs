//! Names of files.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Line, text_of};
use crate::validation::Invalid;

/// What a person's file is called: one line without folders, for showing and never for finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct FileName(Line<1, 255>);

impl FileName {
    /// The name.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// What follows the last dot, in lower case; nothing if there is none.
    pub fn extension(&self) -> String {
        self.as_str().rsplit_once('.').map_or_else(String::new, |(_, extension)| extension.to_lowercase())
    }
}

impl FromStr for FileName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let line: Line<1, 255> = text.parse()?;
        // The second kind turns the letters behind it around: `gnp.exe` would look like `exe.png`.
        let misleads = |character| matches!(character, '/' | '\\' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if line.as_str().chars().any(misleads) {
            return Err(Invalid::new(
                "NOT_A_FILE_NAME",
                "폴더나 글자 방향을 바꾸는 문자를 쓸 수 없습니다.",
                "must be a file name without folders or characters that change the direction of text",
            ));
        }
        Ok(Self(line))
    }
}

impl From<FileName> for String {
    fn from(name: FileName) -> Self {
        name.0.into()
    }
}

impl TryFrom<String> for FileName {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

sent!(FileName, text_of(1, 255));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_no_folders_and_reads_as_it_is() {
        for text in ["../a.png", "a/b.png", "C:\\a.png", "\u{202e}gnp.exe", "a\u{2066}.png", "a\u{0}.png", "", " "] {
            assert!(text.parse::<FileName>().is_err(), "{text:?}");
        }
        for (text, extension) in [("사진 1.PNG", "png"), ("a.php.png", "png"), ("a.", ""), ("png", ""), (".png", "png")]
        {
            assert_eq!(text.parse::<FileName>().unwrap().extension(), extension, "{text}");
        }
    }
}
