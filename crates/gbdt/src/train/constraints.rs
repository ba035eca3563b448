//! What a node may do beside what all nodes may: bounds on its values, and the features that it may be split on.
//!
//! **Monotone** features: a split on one gives the children the middle of their values as a bound, the lower side
//! below and the upper side above, and every leaf under them keeps to it. Two rows that differ in that feature
//! alone part at such a split, so the bound lies between their leaves, whatever else the trees do. (The `basic`
//! method of LightGBM and XGBoost's.) Missing values have no place in the order and may be anywhere.
//!
//! **Interactions**: all features on a path come from one of the groups. A node knows which groups hold every
//! feature above it, and may use the features of those.

use std::collections::BTreeMap;

use tenure_core::{Error, FeatureKind, Result, Schema, seed};

use super::histogram::Slot;
use super::quantise::{Packed, gradient_of, hessian_of};
use super::split::{Candidate, Cut, Rules, shrink};
use crate::binning::BinnedFeature;
use crate::{GbdtParams, Monotone};

/// A set of small numbers.
type Bits = Vec<u64>;

fn bits(n: usize) -> Bits {
    vec![0; n.div_ceil(64)]
}

fn insert(set: &mut [u64], at: usize) {
    set[at / 64] |= 1 << (at % 64);
}

fn overlap(a: &[u64], b: &[u64]) -> bool {
    a.iter().zip(b).any(|(a, b)| a & b != 0)
}

/// The constraints of a fit, by the number of the binned feature.
pub(super) struct Constraints {
    /// Empty where no feature is constrained.
    monotone: Vec<Option<Monotone>>,
    /// Groups that hold each feature; empty where all features may interact.
    groups_of: Vec<Bits>,
    groups: usize,
    /// Share of the features drawn for each node.
    node_fraction: f64,
    /// Whether values are found only when the tree is finished, and bounds with them.
    renewed: bool,
    excluded: usize,
}

impl Constraints {
    /// `None` where nothing is constrained.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a name that no feature has, and for a direction of a categorical feature.
    pub(super) fn new(
        params: &GbdtParams,
        schema: &Schema,
        features: &[BinnedFeature],
        renewed: bool,
    ) -> Result<Option<Self>> {
        let columns: BTreeMap<&str, usize> =
            schema.features().iter().enumerate().map(|(at, f)| (f.name.as_str(), at)).collect();
        let find = |name, value: &str| {
            columns.get(value).copied().ok_or_else(|| Error::Parameter {
                name,
                value: format!("`{value}`"),
                expected: "names of features of the training set".into(),
            })
        };
        let mut directions = vec![None; schema.len()];
        for (feature, direction) in &params.monotone {
            let column = find("monotone", feature)?;
            if schema.features()[column].kind != FeatureKind::Numeric {
                let value = format!("`{feature}`");
                return Err(Error::Parameter {
                    name: "monotone",
                    value,
                    expected: "numeric features".into(),
                });
            }
            directions[column] = Some(*direction);
        }
        let groups = params.interactions.len();
        let mut groups_of = vec![bits(groups); schema.len()];
        for (group, names) in params.interactions.iter().enumerate() {
            for name in names {
                insert(&mut groups_of[find("interactions", name)?], group);
            }
        }
        let constraints = Self {
            monotone: match params.monotone.is_empty() {
                true => Vec::new(),
                false => features.iter().map(|f| directions[f.column]).collect(),
            },
            groups_of: match groups {
                0 => Vec::new(),
                _ => features.iter().map(|f| groups_of[f.column].clone()).collect(),
            },
            groups,
            node_fraction: params.node_column_fraction,
            renewed,
            excluded: match groups {
                0 => 0,
                _ => groups_of.iter().filter(|groups| groups.iter().all(|&word| word == 0)).count(),
            },
        };
        let free = constraints.monotone.is_empty() && groups == 0 && constraints.node_fraction >= 1.0;
        Ok((!free).then_some(constraints))
    }

