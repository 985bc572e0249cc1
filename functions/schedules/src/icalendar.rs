//! iCalendar (RFC 5545), as much of it as a feed of todos needs.

use domain::{text::Title, time::Time};
use storage::items::Todo;

/// How much of a todo's content is shown, in characters.
const MOST_CONTENT: usize = 1_000;
/// The longest line in octets, without its end (RFC 5545, 3.1).
const LONGEST_LINE: usize = 75;

/// Todos as events of a calendar that programs subscribe to and read again each hour.
pub fn document(title: &Title, todos: &[Todo]) -> String {
    let name = escaped(title.as_str());
    let mut lines = Lines::default();
    lines.add("BEGIN", "VCALENDAR");
    lines.add("VERSION", "2.0");
    lines.add("PRODID", "-//DevLoop//Schedules//KO");
    lines.add("CALSCALE", "GREGORIAN");
    lines.add("METHOD", "PUBLISH");
    // Of RFC 7986, and what Apple and Google know it by.
    lines.add("NAME", &name);
    lines.add("X-WR-CALNAME", &name);
    lines.add("REFRESH-INTERVAL;VALUE=DURATION", "PT1H");
    lines.add("X-PUBLISHED-TTL", "PT1H");
    for todo in todos {
        lines.event(todo);
    }
    lines.add("END", "VCALENDAR");
    lines.0
}

#[derive(Debug, Default)]
struct Lines(String);

impl Lines {
    fn event(&mut self, todo: &Todo) {
        let (start, end) = (utc(todo.start), utc(todo.end));
        let content = todo.content.as_ref().map_or("", |content| content.as_str());
        self.add("BEGIN", "VEVENT");
        self.add("UID", &format!("{}@devloop.kr", todo.id));
        // Of a calendar that is published, this is when the event was changed (RFC 5545, 3.8.7.2).
        self.add("DTSTAMP", &utc(todo.updated_at));
        self.add("CREATED", &utc(todo.created_at));
        self.add("LAST-MODIFIED", &utc(todo.updated_at));
        self.add("SEQUENCE", &todo.version.to_string());
        self.add("DTSTART", &start);
        // An end must be later; without one, an event takes no time.
        if start < end {
            self.add("DTEND", &end);
        }
        self.add("SUMMARY", &escaped(todo.title.as_str()));
        if !content.is_empty() {
            self.add("DESCRIPTION", &escaped(&shortened(content)));
        }
        self.add("END", "VEVENT");
    }

    /// Adds a line, folded: a line break and a blank wherever it would become too long, and never
    /// within a character.
    fn add(&mut self, name: &str, value: &str) {
        let mut width: usize = 0;
        for character in name.chars().chain([':']).chain(value.chars()) {
            if width.saturating_add(character.len_utf8()) > LONGEST_LINE {
                self.0.push_str("\r\n ");
                width = 1;
            }
            self.0.push(character);
            width = width.saturating_add(character.len_utf8());
        }
        self.0.push_str("\r\n");
    }
}

/// Such as `20261207T100000Z`.
fn utc(time: Time) -> String {
    let text = time.to_string();
    let seconds = text.split('.').next().unwrap_or_default();
    seconds.chars().filter(|character| !matches!(character, '-' | ':')).chain(['Z']).collect()
}

fn shortened(content: &str) -> String {
    match content.char_indices().nth(MOST_CONTENT) {
        Some((end, _)) => content.get(..end).unwrap_or_default().chars().chain(['…']).collect(),
        None => content.to_owned(),
    }
}

/// A text as the value of a property (RFC 5545, 3.3.11). It cannot hold other control characters.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.replace("\r\n", "\n").chars() {
        match character {
            '\\' | ';' | ',' => escaped.extend(['\\', character]),
            '\n' | '\r' => escaped.push_str("\\n"),
            '\t' => escaped.push('\t'),
            character if character.is_control() => {}
            character => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_are_whole_seconds_in_utc() {
        assert_eq!(utc("2026-12-07T19:00:00.999+09:00".parse().unwrap()), "20261207T100000Z");
        assert_eq!(utc("0001-01-01T00:00:00Z".parse().unwrap()), "00010101T000000Z");
    }

    #[test]
    fn texts_are_escaped() {
        assert_eq!(escaped("a,b;c\\d\r\ne\nf\rg\u{7}\th"), "a\\,b\\;c\\\\d\\ne\\nf\\ng\th");
    }

    proptest! {
        #[test]
        fn folded_lines_are_short_enough_and_unfold_to_what_they_were(text in "\\PC{0,300}") {
            let mut lines = Lines::default();
            lines.add("SUMMARY", &text);
            for line in lines.0.split("\r\n") {
                prop_assert!(line.len() <= LONGEST_LINE, "{line}");
            }
            prop_assert_eq!(lines.0.replace("\r\n ", ""), format!("SUMMARY:{text}\r\n"));
        }
    }
}
