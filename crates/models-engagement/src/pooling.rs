//! A recipient's past as rates that are pooled with everyone's.
//!
//! Two messages engaged with out of two say less than two hundred out of two hundred. How much less is learned:
//! a hierarchical beta-binomial model by empirical Bayes (Gelman et al., *Bayesian data analysis*, 3rd ed. 2013,
//! chapter 5; Efron, *Large-scale inference*, 2010, chapter 1).
//!
//! ```text
//! θ        ~ Beta(μ s, (1 − μ) s)                a recipient's own rate, around the population's μ
//! mₚ        = σ(logit θ + δₚ)                    what that is for a part p of the past (δₚ: everyone's difference)
//! θₚ | θ   ~ Beta(mₚ c, (1 − mₚ) c)              the recipient's rate in that part, around their own
//! kₚ | θₚ  ~ Binomial(nₚ, θₚ)
//! ```
//!
//! The past is cut in three ways, each with a strength `c` of its own: by part of the day, by weekend and by
//! content. `μ` and `s` maximise the marginal likelihood of the recipients' totals, each `c` that of the parts,
//! `Σ ln ∫ Beta(θ) Πₚ BetaBinomial(kₚ | nₚ, mₚ c, (1 − mₚ) c) dθ`. The integral is a sum over a fixed grid of
//! `logit θ`. `δₚ` is the difference of the log-odds of the pooled counts. Every recipient counts once, however
//! many rows there are: the counts run on from row to row.
//!
//! What a model reads are posterior means: of `logit θ`, and of the deviation `logit E[θₚ | θ, kₚ] − logit mₚ`,
//! which is 0 for who has no past.

use serde::{Deserialize, Serialize};

/// Messages of the past and how many of them were engaged with.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Count {
    pub(crate) sent: f64,
    pub(crate) engaged: f64,
}

/// Parts of a past: night, morning, afternoon, evening; weekend, weekdays; same content, other.
pub(crate) const PARTS: usize = 8;

/// A recipient's past, cut in three ways.
pub(crate) type Past = [Count; PARTS];

/// The parts of the day.
pub(crate) const DAY_PARTS: usize = 4;

/// First part and number of parts of each way to cut.
const CUTS: [(usize, usize); 3] = [(0, DAY_PARTS), (DAY_PARTS, 2), (DAY_PARTS + 2, 2)];

/// Grid of `logit θ`: from −7 to 7. A sum over it is exact to 1e-8 for a posterior as wide as a step.
const NODES: usize = 141;
const STEP: f64 = 0.1;

/// More messages than these in one part tell no more: their rate is kept and the count cut. It keeps the
/// posterior wider than the grid.
pub(crate) const MOST: usize = 200;

/// Recipients that the strengths are fitted to, evenly drawn from all.
const MOST_RECIPIENTS: usize = 3_000;

/// Strengths (counted in messages) that are looked at.
const STRENGTHS: (f64, f64) = (0.2, 5_000.0);

/// Strength from which on recipients are taken to be the same in every part: deviations are 0. Else a column of
/// next to nothing would enter the models standardised.
const ALIKE: f64 = 1_000.0;

fn node(at: usize) -> f64 {
    (at as f64 - (NODES / 2) as f64) * STEP
}

fn logit(p: f64) -> f64 {
    (p / (1.0 - p)).ln()
}

pub(crate) fn expit(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// The hierarchical model, fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Strengths", into = "Strengths")]
pub(crate) struct Pooling {
    strengths: Strengths,
    /// Logarithm of the prior of each node, up to a constant.
    prior: Vec<f64>,
    cuts: Vec<Cut>,
}

/// The fitted numbers of the hierarchical model: what everyone's past says of one recipient's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Strengths {
    /// Rate of engagement over recipients, μ.
    pub rate: f64,
    /// How alike recipients are, s: a past of so many messages counts as much as everyone's.
    pub between: f64,
    /// How alike a recipient is to themselves by part of the day, weekend and content, c: as `between`.
    pub within: [f64; 3],
    /// Log-odds of each part less those of all: night, morning, afternoon, evening, weekend, weekdays, same
    /// content, other.
    pub offsets: [f64; PARTS],
    /// Recipients with a past that these were fitted to.
    pub recipients: usize,
}

