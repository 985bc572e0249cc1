//! `Content-Disposition`: a file is saved under the name that its owner gave it, whatever the language.
//!
//! Sources: <https://www.rfc-editor.org/rfc/rfc6266> (appendix D on what clients make of both names),
//! <https://www.rfc-editor.org/rfc/rfc8187> (the extended value).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What RFC 8187 lets stand as it is: `attr-char`.
const ATTR_CHAR: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// The value that has a browser save a file as `name` and never show it as a page. Old clients read
/// the first name, with everything but plain ASCII as `_`; all others the second.
pub fn attachment(name: &str) -> String {
    // `%` too: some clients decode a plain name that looks encoded.
    let is_plain = |character: &char| {
        character.is_ascii_graphic() && !matches!(character, '"' | '\\' | '%' | '/') || *character == ' '
    };
    let plain: String = name.chars().map(|one| if is_plain(&one) { one } else { '_' }).collect();
    if plain == name {
        return format!("attachment; filename=\"{plain}\"");
    }
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{}", utf8_percent_encode(name, ATTR_CHAR))
}

#[cfg(test)]
mod tests {
    use percent_encoding::percent_decode_str;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_survive() {
        for (name, value) in [
            ("a.png", r#"attachment; filename="a.png""#),
            ("a b.png", r#"attachment; filename="a b.png""#),
            ("사진.png", r#"attachment; filename="__.png"; filename*=UTF-8''%EC%82%AC%EC%A7%84.png"#),
            (r#"a".png"#, r#"attachment; filename="a_.png"; filename*=UTF-8''a%22.png"#),
            ("50%.png", r#"attachment; filename="50_.png"; filename*=UTF-8''50%25.png"#),
            ("a;b'(c)*.png", r#"attachment; filename="a;b'(c)*.png""#),
            ("é'*.png", r#"attachment; filename="_'*.png"; filename*=UTF-8''%C3%A9%27%2A.png"#),
            (
                "a\r\nX-Evil: 1.png",
                "attachment; filename=\"a__X-Evil: 1.png\"; filename*=UTF-8''a%0D%0AX-Evil%3A%201.png",
            ),
        ] {
            assert_eq!(attachment(name), value, "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_name_is_one_header_value_and_can_be_read_again(name in "\\PC{1,60}") {
            let value = attachment(&name);
            prop_assert!(value.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{}", value);
            let read = match value.split_once("filename*=UTF-8''") {
                Some((_, encoded)) => percent_decode_str(encoded).decode_utf8().unwrap().into_owned(),
                None => value.split('"').nth(1).unwrap().to_owned(),
            };
            prop_assert_eq!(read, name);
        }
    }
}
