//! Quantiles of what several purchases sum up to, when their number is uncertain.
//!
//! With `w` the logarithm of the sum over `v + x z`: given a class of purchase counts around `n`, `w` is the
//! log-odds of a Beta draw with parameters `p n` and `p x + q`. The probabilities of exceeding `w` are tabulated
//! on a grid, once for a frequency `x` and a class of counts; mixed by the probabilities of the classes they
//! are inverted by cubic interpolation.

use super::beta::Beta;
use super::gamma_gamma::GammaGammaParams;
use super::rising::ln_gamma;
use super::strata::Strata;

/// Width of the grid in standard deviations of what the customer's own rate leaves open.
const STEP: f64 = 0.35;
/// Half-width of a class in standard deviations, beyond which probabilities are taken as 0 and 1.
const REACH: f64 = 5.5;
/// `−ln` of the probabilities that are lost in the long tails.
const TAIL: f64 = 16.0;
/// Above this shape the customer's rate is taken as a little less certain than it is (1.8 % of itself), so that
/// a grid of some thousand points is enough.
const MOST_SHAPE: f64 = 3000.0;
/// Most points left of the mean of a class: what is further left is nothing.
const MOST_LEFT: f64 = 400.0;

/// Probabilities of exceeding each point of a part of the grid; 1 before it, 0 behind.
struct Column {
    first: usize,
    values: Vec<f64>,
}

/// The table of one frequency, and the mixture of one outlook.
pub(crate) struct SpendTable {
    frequency: Option<u32>,
    p: f64,
    /// `p x + q`, bounded.
    shape: f64,
    /// What the bound moves the logarithms by.
    moved: f64,
    per_octave: u32,
    origin: f64,
    step: f64,
    columns: Vec<Column>,
    mixture: Vec<f64>,
}

impl SpendTable {
    pub(crate) fn new() -> Self {
        let (columns, mixture) = (Vec::new(), Vec::new());
        Self {
            frequency: None,
            p: 1.0,
            shape: 1.0,
            moved: 0.0,
            per_octave: 8,
            origin: 0.0,
            step: 1.0,
            columns,
            mixture,
        }
    }

    /// Turns to another frequency.
    pub(crate) fn turn(&mut self, spend: &GammaGammaParams, frequency: u32) {
        if self.frequency == Some(frequency) {
            return;
        }
        let whole = spend.shape(frequency);
        let shape = whole.min(MOST_SHAPE);
        let of_shape = ln_gamma(shape);
        self.frequency = Some(frequency);
        (self.p, self.shape) = (spend.p, shape);
        self.moved = if whole > shape { of_shape.first - ln_gamma(whole).first } else { 0.0 };
        self.per_octave = (0.5 * shape.sqrt()).ceil().clamp(8.0, 32.0) as u32;
        self.step = STEP * of_shape.second.sqrt();
        self.columns.clear();
        self.origin = 0.0;
        let (mean, left, _) = self.reach(0);
        self.origin = mean - left;
    }

    /// Classes a doubling of purchases.
    pub(crate) fn per_octave(&self) -> u32 {
        self.per_octave
    }

    /// Mean of a class's `w`, and how far it reaches to the left and right.
    fn reach(&self, class: usize) -> (f64, f64, f64) {
        let a = self.p * Strata::middle(class, self.per_octave);
        let (of_a, of_shape) = (ln_gamma(a), ln_gamma(self.shape));
        let deviation = (of_a.second + of_shape.second).sqrt();
        let left = f64::max(REACH * deviation, TAIL / a).min(MOST_LEFT * self.step);
        let right = f64::max(REACH * deviation, TAIL / self.shape).min(MOST_LEFT * self.step);
        (of_a.first - of_shape.first, left, right)
    }

    fn column(&self, class: usize) -> Column {
        let a = self.p * Strata::middle(class, self.per_octave);
        let (mean, left, right) = self.reach(class);
        let place = |w: f64| ((w - self.origin) / self.step).max(0.0);
        let (first, last) = (place(mean - left).floor() as usize, place(mean + right).ceil() as usize);
        let beta = Beta::new(self.shape, a, 1e-9);
        let value = |k: usize| {
            let w = self.origin + self.step * k as f64;
            // 1 − I_y(a, b) = I_{1−y}(b, a), 1 − y = 1/(1 + e^w)
            beta.cdf(1.0 / (1.0 + w.exp()))
        };
        Column { first, values: (first..=last).map(value).collect() }
    }