/// One way to cut the past, with what the likelihood needs: logarithms of rising factorials.
#[derive(Debug, Clone, PartialEq)]
struct Cut {
    first: usize,
    parts: usize,
    strength: f64,
    /// `mₚ` by part and node.
    means: Vec<f64>,
    /// `ln (mₚ c)ₖ` and `ln ((1 − mₚ) c)ₖ` by part, node and k.
    engaged: Vec<f64>,
    ignored: Vec<f64>,
    /// `ln (c)ₙ`.
    sent: Vec<f64>,
}

/// What is believed of one recipient.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Belief {
    /// Posterior mean of `logit θ`.
    pub(crate) rate: f64,
    /// Posterior mean of the deviation of each part, in log-odds.
    pub(crate) deviations: [f64; PARTS],
    /// Its posterior variance.
    pub(crate) variances: [f64; PARTS],
}

/// Whole numbers, at most [`MOST`], engaged at most sent; the rate is kept.
fn whole(count: Count) -> (usize, usize) {
    let sent = if count.sent > 0.0 { count.sent } else { 0.0 };
    let engaged = if count.engaged > 0.0 { count.engaged.min(sent) } else { 0.0 };
    let shrink = (MOST as f64 / sent).min(1.0);
    let sent = (sent * shrink).round() as usize;
    (sent, ((engaged * shrink).round() as usize).min(sent))
}

/// `ln (a)ₖ` for k from 0 to [`MOST`].
pub(crate) fn rising(a: f64) -> impl Iterator<Item = f64> {
    (0..=MOST).scan(0.0, move |sum, k| {
        let before = *sum;
        *sum += (a + k as f64).ln();
        Some(before)
    })
}

impl Cut {
    fn new((first, parts): (usize, usize), strength: f64, offsets: &[f64; PARTS]) -> Self {
        let mean = |at: usize| expit(node(at % NODES) + offsets[first + at / NODES]);
        let means: Vec<f64> = (0..parts * NODES).map(mean).collect();
        let engaged = means.iter().flat_map(|m| rising(m * strength)).collect();
        let ignored = means.iter().flat_map(|m| rising((1.0 - m) * strength)).collect();
        Self { first, parts, strength, means, engaged, ignored, sent: rising(strength).collect() }
    }

    /// The counts of this cut's parts.
    fn counts(&self, past: &Past) -> [(usize, usize); DAY_PARTS] {
        std::array::from_fn(|p| if p < self.parts { whole(past[self.first + p]) } else { (0, 0) })
    }

    /// The posterior of the nodes, and the logarithm of the marginal likelihood up to the prior's constant.
    fn posterior(&self, prior: &[f64], past: &Past) -> ([f64; NODES], f64) {
        let counts = self.counts(past);
        let mut weights = [0.0; NODES];
        weights.copy_from_slice(prior);
        for (part, &(sent, engaged)) in counts.iter().enumerate().filter(|(_, (sent, _))| *sent > 0) {
            for (at, weight) in weights.iter_mut().enumerate() {
                let row = (part * NODES + at) * (MOST + 1);
                *weight += self.engaged[row + engaged] + self.ignored[row + sent - engaged] - self.sent[sent];
            }
        }
        let most = weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        weights.iter_mut().for_each(|w| *w = (*w - most).exp());
        let total: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|w| *w /= total);
        (weights, most + total.ln())
    }

    /// Adds to `belief` what this cut says of its parts.
    fn believe(&self, weights: &[f64; NODES], past: &Past, belief: &mut Belief) {
        if self.strength >= ALIKE {
            return;
        }
        let counts = self.counts(past);
        for (part, (sent, engaged)) in counts.into_iter().enumerate().take(self.parts) {
            let (sent, engaged) = (sent as f64, engaged as f64);
            let (mut mean, mut square, mut variance) = (0.0, 0.0, 0.0);
            for (at, weight) in weights.iter().enumerate() {
                let expected = self.means[part * NODES + at];
                let known = sent + self.strength;
                let rate = (engaged + expected * self.strength) / known;
                let deviation = logit(rate) - logit(expected);
                mean += weight * deviation;
                square += weight * deviation * deviation;
                // The variance of a beta variable, on the scale of log-odds by the delta method.
                variance += weight / ((known + 1.0) * rate * (1.0 - rate));
            }
            belief.deviations[self.first + part] = mean;
            belief.variances[self.first + part] = variance + (square - mean * mean).max(0.0);
        }
    }
}

