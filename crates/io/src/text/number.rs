//! Numbers and amounts of money in text.

use serde::{Deserialize, Serialize};

use super::trim;

/// Which character starts the fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DecimalMark {
    /// `1,234.50`
    #[default]
    Point,
    /// `1.234,50`
    Comma,
}

impl DecimalMark {
    /// What a number looks like, for messages.
    pub(crate) fn expected(self) -> &'static str {
        match self {
            Self::Point => "a number such as 1234.50 or 1,234.50",
            Self::Comma => "a number such as 1234,50 or 1.234,50",
        }
    }

    /// In words, for reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Point => "decimal point",
            Self::Comma => "decimal comma",
        }
    }

    /// The mark that the sample shows.
    ///
    /// With both marks in a value the last one is the decimal mark; a comma that is not followed by exactly
    /// three digits is one. `1,234` alone tells nothing: then it is the comma where fields are separated by
    /// semicolons, because such files come from where the comma is the decimal mark.
    pub(crate) fn sniff<'a>(sample: impl Iterator<Item = &'a [u8]>, semicolons: bool) -> Self {
        let (mut point, mut comma, mut unclear) = (0, 0, 0);
        for text in sample {
            let last = text.iter().rposition(|b| matches!(b, b',' | b'.'));
            let Some(last) = last else { continue };
            let mark = text[last];
            let other = if mark == b',' { b'.' } else { b',' };
            let digits = text[last + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
            let marks = text.iter().filter(|&&b| b == mark).count();
            match mark {
                _ if marks > 1 => *(if mark == b',' { &mut point } else { &mut comma }) += 1,
                b',' if text.contains(&other) || digits != 3 => comma += 1,
                b'.' if text.contains(&other) || digits != 3 => point += 1,
                b',' => unclear += 1,
                _ => {}
            }
        }
        if comma > point || (unclear > 0 && point == 0 && semicolons) { Self::Comma } else { Self::Point }
    }
}

/// A currency, by its ISO code.
pub(crate) type Currency = &'static str;

const SIGNS: [(&str, Currency); 16] = [
    ("R$", "BRL"),
    ("US$", "USD"),
    ("$", "USD"),
    ("€", "EUR"),
    ("£", "GBP"),
    ("¥", "JPY"),
    ("₹", "INR"),
    ("zł", "PLN"),
    ("USD", "USD"),
    ("EUR", "EUR"),
    ("GBP", "GBP"),
    ("JPY", "JPY"),
    ("CHF", "CHF"),
    ("CAD", "CAD"),
    ("AUD", "AUD"),
    ("kr", "kr"),
];

/// The number in a text without blanks around it, and its currency where one is written.
///
/// Read are `12.5`, `-3`, `+4`, `1e3`, `1,234.50`, `1 234.50`, `$5`, `5 €`, `EUR 5`, `(5.00)` and `5.00-` (both
/// negative), `NaN` and `inf`. `None` for anything else.
pub(crate) fn parse(text: &[u8], mark: DecimalMark) -> Option<(f64, Option<Currency>)> {
    if !(mark == DecimalMark::Comma && text.contains(&b'.'))
        && let Ok(value) = fast_float2::parse::<f64, _>(text)
    {
        return Some((value, None));
    }
    parse_money(text, mark)
}

fn parse_money(text: &[u8], mark: DecimalMark) -> Option<(f64, Option<Currency>)> {
    let mut rest = std::str::from_utf8(text).ok().or((text == b"\x80").then_some("€"))?;
    let (mut negative, mut currency) = (false, None);
    if let Some(inner) = rest.strip_prefix('(').and_then(|r| r.strip_suffix(')')) {
        (rest, negative) = (inner, true);
    }
    // Signs and currencies stand in any order around the digits.
    loop {
        rest = std::str::from_utf8(trim(rest.as_bytes())).ok()?;
        if let Some(after) = rest.strip_prefix(['-', '−']).or_else(|| rest.strip_suffix('-')) {
            if std::mem::replace(&mut negative, true) {
                return None;
            }
            rest = after;
            continue;
        }
        let stripped = SIGNS.iter().find_map(|(sign, code)| {
            Some((rest.strip_prefix(sign).or_else(|| rest.strip_suffix(sign))?, *code))
        });
        let Some((after, code)) = stripped else { break };
        if currency.replace(code).is_some() {
            return None;
        }
        rest = after;
    }
    let rest = rest.strip_prefix('+').unwrap_or(rest);
    let value = ungroup(rest, mark)?;
    Some((if negative { -value } else { value }, currency))
}

/// Reads digits in groups of three.
fn ungroup(text: &str, mark: DecimalMark) -> Option<f64> {
    let (decimal, group) = match mark {
        DecimalMark::Point => ('.', ','),
        DecimalMark::Comma => (',', '.'),
    };
    let (whole, fraction) = text.split_once(decimal).map_or((text, None), |(w, f)| (w, Some(f)));
    let mut digits = String::with_capacity(text.len());
    let is_group = |c: char| c == group || matches!(c, ' ' | '\'' | '’' | '\u{a0}' | '\u{202f}');
    for (i, part) in whole.split(is_group).enumerate() {
        let fits =
            if i == 0 { !whole.contains(is_group) || (1..=3).contains(&part.len()) } else { part.len() == 3 };
        if !fits || !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        digits.push_str(part);
    }
    if let Some(fraction) = fraction {
        // An exponent may follow the fraction (`1,5e3`).
        if !fraction.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'e' | b'E' | b'-' | b'+')) {
            return None;
        }
        digits.push('.');
        digits.push_str(fraction);
    }
    fast_float2::parse(digits).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use DecimalMark::{Comma, Point};

    #[test]
    fn amounts_as_people_write_them() {
        let check = |text: &str, mark, expected: Option<(f64, Option<Currency>)>| {
            assert_eq!(parse(text.as_bytes(), mark), expected, "{text}");
        };
        check("12.5", Point, Some((12.5, None)));
        check("$1,234.50", Point, Some((1234.5, Some("USD"))));
        check("1.234,50 €", Comma, Some((1234.5, Some("EUR"))));
        check("-£5", Point, Some((-5.0, Some("GBP"))));
        check("£-5", Point, Some((-5.0, Some("GBP"))));
        check("(5.00)", Point, Some((-5.0, None)));
        check("5.00-", Point, Some((-5.0, None)));
        check("EUR 7", Point, Some((7.0, Some("EUR"))));
        check("1 234 567,8", Comma, Some((1_234_567.8, None)));
        check("1.234", Comma, Some((1234.0, None)));
        check("1,5", Point, None);
        check("1,2345", Point, None);
        check("12 34", Point, None);
        check("", Point, None);
        check("abc", Point, None);
        check("--5", Point, None);
        check("$", Point, None);
        assert_eq!(parse(b"inf", Point).unwrap().0, f64::INFINITY);
    }

    #[test]
    fn the_sample_tells_the_mark() {
        let check = |sample: &[&str], semicolons, expected| {
            assert_eq!(
                DecimalMark::sniff(sample.iter().map(|s| s.as_bytes()), semicolons),
                expected,
                "{sample:?}"
            );
        };
        check(&["1,5"], false, Comma);
        check(&["1,234"], false, Point);
        check(&["1,234"], true, Comma);
        check(&["1,234", "5.25"], true, Point);
        check(&["1.234,50"], false, Comma);
        check(&["1,234.50"], true, Point);
        check(&["1.234"], true, Point);
        check(&["1.234.567"], false, Comma);
    }
}
