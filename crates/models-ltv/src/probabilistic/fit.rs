//! Fitting BG/NBD and Pareto/NBD: what they share.
//!
//! Both have four positive parameters; a customer's log-likelihood and its two derivatives by the logarithms of
//! the four (a [`Local`]) are all that differs. Times are divided by the mean age; equal customers are counted
//! and worked on once; a thinned sample gives the start of the search over all.

use tenure_core::{FitContext, Progress};

use super::covariates::Covariates;
use super::estimates::{Estimates, FitParams, Optimum};
use super::newton::{Derivatives, End, Found, minimise};
use super::rising::{Rising, table};
use super::summary::{Kinds, Summaries, Summary};
use super::threads::{PIECE, Threads};
use crate::{Error, Result};

/// Kinds of customers from which on a sample is fitted first.
const THIN: usize = 20_000;
/// Kinds in the sample, about.
const SAMPLE: usize = 4_000;
/// Parameters of a model.
pub(crate) const N: usize = 4;

/// A customer's log-likelihood, and its derivatives by the logarithms of the four parameters.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Local {
    pub(crate) value: f64,
    pub(crate) gradient: [f64; N],
    /// The upper triangle, row by row.
    pub(crate) hessian: [f64; N * (N + 1) / 2],
}

/// What distinguishes the models in a fit.
pub(crate) trait Likelihood: Sync {
    /// Name for messages.
    const NAME: &'static str;
    /// Names of the parameters.
    const PARAMETERS: [&'static str; N];
    /// Powers of time that the parameters have: 1 for a time, 0 for a pure number.
    const TIME: [i32; N];
    /// For each parameter which covariates shift its logarithm, and by which sign.
    const SHIFTED: [Option<(Shift, f64)>; N];
    /// Whether ages are times, to be divided by their mean, and not counts.
    const CONTINUOUS: bool = true;
    /// What customers with equal counts share at some parameters.
    type Tables: Sync;

    /// The tables for frequencies `xs` (ascending) and ages up to `oldest`.
    fn tables(parameters: &[f64; N], xs: &[u32], oldest: f64) -> Self::Tables;

    /// One customer, whose frequency has the place `rank` among those of the tables.
    fn local(parameters: &[f64; N], of: &Summary, rank: usize, tables: &Self::Tables) -> Local;

    /// What a search that ran to an edge says about the customers.
    fn meaning(parameters: &[f64; N]) -> String;
}

/// Which covariates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shift {
    Transaction,
    Dropout,
}

/// Customers as the search sees them.
struct Grouped {
    of: Vec<Summary>,
    /// Place of each one's frequency in `xs`.
    rank: Vec<u32>,
    weight: Vec<f64>,
    xs: Vec<u32>,
    /// Sum of weights.
    total: f64,
    /// Mean age: the unit of time of the search.
    scale: f64,
    oldest: f64,
}

impl Grouped {
    /// `merge`: whether equal customers may be counted as one kind.
    fn new<L: Likelihood>(customers: &Summaries, merge: bool) -> Self {
        let total: f64 = (0..customers.len()).map(|i| customers.weight(i)).sum();
        let ages: f64 = customers.age().iter().enumerate().map(|(i, t)| customers.weight(i) * t).sum();
        let scale = if L::CONTINUOUS && ages > 0.0 { ages / total } else { 1.0 };
        let scaled = |s: Summary| Summary { recency: s.recency / scale, age: s.age / scale, ..s };
        let (mut of, mut weight) = (Vec::new(), Vec::new());
        if merge {
            let kinds = Kinds::new(customers);
            for kind in 0..kinds.len() {
                let rows = &kinds.order[kinds.range(kind)];
                let sum: f64 = rows.iter().map(|&row| customers.weight(row as usize)).sum();
                if sum > 0.0 {
                    of.push(scaled(customers.at(rows[0] as usize)));
                    weight.push(sum);
                }
            }
        } else {
            of.extend((0..customers.len()).map(|i| scaled(customers.at(i))));
            weight.extend((0..customers.len()).map(|i| customers.weight(i)));
        }
        let (xs, rank) = ranks(of.iter().map(|s| s.frequency));
        let oldest = of.iter().fold(0.0, |m, s| f64::max(m, s.age));
        Self { of, rank, weight, xs, total, scale, oldest }
    }

