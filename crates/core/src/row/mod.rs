//! Rows as Rust structs: schema, conversion, JSON and checks follow from one description.
//!
//! [`typed_row!`](crate::typed_row) declares a struct whose fields are the features: the first line of a
//! field's documentation is its description, then come its unit and, where it is bounded, its range. A Rust
//! caller who forgets a field does not compile; a JSON caller gets a [`RowProblem`] for every field that is
//! missing, unknown, of another type or out of range.
//!
//! ```
//! use tenure_core::{TypedRow, levels, row::SHARE, typed_row};
//!
//! levels! {
//!     /// What a customer pays for.
//!     pub enum Plan {
//!         /// The cheap one.
//!         Basic = "basic",
//!         /// The dear one.
//!         Pro = "pro",
//!     }
//! }
//!
//! typed_row! {
//!     /// What is known of a customer.
//!     pub struct CustomerRow {
//!         /// Days since the last purchase
//!         pub recency_days: f64 = "days", 0.0..=f64::INFINITY;
//!         /// Share of orders that were returned
//!         pub return_rate: f64 = "share", SHARE;
//!         /// Whether mail is allowed
//!         pub opted_in: bool = "";
//!         /// Plan
//!         pub plan: Plan = "";
//!     }
//! }
//!
//! let row = CustomerRow { recency_days: 12.0, return_rate: f64::NAN, opted_in: true, plan: Plan::Pro };
//! assert_eq!(CustomerRow::schema().names().nth(3), Some("plan"));
//! let data = CustomerRow::dataset(&[row.clone()])?;
//! assert_eq!(data.row(0)[3], 1.0);
//!
//! // Not known is `null` in JSON and NaN in Rust.
//! let text = r#"{"recency_days": 12, "return_rate": null, "opted_in": true, "plan": "pro"}"#;
//! assert_eq!(CustomerRow::parse_json(text)?.to_values()[0], row.to_values()[0]);
//!
//! let wrong = r#"{"recency_day": 12, "return_rate": 7, "opted_in": "yes", "plan": "pro"}"#;
//! assert_eq!(
//!     CustomerRow::parse_json(wrong).unwrap_err().to_string(),
//!     "the row does not fit: `recency_days` is missing; `recency_day` is not a field (is `recency_days` meant?); \
//!      `return_rate` is 7; expected a number from 0 to 1, or null; \
//!      `opted_in` is \"yes\"; expected true or false"
//! );
//! # Ok::<(), tenure_core::Error>(())
//! ```

mod json;
mod macros;

use std::borrow::Cow;
use std::fmt;
use std::ops::RangeInclusive;

use ndarray::Array2;
use serde_json::Value;

use crate::{Dataset, Error, Feature, FeatureKind, Result, Schema};

/// Any number.
pub const ANY: RangeInclusive<f64> = f64::NEG_INFINITY..=f64::INFINITY;
/// A number of at least 0.
pub const POSITIVE: RangeInclusive<f64> = 0.0..=f64::INFINITY;
/// A share: 0 to 1.
pub const SHARE: RangeInclusive<f64> = 0.0..=1.0;

/// One field of a typed row, as data.
#[derive(Debug, Clone)]
pub struct Field {
    /// Name in Rust, in files and in JSON.
    pub name: &'static str,
    /// Unit of the values in words, empty where there is none.
    pub unit: &'static str,
    /// First line of its documentation.
    pub description: &'static str,
    /// Range of its values; not known (NaN) is always allowed where the type has it.
    pub range: RangeInclusive<f64>,
    /// What values it takes.
    pub kind: fn() -> FeatureKind,
    /// The number that stands for a JSON value; `None` where it is of another type.
    pub from_json: fn(&Value) -> Option<f64>,
    /// JSON values that are accepted, in words, the range left out.
    pub expected: fn() -> Cow<'static, str>,
}

impl Field {
    /// The same as a feature of a schema.
    #[must_use]
    pub fn feature(&self) -> Feature {
        Feature {
            name: self.name.to_owned(),
            kind: (self.kind)(),
            unit: self.unit.to_owned(),
            description: self.description.trim().to_owned(),
        }
    }

    fn allows(&self, value: f64) -> bool {
        value.is_nan() || (value.is_finite() && self.range.contains(&value))
    }

