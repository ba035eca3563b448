//! What is searched: parameters by name, and the values they may take.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tenure_core::{Error, Result};

use crate::Backend;

/// One choice for every parameter of a space, by its name.
pub type Point = BTreeMap<String, Value>;

/// The values that one parameter may take.
///
/// In JSON an object with one key: `{"float": [0, 1]}`, `{"log": [0.01, 0.3]}`, `{"int": [7, 127]}`,
/// `{"log_int": [7, 127]}` (both ends included) or `{"choices": [null, 4, 8]}`. Anything else but an object
/// is a value that stays fixed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(into = "Value", try_from = "Value")]
#[non_exhaustive]
pub enum Dimension {
    /// Numbers between two ends, each as likely as the next.
    Float([f64; 2]),
    /// Numbers between two ends above 0, whose logarithms are equally likely. Searched and written to six
    /// digits, as [`Dimension::Float`] is.
    Log([f64; 2]),
    /// Whole numbers.
    Int([i64; 2]),
    /// Whole numbers of at least 1, small ones as likely as large ones on the scale of the logarithm.
    LogInt([i64; 2]),
    /// One of these.
    Choices(Vec<Value>),
    /// This one.
    Fixed(Value),
}

impl From<Dimension> for Value {
    fn from(dimension: Dimension) -> Self {
        let (key, value) = match dimension {
            Dimension::Float(ends) => ("float", serde_json::json!(ends)),
            Dimension::Log(ends) => ("log", serde_json::json!(ends)),
            Dimension::Int(ends) => ("int", serde_json::json!(ends)),
            Dimension::LogInt(ends) => ("log_int", serde_json::json!(ends)),
            Dimension::Choices(values) => ("choices", Self::Array(values)),
            Dimension::Fixed(value @ Self::Object(_)) => ("choices", Self::Array(vec![value])),
            Dimension::Fixed(value) => return value,
        };
        Self::Object(Map::from_iter([(key.to_owned(), value)]))
    }
}

impl TryFrom<Value> for Dimension {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let Value::Object(object) = value else { return Ok(Self::Fixed(value)) };
        let mut entries = object.into_iter();
        let (Some((key, value)), None) = (entries.next(), entries.next()) else {
            return Err("expected one of float, log, int, log_int and choices".to_owned());
        };
        let floats = || ends::<f64>(&key, &value);
        let whole = || ends::<i64>(&key, &value);
        let dimension = match (key.as_str(), &value) {
            ("float", _) => Self::Float(floats()?),
            ("log", _) => Self::Log(floats()?),
            ("int", _) => Self::Int(whole()?),
            ("log_int", _) => Self::LogInt(whole()?),
            ("choices", Value::Array(values)) => Self::Choices(values.clone()),
            ("choices", _) => return Err("choices: expected a list of values".to_owned()),
            _ => return Err(format!("`{key}`: expected one of float, log, int, log_int and choices")),
        };
        Ok(dimension)
    }
}

fn ends<T: serde::de::DeserializeOwned>(key: &str, value: &Value) -> Result<[T; 2], String> {
    serde_json::from_value(value.clone())
        .map_err(|error| format!("{key}: {error}; expected the lowest and the highest value"))
}

impl Dimension {
    /// Why the dimension has no value, where it has none.
    fn problem(&self) -> Option<&'static str> {
        let fits = match self {
            Self::Float([low, high]) => low.is_finite() && (high - low).is_finite() && low <= high,
            Self::Log([low, high]) => *low > 0.0 && high.is_finite() && low <= high,
            Self::Int([low, high]) => low <= high && high.checked_sub(*low).is_some_and(|w| w < 1 << 53),
            Self::LogInt([low, high]) => *low >= 1 && low <= high && *high < 1 << 53,
            Self::Choices(values) => !values.is_empty(),
            Self::Fixed(_) => true,
        };
        let expected = match self {
            Self::Log(_) => "two finite numbers above 0, the lower first",
            Self::LogInt(_) => "two whole numbers of at least 1, the lower first",
            Self::Choices(_) => "at least one value",
            _ => "two finite numbers, the lower first",
        };
        (!fits).then_some(expected)
    }

    /// The value at a place in [0, 1); all values are equally likely for places that are.
    pub(super) fn draw(&self, place: f64) -> Value {
        match self {
            Self::Int([low, high]) => {
                let width = (high - low) as f64 + 1.0;
                Value::from((low + (place * width) as i64).min(*high))
            }
            Self::LogInt([low, high]) => {
                let (from, to) = ((*low as f64).ln(), (*high as f64 + 1.0).ln());
                Value::from(((from + place * (to - from)).exp() as i64).clamp(*low, *high))
            }
            Self::Choices(values) => {
                let at = (place * values.len() as f64) as usize;
                values[at.min(values.len() - 1)].clone()
            }
            _ => self.at(place),
        }
    }

    /// The value at a share of the way from one end (0) to the other (1).
    fn at(&self, share: f64) -> Value {
        let along = |low: f64, high: f64| low + share * (high - low);
        match self {
            Self::Float([low, high]) => Value::from(six_digits(along(*low, *high)).clamp(*low, *high)),
            Self::Log([low, high]) => {
                Value::from(six_digits(along(low.ln(), high.ln()).exp()).clamp(*low, *high))
            }
            Self::Int([low, high]) => Value::from(low + (share * (high - low) as f64).round() as i64),
            Self::LogInt([low, high]) => {
                let value = along((*low as f64).ln(), (*high as f64).ln()).exp().round() as i64;
                Value::from(value.clamp(*low, *high))
            }
            Self::Choices(values) => values[(share * (values.len() - 1) as f64).round() as usize].clone(),
            Self::Fixed(value) => value.clone(),
        }
    }

    /// Whether a value is an end of a range (and not of one that holds a single value).
    pub(super) fn is_edge(&self, value: &Value) -> bool {
        let within = !matches!(self, Self::Choices(_) | Self::Fixed(_)) && self.at(0.0) != self.at(1.0);
        within && (*value == self.at(0.0) || *value == self.at(1.0))
    }

    /// The values of a grid: all choices, and up to `steps` values of a range, its ends among them.
    pub(super) fn grid(&self, steps: usize) -> Vec<Value> {
        let steps = match self {
            Self::Choices(values) => return values.clone(),
            Self::Fixed(value) => return vec![value.clone()],
            _ => steps,
        };
        if steps == 1 {
            return vec![self.at(0.5)];
        }
        let mut values: Vec<Value> =
            (0..steps).map(|step| self.at(step as f64 / (steps - 1) as f64)).collect();
        values.dedup();
        values
    }
}