    /// `Σ weight · x`
    fn purchases(&self) -> f64 {
        self.of.iter().zip(&self.weight).map(|(s, w)| w * f64::from(s.frequency)).sum()
    }

    /// Every `step`-th kind; the hash that kinds are sorted by makes that a fair sample.
    fn thinned(&self, step: usize) -> Self {
        let every = || (0..self.of.len()).step_by(step);
        let weight: Vec<f64> = every().map(|i| self.weight[i]).collect();
        Self {
            of: every().map(|i| self.of[i]).collect(),
            rank: every().map(|i| self.rank[i]).collect(),
            total: weight.iter().sum(),
            weight,
            xs: self.xs.clone(),
            ..*self
        }
    }
}

/// The distinct values, ascending, and the place of each value among them.
pub(crate) fn ranks(values: impl Iterator<Item = u32> + Clone) -> (Vec<u32>, Vec<u32>) {
    let mut distinct: Vec<u32> = values.clone().collect();
    distinct.sort_unstable();
    distinct.dedup();
    let rank = values.map(|v| distinct.partition_point(|d| *d < v) as u32).collect();
    (distinct, rank)
}

/// Covariates as the search sees them.
struct Linked<'a> {
    transaction: Option<(&'a Covariates, Vec<f64>)>,
    dropout: Option<(&'a Covariates, Vec<f64>)>,
}

impl<'a> Linked<'a> {
    fn new(
        customers: &Summaries,
        transaction: Option<&'a Covariates>,
        dropout: Option<&'a Covariates>,
    ) -> Result<Self> {
        let link = |covariates: Option<&'a Covariates>| -> Result<_> {
            let Some(covariates) = covariates else { return Ok(None) };
            let (expected, found) = (customers.len(), covariates.rows());
            if expected != found {
                return Err(tenure_core::Error::Shape { what: "rows of covariates", expected, found }.into());
            }
            Ok(Some((covariates, covariates.deviations()?)))
        };
        Ok(Self { transaction: link(transaction)?, dropout: link(dropout)? })
    }

    fn of(&self, shift: Shift) -> Option<&(&'a Covariates, Vec<f64>)> {
        match shift {
            Shift::Transaction => self.transaction.as_ref(),
            Shift::Dropout => self.dropout.as_ref(),
        }
    }

    /// Names of the coefficients, their factors to the data's units, and where each parameter's begin.
    fn coefficients<L: Likelihood>(&self) -> (Vec<String>, Vec<f64>, [usize; N]) {
        let (mut names, mut factors, mut begin) = (Vec::new(), Vec::new(), [0; N]);
        for (j, shifted) in L::SHIFTED.iter().enumerate() {
            begin[j] = N + names.len();
            if let Some((covariates, deviations)) = shifted.and_then(|(shift, _)| self.of(shift)) {
                names.extend(covariates.names().iter().map(|name| format!("{}:{name}", L::PARAMETERS[j])));
                factors.extend(deviations.iter().map(|d| 1.0 / d));
            }
        }
        (names, factors, begin)
    }
}

/// Mean negative log-likelihood with penalty, and derivatives.
struct Objective<'a, L> {
    linked: &'a Linked<'a>,
    begin: [usize; N],
    n: usize,
    params: &'a FitParams,
    threads: &'a Threads,
    model: std::marker::PhantomData<L>,
}

