use comfy_table::{ContentArrangement, Table, presets};

/// Columns for people: wide enough for what is in them, without lines, so that they can be copied and cut.
pub(crate) fn table(headers: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(headers.iter().map(|header| header.to_uppercase())).add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    // What pads the last column is nothing that anybody wants to copy.
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn columns_stand_below_each_other_and_lines_end_with_their_text() {
        let rows = vec![vec!["a".to_owned(), "running".to_owned()], vec!["longer".to_owned(), String::new()]];
        assert_eq!(table(&["id", "state"], rows), "ID      STATE\na       running\nlonger");
    }
}
