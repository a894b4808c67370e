//! Lines of comma-separated values, quoted as Go's `encoding/csv` does.

/// Returns one record with its line end.
pub(crate) fn record<S: AsRef<str>>(fields: impl IntoIterator<Item = S>) -> String {
    let fields: Vec<String> = fields.into_iter().map(|field| quote(field.as_ref())).collect();
    let mut line = fields.join(",");
    line.push('\n');
    line
}

fn quote(field: &str) -> String {
    let needs = field == "\\."
        || field.contains([',', '"', '\r', '\n'])
        || field.starts_with(|c: char| c == ' ' || c == '\t' || (c.is_whitespace() && !c.is_ascii()));
    if needs {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

/// Splits a text into records; a field in quotes may hold commas, quotes (doubled) and line ends.
/// The error names the line.
pub(crate) fn parse(text: &str) -> Result<Vec<Vec<String>>, String> {
    let mut records = Vec::new();
    let mut record: Vec<String> = Vec::new();
    let mut field = String::new();
    let mut line = 1usize;
    let mut quoted_at = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if quoted_at.is_some() {
            match c {
                '"' if chars.peek() == Some(&'"') => {
                    chars.next();
                    field.push('"');
                }
                '"' => quoted_at = None,
                '\n' => {
                    line += 1;
                    field.push(c);
                }
                _ => field.push(c),
            }
            continue;
        }
        match c {
            '"' if field.is_empty() => quoted_at = Some(line),
            '"' => return Err(format!("record on line {line}: bare \" in non-quoted field")),
            ',' => record.push(std::mem::take(&mut field)),
            '\r' if chars.peek() == Some(&'\n') => {}
            '\n' => {
                line += 1;
                if !record.is_empty() || !field.is_empty() {
                    record.push(std::mem::take(&mut field));
                    records.push(std::mem::take(&mut record));
                }
            }
            _ => field.push(c),
        }
    }
    if let Some(start) = quoted_at {
        return Err(format!("record on line {start}: a quoted field is not closed"));
    }
    if !record.is_empty() || !field.is_empty() {
        record.push(field);
        records.push(record);
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_only_where_needed() {
        assert_eq!(
            record(["a", "b,c", "d\"e", "", " f"]),
            "a,\"b,c\",\"d\"\"e\",,\" f\"\n"
        );
    }

    #[test]
    fn what_is_written_reads_back() {
        let fields = ["a", "b,c", "d\"e", "", " f", "two\nlines"];
        let text = record(fields) + &record(["x"]);
        let parsed = parse(&text).unwrap();
        assert_eq!(parsed, [fields.map(str::to_owned).to_vec(), vec!["x".to_owned()]]);
    }

    #[test]
    fn an_open_quote_names_its_line() {
        assert_eq!(
            parse("a\n\"b\nc").unwrap_err(),
            "record on line 2: a quoted field is not closed"
        );
    }
}