impl<L: Likelihood> Objective<'_, L> {
    fn at(&self, data: &Grouped, theta: &[f64]) -> Derivatives {
        let mut mean = if self.n == N { self.plain(data, theta) } else { self.with_covariates(data, theta) };
        mean.scale(-1.0 / data.total);
        for (i, t) in theta.iter().enumerate() {
            let l2 = if i < N { self.params.l2 } else { self.params.l2_covariates };
            mean.value += l2 * t * t;
            mean.gradient[i] += 2.0 * l2 * t;
            mean.hessian[i * self.n + i] += 2.0 * l2;
        }
        mean
    }

    fn plain(&self, data: &Grouped, theta: &[f64]) -> Derivatives {
        let natural = std::array::from_fn(|i| theta[i].exp());
        let tables = L::tables(&natural, &data.xs, data.oldest);
        let pieces = self.threads.pieces(data.of.len(), PIECE, |range| {
            let mut sum = Local::default();
            for i in range {
                let local = L::local(&natural, &data.of[i], data.rank[i] as usize, &tables);
                let w = data.weight[i];
                sum.value += w * local.value;
                sum.gradient.iter_mut().zip(local.gradient).for_each(|(a, b)| *a += w * b);
                sum.hessian.iter_mut().zip(local.hessian).for_each(|(a, b)| *a += w * b);
            }
            sum
        });
        let mut all = Derivatives::zero(N);
        for piece in pieces {
            all.value += piece.value;
            all.gradient.iter_mut().zip(piece.gradient).for_each(|(a, b)| *a += b);
            for (at, b) in triangle().zip(piece.hessian) {
                all.hessian[at.0 * N + at.1] += b;
            }
        }
        for (i, j) in triangle() {
            all.hessian[j * N + i] = all.hessian[i * N + j];
        }
        all
    }

    fn with_covariates(&self, data: &Grouped, theta: &[f64]) -> Derivatives {
        let pieces = self.threads.pieces(data.of.len(), PIECE, |range| {
            let mut sum = Derivatives::zero(self.n);
            // For each parameter the coordinates that move its logarithm, with how much.
            let mut moved: [Vec<(usize, f64)>; N] = Default::default();
            for row in range {
                self.moved(row, &mut moved);
                let natural: [f64; N] = std::array::from_fn(|j| {
                    moved[j].iter().map(|(at, by)| by * theta[*at]).sum::<f64>().exp()
                });
                let of = &data.of[row];
                let tables = L::tables(&natural, &[of.frequency], of.age);
                let local = L::local(&natural, of, 0, &tables);
                self.chain(&local, &moved, data.weight[row], &mut sum);
            }
            sum
        });
        let mut all = Derivatives::zero(self.n);
        pieces.iter().for_each(|piece| all.add(piece));
        all
    }

    fn moved(&self, row: usize, moved: &mut [Vec<(usize, f64)>; N]) {
        for (j, into) in moved.iter_mut().enumerate() {
            into.clear();
            into.push((j, 1.0));
            let Some((shift, sign)) = L::SHIFTED[j] else { continue };
            let Some((covariates, deviations)) = self.linked.of(shift) else { continue };
            let values = covariates.values().row(row);
            let at = self.begin[j];
            into.extend(values.iter().zip(deviations).enumerate().map(|(k, (z, d))| (at + k, sign * z / d)));
        }
    }

    fn chain(&self, local: &Local, moved: &[Vec<(usize, f64)>; N], w: f64, sum: &mut Derivatives) {
        sum.value += w * local.value;
        for (j, moves) in moved.iter().enumerate() {
            for &(at, by) in moves {
                sum.gradient[at] += w * by * local.gradient[j];
            }
        }
        for ((i, j), h) in triangle().zip(local.hessian) {
            for &(a, by_a) in &moved[i] {
                for &(b, by_b) in &moved[j] {
                    let term = w * by_a * by_b * h;
                    sum.hessian[a * self.n + b] += term;
                    if i != j {
                        sum.hessian[b * self.n + a] += term;
                    }
                }
            }
        }
    }
}

/// Places of the upper triangle, row by row.
fn triangle() -> impl Iterator<Item = (usize, usize)> {
    (0..N).flat_map(|i| (i..N).map(move |j| (i, j)))
}

/// One customer's log-likelihood.
pub(crate) fn log_likelihood<L: Likelihood>(parameters: [f64; N], of: &Summary) -> f64 {
    L::local(&parameters, of, 0, &L::tables(&parameters, &[of.frequency], of.age)).value
}

/// What a fit finds: parameters in the data's units, and the report.
pub(crate) struct Fitted {
    pub(crate) parameters: [f64; N],
    pub(crate) estimates: Estimates,
}

