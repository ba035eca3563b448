//! From a data set to the minimum, and from the minimum to a model.

use tenure_core::{
    Dataset, Error, FitContext, FitReport, Fitted, Iteration, Output, Progress, Result, StopReason,
    TargetKind,
};

use super::blocks::Blocks;
use super::design::{Design, Dropped};
use super::family::{Family, Link, Shape, Variance};
use super::linalg::Factor;
use super::model::GlmModel;
use super::passes::{Curvature, Rows};
use super::sample::Sample;
use super::solver::{self, Limits, Penalty, Solution, State};
use super::summary::{Estimate, GlmSummary};
use super::{Glm, GlmParams};
use tenure_gbdt::Threads;

const STAGE: &str = "fitting coefficients";

/// Rows, design and everything else that does not depend on the strength of the penalty.
#[derive(Debug)]
pub(super) struct Prepared<'a> {
    params: &'a GlmParams,
    pub(super) train: &'a Dataset,
    pub(super) sample: Sample<'a>,
    pub(super) design: Design,
    blocks: Blocks<'a>,
    threads: Threads,
    shape: Shape,
    total: f64,
    /// What the target alone adds to the loss.
    saturated: f64,
}

impl<'a> Prepared<'a> {
    pub(super) fn new(glm: &'a Glm, train: &'a Dataset, context: &FitContext<'_>) -> Result<Self> {
        let params = &glm.params;
        check_kind(params.family, train)?;
        let sample = Sample::of(train)?;
        check_values(params.family, train, &sample)?;
        let threads = Threads::new(context, sample.len() * train.schema().len())?;
        let design = Design::learn(train.schema(), &sample, params.intercept, &threads)?;
        context.check_cancelled(STAGE)?;
        let blocks = design.blocks(&sample, &threads);
        let shape = Shape { variance: params.family.variance(), link: params.link() };
        let saturated = sample.y.iter().zip(&*sample.w).map(|(&y, w)| w * shape.saturated_loss(y)).sum();
        let total = sample.total_weight();
        Ok(Self { params, train, sample, design, blocks, threads, shape, total, saturated })
    }

