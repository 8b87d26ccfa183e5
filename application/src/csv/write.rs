use super::formula::neutral;

/// Writes a record, with quotes where they are needed and so that no cell is a formula.
pub fn write_record<'a>(out: &mut Vec<u8>, cells: impl IntoIterator<Item = &'a str>) {
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