/// Fits a model.
pub(crate) fn fit<L: Likelihood>(
    customers: &Summaries,
    transaction: Option<&Covariates>,
    dropout: Option<&Covariates>,
    params: &FitParams,
    context: &FitContext<'_>,
) -> Result<Fitted> {
    params.check(N)?;
    if customers.is_empty() {
        return Err(tenure_core::Error::NotEnoughRows { found: 0, needed: 1 }.into());
    }
    let linked = Linked::new(customers, transaction, dropout)?;
    let (coefficients, factors, begin) = linked.coefficients::<L>();
    let data = Grouped::new::<L>(customers, coefficients.is_empty());
    if data.purchases() == 0.0 && params.l2 == 0.0 {
        let meaning = "nobody has bought again, which fits a purchase rate of 0".to_owned();
        return Err(Error::NoInnerOptimum { model: L::NAME, meaning, parameters: "r = 0".to_owned() });
    }
    let threads = Threads::new(context.threads, data.of.len())?;
    let n = N + coefficients.len();
    let model = std::marker::PhantomData;
    let objective = Objective::<L> { linked: &linked, begin, n, params, threads: &threads, model };
    let found = objective.search(&data, context)?;
    let time: [f64; N] = std::array::from_fn(|i| f64::from(L::TIME[i]) * data.scale.ln());
    let shift: Vec<f64> = time.iter().copied().chain(coefficients.iter().map(|_| 0.0)).collect();
    let factor: Vec<f64> = [1.0; N].iter().copied().chain(factors).collect();
    let names: Vec<String> = L::PARAMETERS.iter().map(|p| (*p).to_owned()).chain(coefficients).collect();
    let parameters = std::array::from_fn(|i| (found.at[i] + shift[i]).exp());
    let nowhere = || {
        let text = |i: usize| format!("{} = {:.3e}", L::PARAMETERS[i], parameters[i]);
        let parameters = (0..N).map(text).collect::<Vec<_>>().join(", ");
        let scaled = std::array::from_fn(|i| found.at[i].exp());
        Error::NoInnerOptimum { model: L::NAME, meaning: L::meaning(&scaled), parameters }
    };
    match found.end {
        End::Minimum => {}
        End::Edge => return Err(nowhere()),
        End::Exhausted => {
            let (iterations, slope) = (found.iterations, found.here.slope());
            return Err(Error::NotConverged { model: L::NAME, iterations, slope });
        }
    }
    let unpenalised = objective.unpenalised(&data, &found);
    // The likelihood of x purchases has the unit time^−x.
    let log_likelihood = unpenalised - if L::CONTINUOUS { data.purchases() * data.scale.ln() } else { 0.0 };
    let optimum = Optimum {
        names: &names,
        at: &found.at,
        here: &found.here,
        logs: N,
        shift: &shift,
        factor: &factor,
        iterations: found.iterations,
    };
    let estimates = Estimates::new(&optimum, log_likelihood, data.total, params.level).ok_or_else(nowhere)?;
    Ok(Fitted { parameters, estimates })
}

impl<L: Likelihood> Objective<'_, L> {
    /// The sum of log-likelihoods in the search's units.
    fn unpenalised(&self, data: &Grouped, found: &Found) -> f64 {
        let penalty =
            |(i, t): (usize, &f64)| t * t * if i < N { self.params.l2 } else { self.params.l2_covariates };
        -data.total * (found.here.value - found.at.iter().enumerate().map(penalty).sum::<f64>())
    }
}

/// Starts tried one after the other until one leads to a maximum: logarithms, times in mean ages.
const STARTS: [[f64; N]; 5] = [
    [-0.7, -0.7, -0.7, 0.0],
    [-1.5, -2.0, -1.0, 1.0],
    [0.5, 0.5, -1.5, 1.5],
    [0.0, -2.5, 0.5, 0.5],
    [-2.5, -2.5, -2.5, -0.5],
];

