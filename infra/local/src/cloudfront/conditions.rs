//! Which part of a copy is asked for, and whether it is at all.
//!
//! <https://www.rfc-editor.org/rfc/rfc9110.html#section-13>, <https://www.rfc-editor.org/rfc/rfc9110.html#section-14>

use std::ops::Range;

use axum::http::{HeaderMap, header};

/// What a request asks for of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it.
    Whole,
    /// These bytes.
    Bytes(Range<usize>),
    /// Bytes that are not there.
    Beyond,
    /// Nothing: who asks has it already.
    Unchanged,
}

/// What `asked` wants of a body of `length` bytes that `of` is said of.
pub(super) fn part(asked: &HeaderMap, of: &HeaderMap, length: usize) -> Part {
    if is_unchanged(asked, of) {
        return Part::Unchanged;
    }
    let range = text(asked, &header::RANGE).and_then(|range| bytes(range, length));
    match range {
        Some(range) if may_be_partial(asked, of) => range,
        _ => Part::Whole,
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn is_unchanged(asked: &HeaderMap, of: &HeaderMap) -> bool {
    let weak = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    if let Some(known) = text(asked, &header::IF_NONE_MATCH) {
        let tag = text(of, &header::ETAG).map(weak);
        return known.split(',').any(|one| one.trim() == "*" || Some(weak(one)) == tag);
    }
    // The same date is meant, in the one form that servers write.
    let since = text(asked, &header::IF_MODIFIED_SINCE);
    since.is_some() && since == text(of, &header::LAST_MODIFIED)
}

/// A range is of the body that who asks has a part of, or of none.
fn may_be_partial(asked: &HeaderMap, of: &HeaderMap) -> bool {
    match text(asked, &header::IF_RANGE) {
        None => true,
        Some(weak) if weak.starts_with("W/") => false,
        Some(tag) if tag.starts_with('"') => Some(tag) == text(of, &header::ETAG),
        Some(date) => Some(date) == text(of, &header::LAST_MODIFIED),
    }
}

/// One range of bytes. What is none, or more than one, is as if nothing had been said.
fn bytes(range: &str, length: usize) -> Option<Part> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let number =
        |text: &str| if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse::<usize>().ok() } else { None };
    let range = match (first, last) {
        ("", last) => {
            let count = number(last).filter(|_| !last.is_empty())?;
            if count == 0 { length..length } else { length.saturating_sub(count)..length }
        }
        (first, "") => number(first)?..length,
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return None;
            }
            first..last.saturating_add(1).min(length)
        }
    };
    Some(if range.start < range.end { Part::Bytes(range) } else { Part::Beyond })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: &str = "Tue, 24 Nov 2026 00:00:00 GMT";

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn asked(lines: &[(&'static str, &str)]) -> Part {
        part(&headers(lines), &headers(&[("etag", "\"a\""), ("last-modified", DATE)]), 10)
    }

    #[test]
    fn ranges_are_read_as_the_standard_says() {
        for (range, part) in [
            ("bytes=0-3", Part::Bytes(0..4)),
            ("bytes=4-", Part::Bytes(4..10)),
            ("bytes=-3", Part::Bytes(7..10)),
            ("bytes=-99", Part::Bytes(0..10)),
            ("bytes=5-99", Part::Bytes(5..10)),
            ("bytes=9-9", Part::Bytes(9..10)),
            ("bytes=10-", Part::Beyond),
            ("bytes=10-20", Part::Beyond),
            ("bytes=-0", Part::Beyond),
            ("bytes=3-1", Part::Whole),
            ("bytes=0-1,3-4", Part::Whole),
            ("bytes=+1-2", Part::Whole),
            ("bytes=-", Part::Whole),
            ("items=0-1", Part::Whole),
            ("bytes", Part::Whole),
        ] {
            assert_eq!(asked(&[("range", range)]), part, "{range}");
        }
    }

    #[test]
    fn a_range_is_of_what_who_asks_has_begun_to_read() {
        for (known, part) in [
            ("\"a\"", Part::Bytes(0..2)),
            (DATE, Part::Bytes(0..2)),
            ("\"b\"", Part::Whole),
            ("W/\"a\"", Part::Whole),
            ("Tue, 24 Nov 2026 00:00:01 GMT", Part::Whole),
        ] {
            assert_eq!(asked(&[("range", "bytes=0-1"), ("if-range", known)]), part, "{known}");
        }
    }

    #[test]
    fn who_has_it_is_not_sent_it() {
        for known in ["\"a\"", "\"b\", \"a\"", "W/\"a\"", "*"] {
            assert_eq!(asked(&[("if-none-match", known), ("range", "bytes=0-1")]), Part::Unchanged, "{known}");
        }
        assert_eq!(asked(&[("if-none-match", "\"b\""), ("if-modified-since", DATE)]), Part::Whole);
        assert_eq!(asked(&[("if-modified-since", DATE)]), Part::Unchanged);
        assert_eq!(asked(&[("if-modified-since", "Tue, 24 Nov 2026 00:00:01 GMT")]), Part::Whole);
    }
}