impl From<Pooling> for Strengths {
    fn from(pooling: Pooling) -> Self {
        pooling.strengths
    }
}

impl TryFrom<Strengths> for Pooling {
    type Error = String;

    fn try_from(of: Strengths) -> Result<Self, String> {
        // Wider than what a fit can find, and narrow enough that no rate on the grid comes out as 0 or 1.
        let strength = |s: &f64| (0.1..=10_000.0).contains(s);
        let fits = of.rate > 0.0 && of.rate < 1.0 && strength(&of.between) && of.within.iter().all(strength);
        if !(fits && of.offsets.iter().all(|d| d.abs() <= 20.0)) {
            return Err("the strengths of the pooling are out of range".into());
        }
        Ok(Self::of(of))
    }
}

impl Pooling {
    fn of(strengths: Strengths) -> Self {
        let prior = log_prior(strengths.rate, strengths.between);
        let cuts = CUTS.iter().zip(strengths.within);
        let cuts = cuts.map(|(&cut, strength)| Cut::new(cut, strength, &strengths.offsets)).collect();
        Self { strengths, prior, cuts }
    }

    /// Fits the strengths to pasts, one a recipient. `base_rate` is the rate where nobody has a past.
    pub(crate) fn fit(pasts: &[Past], base_rate: f64) -> Self {
        let with: Vec<&Past> = pasts.iter().filter(|past| total(past).0 > 0).collect();
        let step = with.len().div_ceil(MOST_RECIPIENTS).max(1);
        let sample: Vec<&Past> = with.iter().copied().step_by(step).collect();
        let nothing = Strengths {
            rate: base_rate.clamp(1e-6, 1.0 - 1e-6),
            between: 1.0,
            within: [1.0; 3],
            offsets: [0.0; PARTS],
            recipients: with.len(),
        };
        if sample.is_empty() {
            return Self::of(nothing);
        }
        let offsets = offsets(&sample);
        let (rate, between) = totals(&sample);
        let prior = log_prior(rate, between);
        let within = CUTS.map(|cut| {
            maximise(STRENGTHS.0.ln(), STRENGTHS.1.ln(), |strength| {
                let cut = Cut::new(cut, strength.exp(), &offsets);
                sample.iter().map(|past| cut.posterior(&prior, past).1).sum()
            })
            .exp()
        });
        Self::of(Strengths { rate, between, within, offsets, ..nothing })
    }

    pub(crate) fn strengths(&self) -> &Strengths {
        &self.strengths
    }

    /// What is believed of a recipient with this past.
    pub(crate) fn believe(&self, past: &Past) -> Belief {
        let mut belief = Belief::default();
        for (at, cut) in self.cuts.iter().enumerate() {
            let (weights, _) = cut.posterior(&self.prior, past);
            if at == 0 {
                belief.rate = weights.iter().enumerate().map(|(at, w)| w * node(at)).sum();
            }
            cut.believe(&weights, past, &mut belief);
        }
        belief
    }
}