impl<L: Likelihood> Objective<'_, L> {
    fn search(&self, data: &Grouped, context: &FitContext<'_>) -> Result<Found> {
        let scaled = |start: &Vec<f64>| -> [f64; N] {
            std::array::from_fn(|i| start[i].ln() - f64::from(L::TIME[i]) * data.scale.ln())
        };
        let mut first = self.params.start.as_ref().map(scaled);
        // With covariates, every customer is a kind of its own, and rows must keep their places.
        if self.n == N && data.of.len() > THIN {
            let sample = data.thinned(data.of.len() / SAMPLE);
            if sample.purchases() > 0.0 {
                let found = self.search_from(first, &sample, context)?;
                if found.end == End::Minimum {
                    first = Some(std::array::from_fn(|i| found.at[i]));
                }
            }
        }
        self.search_from(first, data, context)
    }

    fn search_from(
        &self,
        first: Option<[f64; N]>,
        data: &Grouped,
        context: &FitContext<'_>,
    ) -> Result<Found> {
        let watch = |done: usize, value: f64| -> Result<()> {
            let figure = Some(("mean_log_likelihood", -value));
            let total = Some(self.params.max_iterations as u64);
            context.progress.report(Progress { stage: L::NAME, done: done as u64, total, figure });
            Ok(context.check_cancelled("fitting")?)
        };
        let mut best: Option<Found> = None;
        for start in first.iter().chain(&STARTS) {
            let mut start: Vec<f64> = start.to_vec();
            start.resize(self.n, 0.0);
            let found = minimise(&start, self.params.max_iterations, |theta| self.at(data, theta), watch)?;
            if found.end == End::Minimum {
                return Ok(found);
            }
            let better = |b: &Found| found.here.value < b.here.value || !b.here.is_finite();
            if best.as_ref().is_none_or(better) {
                best = Some(found);
            }
        }
        best.ok_or_else(|| tenure_core::Error::Internal("no start of a search".to_owned()).into())
    }
}

/// [`Rising`] at three arguments, as both models need them.
pub(crate) fn tables<const M: usize>(arguments: [f64; M], xs: &[u32]) -> Vec<[Rising; M]> {
    let columns = arguments.map(|p| table(p, xs));
    (0..xs.len()).map(|i| std::array::from_fn(|m| columns[m][i])).collect()
}

#[cfg(test)]
mod tests {
    use super::super::bg_bb::BgBbLikelihood;
    use super::super::bg_nbd::BgNbdLikelihood;
    use super::super::newton::check_derivatives;
    use super::super::pareto_nbd::ParetoNbdLikelihood;
    use super::*;

    fn check<L: Likelihood>(customers: &Summaries, covariates: Option<&Covariates>, theta: &[f64]) {
        let linked = Linked::new(customers, covariates, covariates).unwrap();
        let (coefficients, _, begin) = linked.coefficients::<L>();
        let params = FitParams { l2: 0.01, l2_covariates: 0.02, ..FitParams::default() };
        let (n, model) = (N + coefficients.len(), std::marker::PhantomData);
        let objective =
            Objective::<L> { linked: &linked, begin, n, params: &params, threads: &Threads::One, model };
        let data = Grouped::new::<L>(customers, covariates.is_none());
        let mut theta = theta.to_vec();
        theta.extend((N..n).map(|i| 0.2 * (i as f64).sin()));
        check_derivatives(&theta, |t| objective.at(&data, t));
    }

    /// One-timers, an only just seen one, many purchases, the last just now and long ago.
    fn customers() -> Summaries {
        let x = [0.0, 0.0, 1.0, 3.0, 3.0, 50.0, 400.0, 7.0];
        let last = [0.0, 0.0, 0.5, 30.0, 1.0, 38.0, 20.0, 39.0];
        let age = [39.0, 0.0, 30.0, 30.0, 39.0, 39.0, 35.0, 39.0];
        Summaries::new(&x, &last, &age).unwrap().with_weights((1..9).map(f64::from).collect()).unwrap()
    }

