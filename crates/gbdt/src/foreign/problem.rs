//! Errors of foreign files.

use std::borrow::Cow;

use tenure_core::Error;

/// Most characters of a file that an error quotes.
const QUOTED: usize = 60;

/// Something that the format does not allow; `found` is cut short where it is long.
pub(super) fn problem(
    format: &'static str,
    place: impl Into<String>,
    expected: impl Into<Cow<'static, str>>,
    found: impl AsRef<[u8]>,
) -> Error {
    Error::ForeignModel {
        format,
        place: one_line(&place.into()),
        expected: expected.into(),
        found: excerpt(found.as_ref()),
    }
}

/// The beginning of what was found, as text.
fn excerpt(found: &[u8]) -> String {
    if found.is_empty() {
        return "nothing".into();
    }
    // A character of UTF-8 has four bytes at most.
    let text = String::from_utf8_lossy(&found[..found.len().min(4 * QUOTED)]);
    let short: String = text.chars().take(QUOTED).collect();
    let more = if short.len() < found.len() { "…" } else { "" };
    one_line(&short) + more
}

/// Text without line breaks and other characters that control a terminal: what a file holds must not look like
/// lines of ours.
fn one_line(text: &str) -> String {
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    text.chars().map(|c| if breaks(c) { ' ' } else { c }).collect()
}

/// What these models may have and this program does not do.
pub(super) fn unsupported(format: &'static str, what: impl Into<String>) -> Error {
    Error::unsupported(format!("reading of {format} models"), one_line(&what.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_findings_are_cut_between_characters() {
        let error = problem("LightGBM", "line 3", "a number", "ü".repeat(1000)).to_string();
        assert_eq!(
            error,
            format!("LightGBM model, line 3: expected a number, found {}…", "ü".repeat(QUOTED))
        );
        assert!(problem("LightGBM", "", "", [0xff, 0xfe]).to_string().ends_with('\u{fffd}'));
        assert!(problem("LightGBM", "", "", "").to_string().ends_with("nothing"));
    }

    #[test]
    fn messages_are_one_line_whatever_a_file_holds() {
        let odd = "a\nb\r\tc\u{1b}[31m\u{85}\u{2028}d\0";
        let plain = "a b  c [31m  d ";
        let error = problem("XGBoost", odd, "a number", odd).to_string();
        assert_eq!(error, format!("XGBoost model, {plain}: expected a number, found {plain}"));
        assert!(unsupported("XGBoost", odd).to_string().ends_with(plain));
    }
}
