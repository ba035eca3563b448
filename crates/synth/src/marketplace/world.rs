//! The checked world: drawing customers from it, all at once or in batches.

use std::ops::Range;

use ndarray::Array2;
use rand_pcg::Pcg64Mcg;
use rayon::prelude::*;
use tenure_core::{Error, Result, TypedRow, levels, seed};
use tenure_features::marketplace::{MarketplaceTable, Profile, Segment};

use super::market::Market;
use super::params::MarketplaceParams;
use super::person::{Person, place};
use super::row::row;
use super::truth::{Truth, draw_supply_demand, supply_demand};
use crate::in_pool;

/// Of so many customers in a row, [`TRAIN`] are for training and [`VALIDATION`] for validation.
const ROUND: usize = 20;
const TRAIN: usize = 14;
const VALIDATION: usize = 3;

levels! {
    /// What a customer is for: 70 % train, 15 % validation, 15 % test, exactly in every 20 customers.
    pub enum Part {
        /// To learn from.
        Train = "train",
        /// To decide when to stop.
        Validation = "validation",
        /// To judge by.
        Test = "test",
    }
}

/// Customers with their truth.
#[derive(Debug, Clone)]
pub struct MarketplaceBatch {
    /// The customers.
    pub table: MarketplaceTable,
    /// By customer and target, in the profile's order: probability of 1, or expected value, given the features.
    pub truth: Array2<f64>,
    /// The same with the median of a number in the place of its expected value: no prediction has a lower mean
    /// absolute error.
    pub medians: Array2<f64>,
    /// What each customer is for.
    pub parts: Vec<Part>,
}

impl MarketplaceBatch {
    /// The customers that are for `part`, in order.
    #[must_use]
    pub fn part(&self, part: Part) -> MarketplaceTable {
        self.table.select(&self.rows_of(part))
    }

    /// Rows of the customers that are for `part`.
    pub(super) fn rows_of(&self, part: Part) -> Vec<usize> {
        (0..self.parts.len()).filter(|&row| self.parts[row] == part).collect()
    }
}

/// Checked parameters: see the [module's documentation](super) for the model.
#[derive(Debug, Clone)]
pub struct MarketplaceWorld {
    params: MarketplaceParams,
    /// Places of the wide row's first features in the narrow one.
    shared: Vec<usize>,
    targets: usize,
}

struct Customer {
    segment: Segment,
    features: Vec<f64>,
    labels: Vec<f64>,
    truth: Vec<f64>,
    medians: Vec<f64>,
}

impl MarketplaceWorld {
    pub(super) fn new(params: MarketplaceParams) -> Result<Self> {
        let narrow = Profile::Guide.schema();
        let place = |name: &str| {
            let name = if name == "first_session_was_success" { "first_session_success" } else { name };
            narrow.position(name).ok_or_else(|| Error::Internal(format!("`{name}` is not in the narrow row")))
        };
        let wide = Profile::SageMaker.fields().iter().take(narrow.len());
        let shared = wide.map(|field| place(field.name)).collect::<Result<_>>()?;
        let targets = params.profile.labels().len();
        Ok(Self { params, shared, targets })
    }

    /// The parameters that were checked.
    #[must_use]
    pub fn params(&self) -> &MarketplaceParams {
        &self.params
    }

    /// All customers, on `threads` threads (0: all of the machine's). Same seed, same customers on any number.
    ///
    /// # Errors
    /// [`tenure_core::Error::Internal`] where threads cannot be started.
    pub fn generate(&self, seed: u64, threads: usize) -> Result<MarketplaceBatch> {
        self.draw(seed, 0..self.params.customers, threads)
    }

    /// The customers in batches of `customers_per_batch` (at least 1), in constant memory.
    ///
    /// One after the other they hold the customers of [`MarketplaceWorld::generate`].
    pub fn batches(
        &self,
        seed: u64,
        customers_per_batch: usize,
        threads: usize,
    ) -> impl Iterator<Item = Result<MarketplaceBatch>> {
        let (all, size) = (self.params.customers, customers_per_batch.max(1));
        (0..all)
            .step_by(size)
            .map(move |first| self.draw(seed, first..first.saturating_add(size).min(all), threads))
    }