/// Beta(μ s, (1 − μ) s) on the grid of `logit θ`, as logarithms that sum to 1.
fn log_prior(rate: f64, strength: f64) -> Vec<f64> {
    let density = |at: usize| {
        let x = node(at);
        // ln θ and ln (1 − θ); the change of variable adds one to both exponents.
        -(rate * strength * (-x).exp().ln_1p() + (1.0 - rate) * strength * x.exp().ln_1p())
    };
    let logs: Vec<f64> = (0..NODES).map(density).collect();
    let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let total = logs.iter().map(|l| (l - most).exp()).sum::<f64>().ln() + most;
    logs.iter().map(|l| l - total).collect()
}

/// All of a past, as [`whole`] numbers.
fn total(past: &Past) -> (usize, usize) {
    let sum = |of: fn(&Count) -> f64| past[..DAY_PARTS].iter().map(of).filter(|v| *v > 0.0).sum();
    whole(Count { sent: sum(|c| c.sent), engaged: sum(|c| c.engaged) })
}

/// Log-odds of everyone's counts in each part less those of all.
fn offsets(pasts: &[&Past]) -> [f64; PARTS] {
    let log_odds = |counts: &dyn Fn(&Past) -> (usize, usize)| {
        let sums = pasts
            .iter()
            .map(|past| counts(past))
            .fold((0.0, 0.0), |(sent, engaged), (n, k)| (sent + n as f64, engaged + k as f64));
        (sums.0 > 0.0).then(|| ((sums.1 + 0.5) / (sums.0 - sums.1 + 0.5)).ln())
    };
    let all = log_odds(&total).unwrap_or(0.0);
    std::array::from_fn(|part| log_odds(&|past| whole(past[part])).map_or(0.0, |own| own - all))
}

/// Rate and strength between recipients that make their totals most likely.
fn totals(pasts: &[&Past]) -> (f64, f64) {
    let counts: Vec<(usize, usize)> = pasts.iter().map(|past| total(past)).collect();
    let likelihood = |rate: f64, strength: f64| -> f64 {
        let tables =
            [rate * strength, (1.0 - rate) * strength, strength].map(|a| rising(a).collect::<Vec<_>>());
        counts.iter().map(|&(n, k)| tables[0][k] + tables[1][n - k] - tables[2][n]).sum()
    };
    let (sent, engaged) =
        counts.iter().fold((0.0, 0.0), |(sent, engaged), &(n, k)| (sent + n as f64, engaged + k as f64));
    let mut rate = (engaged + 0.5) / (sent + 1.0);
    let mut strength = 1.0;
    for _ in 0..4 {
        strength = maximise(STRENGTHS.0.ln(), STRENGTHS.1.ln(), |s: f64| likelihood(rate, s.exp())).exp();
        rate = expit(maximise(-7.0, 7.0, |x| likelihood(expit(x), strength)));
    }
    (rate, strength)
}