    fn rows_of<'b>(&'b self, x: &'b Blocks<'b>) -> Rows<'b> {
        Rows {
            x,
            y: &self.sample.y,
            w: &self.sample.w,
            offsets: self.sample.offsets.as_deref(),
            every: 1,
            shape: self.shape,
            threads: &self.threads,
        }
    }

    pub(super) fn rows(&self) -> Rows<'_> {
        self.rows_of(&self.blocks)
    }

    /// Mean deviance (for a binary target the mean log loss) from the sum of the losses.
    pub(super) fn mean_loss(&self, loss: f64) -> f64 {
        let twice = if self.params.family == Family::Binomial { 1.0 } else { 2.0 };
        twice * (loss - self.saturated) / self.total
    }

    /// What column `j` of spread 1 pays, relative to the penalty of the parameters.
    pub(super) fn factor(&self, j: usize) -> f64 {
        match (self.design.intercept && j == 0, self.params.standardise) {
            (true, _) => 0.0,
            (false, true) => 1.0,
            (false, false) => 1.0 / self.design.scales[j],
        }
    }

    fn penalty(&self, alpha: f64) -> Penalty {
        let width = self.design.width();
        let mut penalty = Penalty::none(width);
        for j in 0..width {
            let factor = self.factor(j);
            penalty.l2[j] = alpha * (1.0 - self.params.l1_ratio) * self.total * factor * factor;
            penalty.l1[j] = alpha * self.params.l1_ratio * self.total * factor;
        }
        penalty
    }

    fn limits(&self) -> Limits {
        let mean = self.sample.mean_target();
        let unit = match self.shape.link {
            Link::Identity => {
                let variance = self.sample.y.iter().zip(&*self.sample.w).map(|(y, w)| w * (y - mean).powi(2));
                let spread = (variance.sum::<f64>() / self.total).sqrt();
                if spread > 0.0 { spread } else { mean.abs().max(f64::MIN_POSITIVE) }
            }
            Link::Inverse => 1.0 / mean.abs().max(1e-300),
            _ => 1.0,
        };
        Limits {
            max_iterations: self.params.max_iterations,
            tolerance: self.params.tolerance,
            unit,
            intercept: self.design.intercept,
        }
    }

    /// The best model of the intercept alone but for offsets; without intercept zeros, or where these give no
    /// mean one least-squares step from the targets themselves.
    pub(super) fn start(&self) -> Vec<f64> {
        let mut beta = vec![0.0; self.design.width()];
        let mean = self.sample.mean_target();
        let link = |mu: f64| self.shape.link.scale().from_output(mu);
        if self.design.intercept {
            let offsets = self.sample.offsets.as_deref().unwrap_or_default();
            let average = |f: &dyn Fn(f64) -> f64| {
                offsets.iter().zip(&*self.sample.w).map(|(o, w)| w * f(*o)).sum::<f64>() / self.total
            };
            let known = match self.shape.link {
                _ if offsets.is_empty() => 0.0,
                Link::Log => average(&f64::exp).ln(),
                _ => average(&|o| o),
            };
            let intercept = link(mean) - known;
            beta[0] = if intercept.is_finite() { intercept } else { 0.0 };
            return beta;
        }
        if self.rows().sums(&beta, Curvature::Skipped).loss.is_finite() {
            return beta;
        }
        let targets: Vec<f64> = self.sample.y.iter().map(|y| link(0.9 * y + 0.1 * mean)).collect();
        let squares = Shape { variance: Variance::Power(0.0), link: Link::Identity };
        let sums = Rows { y: &targets, shape: squares, ..self.rows() }.sums(&beta, Curvature::Expected);
        let factor =
            Factor::new(&sums.hessian.unwrap_or_default(), beta.len(), &vec![true; beta.len()], 1e-11);
        factor.solve(&sums.gradient).iter().map(|g| -g).collect()
    }

    /// Minimises, telling `context` of every step; `history` gets the mean loss after each.
    pub(super) fn solve(
        &self,
        alpha: f64,
        start: Vec<f64>,
        context: &FitContext<'_>,
        history: &mut Vec<Iteration>,
    ) -> Result<Solution> {
        let limits = self.limits();
        let loss_name = self.loss_name();
        let solution = solver::solve(&self.rows(), &self.penalty(alpha), limits, start, |step, loss| {
            let loss = self.mean_loss(loss);
            history.push(Iteration { train: loss, valid: None });
            let total = Some(limits.max_iterations as u64);
            let figure = Some((loss_name, loss));
            context.progress.report(Progress { stage: STAGE, done: step as u64, total, figure });
            context.check_cancelled(STAGE)
        })?;
        if let Some(bad) = solution.beta.iter().position(|b| !b.is_finite()) {
            return Err(Error::Data(format!(
                "the coefficient of `{}` is beyond double precision",
                self.design.names[bad]
            )));
        }
        match solution.state {
            State::Separated(column) => Err(self.separated(column)),
            _ => Ok(solution),
        }
    }

    pub(super) fn loss_name(&self) -> &'static str {
        if self.params.family == Family::Binomial { "log_loss" } else { "deviance" }
    }

    fn separated(&self, column: usize) -> Error {
        let target = self.train.target().map_or("", |t| t.name());
        let name = &self.design.names[column];
        let what = if self.params.family == Family::Binomial {
            format!(
                "the target `{target}` is separated by `{name}`, alone or with others: along it the classes part"
            )
        } else {
            format!("`{name}`, alone or with others, singles out rows whose target `{target}` is 0")
        };
        Error::Data(format!(
            "{what}, so that no finite coefficient fits best; a penalty (`alpha` above 0) gives an answer"
        ))
    }

    /// Deviance of the model of intercept and offsets alone; `None` where it has no mean.
    fn null_deviance(&self) -> Option<f64> {
        let (y, w) = (&self.sample.y, &self.sample.w);
        let at = |mu: f64| y.iter().zip(&**w).map(|(y, w)| w * self.shape.deviance(*y, mu)).sum::<f64>();
        let deviance = match (self.design.intercept, &self.sample.offsets) {
            (true, None) => at(self.sample.mean_target()),
            (false, None) => at(self.shape.mean(0.0)),
            (intercept, Some(_)) => {
                let width = usize::from(intercept);
                let constant = Blocks::build(y.len(), width, &self.threads, |_, out| out.fill(1.0));
                let rows = self.rows_of(&constant);
                let predictors = match intercept {
                    true => {
                        let start = vec![self.start()[0]];
                        solver::solve(&rows, &Penalty::none(1), self.limits(), start, |_, _| Ok(()))
                            .ok()?
                            .predictors
                    }
                    false => rows.sums(&[], Curvature::Skipped).predictors,
                };
                rows.figures(&predictors, self.params.family).deviance
            }
        };
        deviance.is_finite().then_some(deviance)
    }

    /// Variance of each coefficient at a dispersion of 1 from the expected information, `None` for a column
    /// left out.
    fn variances(&self, solution: &Solution) -> Vec<Option<f64>> {
        let width = self.design.width();
        let again = match solution.information {
            Some(_) => None,
            None => self.rows().sums(&solution.beta, Curvature::Expected).hessian,
        };
        let Some(information) = solution.information.as_ref().or(again.as_ref()) else {
            return vec![None; width];
        };
        let wanted: Vec<bool> = (0..width).map(|j| !solution.collinear.contains(&j)).collect();
        let factor = Factor::new(information, width, &wanted, 0.0);
        let variance = |j: usize| {
            let known = factor.kept().contains(&j);
            known.then(|| factor.quadratic(&self.design.contrast(j))).filter(|v| v.is_finite())
        };
        (0..width).map(variance).collect()
    }

    fn estimates(&self, solution: &Solution, dispersion: Option<f64>) -> Vec<Estimate> {
        let plain = self.design.unscaled(&solution.beta);
        let known = self.params.alpha == 0.0 && solution.state == State::Converged;
        let variances = if known { self.variances(solution) } else { vec![None; plain.len()] };
        let columns = self.design.names.iter().zip(plain).zip(variances).enumerate();
        columns
            .filter(|(j, _)| !solution.collinear.contains(j))
            .map(|(_, ((name, estimate), variance))| {
                let standard_error = variance.zip(dispersion).map(|(v, d)| (v * d).sqrt());
                Estimate { name: name.clone(), estimate, standard_error }
            })
            .collect()
    }

    pub(super) fn model(&self, solution: &Solution) -> Result<GlmModel> {
        let family = self.params.family;
        let figures = self.rows().figures(&solution.predictors, family);
        let counted = match self.params.alpha * self.params.l1_ratio > 0.0 {
            true => solution.beta.iter().filter(|b| **b != 0.0).count(),
            false => solution.beta.len() - solution.collinear.len(),
        };
        let df_residual = self.total - counted as f64;
        let left = df_residual > 1e-9 * self.total;
        let dispersion = match family.estimates_dispersion() {
            true => left.then(|| figures.pearson_chi2 / df_residual),
            false => Some(1.0),
        };
        let mut dropped = self.design.dropped.clone();
        for &j in &solution.collinear {
            let name = self.design.names[j].clone();
            dropped
                .push(Dropped { name, reason: "it is a linear combination of the columns before it".into() });
        }
        let summary = GlmSummary {
            family,
            link: self.shape.link,
            alpha: self.params.alpha,
            l1_ratio: self.params.l1_ratio,
            rows: self.sample.len(),
            total_weight: self.total,
            coefficients: self.estimates(solution, dispersion),
            dropped,
            parameters: counted,
            df_residual: df_residual.max(0.0),
            deviance: figures.deviance.max(0.0),
            null_deviance: self.null_deviance(),
            pearson_chi2: figures.pearson_chi2,
            dispersion,
            iterations: solution.iterations,
            converged: solution.state == State::Converged,
        };
        let target = self.train.target()?;
        let output = match family {
            Family::Binomial => Output::probability(target.name()),
            _ => Output::value(target.name(), target.unit()),
        };
        let output = output.on_scale(self.shape.link.scale());
        let terms = self.design.terms(&solution.beta);
        Ok(GlmModel::new(self.train.schema().clone(), output, terms, summary, figures.likelihood))
    }

    /// Mean deviance per unit of weight of rows that were not learned from.
    pub(super) fn held_out_deviance(&self, sample: &Sample<'_>, beta: &[f64]) -> f64 {
        let terms = self.design.terms(beta);
        let offsets = sample.offsets.as_deref();
        let row = |row: usize| {
            let known = offsets.map_or(0.0, |o| o[row]);
            let mu = self.shape.mean(known + terms.predictor(sample.features(row).iter().copied()));
            sample.w[row] * self.shape.deviance(sample.y[row], mu)
        };
        let deviance = (0..sample.len()).map(row).sum::<f64>() / sample.total_weight();
        // Where a held-out row has no mean the penalty is as bad as can be.
        if deviance.is_nan() { f64::INFINITY } else { deviance }
    }

    fn notes(&self, solution: &Solution, summary: &GlmSummary) -> Vec<String> {
        let mut notes = Vec::new();
        if self.sample.skipped > 0 {
            let skipped = self.sample.skipped;
            notes.push(format!("{skipped} rows have no label or no weight and were left out"));
        }
        for Dropped { name, reason } in &summary.dropped {
            notes.push(format!("`{name}` has no coefficient: {reason}"));
        }
        match solution.state {
            State::Iterations => notes.push(format!(
                "the coefficients still moved after {} steps; the last are kept, without standard errors",
                solution.iterations
            )),
            State::Edge => notes.push(
                "no step lowers the deviance further, though its slope is not zero: the best coefficients are on \
                 the edge of what the link allows, or beyond double precision; the last are kept, without \
                 standard errors"
                    .into(),
            ),
            _ => {}
        }
        if self.params.alpha > 0.0 {
            notes.push("with a penalty there are no standard errors".into());
        } else if summary.df_residual == 0.0 {
            notes.push("as many coefficients as rows: nothing is left to estimate a dispersion from".into());
        }
        notes
    }
}