    fn expected(&self) -> String {
        let words = (self.expected)();
        match (self.range.start().is_finite(), self.range.end().is_finite()) {
            (true, true) => words.replace(
                "a number",
                &format!("a number from {} to {}", self.range.start(), self.range.end()),
            ),
            (true, false) => {
                words.replace("a number", &format!("a number of at least {}", self.range.start()))
            }
            (false, true) => words.replace("a number", &format!("a number of at most {}", self.range.end())),
            (false, false) => words.into_owned(),
        }
    }
}

/// What a field of a typed row may be.
pub trait FieldValue: Sized {
    /// What values the feature takes.
    fn kind() -> FeatureKind;
    /// The number that stands for it; NaN for not known.
    fn to_number(&self) -> f64;
    /// What the number stands for; `None` where nothing does.
    fn from_number(number: f64) -> Option<Self>;
    /// The number that stands for a JSON value; `None` where it is of another type.
    fn number_of_json(value: &Value) -> Option<f64>;
    /// JSON values that are accepted, in words.
    fn expected() -> Cow<'static, str>;
}

/// NaN, and `null` in JSON, is not known.
impl FieldValue for f64 {
    fn kind() -> FeatureKind {
        FeatureKind::Numeric
    }

    fn to_number(&self) -> f64 {
        *self
    }

    fn from_number(number: f64) -> Option<Self> {
        Some(number)
    }

    fn number_of_json(value: &Value) -> Option<f64> {
        if value.is_null() { Some(f64::NAN) } else { value.as_f64() }
    }

    fn expected() -> Cow<'static, str> {
        "a number, or null".into()
    }
}

/// 1 and 0; `true` and `false` in JSON.
impl FieldValue for bool {
    fn kind() -> FeatureKind {
        FeatureKind::Numeric
    }

    fn to_number(&self) -> f64 {
        f64::from(u8::from(*self))
    }

    fn from_number(number: f64) -> Option<Self> {
        match number {
            0.0 => Some(false),
            1.0 => Some(true),
            _ => None,
        }
    }

    fn number_of_json(value: &Value) -> Option<f64> {
        value.as_bool().map(|b| b.to_number())
    }

    fn expected() -> Cow<'static, str> {
        "true or false".into()
    }
}

/// `None`, and `null` in JSON, is not known.
impl<T: FieldValue> FieldValue for Option<T> {
    fn kind() -> FeatureKind {
        T::kind()
    }

    fn to_number(&self) -> f64 {
        self.as_ref().map_or(f64::NAN, T::to_number)
    }

    fn from_number(number: f64) -> Option<Self> {
        if number.is_nan() { Some(None) } else { T::from_number(number).map(Some) }
    }

    fn number_of_json(value: &Value) -> Option<f64> {
        if value.is_null() { Some(f64::NAN) } else { T::number_of_json(value) }
    }

    fn expected() -> Cow<'static, str> {
        format!("{}, or null", T::expected()).into()
    }
}

/// What is wrong with one field of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RowProblem {
    /// The row is no JSON object.
    NotAnObject {
        /// What it is.
        found: String,
    },
    /// The field is not there.
    Missing {
        /// Its name.
        field: String,
    },
    /// There is no such field.
    Unexpected {
        /// The name found.
        field: String,
        /// A field that is spelt much the same.
        similar: Option<String>,
    },
    /// The value is of another type, not one of the levels, or out of range.
    Wrong {
        /// The field's name.
        field: String,
        /// The value found.
        found: String,
        /// What is accepted, in words.
        expected: String,
    },
}

impl fmt::Display for RowProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnObject { found } => write!(f, "{found} is no JSON object"),
            Self::Missing { field } => write!(f, "`{field}` is missing"),
            Self::Unexpected { field, similar: None } => write!(f, "`{field}` is not a field"),
            Self::Unexpected { field, similar: Some(similar) } => {
                write!(f, "`{field}` is not a field (is `{similar}` meant?)")
            }
            Self::Wrong { field, found, expected } => write!(f, "`{field}` is {found}; expected {expected}"),
        }
    }
}

/// A struct whose fields are features; made by [`typed_row!`](crate::typed_row).
pub trait TypedRow: Sized {
    /// The fields, in the order of columns.
    fn fields() -> &'static [Field];

    /// The values as numbers, in the order of columns; NaN for not known.
    fn to_values(&self) -> Vec<f64>;