    /// Mixes the classes.
    pub(crate) fn mix(&mut self, strata: &Strata) {
        for class in self.columns.len()..strata.mass().len() {
            let column = self.column(class);
            self.columns.push(column);
        }
        let columns = || self.columns.iter().zip(strata.mass());
        let end = columns().map(|(c, _)| c.first + c.values.len()).max().unwrap_or(0);
        self.mixture.clear();
        self.mixture.resize(end + 1, 0.0);
        // Before a column its mass counts whole: as a step at its beginning, summed up from behind.
        for (column, mass) in columns() {
            let part = &mut self.mixture[column.first..column.first + column.values.len()];
            for (sum, value) in part.iter_mut().zip(&column.values) {
                *sum += mass * value;
            }
        }
        let mut classes: Vec<(usize, f64)> = columns().map(|(c, m)| (c.first, *m)).collect();
        classes.sort_by_key(|(first, _)| *first);
        let (mut behind, mut class) = (0.0, classes.len());
        for k in (0..=end).rev() {
            while class > 0 && classes[class - 1].0 > k {
                class -= 1;
                behind += classes[class].1;
            }
            self.mixture[k] += behind;
        }
    }

    /// The sum over `v + x z` that is exceeded with probability `p`, given that the customer is alive; 0 where
    /// it is exceeded less often.
    pub(crate) fn exceeded(&self, p: f64) -> f64 {
        let mixture = &self.mixture;
        // The first place whose probability is at most p.
        let after = mixture.partition_point(|tail| *tail > p);
        if after == 0 {
            return 0.0;
        }
        let Some(before) = after.checked_sub(1).filter(|_| after < mixture.len()) else { return 0.0 };
        let at = |k: usize| mixture[k.min(mixture.len() - 1)];
        let points = [at(before.saturating_sub(1)), at(before), at(after), at(after + 1)];
        let w = self.origin + self.step * (before as f64 + inverse(points, p));
        (w + self.moved).exp()
    }
}

/// Where the falling cubic through values at −1, 0, 1 and 2 crosses `p` between 0 and 1.
fn inverse([y0, y1, y2, y3]: [f64; 4], p: f64) -> f64 {
    // Lagrange's polynomial in Newton's form about 0.
    let (c1, c2, c3) =
        (-y0 / 3.0 - 0.5 * y1 + y2 - y3 / 6.0, 0.5 * (y0 + y2) - y1, (y3 - y0) / 6.0 + 0.5 * (y1 - y2));
    let value = |u: f64| y1 + u * (c1 + u * (c2 + u * c3));
    let (mut low, mut high) = (0.0, 1.0);
    let mut u = ((y1 - p) / (y1 - y2)).clamp(0.0, 1.0);
    for _ in 0..8 {
        let off = value(u) - p;
        if off.abs() < 1e-9 {
            break;
        }
        if off > 0.0 {
            low = u
        } else {
            high = u
        }
        let slope = c1 + u * (2.0 * c2 + 3.0 * u * c3);
        let newton = u - off / slope;
        u = if newton > low && newton < high { newton } else { 0.5 * (low + high) };
    }
    u
}

#[cfg(test)]
mod tests {
    use super::super::beta::beta_cdf;
    use super::*;

    /// Beside the mixture itself.
    #[test]
    fn quantiles_are_those_of_the_mixture() {
        for spend in [
            GammaGammaParams { p: 6.25, q: 3.74, v: 15.4 },
            GammaGammaParams { p: 0.4, q: 1.3, v: 2.0 },
            GammaGammaParams { p: 200.0, q: 40.0, v: 2.0 },
        ] {
            for frequency in [0, 1, 7, 80] {
                let mut table = SpendTable::new();
                table.turn(&spend, frequency);
                let mut strata = Strata::default();
                let tail = |n: u32| 0.9 * 0.8_f64.powi(n as i32 - 1);
                strata.fill(table.per_octave(), 5e-7, tail);
                table.mix(&strata);
                for p in [0.8, 0.5, 0.2, 0.05, 0.005] {
                    let found = table.exceeded(p);
                    let y = found / (1.0 + found);
                    let exact: f64 = (1..200)
                        .map(|n| {
                            let a = spend.p * f64::from(n);
                            (tail(n) - tail(n + 1)) * beta_cdf(spend.shape(frequency), a, 1.0 - y)
                        })
                        .sum();
                    assert!((exact - p).abs() < 2.5e-3, "{spend:?} {frequency} {p}: {exact}");
                }
                assert_eq!(table.exceeded(0.95), 0.0);
            }
        }
    }
}
