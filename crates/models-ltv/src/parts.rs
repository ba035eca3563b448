//! The parts of a value model, fitted in turn to one target of spends.

use tenure_backends::Backend;
use tenure_core::{
    Capabilities, Dataset, Error, FitContext, FitReport, Fitted, Learner, MissingPolicy, Model, Result,
    Target,
};
use tenure_eval::calibration::Calibrator;

use crate::params::Family;
use crate::value_model::{Anchor, Size, ValueModel, log_scale, logged_columns};

/// Which part is being fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Any = 0,
    Size = 1,
    Spread = 2,
}

/// A fitted part.
pub(crate) struct PartFit {
    pub(crate) model: Box<dyn Model>,
    /// For each row its answer, as far as may be from a fit that has not seen the row; also for rows whose target
    /// is not known.
    pub(crate) answers: Vec<f64>,
}

/// Fitted parts with what they say of the rows.
pub(crate) struct Pieces {
    pub(crate) any: Option<PartFit>,
    pub(crate) sizes: Vec<f64>,
    pub(crate) size: Size,
}

/// The rows as the parts see them, with a target to come.
pub(crate) struct Rows {
    /// Columns on the scale of [`log_scale`], with weights, groups and times.
    pub(crate) data: Dataset,
    pub(crate) logged: Vec<bool>,
    pub(crate) spend: Vec<f64>,
    pub(crate) anchor: Option<Anchor>,
    /// What the size part corrects, by row.
    anchors: Vec<f64>,
}

impl Rows {
    pub(crate) fn new(data: &Dataset, anchor: Option<Anchor>) -> Result<Self> {
        let spend = data.target()?.values().to_vec();
        if let Some(row) = spend.iter().position(|y| *y < 0.0) {
            let (target, value) = (data.target()?.name().to_owned(), spend[row]);
            return Err(Error::TargetValue {
                target,
                row,
                value,
                expected: "at least 0 (or NaN where it is not known)",
            });
        }
        let logged = logged_columns(data.schema(), data.x());
        let mut rows = Dataset::new(data.schema().clone(), log_scale(data.x(), &logged))?;
        if let Some(weights) = data.weights() {
            rows = rows.with_weights(weights.to_vec())?;
        }
        if let Some(groups) = data.groups() {
            rows = rows.with_groups(groups.to_vec())?;
        }
        if let Some(times) = data.times() {
            rows = rows.with_times(times.to_vec())?;
        }
        let at = |row| anchor.map_or(1.0, |anchor| anchor.at(row));
        let anchors = data.x().rows().into_iter().map(at).collect();
        Ok(Self { data: rows, logged, spend, anchor, anchors })
    }

    /// The rows with their spends, or ratios of spend to anchor, as a part sees them; NaN where it does not learn.
    fn with(&self, name: &str, of: impl Fn(f64) -> f64) -> Result<Dataset> {
        let ratios = self.spend.iter().zip(&self.anchors).map(|(y, anchor)| of(y / anchor)).collect();
        self.data.clone().with_target(Target::real(name, ratios)?)
    }

    fn with_any(&self) -> Result<Dataset> {
        let any = |y: &f64| if y.is_nan() { *y } else { f64::from(u8::from(*y > 0.0)) };
        let labels = self.spend.iter().map(any).collect();
        self.data.clone().with_target(Target::binary("any_spend", labels)?)
    }

    /// Means of ratios as means of spends.
    fn spends(&self, ratios: impl IntoIterator<Item = f64>) -> Vec<f64> {
        ratios.into_iter().zip(&self.anchors).map(|(ratio, anchor)| ratio * anchor).collect()
    }
}

fn positive(y: f64) -> f64 {
    if y > 0.0 { y } else { f64::NAN }
}

/// Fits every part of the family with `fit`.
///
/// Where everybody spends, there is no part for the probability. Where nobody does there is nothing to learn.
pub(crate) fn fit(
    family: &Family,
    rows: &Rows,
    fit: &mut dyn FnMut(Part, &Backend, &Dataset) -> Result<PartFit>,
) -> Result<Pieces> {
    let known = rows.spend.iter().filter(|y| !y.is_nan()).count();
    let spenders = rows.spend.iter().filter(|y| **y > 0.0).count();
    if spenders == 0 {
        return Err(Error::OneClass { target: "any_spend".into(), class: "0".into(), rows: known });
    }
    if let Family::Gamma { .. } = family
        && spenders < known
    {
        let zeros = known - spenders;
        return Err(Error::unsupported(
            "gamma",
            format!(
                "spends of 0, which {zeros} of the {known} rows have (a Gamma distribution has none): the \
                 families two-part, ziln and gbdt take them"
            ),
        ));
    }
    let any = match family {
        Family::TwoPart { any, .. } | Family::Ziln { any, .. } if spenders < known => {
            Some(fit(Part::Any, any, &rows.with_any()?)?)
        }
        _ => None,
    };
    let (size, sizes) = match family {
        Family::TwoPart { size, .. } | Family::Gamma { size } => {
            let PartFit { model, answers } = fit(Part::Size, size, &rows.with("spend", positive)?)?;
            (Size::Mean(model), rows.spends(answers))
        }
        Family::Gbdt { size } => {
            let PartFit { model, answers } = fit(Part::Size, size, &rows.with("spend", |y| y)?)?;
            (Size::Mean(model), rows.spends(answers))
        }
        Family::Ziln { size, spread, .. } => log_normal(rows, size, spread, fit)?,
    };
    Ok(Pieces { any, sizes, size })
}

