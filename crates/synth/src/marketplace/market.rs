//! The market where a customer is: supply and demand by subject.

use rand_pcg::Pcg64Mcg;
use tenure_features::marketplace::Subject;

use super::{logistic, normal, tidy};

/// Subjects.
pub(super) const SUBJECTS: usize = Subject::ALL.len();
/// Kinds of subjects, as many of each: mathematics, sciences, humanities, languages and the like.
const KINDS: usize = 4;

/// What is known of each subject.
#[derive(Debug, Clone)]
pub(super) struct Market {
    /// Hours offered.
    pub(super) supply: [f64; SUBJECTS],
    /// Hours asked for.
    pub(super) demand: [f64; SUBJECTS],
    /// Share of requests met.
    pub(super) fill_rate: [f64; SUBJECTS],
    /// Change of the demand in a week, as a share.
    pub(super) demand_trend: [f64; SUBJECTS],
}

impl Market {
    /// A season is common to all subjects, a fashion to each kind of them; the rest is each one's own.
    pub(super) fn draw(rng: &mut Pcg64Mcg) -> Self {
        let season = normal(rng);
        let mut hours = |seasonal: f64| {
            let fashions: [f64; KINDS] = std::array::from_fn(|_| 0.35 * normal(rng));
            std::array::from_fn(|at| {
                let log = seasonal * season + fashions[at * KINDS / SUBJECTS] + 0.2 * normal(rng);
                (40.0 * log.exp()).round().max(1.0)
            })
        };
        let supply: [f64; SUBJECTS] = hours(0.1);
        let demand: [f64; SUBJECTS] = hours(0.45);
        let met = |at: usize| tidy(logistic(1.2 + 1.1 * (supply[at] / demand[at]).ln() + 0.4 * normal(rng)));
        let fill_rate = std::array::from_fn(met);
        let demand_trend = std::array::from_fn(|_| tidy((0.2 * normal(rng)).exp_m1()));
        Self { supply, demand, fill_rate, demand_trend }
    }

    /// Hours offered for each hour asked for.
    pub(super) fn supply_ratio(&self, subject: Subject) -> f64 {
        let at = subject as usize;
        self.supply[at] / self.demand[at]
    }

    /// The features of the wide row, in its order.
    pub(super) fn values(&self) -> impl Iterator<Item = f64> + '_ {
        [&self.supply, &self.demand, &self.fill_rate, &self.demand_trend].into_iter().flatten().copied()
    }
}