/// The same digits on every machine, and numbers that can be read.
fn six_digits(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}

/// The parameters of a backend that are searched, by their serialised names.
///
/// In JSON, dimensions stand beside the name of the backend; a dot leads into a parameter that holds others:
///
/// ```
/// use tenure_backends::search::SearchSpace;
/// let space: SearchSpace = serde_json::from_str(
///     r#"{"backend": "gbdt", "learning_rate": {"log": [0.01, 0.3]}, "leaves": {"int": [7, 127]},
///         "categorical.smoothing": {"choices": [1, 10]}, "row_fraction": 0.7}"#,
/// )?;
/// assert_eq!(space.dimensions.len(), 4);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SearchSpace {
    /// Name of the backend whose parameters these are.
    pub backend: String,
    /// The parameters; those not named keep the value of the backend that the search begins from.
    #[serde(flatten)]
    pub dimensions: BTreeMap<String, Dimension>,
}

/// Ranges that suit most data, by the names that the backends share.
const USUAL: &[(&str, Dimension)] = &[
    ("learning_rate", Dimension::Log([0.01, 0.3])),
    ("leaves", Dimension::LogInt([7, 127])),
    ("min_rows", Dimension::LogInt([5, 200])),
    ("row_fraction", Dimension::Float([0.5, 1.0])),
    ("column_fraction", Dimension::Float([0.3, 1.0])),
    ("node_column_fraction", Dimension::Float([0.1, 1.0])),
    ("l2", Dimension::Log([1e-3, 100.0])),
    ("alpha", Dimension::Log([1e-5, 1.0])),
    ("l1_ratio", Dimension::Float([0.0, 1.0])),
];

/// The same of parameters that stand within others.
const USUAL_WITHIN: &[(&str, &str, Dimension)] = &[
    ("training", "learning_rate", Dimension::Log([1e-4, 1e-2])),
    ("training", "l2", Dimension::Log([1e-6, 1e-2])),
    ("training", "batch_size", Dimension::LogInt([16, 256])),
];

impl SearchSpace {
    /// The usual ranges of the parameters that this backend has; those of every member of a blend.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a backend that has none of these parameters.
    pub fn usual(base: &Backend) -> Result<Self> {
        let json = to_json(base)?;
        let mut dimensions = BTreeMap::new();
        add_usual(&json, "", &mut dimensions);
        if let Some(Value::Array(members)) = json.get("members") {
            for (at, member) in members.iter().enumerate() {
                add_usual(&member["learner"], &format!("members.{at}.learner."), &mut dimensions);
            }
        }
        let backend = name_of(&json);
        if dimensions.is_empty() {
            return Err(Error::unsupported(backend, "a search without a space: it has no usual ranges"));
        }
        Ok(Self { backend, dimensions })
    }

    /// Checks every range and name against the backend that the search begins from.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for another backend, a parameter that it does not have (with those it has) or a
    /// value of another type; [`Error::Parameter`] for a range without values.
    pub fn check(&self, base: &Backend) -> Result<()> {
        let name = name_of(&to_json(base)?);
        if self.backend != name {
            return Err(Error::unsupported(name, format!("a search space of `{}`", self.backend)));
        }
        self.check_ranges()?;
        for (parameter, dimension) in &self.dimensions {
            let ends = match dimension {
                Dimension::Choices(values) => values.clone(),
                other => vec![other.at(0.0), other.at(1.0)],
            };
            for value in ends {
                apply(base, [(parameter, &value)])?;
            }
        }
        Ok(())
    }