pub(super) fn fit(glm: &Glm, train: &Dataset, context: &FitContext<'_>) -> Result<Fitted> {
    let prepared = Prepared::new(glm, train, context)?;
    let mut history = Vec::new();
    let solution = prepared.solve(glm.params.alpha, prepared.start(), context, &mut history)?;
    let model = prepared.model(&solution)?;
    let report = FitReport {
        rows: prepared.sample.len(),
        loss: prepared.loss_name().into(),
        iterations: history.len(),
        history,
        stopped: match solution.state {
            State::Converged => StopReason::Converged,
            _ => StopReason::Iterations,
        },
        notes: prepared.notes(&solution, model.summary()),
        out_of_bag: None,
    };
    Ok(Fitted { model: Box::new(model), report })
}

fn check_kind(family: Family, train: &Dataset) -> Result<()> {
    let target = train.target()?;
    let fits = match family {
        Family::Binomial => *target.kind() == TargetKind::Binary,
        _ => *target.kind() == TargetKind::Real,
    };
    if fits {
        return Ok(());
    }
    let wanted = if family == Family::Binomial { "binary" } else { "a number" };
    let name = target.name();
    Err(Error::unsupported("glm", format!("the target `{name}` in the family {family}: it is not {wanted}")))
}

fn check_values(family: Family, train: &Dataset, sample: &Sample<'_>) -> Result<()> {
    if sample.len() == 0 {
        let needed = if family == Family::Binomial { 2 } else { 1 };
        return Err(Error::NotEnoughRows { found: 0, needed });
    }
    let target = train.target()?.name();
    for (at, &value) in sample.y.iter().enumerate() {
        if let Some(expected) = family.refuses(value) {
            let (target, row) = (target.to_owned(), sample.number(at));
            return Err(Error::TargetValue { target, row, value, expected });
        }
    }
    let first = sample.y[0];
    let same = sample.y.iter().all(|y| *y == first);
    match family {
        Family::Binomial if same => {
            let (target, class) = (target.to_owned(), first.to_string());
            Err(Error::OneClass { target, class, rows: sample.len() })
        }
        Family::Poisson | Family::Gamma | Family::Tweedie { .. } if same && first == 0.0 => {
            let rows = sample.len();
            Err(Error::Data(format!(
                "all {rows} rows of target `{target}` are 0: no mean above 0, as family {family} has, fits them best"
            )))
        }
        _ => Ok(()),
    }
}
