//! Checks for parameters, so that every message names the parameter, the value and the accepted range.

use std::borrow::Cow;
use std::fmt::Display;

use crate::{Error, Result};

/// Refuses `value` unless `accepted`; `expected` says in words what is accepted.
///
/// # Errors
/// [`Error::Parameter`].
///
/// # Example
/// ```
/// # use tenure_core::params::require;
/// let rate = 1.5;
/// let error = require("learning_rate", rate, rate > 0.0 && rate <= 1.0, "above 0, at most 1").unwrap_err();
/// assert_eq!(error.to_string(), "parameter `learning_rate` is 1.5; expected above 0, at most 1");
/// ```
pub fn require(
    name: &'static str,
    value: impl Display,
    accepted: bool,
    expected: impl Into<Cow<'static, str>>,
) -> Result<()> {
    if accepted {
        Ok(())
    } else {
        Err(Error::Parameter { name, value: value.to_string(), expected: expected.into() })
    }
}