/// Where a function with one peak is highest, to a hundredth (golden section, Kiefer 1953).
pub(crate) fn maximise(mut low: f64, mut high: f64, f: impl Fn(f64) -> f64) -> f64 {
    const RATIO: f64 = 0.618_033_988_749_894_9;
    let inner = |low: f64, high: f64| (high - RATIO * (high - low), low + RATIO * (high - low));
    let (mut a, mut b) = inner(low, high);
    let (mut at_a, mut at_b) = (f(a), f(b));
    while high - low > 0.01 {
        if at_a < at_b {
            (low, a, at_a) = (a, b, at_b);
            b = inner(low, high).1;
            at_b = f(b);
        } else {
            (high, b, at_b) = (b, a, at_a);
            a = inner(low, high).0;
            at_a = f(a);
        }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tenure_core::seed;

    fn count(sent: f64, engaged: f64) -> Count {
        Count { sent, engaged }
    }

    /// A past whose messages all were sent in the afternoon of weekdays, of the same content.
    fn afternoon(sent: f64, engaged: f64) -> Past {
        let mut past = Past::default();
        for part in [2, 5, 6] {
            past[part] = count(sent, engaged);
        }
        past
    }

    fn pooling() -> Pooling {
        Pooling::of(Strengths {
            rate: 0.2,
            between: 8.0,
            within: [10.0; 3],
            offsets: [0.0; PARTS],
            recipients: 1,
        })
    }

    #[test]
    fn two_of_two_does_not_shout() {
        let pooling = pooling();
        let nobody = pooling.believe(&Past::default());
        assert!(nobody.deviations.iter().all(|d| d.abs() < 1e-12));
        let few = pooling.believe(&afternoon(2.0, 2.0));
        let many = pooling.believe(&afternoon(200.0, 200.0));
        assert!(expit(nobody.rate) < 0.2 && expit(few.rate) < 0.4, "{} {}", nobody.rate, few.rate);
        assert!(many.rate > few.rate + 1.0, "{} {}", few.rate, many.rate);
        assert!(few.deviations[2] > 0.0 && few.deviations[2] < 0.6, "{}", few.deviations[2]);
        assert!(many.variances[2] < nobody.variances[2]);
    }

    /// One part that holds the whole past: θ integrates out in closed form where c is large.
    #[test]
    fn the_sum_over_the_grid_is_the_integral() {
        let pooling = Pooling::of(Strengths { within: [1e9; 3], ..pooling().strengths });
        let (weights, marginal) = pooling.cuts[0].posterior(&pooling.prior, &afternoon(30.0, 9.0));
        let rate: f64 = weights.iter().enumerate().map(|(at, w)| w * expit(node(at))).sum();
        let (a, b): (f64, f64) = (1.6, 6.4);
        assert!((rate - (a + 9.0) / (a + b + 30.0)).abs() < 1e-9, "{rate}");
        let rises = |a: f64, k: usize| rising(a).nth(k).unwrap();
        // The grid ends where the prior still has a few ten-thousandths.
        assert!((marginal - (rises(a, 9) + rises(b, 21) - rises(a + b, 30))).abs() < 1e-3, "{marginal}");
    }

    /// Recipients drawn from known strengths: the fit comes near them.
    #[test]
    fn strengths_are_found_again() {
        let mut draws = 0..;
        let mut unit = || seed::unit(5, draws.next().unwrap());
        // A beta variable as an order statistic of uniform ones: whole parameters only.
        let mut beta = |a: usize, b: usize| {
            let mut values: Vec<f64> = (0..a + b - 1).map(|_| unit()).collect();
            values.sort_unstable_by(f64::total_cmp);
            values[a - 1]
        };
        let mut pasts = Vec::new();
        for _ in 0..2_000 {
            let own = beta(2, 6);
            let mut past = Past::default();
            for place in &mut past[..DAY_PARTS] {
                // Whole parameters near own·20 and the rest.
                let a = ((own * 20.0).round() as usize).clamp(1, 19);
                let rate = beta(a, 20 - a);
                let engaged = (0..10).filter(|_| beta(1, 1) < rate).count() as f64;
                *place = count(10.0, engaged);
            }
            pasts.push(past);
        }
        let found = Pooling::fit(&pasts, 0.5);
        let Strengths { rate, between, within, recipients, .. } = *found.strengths();
        assert_eq!(recipients, 2_000);
        assert!((rate - 0.25).abs() < 0.02, "{rate}");
        assert!((6.0..10.0).contains(&between), "{between}");
        assert!((14.0..28.0).contains(&within[0]), "{within:?}");
    }

    #[test]
    fn without_any_past_there_is_the_base_rate() {
        let pooling = Pooling::fit(&[Past::default(); 20], 0.3);
        assert_eq!((pooling.strengths().rate, pooling.strengths().recipients), (0.3, 0));
        assert!(pooling.believe(&Past::default()).rate < 0.0);
    }

    #[test]
    fn strange_counts_are_tamed() {
        assert_eq!(whole(count(f64::NAN, 3.0)), (0, 0));
        assert_eq!(whole(count(4.0, f64::NAN)), (4, 0));
        assert_eq!(whole(count(4.0, 9.0)), (4, 4));
        assert_eq!(whole(count(1e300, 5e299)), (MOST, MOST / 2));
    }
}
