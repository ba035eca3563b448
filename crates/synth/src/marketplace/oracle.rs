//! How well one who knows the formulas would do: no model can be expected to do better.

use std::fmt;

use serde::Serialize;
use tenure_core::TargetKind;
use tenure_features::marketplace::{SESSION_VELOCITY, SUPPLY_DEMAND};

use super::world::{MarketplaceBatch, Part};
use crate::contacts::{BinaryFigures, ScoreFigures};

/// Rows after which no more are taken in: figures hardly change any more, memory would.
const MOST_ROWS: usize = 100_000;

/// What is true of numbers against what came.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ValueFigures {
    /// Values judged.
    pub rows: usize,
    /// Mean absolute error of the medians: that of the expected values is larger where a distribution is skewed.
    pub mae: f64,
    /// Share of the variance that the expected values explain; `None` where they do not vary.
    pub r2: Option<f64>,
}

/// How well the truth foretells one target.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum TargetFigures {
    /// Of a target that is 0 or 1.
    Binary(BinaryFigures),
    /// Of a number.
    Value(ValueFigures),
}

/// The oracle's figures on the test set, by target in the profile's order; those of supply and demand are of all
/// subjects together, under `supply_demand`.
///
/// The truth is a function of the features: a learner can come as close as its rows allow.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct MarketplaceOracle {
    /// Target and figures.
    #[serde(serialize_with = "as_map")]
    pub targets: Vec<(String, TargetFigures)>,
}

fn as_map<S: serde::Serializer>(
    targets: &[(String, TargetFigures)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(targets.iter().map(|(name, figures)| (name, figures)))
}

/// Collects truths and labels of a test set, batch by batch, at most of its first 100,000 customers.
#[derive(Debug, Clone, Default)]
pub struct OracleTally {
    rows: usize,
    targets: Vec<Collected>,
}

/// What was taken in of one target.
#[derive(Debug, Clone)]
struct Collected {
    name: String,
    kind: TargetKind,
    /// Truth and label.
    pairs: Vec<(f64, f64)>,
    /// Sum of the absolute errors of the medians.
    errors: f64,
}

impl OracleTally {
    /// Takes the test customers of a batch in.
    pub fn add(&mut self, batch: &MarketplaceBatch) {
        let mut rows = batch.rows_of(Part::Test);
        rows.truncate(MOST_ROWS - self.rows);
        self.rows += rows.len();
        for (at, target) in batch.table.data.targets().iter().enumerate() {
            let name = if target.name().starts_with(SUPPLY_DEMAND) { SUPPLY_DEMAND } else { target.name() };
            let place = self.targets.iter().position(|known| known.name == name).unwrap_or_else(|| {
                let (name, kind) = (name.to_owned(), target.kind().clone());
                self.targets.push(Collected { name, kind, pairs: Vec::new(), errors: 0.0 });
                self.targets.len() - 1
            });
            let (labels, of) = (target.values(), &mut self.targets[place]);
            of.pairs.extend(rows.iter().map(|&row| (batch.truth[[row, at]], labels[row])));
            of.errors += rows.iter().map(|&row| (batch.medians[[row, at]] - labels[row]).abs()).sum::<f64>();
        }
    }

    /// The figures of what was taken in; those of nothing are left out.
    #[must_use]
    pub fn figures(&self) -> MarketplaceOracle {
        let targets = self.targets.iter().filter_map(|of| Some((of.name.clone(), of.figures()?)));
        MarketplaceOracle { targets: targets.collect() }
    }
}

impl Collected {
    fn figures(&self) -> Option<TargetFigures> {
        if self.kind == TargetKind::Binary {
            let fates: Vec<(f64, bool)> = self.pairs.iter().map(|&(p, label)| (p, label == 1.0)).collect();
            return BinaryFigures::new(&fates).map(TargetFigures::Binary);
        }
        let ScoreFigures { leads: rows, r2, .. } = ScoreFigures::new(&self.pairs)?;
        Some(TargetFigures::Value(ValueFigures { rows, mae: self.errors / rows as f64, r2 }))
    }
}

impl MarketplaceOracle {
    /// The figures of a target.
    #[must_use]
    pub fn get(&self, target: &str) -> Option<&TargetFigures> {
        self.targets.iter().find(|(name, _)| name == target).map(|(_, figures)| figures)
    }
}

impl fmt::Display for MarketplaceOracle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "The oracle, who knows what follows from the features, on the test set:")?;
        for (name, figures) in &self.targets {
            match figures {
                TargetFigures::Binary(figures) => write!(f, "\n  {name}: {figures}")?,
                TargetFigures::Value(ValueFigures { rows, mae, r2 }) => {
                    let digits = if name == SESSION_VELOCITY || name == SUPPLY_DEMAND { 3 } else { 2 };
                    let r2 = r2.map_or("-".into(), |v| format!("{v:.3}"));
                    write!(f, "\n  {name}: MAE {mae:.digits$}, R2 {r2} ({rows} values)")?;
                }
            }
        }
        Ok(())
    }
}