    fn draw(&self, seed: u64, customers: Range<usize>, threads: usize) -> Result<MarketplaceBatch> {
        let drawn: Vec<Customer> = in_pool(threads, || {
            customers.clone().into_par_iter().map(|index| self.customer(seed, index)).collect()
        })?;
        let matrix = |width: usize, values: fn(&Customer) -> &[f64]| {
            let flat = drawn.iter().flat_map(values).copied().collect();
            let shape = (drawn.len(), width);
            Array2::from_shape_vec(shape, flat).map_err(|e| Error::Internal(e.to_string()))
        };
        let profile = self.params.profile;
        let features = matrix(profile.fields().len(), |customer| &customer.features)?;
        let labels = matrix(self.targets, |customer| &customer.labels)?;
        let truth = matrix(self.targets, |customer| &customer.truth)?;
        let medians = matrix(self.targets, |customer| &customer.medians)?;
        let ids = customers.clone().map(|index| format!("C{:07}", index + 1)).collect();
        let segments = drawn.iter().map(|customer| Some(customer.segment)).collect();
        let table = MarketplaceTable::new(profile, ids, segments, features, &labels)?;
        let parts = customers.map(|index| part(seed, index)).collect();
        Ok(MarketplaceBatch { table, truth, medians, parts })
    }

    fn customer(&self, seed: u64, index: usize) -> Customer {
        let rng = &mut stream(seed, index as u64);
        let noise = self.params.noise;
        // What rounding leaves belongs to the last segment there is.
        let shares = self.params.segments;
        let last = shares.iter().rposition(|share| *share > 0.0).unwrap_or(0);
        let segment = Segment::ALL[place(&shares[..last], rng)];
        let person = Person::draw(segment, rng);
        let market = Market::draw(rng);
        let (narrow, further) = row(&person, &market, rng);
        let truth = Truth::of(&narrow, noise);
        let labels = truth.draw(noise, rng);
        let values = narrow.to_values();
        let (mut medians, mut truth, mut labels) =
            (listed(&truth.medians(noise)), listed(&truth), listed(&labels));
        let features = match self.params.profile {
            Profile::Guide => values,
            Profile::SageMaker => {
                let expected = supply_demand(&market);
                let before_health = truth.len() - 1;
                labels.splice(before_health..before_health, draw_supply_demand(&expected, noise, rng));
                truth.splice(before_health..before_health, expected);
                medians.splice(before_health..before_health, expected);
                self.shared
                    .iter()
                    .map(|&at| values[at])
                    .chain(further.map(|(_, value)| value))
                    .chain(market.values())
                    .collect()
            }
        };
        Customer { segment, features, labels, truth, medians }
    }
}

/// The targets of the narrow profile, in its order.
fn listed(of: &Truth) -> Vec<f64> {
    vec![of.first_session, of.velocity, of.churn_14d, of.churn_30d, of.health]
}

/// What a customer is for: a permutation of each round says it.
fn part(seed: u64, index: usize) -> Part {
    let round = seed::permutation(ROUND, seed::mix(seed ^ 0x7061_7274, (index / ROUND) as u64));
    match round[index % ROUND] {
        place if place < TRAIN => Part::Train,
        place if place < TRAIN + VALIDATION => Part::Validation,
        _ => Part::Test,
    }
}

/// A customer's own stream of random numbers.
fn stream(seed: u64, index: u64) -> Pcg64Mcg {
    let key = seed::mix(seed, 0x6d_6172_6b74);
    Pcg64Mcg::new((u128::from(seed::mix(key, index)) << 64) | u128::from(seed::mix(!key, index)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wide_row_is_the_narrow_one_what_is_beside_it_and_the_market() {
        let names: Vec<&str> = Profile::SageMaker.fields().iter().map(|field| field.name).collect();
        let rng = &mut stream(1, 1);
        let person = Person::draw(Segment::Healthy, rng);
        let (narrow, further) = row(&person, &Market::draw(rng), rng);
        let before = narrow.to_values().len();
        assert_eq!(names[before..before + further.len()], further.map(|(name, _)| name));
        assert_eq!(names[before + further.len()], "supply_algebra");
        assert_eq!(names[149], "demand_trend_sat_prep");
    }
}