/// `mu` of the logarithm, then `sigma²` of the squared distances from it.
fn log_normal(
    rows: &Rows,
    size: &Backend,
    spread: &Backend,
    fit: &mut dyn FnMut(Part, &Backend, &Dataset) -> Result<PartFit>,
) -> Result<(Size, Vec<f64>)> {
    let logs = rows.with("log_spend", |ratio| positive(ratio).ln())?;
    let mu = fit(Part::Size, size, &logs)?;
    let distance = |(log, mu): (&f64, &f64)| (log - mu).powi(2);
    let mut squares: Vec<f64> = logs.target()?.values().iter().zip(&mu.answers).map(distance).collect();
    let known = || squares.iter().filter(|v| !v.is_nan());
    let mean = known().sum::<f64>() / known().count() as f64;
    // A Gamma regression takes no 0; a distance that small says no more than that it is small.
    let least = (1e-6 * mean).max(1e-12);
    squares.iter_mut().filter(|v| !v.is_nan()).for_each(|v| *v = v.max(least));
    let target = Target::real("squared_distance", squares)?;
    let spread = fit(Part::Spread, spread, &rows.data.clone().with_target(target)?)?;
    let mean = |(mu, s): (&f64, &f64)| (mu + 0.5 * s.max(0.0)).clamp(-300.0, 300.0).exp();
    let sizes = rows.spends(mu.answers.iter().zip(&spread.answers).map(mean));
    Ok((Size::LogNormal(mu.model, spread.model), sizes))
}

/// A family as a learner for any table whose target is an amount of at least 0: fitted as it is, without tuning
/// and calibration.
#[derive(Debug)]
pub struct ValueLearner {
    family: Family,
    capabilities: Capabilities,
}

impl ValueLearner {
    /// Checks the parts.
    ///
    /// # Errors
    /// [`Error::Parameter`] naming the first that is out of range.
    pub fn new(family: Family) -> Result<Self> {
        let mut all: Option<Capabilities> = None;
        for backend in family.backends() {
            let own = backend.clone().check()?.capabilities();
            all = Some(all.map_or(own, |all| all.and(own)));
        }
        let mut capabilities = all.unwrap_or_else(|| Capabilities::new(MissingPolicy::Refused));
        // What a term known beforehand would mean for a product of two parts is not defined.
        capabilities.offsets = false;
        Ok(Self { family, capabilities })
    }
}

impl Learner for ValueLearner {
    fn name(&self) -> &str {
        self.family.name()
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    fn fit(&self, train: &Dataset, valid: Option<&Dataset>, context: &FitContext<'_>) -> Result<Fitted> {
        if let Some(valid) = valid {
            valid.require_columns_of(train)?;
        }
        if train.offsets().is_some() {
            return Err(Error::unsupported(self.family.name(), "offsets"));
        }
        if train.weights().is_some() && !self.capabilities.weights {
            return Err(Error::unsupported(self.family.name(), "weights"));
        }
        let rows = Rows::new(train, None)?;
        let mut notes = Vec::new();
        let pieces = fit(&self.family, &rows, &mut |part, backend, data| {
            let fitted = backend.clone().check()?.fit(data, None, &context.part(part as u64))?;
            notes.extend(fitted.report.notes);
            let answers = fitted.model.predict(data.x())?.into_raw_vec_and_offset().0;
            Ok(PartFit { model: fitted.model, answers })
        })?;
        let any = pieces.any.map(|part| part.model);
        let model = ValueModel::new(any, pieces.size, rows.logged, None, Calibrator::identity(), 1.0)?;
        let rows = rows.spend.iter().filter(|y| !y.is_nan()).count();
        Ok(Fitted { model: Box::new(model), report: FitReport { rows, notes, ..FitReport::default() } })
    }
}