    pub(super) fn check_ranges(&self) -> Result<()> {
        let faulty = self.dimensions.iter().find_map(|(name, dimension)| Some((name, dimension.problem()?)));
        match faulty {
            Some((name, expected)) => Err(Error::Parameter {
                name: "space",
                value: format!("{name}: {}", Value::from(self.dimensions[name].clone())),
                expected: expected.into(),
            }),
            None => Ok(()),
        }
    }

    /// The backend with the parameters of a point, and the others of `base`.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a parameter that the backend does not have or a value of another type.
    pub fn backend_at(&self, base: &Backend, point: &Point) -> Result<Backend> {
        apply(base, point.iter())
    }
}

fn add_usual(parameters: &Value, path: &str, dimensions: &mut BTreeMap<String, Dimension>) {
    for (name, dimension) in USUAL.iter().filter(|(name, _)| parameters[name].is_number()) {
        dimensions.insert(format!("{path}{name}"), dimension.clone());
    }
    for (within, name, dimension) in
        USUAL_WITHIN.iter().filter(|(within, name, _)| parameters[within][name].is_number())
    {
        dimensions.insert(format!("{path}{within}.{name}"), dimension.clone());
    }
}

pub(super) fn to_json(backend: &Backend) -> Result<Value> {
    serde_json::to_value(backend).map_err(|e| Error::Internal(format!("a backend as JSON: {e}")))
}

pub(super) fn name_of(json: &Value) -> String {
    json["backend"].as_str().unwrap_or_default().to_owned()
}

/// The backend with another value of one parameter.
pub(crate) fn with_parameter(base: &Backend, name: &str, value: &Value) -> Result<Backend> {
    apply(base, [(&name.to_owned(), value)])
}

/// Merges values into the backend's JSON and reads it again.
fn apply<'a>(base: &Backend, values: impl IntoIterator<Item = (&'a String, &'a Value)>) -> Result<Backend> {
    let before = to_json(base)?;
    let mut json = before.clone();
    let values: Vec<(&String, &Value)> = values.into_iter().collect();
    for &(path, value) in &values {
        let (parent, name) = parent(&mut json, path).ok_or_else(|| unknown(&before, path))?;
        match parent {
            Value::Object(object) => drop(object.insert(name.to_owned(), value.clone())),
            Value::Array(list) => {
                let place = name.parse().ok().and_then(|at: usize| list.get_mut(at));
                *place.ok_or_else(|| unknown(&before, path))? = value.clone();
            }
            _ => return Err(unknown(&before, path)),
        }
    }
    let backend: Backend = serde_json::from_value(json).map_err(|error| {
        let [(path, value)] = values[..] else {
            return Error::unsupported(name_of(&before), format!("the point of the search: {error}"));
        };
        if before.pointer(&pointer(path)).is_none() {
            return unknown(&before, path);
        }
        Error::unsupported(name_of(&before), format!("`{path}` = {value}: {error}"))
    })?;
    // What a backend does not read would be searched in vain.
    let read = to_json(&backend)?;
    match values.iter().find(|(path, value)| !read.pointer(&pointer(path)).is_some_and(|v| equal(v, value))) {
        Some((path, _)) => Err(unknown(&before, path)),
        None => Ok(backend),
    }
}

fn parent<'a, 'b>(json: &'a mut Value, path: &'b str) -> Option<(&'a mut Value, &'b str)> {
    match path.rsplit_once('.') {
        Some((parent, name)) => Some((json.pointer_mut(&pointer(parent))?, name)),
        None => Some((json, path)),
    }
}

fn pointer(path: &str) -> String {
    format!("/{}", path.replace('~', "~0").replace('/', "~1").replace('.', "/"))
}

/// Whether a value that was read is the one given: numbers may be written otherwise, and an object that is
/// given in part has the rest from defaults.
fn equal(read: &Value, given: &Value) -> bool {
    match (read, given) {
        (Value::Object(read), Value::Object(given)) => {
            given.iter().all(|(key, value)| read.get(key).is_some_and(|r| equal(r, value)))
        }
        (Value::Array(read), Value::Array(given)) => {
            read.len() == given.len() && read.iter().zip(given).all(|(r, g)| equal(r, g))
        }
        _ => match (read.as_f64(), given.as_f64()) {
            (Some(read), Some(given)) => read == given,
            _ => read == given,
        },
    }
}

fn unknown(json: &Value, path: &str) -> Error {
    let parent = path.rsplit_once('.').and_then(|(parent, _)| json.pointer(&pointer(parent)));
    let names: Vec<&str> = match parent.or(Some(json)) {
        Some(Value::Object(object)) => {
            object.keys().map(String::as_str).filter(|name| *name != "backend").collect()
        }
        _ => Vec::new(),
    };
    let place = if parent.is_some() { "there are" } else { "its parameters are" };
    Error::unsupported(name_of(json), format!("the parameter `{path}`; {place} {}", names.join(", ")))
}