    /// The search itself, without the starts that a fit falls back on: it comes to the same point from anywhere
    /// within six decades, or says that it has not come to an optimum.
    fn starts<L: Likelihood>(customers: &Summaries, wrong: usize) {
        let linked = Linked::new(customers, None, None).unwrap();
        let params = FitParams::default();
        let begin = [N; N];
        let model = std::marker::PhantomData;
        let objective =
            Objective::<L> { linked: &linked, begin, n: N, params: &params, threads: &Threads::One, model };
        let data = Grouped::new::<L>(customers, true);
        let search =
            |start: &[f64]| minimise(start, 500, |t| objective.at(&data, t), |_, _| Ok::<_, ()>(())).unwrap();
        let first = search(&STARTS[0]);
        assert_eq!(first.end, End::Minimum);
        let mut lost = 0;
        for at in 0..1000 {
            let draw = |i: u64| 13.8 * (tenure_core::seed::unit(i, at) - 0.5);
            let found = search(&[draw(0), draw(1), draw(2), draw(3)]);
            if found.end == End::Minimum {
                let off = found.at.iter().zip(&first.at).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                assert!(off < 1e-6, "{} start {at}: {:?} {:?}", L::NAME, found.at, first.at);
            } else {
                lost += 1;
            }
        }
        assert!(lost <= wrong, "{}: {lost} of 1000", L::NAME);
    }

    #[test]
    fn the_search_comes_to_one_point_or_says_so() {
        // The donations of Fader, Hardie & Shang (2010), read as times for the models in continuous time.
        let x = [0., 1., 1., 1., 1., 1., 1., 2., 2., 2., 2., 2., 3., 3., 3., 3., 4., 4., 4., 5., 5., 6.];
        let last = [0., 1., 2., 3., 4., 5., 6., 2., 3., 4., 5., 6., 3., 4., 5., 6., 4., 5., 6., 5., 6., 6.];
        let weights = [
            3464., 1091., 277., 129., 78., 119., 129., 613., 255., 155., 173., 234., 322., 181., 225., 357.,
            240., 284., 512., 335., 728., 1203.,
        ];
        let donors = Summaries::new(&x, &last, &[6.0; 22]).unwrap().with_weights(weights.to_vec()).unwrap();
        starts::<BgBbLikelihood>(&donors, 0);
        let shoppers = shoppers(150);
        starts::<BgNbdLikelihood>(&shoppers, 0);
        // From far out, a search may end on a ridge at the edge; a fit then begins again.
        starts::<ParetoNbdLikelihood>(&shoppers, 5);
    }

    /// Customers of very different rates, seen for 20 to 40 weeks, who leave after some time.
    fn shoppers(n: u64) -> Summaries {
        use tenure_core::seed::unit;
        let mut columns = [Vec::new(), Vec::new(), Vec::new()];
        for i in 0..n {
            let long = |part: u64, mean: f64| -mean * (1.0 - unit(part, i)).ln();
            let rate = 0.25 * long(1, 1.0) * long(2, 1.0);
            let age = 20.0 + (i % 21) as f64;
            let active = long(3, 30.0 * long(4, 1.0)).min(age);
            let (mut t, mut x, mut last) = (0.0, 0.0, 0.0);
            for k in 0.. {
                t -= (1.0 - unit(5 + k, i)).ln() / rate;
                if t > active {
                    break;
                }
                (x, last) = (x + 1.0, t);
            }
            for (column, value) in columns.iter_mut().zip([x, last, age]) {
                column.push(value);
            }
        }
        Summaries::new(&columns[0], &columns[1], &columns[2]).unwrap()
    }

    #[test]
    fn derivatives_are_those_of_differences() {
        let customers = customers();
        let values = ndarray::Array2::from_shape_fn((8, 2), |(i, j)| ((3 * i + 5 * j) % 7) as f64 - 2.0);
        let covariates = Covariates::new(["one", "two"], values).unwrap();
        for theta in [[-1.4, 0.3, -0.2, 0.9], [1.0, 1.1, 1.2, 1.0], [-3.0, 2.0, 2.0, -4.0]] {
            for covariates in [None, Some(&covariates)] {
                check::<BgNbdLikelihood>(&customers, covariates, &theta);
                check::<ParetoNbdLikelihood>(&customers, covariates, &theta);
            }
        }
        let n = Summaries::new(&[0.0, 1.0, 3.0, 6.0], &[0.0, 2.0, 3.0, 6.0], &[6.0, 6.0, 5.0, 6.0]).unwrap();
        for theta in [[0.2, -0.3, -0.4, 1.0], [3.0, -3.0, 2.0, 0.0]] {
            check::<BgBbLikelihood>(&n, None, &theta);
        }
    }
}