    /// The row that numbers stand for, in the order of columns.
    ///
    /// # Errors
    /// [`Error::Row`] for a number that is out of range or stands for nothing, [`Error::Shape`] for another
    /// number of values.
    fn from_values(values: &[f64]) -> Result<Self>;

    /// The columns.
    #[must_use]
    fn schema() -> Schema {
        // Two fields or two levels of one name do not compile.
        let features = Self::fields().iter().map(Field::feature).collect();
        Schema::new(features).unwrap_or_else(|e| unreachable!("{e}"))
    }

    /// Whether every value is within its range.
    ///
    /// # Errors
    /// [`Error::Row`] naming each that is not.
    fn check(&self) -> Result<()> {
        check_ranges(Self::fields(), &self.to_values(), None)
    }

    /// The rows as a data set without target.
    ///
    /// # Errors
    /// [`Error::Row`] with the number of the first row that has a value out of range.
    fn dataset(rows: &[Self]) -> Result<Dataset> {
        let fields = Self::fields();
        let mut x = Array2::zeros((rows.len(), fields.len()));
        for (at, (row, mut place)) in rows.iter().zip(x.rows_mut()).enumerate() {
            let values = row.to_values();
            check_ranges(fields, &values, Some(at))?;
            place.iter_mut().zip(values).for_each(|(place, value)| *place = value);
        }
        Dataset::new(Self::schema(), x)
    }

    /// Reads a JSON object that has every field and no other.
    ///
    /// # Errors
    /// [`Error::Row`] with everything that is wrong, in the order of fields.
    fn from_json(value: &Value) -> Result<Self> {
        Self::from_values(&json::values_of_fields(Self::fields(), value)?)
    }

    /// As [`TypedRow::from_json`], from a text.
    ///
    /// # Errors
    /// [`Error::Data`] for a text that is no JSON, else as [`TypedRow::from_json`].
    fn parse_json(text: &str) -> Result<Self> {
        let value =
            serde_json::from_str(text).map_err(|e| Error::Data(format!("the row is no JSON: {e}")))?;
        Self::from_json(&value)
    }

    /// The row as a JSON object; levels by name, not known as `null`.
    fn to_json(&self) -> Value {
        let fields = Self::fields().iter().zip(self.to_values());
        Value::Object(fields.map(|(field, value)| (field.name.to_owned(), json_of(field, value))).collect())
    }
}

fn json_of(field: &Field, value: f64) -> Value {
    if value.is_nan() {
        return Value::Null;
    }
    if let FeatureKind::Categorical { levels } = (field.kind)() {
        return levels.get(value as usize).map_or(Value::Null, |level| Value::from(level.as_str()));
    }
    // A field of truth values is the one that reads `true`.
    if (field.from_json)(&Value::Bool(true)).is_some() {
        return Value::from(value == 1.0);
    }
    Value::from(value)
}

fn check_ranges(fields: &[Field], values: &[f64], row: Option<usize>) -> Result<()> {
    let wrong = fields.iter().zip(values).filter(|(field, value)| !field.allows(**value));
    let problems: Vec<RowProblem> = wrong
        .map(|(field, value)| RowProblem::Wrong {
            field: field.name.to_owned(),
            found: value.to_string(),
            expected: field.expected(),
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(Error::Row { row, problems }) }
}

#[doc(hidden)]
pub use serde_json::Value as JsonValue;

/// Stops the compiler where two levels have one name. For [`levels!`](crate::levels).
#[doc(hidden)]
pub const fn assert_different(names: &[&str]) {
    let mut later = 1;
    while later < names.len() {
        let mut earlier = 0;
        while earlier < later {
            assert!(!is_same(names[earlier].as_bytes(), names[later].as_bytes()), "two levels have one name");
            earlier += 1;
        }
        later += 1;
    }
}

/// `==`, which is not to be had at compile time.
const fn is_same(a: &[u8], b: &[u8]) -> bool {
    let mut at = 0;
    while at < a.len() && at < b.len() && a[at] == b[at] {
        at += 1;
    }
    at == a.len() && at == b.len()
}

/// A text that names no level.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not one of {}", known.join(", "))]
pub struct NotALevelName {
    /// The text found.
    pub text: String,
    /// The names there are.
    pub known: Vec<&'static str>,
}

/// The numbers of a row, checked against its fields, one after the other. For [`typed_row!`](crate::typed_row).
#[doc(hidden)]
pub fn numbers<'a>(fields: &'a [Field], values: &'a [f64]) -> Result<Numbers<'a>> {
    if fields.len() != values.len() {
        return Err(Error::Shape { what: "values of a row", expected: fields.len(), found: values.len() });
    }
    check_ranges(fields, values, None)?;
    Ok(Numbers { fields, values })
}

#[doc(hidden)]
#[derive(Debug)]
pub struct Numbers<'a> {
    fields: &'a [Field],
    values: &'a [f64],
}