    /// Whether some feature has a direction.
    pub(super) fn is_monotone(&self) -> bool {
        !self.monotone.is_empty()
    }

    /// Features that are in no group and can therefore not be used.
    pub(super) fn excluded(&self) -> usize {
        self.excluded
    }

    /// Which way values must go across a cut of this feature, if any.
    pub(super) fn direction(&self, feature: usize, known: usize, bin: usize) -> Option<Monotone> {
        // With all known values on one side there is no order to keep.
        if bin + 1 >= known { None } else { self.monotone.get(feature).copied().flatten() }
    }

    /// The limits of a tree's root. `seed` is the tree's.
    pub(super) fn root(&self, selected: &[usize], seed: u64) -> Limits {
        let mut matching = bits(self.groups);
        (0..self.groups).for_each(|group| insert(&mut matching, group));
        let mut limits = Limits { matching, ..Limits::NONE };
        self.draw(&mut limits, selected, seed);
        limits
    }

    /// The limits of both children of a node that is split.
    pub(super) fn children(
        &self,
        parent: Node<'_>,
        split: &Split<'_>,
        rules: &Rules<'_>,
        selected: &[usize],
        seeds: [u64; 2],
    ) -> [Limits; 2] {
        let mut matching = parent.limits.matching.clone();
        if let Some(of) = self.groups_of.get(split.feature) {
            matching.iter_mut().zip(of).for_each(|(m, of)| *m &= of);
        }
        let Limits { low, high, .. } = *parent.limits;
        let mut left = Limits { low, high, matching, drawn: None };
        let mut right = left.clone();
        if !self.renewed
            && let Cut::Threshold { bin, .. } = split.candidate.cut
            && let Some(direction) = self.direction(split.feature, split.known, usize::from(bin))
        {
            let value = |sum| parent.limits.side(sum, rules, rules.l2).0;
            let sum = split.candidate.left;
            let middle = value(sum) / 2.0 + value(parent.total - sum) / 2.0;
            let (lower, upper) = match direction {
                Monotone::Increasing => (&mut left, &mut right),
                Monotone::Decreasing => (&mut right, &mut left),
            };
            lower.high = middle;
            upper.low = middle;
        }
        self.draw(&mut left, selected, seeds[0]);
        self.draw(&mut right, selected, seeds[1]);
        [left, right]
    }

    /// Draws the features that the node may use among those that it could: a share rounded up.
    fn draw(&self, limits: &mut Limits, selected: &[usize], seed: u64) {
        if self.node_fraction >= 1.0 {
            return;
        }
        let may: Vec<usize> = selected.iter().copied().filter(|&f| self.may_interact(limits, f)).collect();
        let take = (may.len() as f64 * self.node_fraction).ceil() as usize;
        let mut drawn = bits(selected.last().map_or(0, |last| last + 1));
        for at in seed::permutation(may.len(), seed).into_iter().take(take) {
            insert(&mut drawn, may[at]);
        }
        limits.drawn = Some(drawn);
    }

    fn may_interact(&self, limits: &Limits, feature: usize) -> bool {
        self.groups_of.get(feature).is_none_or(|of| overlap(of, &limits.matching))
    }

    /// Whether the node may be split on the feature at all.
    pub(super) fn allow(&self, limits: &Limits, feature: usize) -> bool {
        match &limits.drawn {
            Some(drawn) => drawn[feature / 64] >> (feature % 64) & 1 == 1,
            None => self.may_interact(limits, feature),
        }
    }

    /// Whether a search must look at the children's values.
    pub(super) fn bind(&self, limits: &Limits, feature: usize) -> bool {
        limits.bounded() || self.monotone.get(feature).is_some_and(Option::is_some)
    }

