use super::formula::neutral;

/// Writes a record, with quotes where they are needed and so that no cell is a formula.
pub(crate) fn write_record<'a>(out: &mut Vec<u8>, cells: impl IntoIterator<Item = &'a str>) {
    let mut separator: &[u8] = b"";
    for cell in cells {
        out.extend_from_slice(separator);
        separator = b",";
        let cell = neutral(cell);
        if cell.contains([',', '"', '\r', '\n']) {
            out.push(b'"');
            out.extend_from_slice(cell.replace('"', "\"\"").as_bytes());
            out.push(b'"');
        } else {
            out.extend_from_slice(cell.as_bytes());
        }
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use muster_application::imports::ImportRow;

    use super::*;
    use crate::formats::RowReader;
    use crate::formats::csv::CsvReader;

    #[test]
    fn what_is_written_is_read_back() {
        let rows = [
            ["a@x.com", "ann", "Ann"],
            ["", "b,c", "say \"hi\", \"\""],
            ["=cmd()", "-bob", "'+x"],
            ["two\nlines", "cr\rlf\r\n", " blanks "],
            ["\"", ",", "'"],
        ];
        let mut file = Vec::new();
        write_record(&mut file, ["email", "username", "full_name"]);
        for row in rows {
            write_record(&mut file, row);
        }
        let mut read = Vec::new();
        let mut reader = CsvReader::new(crate::formats::Fields::IMPORT);
        let mut take = |row: ImportRow<'_>| {
            let text = |cell: Option<Cow<'_, str>>| cell.map(String::from).unwrap_or_default();
            read.push([text(row.email), text(row.username), text(row.full_name)]);
        };
        reader.push(&file, &mut take).unwrap();
        reader.finish(&mut take).unwrap();
        assert_eq!(read, rows);
    }
}
