use comfy_table::Table;
use comfy_table::presets::NOTHING;

/// Columns for people, two spaces apart, under their headers.
pub(crate) fn table(headers: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(headers).add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn columns_are_as_wide_as_what_is_in_them_and_lines_end_with_text() {
        let row = |one: &str, other: &str| vec![one.to_owned(), other.to_owned()];
        let text = table(&["QUEUE", "N"], vec![row("muster-mail", "1"), row("x", "12")]);
        assert_eq!(text, "QUEUE        N\nmuster-mail  1\nx            12");
    }
}
