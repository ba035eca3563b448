//! Text: encodings, separators, records, numbers and dates.

pub(crate) mod calendar;
pub(crate) mod date;
pub(crate) mod encoding;
pub(crate) mod number;
pub(crate) mod record;
pub(crate) mod separator;

/// Without white space (and no-break spaces) at both ends.
pub(crate) fn trim(mut text: &[u8]) -> &[u8] {
    loop {
        let next = text.trim_ascii();
        let next = next.strip_prefix(b"\xc2\xa0").unwrap_or(next);
        let next = next.strip_suffix(b"\xc2\xa0").unwrap_or(next);
        if next.len() == text.len() {
            return next;
        }
        text = next;
    }
}

/// Whether a field says that there is no value: blank, or one of NA, N/A, NaN, null, none in any case.
pub(crate) fn is_missing(text: &[u8]) -> bool {
    match text.len() {
        0 => true,
        2 => text.eq_ignore_ascii_case(b"na"),
        3 => text.eq_ignore_ascii_case(b"nan") || text.eq_ignore_ascii_case(b"n/a"),
        4 => text.eq_ignore_ascii_case(b"null") || text.eq_ignore_ascii_case(b"none"),
        _ => false,
    }
}