    /// The best numeric split whose children keep to the bounds and to the feature's direction: each cut on its
    /// own, in plain arithmetic.
    pub(super) fn numeric(
        &self,
        slot: &Slot,
        feature: usize,
        binned: &BinnedFeature,
        node: Node<'_>,
        rules: &Rules<'_>,
    ) -> Option<Candidate> {
        let known = binned.known;
        let missing = if binned.missing { slot.sums[known] } else { 0 };
        let rows_missing = slot.counts.as_ref().map_or(0, |c| c[known]);
        let all_rows: u32 = slot.counts.as_ref().map_or(0, |c| c[..=known].iter().sum());
        let mut best: Option<Candidate> = None;
        for missing_left in [false, true] {
            if missing_left && missing == 0 {
                break;
            }
            let (mut left, mut rows) = if missing_left { (missing, rows_missing) } else { (0, 0) };
            let cuts = if missing == 0 || missing_left { known.saturating_sub(1) } else { known };
            for bin in 0..cuts {
                left += slot.sums[bin];
                if let Some(counts) = &slot.counts {
                    rows += counts[bin];
                    let fewer = rows.min(all_rows - rows);
                    if (fewer as usize) < rules.min_rows {
                        continue;
                    }
                }
                let direction = self.direction(feature, known, bin);
                let Some(score) = node.limits.score_of_split(left, node.total, direction, rules) else {
                    continue;
                };
                if best.is_none_or(|b| score > b.score) {
                    let missing_left = (missing != 0).then_some(missing_left);
                    let cut = Cut::Threshold { bin: bin as u8, missing_left };
                    best = Some(Candidate { score, left, cut });
                }
            }
        }
        best
    }
}

/// A node that is searched or split.
#[derive(Clone, Copy)]
pub(super) struct Node<'a> {
    pub total: Packed,
    pub limits: &'a Limits,
}

/// A split that is made.
pub(super) struct Split<'a> {
    pub feature: usize,
    /// Bins of known values.
    pub known: usize,
    pub candidate: &'a Candidate,
}

/// What one node may do. Values are steps `−S(G) / (H + λ)` in the units of the packed integers.
#[derive(Debug, Clone)]
pub(super) struct Limits {
    pub low: f64,
    pub high: f64,
    /// Groups that hold every feature on the path.
    matching: Bits,
    /// Features drawn for this node; `None` for all.
    drawn: Option<Bits>,
}

impl Limits {
    /// No limit at all.
    pub(super) const NONE: Self =
        Self { low: f64::NEG_INFINITY, high: f64::INFINITY, matching: Vec::new(), drawn: None };

    pub(super) fn bounded(&self) -> bool {
        self.low > f64::NEG_INFINITY || self.high < f64::INFINITY
    }

    /// The value a leaf with this sum takes, and its score `−(2 G w + (H + λ) w²)`: without bounds `S(G)² / (H + λ)`.
    pub(super) fn side(&self, sum: Packed, rules: &Rules<'_>, l2: f64) -> (f64, f64) {
        let (g, h) = (shrink(f64::from(gradient_of(sum)), rules.l1), f64::from(hessian_of(sum)) + l2);
        let value = (-g / h).max(self.low).min(self.high);
        (value, -(2.0 * g + h * value) * value)
    }

    /// Score of both children together; `None` for a split that may not be made.
    fn score_of_split(
        &self,
        left: Packed,
        total: Packed,
        direction: Option<Monotone>,
        rules: &Rules<'_>,
    ) -> Option<f64> {
        let right = total - left;
        let least = rules.min_hessian.max(1.0);
        if f64::from(hessian_of(left)) < least || f64::from(hessian_of(right)) < least {
            return None;
        }
        let (left, right) = (self.side(left, rules, rules.l2), self.side(right, rules, rules.l2));
        let kept = match direction {
            None => true,
            Some(Monotone::Increasing) => left.0 <= right.0,
            Some(Monotone::Decreasing) => left.0 >= right.0,
        };
        kept.then_some(left.1 + right.1)
    }
}
