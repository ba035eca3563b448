//! Constraints on features, by name.

use std::collections::BTreeMap;

use tenure_core::params::require;
use tenure_core::{Error, Feature, FeatureKind, Result};
use tenure_gbdt::Monotone;

/// 1, −1 or 0 for each feature, with commas between.
pub(crate) fn directions(
    backend: &str,
    monotone: &BTreeMap<String, Monotone>,
    features: &[Feature],
) -> Result<String> {
    for name in monotone.keys() {
        match features.iter().find(|f| f.name == *name) {
            Some(Feature { kind: FeatureKind::Numeric, .. }) => {}
            Some(_) => {
                let what = format!("a monotone constraint on the categorical feature `{name}`");
                return Err(Error::unsupported(backend, what));
            }
            None => require("monotone", name, false, "names of features")?,
        }
    }
    let direction = |feature: &Feature| match monotone.get(&feature.name) {
        Some(Monotone::Increasing) => "1",
        Some(Monotone::Decreasing) => "-1",
        None => "0",
    };
    Ok(features.iter().map(direction).collect::<Vec<_>>().join(","))
}
