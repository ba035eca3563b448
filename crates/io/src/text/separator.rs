//! Which character separates the fields.

use std::path::Path;

use crate::{Error, Result};

/// What stands between two fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Separator {
    /// One byte; fields may be quoted.
    Byte(u8),
    /// One or more blanks or tabs; no quoting.
    Blanks,
}

impl Separator {
    /// In words.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Byte(b',') => "comma",
            Self::Byte(b';') => "semicolon",
            Self::Byte(b'\t') => "tab",
            Self::Byte(b'|') => "vertical bar",
            Self::Byte(_) => "as given",
            Self::Blanks => "blanks",
        }
    }

    /// What a user wrote: one of `,` `;` `|` `tab` `blanks`, or another single ASCII character.
    pub(crate) fn parse(text: &str, path: &Path) -> Result<Self> {
        match text {
            "tab" | "\\t" => Ok(Self::Byte(b'\t')),
            "blanks" | " " | "whitespace" => Ok(Self::Blanks),
            _ if text.len() == 1 && !text.starts_with(['"', '\n', '\r']) => {
                Ok(Self::Byte(text.as_bytes()[0]))
            }
            _ => Err(Error::format(
                path,
                format!("separator `{text}`; expected one character, `tab` or `blanks`"),
            )),
        }
    }
}

/// The separator that splits the first lines into the same number of fields, at least two.
///
/// A candidate scores by the share of lines that have the most common count; more fields break a tie. With
/// none, the file has one column, and the comma stands for it.
pub(crate) fn sniff(head: &[u8]) -> Separator {
    let lines: Vec<&[u8]> = head
        .split(|&b| b == b'\n')
        .map(|l| l.strip_suffix(b"\r").unwrap_or(l))
        .filter(|l| !l.is_empty())
        .collect();
    // The last line of the head may be cut.
    let lines =
        &lines[..lines.len().min(51).saturating_sub(usize::from(lines.len() > 1 && !head.ends_with(b"\n")))];
    let mut best = (Separator::Byte(b','), 0.0, 0);
    let candidates = [b',', b';', b'\t', b'|'].map(Separator::Byte);
    for separator in candidates.into_iter().chain([Separator::Blanks]) {
        let counts: Vec<usize> = lines.iter().map(|line| count(line, separator)).collect();
        let Some(&first) = counts.first() else { break };
        let same = counts.iter().filter(|&&c| c == first).count() as f64 / counts.len() as f64;
        // Names and texts hold blanks, so blanks must fit every line and everything else fail.
        let good =
            first > 1 && if separator == Separator::Blanks { same == 1.0 && best.2 < 2 } else { same > 0.5 };
        if good && (same > best.1 + 0.05 || (same > best.1 - 0.05 && first > best.2)) {
            best = (separator, same, first);
        }
    }
    best.0
}

/// Fields of a line; what is between quotes does not separate.
fn count(line: &[u8], separator: Separator) -> usize {
    match separator {
        Separator::Blanks => {
            line.split(|b| matches!(b, b' ' | b'\t')).filter(|field| !field.is_empty()).count()
        }
        Separator::Byte(separator) => {
            let mut quoted = false;
            let mut fields = 1;
            for &byte in line {
                quoted ^= byte == b'"';
                fields += usize::from(byte == separator && !quoted);
            }
            fields
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_separator_is_found() {
        let check = |head: &str, expected| assert_eq!(sniff(head.as_bytes()), expected, "{head}");
        check("a,b c,d\n1,2 3,4\n", Separator::Byte(b','));
        check("a;b;c\n1,5;2,5;3,5\n2,5;3;4\n", Separator::Byte(b';'));
        check("a\tb\n1\t2\n", Separator::Byte(b'\t'));
        check("a|b\n1|2\n", Separator::Byte(b'|'));
        check(" a  b\r\n 00001 19970101\r\n", Separator::Blanks);
        check("a\n1\n", Separator::Byte(b','));
        check("", Separator::Byte(b','));
        check("\"x, y\";b\n\"u, v\";2\n", Separator::Byte(b';'));
    }
}
