//! JSON as XGBoost writes it: with `NaN` and `Infinity`, which JSON does not have.

use std::borrow::Cow;

/// The same document with `null` in their place.
pub(super) fn standard(text: &[u8]) -> Cow<'_, [u8]> {
    let mut out = Vec::new();
    // Up to where the text has been copied.
    let mut copied = 0;
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let rest = &text[at..];
        let words: [&[u8]; 3] = [b"NaN", b"Infinity", b"-Infinity"];
        at += match byte {
            b'"' => string_length(rest),
            b'N' | b'I' | b'-' => match words.iter().find(|word| rest.starts_with(word)) {
                Some(word) => {
                    out.extend_from_slice(&text[copied..at]);
                    out.extend_from_slice(b"null");
                    copied = at + word.len();
                    word.len()
                }
                None => 1,
            },
            _ => 1,
        };
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.extend_from_slice(&text[copied..]);
    Cow::Owned(out)
}

/// Bytes of the string that the text begins with, quotes included; all of it where the string does not end.
fn string_length(text: &[u8]) -> usize {
    let mut at = 1;
    while let Some(&byte) = text.get(at) {
        at += match byte {
            b'"' => return at + 1,
            b'\\' => 2,
            _ => 1,
        };
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(standard(text.as_bytes()), expected.as_bytes());
    }

    #[test]
    fn only_what_stands_outside_of_strings_is_replaced() {
        check(r#"[NaN,-1,"NaN",-Infinity,Infinity]"#, r#"[null,-1,"NaN",null,null]"#);
        check(r#"{"a\"NaN":NaN,"b\\":NaN}"#, r#"{"a\"NaN":null,"b\\":null}"#);
        check("[1]", "[1]");
        check("\"NaN", "\"NaN");
        check("NaN\"\\", "null\"\\");
    }
}
