//! Tables for spreadsheets: RFC 4180, in UTF-8 that they recognise, with nothing in them that is computed.

/// One field.
#[derive(Clone, Copy, Debug)]
pub enum Cell<'a> {
    /// Words: never a formula, whatever they begin with.
    Text(&'a str),
    /// A number, as it stands.
    Number(i64),
}

/// The table of these rows.
pub fn table<'a>(rows: impl IntoIterator<Item = Vec<Cell<'a>>>) -> String {
    // Without this mark, Excel takes UTF-8 for the system's old encoding.
    let mut text = "\u{feff}".to_owned();
    for row in rows {
        let fields: Vec<String> = row.into_iter().map(field).collect();
        text.push_str(&fields.join(","));
        text.push_str("\r\n");
    }
    text
}

fn field(cell: Cell) -> String {
    let text = match cell {
        Cell::Number(number) => return number.to_string(),
        // What begins so is run as a formula where it is opened: https://owasp.org/www-community/attacks/CSV_Injection
        Cell::Text(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']) => {
            format!("'{text}")
        }
        Cell::Text(text) => text.to_owned(),
    };
    if text.contains([',', '"', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        let rows = [
            vec![Cell::Text("월"), Cell::Text("금액")],
            vec![Cell::Text("a,b"), Cell::Number(-1_000)],
            vec![Cell::Text("say \"hi\""), Cell::Text("two\r\nlines")],
        ];
        assert_eq!(table(rows), "\u{feff}월,금액\r\n\"a,b\",-1000\r\n\"say \"\"hi\"\"\",\"two\r\nlines\"\r\n");
    }

    #[test]
    fn no_text_is_a_formula() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"] {
            let field = field(Cell::Text(text));
            assert!(field.trim_start_matches('"').starts_with('\''), "{text:?}: {field}");
        }
        assert_eq!(field(Cell::Text("=HYPERLINK(\"http://x\",\"y\")")), "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\"");
    }
}