impl Numbers<'_> {
    #[doc(hidden)]
    pub fn next_value<T: FieldValue>(&mut self) -> Result<T> {
        let ([field, fields @ ..], [value, values @ ..]) = (self.fields, self.values) else {
            return Err(Error::Internal("a typed row with more values than fields".into()));
        };
        (self.fields, self.values) = (fields, values);
        T::from_number(*value).ok_or_else(|| Error::Row {
            row: None,
            problems: vec![RowProblem::Wrong {
                field: field.name.to_owned(),
                found: value.to_string(),
                expected: field.expected(),
            }],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{levels, typed_row};

    levels! {
        /// Plans.
        enum Plan {
            /// Cheap.
            Basic = "basic",
            /// Dear.
            Pro = "pro",
        }
    }

    typed_row! {
        /// A customer.
        struct Row {
            /// Age
            pub age: f64 = "years", 0.0..=150.0;
            /// Balance
            pub balance: f64 = "money";
            /// Plan
            pub plan: Option<Plan> = "";
            /// Allowed
            pub allowed: bool = "";
        }
    }

    fn problem(text: &str) -> String {
        Row::parse_json(text).unwrap_err().to_string()
    }

    #[test]
    fn rows_go_through_json_and_numbers() {
        let row = Row { age: 31.5, balance: -2.0, plan: Some(Plan::Pro), allowed: false };
        assert_eq!(Row::from_json(&row.to_json()).unwrap(), row);
        assert_eq!(row.to_json().to_string(), r#"{"age":31.5,"allowed":false,"balance":-2.0,"plan":"pro"}"#);
        assert_eq!(Row::from_values(&row.to_values()).unwrap(), row);
        let unknown = Row { plan: None, ..row };
        assert!(unknown.to_values()[2].is_nan());
        assert_eq!(Row::from_json(&unknown.to_json()).unwrap(), unknown);
        let schema = Row::schema();
        assert_eq!(schema.features()[0], Feature::numeric("age", "years", "Age"));
        assert_eq!(schema.features()[2].levels().unwrap(), ["basic", "pro"]);
    }

    #[test]
    fn each_wrong_field_is_named() {
        assert_eq!(
            problem(r#"{"age": 200, "balance": 0, "plan": null, "allowed": true}"#),
            "the row does not fit: `age` is 200; expected a number from 0 to 150, or null"
        );
        assert_eq!(
            problem(r#"{"agee": 20, "balance": "much", "plan": "gold", "allowed": 1, "colour": 3}"#),
            "the row does not fit: `age` is missing; `agee` is not a field (is `age` meant?); \
             `colour` is not a field; `balance` is \"much\"; expected a number, or null; \
             `plan` is \"gold\"; expected \"basic\", \"pro\", or null; `allowed` is 1; expected true or false"
        );
        assert!(problem(r#"{"bala": 0}"#).contains("`bala` is not a field (is `balance` meant?)"));
        assert_eq!(problem("[1]"), "the row does not fit: a list is no JSON object");
        assert!(problem("{").starts_with("the row is no JSON: "), "{}", problem("{"));
    }

    #[test]
    fn rust_callers_values_are_checked_too() {
        let row = Row { age: 200.0, balance: f64::INFINITY, plan: None, allowed: true };
        assert!(row.check().is_err());
        let good = Row { age: 20.0, balance: 0.0, ..row.clone() };
        assert_eq!(
            Row::dataset(&[good, row]).unwrap_err().to_string(),
            "row 1 does not fit: `age` is 200; expected a number from 0 to 150, or null; \
             `balance` is inf; expected a number, or null"
        );
        assert!(Row::from_values(&[1.0, 1.0, 0.5, 1.0]).is_err());
        assert!(Row::from_values(&[1.0]).is_err());
        assert_eq!("gold".parse::<Plan>().unwrap_err().to_string(), "`gold` is not one of basic, pro");
    }
}
