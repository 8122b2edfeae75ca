//! Whether the lines below an open quote are rows of other people.

/// What names the recipient of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    /// A LINE ID.
    To,
    /// A token, of which only its shape is known.
    Token,
}

/// A word of a text is seldom so long, and a token of LINE Notify has 43 characters.
const MIN_TOKEN_BYTES: usize = 20;

/// Whether a line of the quoted `field` looks like a row: something that looks like a recipient
/// stands between the line's ends, separators and quotes.
///
/// A quote that is opened by mistake can be closed by another quote many lines below, and nothing
/// else tells. A text with a recipient in a line of its own is refused too: that is rare, and the
/// other mistake sends one person's row to another person. A field that is nothing but a recipient
/// and white space is a field.
pub(super) fn names_somebody(field: &[u8], separator: u8, column: Column) -> bool {
    let is_boundary =
        |byte: &u8| *byte == separator || matches!(byte, b'\n' | b'\r' | b'"' | b'\'');
    let is_recipient = |value| match column {
        Column::To => is_like_line_id(value),
        Column::Token => is_like_line_id(value) || is_like_token(value),
    };
    let is_one_recipient = !field.contains(&separator) && is_recipient(without_marks(field));
    !is_one_recipient
        && field
            .split(is_boundary)
            .map(without_marks)
            .any(is_recipient)
}

/// Without white space and without bytes that are no ASCII, such as those of invisible marks.
fn without_marks(mut value: &[u8]) -> &[u8] {
    while let Some((first, rest)) = value.split_first()
        && !first.is_ascii_graphic()
    {
        value = rest;
    }
    while let Some((last, rest)) = value.split_last()
        && !last.is_ascii_graphic()
    {
        value = rest;
    }
    value
}

/// Whether this is a LINE ID, perhaps in capitals. A row with such an ID can't be sent, and it has
/// to be counted all the same.
fn is_like_line_id(value: &[u8]) -> bool {
    let Some((kind, digits)) = value.split_first() else {
        return false;
    };
    matches!(kind.to_ascii_uppercase(), b'U' | b'C' | b'R')
        && digits.len() == 32
        && digits.iter().all(u8::is_ascii_hexdigit)
}

fn is_like_token(value: &[u8]) -> bool {
    let in_token = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    value.len() >= MIN_TOKEN_BYTES && value.iter().all(in_token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_with_a_recipient_between_separators_is_a_row() {
        const ID: &str = "U4af4980629f0c1d2e3f4a5b6c7d8e9fa";
        for (below, is_row) in [
            (format!("{ID},Bo"), true),
            (format!("Bo,{ID},ok"), true),
            (ID.to_owned(), true),
            (format!("  \u{200b}{ID}\u{3000},Bo"), true),
            (format!("Bo,\"{ID}\""), true),
            (format!("{},Bo", ID.to_uppercase()), true),
            ("second line, with a comma".to_owned(), false),
            (format!("https://example.com/?id={ID}, or call"), false),
            (format!("{ID}0,Bo"), false),
            (
                "MadeUpTokenMadeUpTokenMadeUpTokenMadeUpToke,x".to_owned(),
                false,
            ),
        ] {
            let field = format!("first line\n{below}");
            let found = names_somebody(field.as_bytes(), b',', Column::To);
            assert_eq!(found, is_row, "{below}");
        }
        assert!(names_somebody(
            format!("\t{ID}\n").as_bytes(),
            b'\t',
            Column::To
        ));
        for (field, is_row) in [
            (format!(",{ID}\n"), true),
            (format!("{ID}\nBo"), true),
            (format!("\n {ID}\n"), false),
        ] {
            let found = names_somebody(field.as_bytes(), b',', Column::To);
            assert_eq!(found, is_row, "{field}");
        }
    }

    #[test]
    fn a_token_is_known_by_its_shape_in_a_list_of_tokens() {
        for (below, is_row) in [
            ("MadeUpTokenMadeUpTokenMadeUpTokenMadeUpToke", true),
            ("Main Street 5, Taipei", false),
            ("internationalization, again", true),
            ("https://example.com/a/long/address/of/a/page", false),
        ] {
            let field = format!("first line\r\n{below}");
            let found = names_somebody(field.as_bytes(), b',', Column::Token);
            assert_eq!(found, is_row, "{below}");
        }
    }
}
