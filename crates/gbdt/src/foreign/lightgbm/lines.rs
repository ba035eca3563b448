//! Lines, fields and lists of numbers.

use std::str::FromStr;

use tenure_core::{Error, Result};

use super::{NAME, problem};

/// What is still to be read, line by line.
#[derive(Debug, Clone)]
pub(super) struct Lines<'a> {
    rest: &'a [u8],
    number: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { rest: text, number: 0 }
    }

    /// Number of the line that was read last, counted from 1.
    pub(super) fn number(&self) -> usize {
        self.number
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    /// The next line without its end.
    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.iter().position(|&byte| byte == b'\n');
        let (line, rest) = match end {
            Some(end) => (&self.rest[..end], &self.rest[end + 1..]),
            None => (self.rest, &[][..]),
        };
        self.rest = rest;
        self.number += 1;
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }
}

/// The value of a `key=value` line.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Field<'a> {
    key: &'a [u8],
    value: &'a [u8],
    line: usize,
}

impl<'a> Field<'a> {
    /// Splits a line at its first `=`; without one the value is empty.
    pub(super) fn of(line: &'a [u8], number: usize) -> Self {
        let end = line.iter().position(|&byte| byte == b'=').unwrap_or(line.len());
        Self { key: &line[..end], value: line.get(end + 1..).unwrap_or_default(), line: number }
    }

    pub(super) fn key(&self) -> &'a [u8] {
        self.key
    }

    pub(super) fn value(&self) -> &'a [u8] {
        self.value
    }

    /// An error about this field.
    pub(super) fn problem(&self, expected: impl Into<std::borrow::Cow<'static, str>>, found: &[u8]) -> Error {
        let key = String::from_utf8_lossy(&self.key[..self.key.len().min(40)]);
        problem(NAME, format!("line {} (`{key}`)", self.line), expected, found)
    }

    /// The value as text.
    pub(super) fn text(&self) -> Result<&'a str> {
        std::str::from_utf8(self.value).map_err(|_| self.problem("text in UTF-8", self.value))
    }

    /// The value as one number.
    pub(super) fn number<T: FromStr>(&self, expected: &'static str) -> Result<T> {
        self.parse(self.value.trim_ascii(), expected)
    }

    /// The value as a list of exactly `count` numbers.
    pub(super) fn numbers<T: FromStr>(&self, count: usize, expected: &'static str) -> Result<Vec<T>> {
        // A number and the space after it are two bytes at least.
        let mut numbers = Vec::with_capacity(count.min(self.value.len() / 2 + 1));
        for word in self.words() {
            if numbers.len() == count {
                return Err(self.problem(format!("{count} values"), b"more"));
            }
            numbers.push(self.parse(word, expected)?);
        }
        if numbers.len() != count {
            return Err(self.problem(format!("{count} values"), numbers.len().to_string().as_bytes()));
        }
        Ok(numbers)
    }

    /// The parts of the value between spaces.
    pub(super) fn words(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.value.split(|&byte| byte == b' ').filter(|word| !word.is_empty())
    }

    fn parse<T: FromStr>(&self, word: &[u8], expected: &'static str) -> Result<T> {
        let parsed = std::str::from_utf8(word).ok().and_then(|word| word.parse().ok());
        parsed.ok_or_else(|| self.problem(expected, word))
    }
}
