//! Expected spend as one model made of parts.

use std::cell::RefCell;

use ndarray::{Array2, ArrayView1, ArrayView2, ArrayViewMut2};
use serde::{Deserialize, Serialize};
use tenure_core::{
    Artifact, Capabilities, Error, Explanation, Model, Output, Result, Scale, Schema, check_batch,
    check_explained, check_row,
};
use tenure_eval::calibration::Calibrator;

/// Log-odds beyond which a probability is 0 or 1 to the last bit.
const MAX_LOG_ODDS: f64 = 36.0;
/// Logarithm of the largest mean that is answered, and with the other sign of the smallest.
const MAX_LOG: f64 = 300.0;

/// Expected spend: `factor · p · m` with the probability `p` of any spend (1 where no part models it) and the
/// mean `m` of a spend above 0.
///
/// One output, explained on the logarithmic scale: the contributions of the parts add up as `ln p + ln m`, those
/// to the log-odds of `p` stretched so that they sum to the change of `ln p`; see [`Explanation::mapped`].
///
/// The parts see numeric columns that rise far above 1 on the scale `±ln(1 + |value|)`; trees do not notice, and a
/// regression on amounts of money is not ruled by the largest.
#[derive(Debug)]
pub struct ValueModel {
    pub(crate) any: Option<Box<dyn Model>>,
    pub(crate) size: Size,
    pub(crate) logged: Vec<bool>,
    pub(crate) anchor: Option<Anchor>,
    pub(crate) calibrator: Calibrator,
    pub(crate) factor: f64,
    outputs: [Output; 1],
}

/// A first guess at the mean of a spend above 0, which the size part corrects: spend to expect on a day with
/// orders times one more than the days with orders to expect.
///
/// The size part learns the ratio of the spend to the anchor (to a Gamma loss and to logarithms that is the same
/// as a term known beforehand), so that trees, too, follow customers who buy more than any before.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Anchor {
    order_value: usize,
    purchases: usize,
    /// What stands for an order value that is not known, and for purchases that are not.
    typical: [f64; 2],
}

impl Anchor {
    /// The anchor of a table with these columns; `None` where no row knows them.
    pub(crate) fn of(schema: &Schema, typical: &[f64]) -> Option<Self> {
        let (order_value, purchases) =
            (schema.position("rhythm_order_value")?, schema.position("rhythm_purchases")?);
        let typical = [*typical.get(order_value)?, *typical.get(purchases)?];
        (typical[0] > 0.0 && typical[1] >= 0.0).then_some(Self { order_value, purchases, typical })
    }

    /// The logarithms of its two factors, with those of typical ones taken off.
    fn logs(&self, row: ArrayView1<'_, f64>) -> [f64; 2] {
        let (value, purchases) = (row[self.order_value], row[self.purchases]);
        let [usual_value, usual_purchases] = self.typical;
        let ratio = if value.is_nan() { 1.0 } else { (value / usual_value).max(1e-3) };
        let purchases = if purchases.is_nan() { usual_purchases } else { purchases.max(0.0) };
        [ratio.ln(), purchases.ln_1p() - usual_purchases.ln_1p()]
    }

    pub(crate) fn at(&self, row: ArrayView1<'_, f64>) -> f64 {
        let [value, purchases] = self.logs(row);
        (self.log_typical() + value + purchases).exp()
    }

    /// Logarithm of the anchor of a typical customer.
    fn log_typical(&self) -> f64 {
        self.typical[0].ln() + self.typical[1].ln_1p()
    }

    fn is_sound(&self, width: usize) -> bool {
        let [value, purchases] = self.typical;
        self.order_value < width && self.purchases < width && value > 0.0 && purchases >= 0.0
    }
}

/// What gives the mean of a spend above 0.
#[derive(Debug)]
pub(crate) enum Size {
    Mean(Box<dyn Model>),
    /// The models of `mu` and of `sigma²`.
    LogNormal(Box<dyn Model>, Box<dyn Model>),
}

/// Probability of any spend, and mean spend where there is one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct TwoParts {
    pub(crate) any: f64,
    pub(crate) size: f64,
}

impl TwoParts {
    pub(crate) fn value(self) -> f64 {
        self.any * self.size
    }
}

#[derive(Serialize, Deserialize)]
struct Config {
    calibrator: Calibrator,
    logged: Vec<bool>,
    anchor: Option<Anchor>,
    /// Which children there are beside `size`.
    any: bool,
    spread: bool,
}

/// Which columns are seen as logarithms: numeric ones that exceed 10 somewhere.
pub(crate) fn logged_columns(schema: &Schema, x: ArrayView2<'_, f64>) -> Vec<bool> {
    let numeric = |at: usize| matches!(schema.features()[at].kind, tenure_core::FeatureKind::Numeric);
    x.columns()
        .into_iter()
        .enumerate()
        .map(|(at, c)| numeric(at) && c.iter().any(|v| v.abs() > 10.0))
        .collect()
}

fn signed_log(value: f64) -> f64 {
    value.abs().ln_1p().copysign(value)
}

/// The matrix as the parts see it.
pub(crate) fn log_scale(x: ArrayView2<'_, f64>, logged: &[bool]) -> Array2<f64> {
    let mut x = x.to_owned();
    for (mut column, _) in x.columns_mut().into_iter().zip(logged).filter(|(_, logged)| **logged) {
        column.mapv_inplace(signed_log);
    }
    x
}

impl ValueModel {
    /// Kind of the artifact.
    pub const KIND: &'static str = "value";
    const VERSION: u32 = 1;

    pub(crate) fn new(
        any: Option<Box<dyn Model>>,
        size: Size,
        logged: Vec<bool>,
        anchor: Option<Anchor>,
        calibrator: Calibrator,
        factor: f64,
    ) -> Result<Self> {
        let (schema, unit) = match &size {
            Size::Mean(model) => (model.schema(), model.outputs()[0].unit.clone()),
            Size::LogNormal(mu, _) => (mu.schema(), mu.outputs()[0].unit.clone()),
        };
        let others = match &size {
            Size::Mean(_) => any.as_deref().into_iter().collect::<Vec<_>>(),
            Size::LogNormal(_, spread) => any.as_deref().into_iter().chain([spread.as_ref()]).collect(),
        };
        if others.iter().any(|other| other.schema() != schema || other.outputs().len() != 1) {
            return Err(Error::Data("the parts of a value model differ in their columns or outputs".into()));
        }
        if logged.len() != schema.len() {
            let (expected, found) = (schema.len(), logged.len());
            return Err(Error::Shape { what: "columns", expected, found });
        }
        let width = schema.len();
        if anchor.is_some_and(|anchor| !anchor.is_sound(width)) {
            return Err(Error::Data("the anchor of a value model reads columns that are not there".into()));
        }
        if !(factor.is_finite() && factor > 0.0) {
            return Err(Error::Data(format!("the factor of a value model is {factor}; it is above 0")));
        }
        let outputs = [Output::value("spend", unit).on_scale(Scale::Log).named("predicted_ltv")];
        Ok(Self { any, size, logged, anchor, calibrator, factor, outputs })
    }

    /// Restores what [`Model::to_artifact`] wrote.
    ///
    /// # Errors
    /// As [`Artifact::expect`] and the parts' loaders; [`Error::ArtifactDamaged`] where the parts do not fit each
    /// other.
    pub fn from_artifact(artifact: &Artifact) -> Result<Self> {
        artifact.expect(Self::KIND, Self::VERSION)?;
        let Config { calibrator, logged, anchor, any, spread } = artifact.config()?;
        let part = |name: &str| tenure_backends::load(artifact.child(name)?);
        let any = if any { Some(part("any")?) } else { None };
        let size =
            if spread { Size::LogNormal(part("size")?, part("spread")?) } else { Size::Mean(part("size")?) };
        let factor = artifact.numbers("factor.f64")?.first().copied().unwrap_or(f64::NAN);
        Self::new(any, size, logged, anchor, calibrator, factor).map_err(|e| Error::damaged(e.to_string()))
    }

    fn calibrated(&self, probability: f64) -> f64 {
        self.calibrator.apply(probability)
    }

    /// `ln p` of the log-odds of the uncalibrated probability.
    fn log_any(&self, log_odds: f64) -> f64 {
        let p = self.calibrated(Scale::LogOdds.to_output(log_odds.clamp(-MAX_LOG_ODDS, MAX_LOG_ODDS)));
        p.max(1e-300).ln()
    }

    /// The parts of each row.
    pub(crate) fn parts(&self, x: ArrayView2<'_, f64>) -> Result<Vec<TwoParts>> {
        tenure_core::check_input(self.schema(), x)?;
        let anchors =
            self.anchor.map(|anchor| x.rows().into_iter().map(|row| anchor.at(row)).collect::<Vec<_>>());
        let scaled = |row: usize, m: f64| self.scaled(m, anchors.as_ref().map_or(1.0, |a| a[row]));
        let x = log_scale(x, &self.logged);
        let column = |model: &dyn Model| -> Result<Vec<f64>> {
            Ok(model.predict(x.view())?.into_raw_vec_and_offset().0)
        };
        let any = self.any.as_deref().map(column).transpose()?;
        let any = |row: usize| any.as_ref().map_or(1.0, |p| self.calibrated(p[row]));
        Ok(match &self.size {
            Size::Mean(size) => {
                let size = column(size.as_ref())?.into_iter().enumerate();
                size.map(|(row, m)| TwoParts { any: any(row), size: scaled(row, m) }).collect()
            }
            Size::LogNormal(mu, spread) => {
                let both = column(mu.as_ref())?.into_iter().zip(column(spread.as_ref())?).enumerate();
                both.map(|(row, (mu, s))| TwoParts {
                    any: any(row),
                    size: scaled(row, log_normal_mean(mu, s)),
                })
                .collect()
            }
        })
    }

    /// The parts of one row.
    pub(crate) fn parts_row(&self, row: &[f64]) -> Result<TwoParts> {
        let one = |model: &dyn Model, row: &[f64]| -> Result<f64> {
            let mut out = [0.0];
            model.predict_row(row, &mut out)?;
            Ok(out[0])
        };
        let anchor = self.anchor.map_or(1.0, |anchor| anchor.at(ArrayView1::from(row)));
        self.seen(row, |row| {
            let any = self.any.as_deref().map_or(Ok(1.0), |any| one(any, row).map(|p| self.calibrated(p)))?;
            let size = match &self.size {
                Size::Mean(size) => one(size.as_ref(), row)?,
                Size::LogNormal(mu, spread) => {
                    log_normal_mean(one(mu.as_ref(), row)?, one(spread.as_ref(), row)?)
                }
            };
            Ok(TwoParts { any, size: self.scaled(size, anchor) })
        })
    }

    fn scaled(&self, size: f64, anchor: f64) -> f64 {
        self.factor * anchor * size.clamp((-MAX_LOG).exp(), MAX_LOG.exp())
    }

    /// Runs `work` on the row as the parts see it, in memory that the thread keeps.
    fn seen<T>(&self, row: &[f64], work: impl FnOnce(&[f64]) -> Result<T>) -> Result<T> {
        thread_local! {
            static SEEN: RefCell<Vec<f64>> = const { RefCell::new(Vec::new()) };
        }
        // Taken, not borrowed: `work` may reach another value model on this thread.
        let mut seen = SEEN.take();
        seen.clear();
        seen.extend(row.iter().zip(&self.logged).map(|(&v, &log)| if log { signed_log(v) } else { v }));
        let result = work(&seen);
        SEEN.set(seen);
        result
    }
}

fn log_normal_mean(mu: f64, spread: f64) -> f64 {
    (mu + 0.5 * spread.max(0.0)).clamp(-MAX_LOG, MAX_LOG).exp()
}

fn add(sum: &mut Explanation, part: &Explanation) {
    sum.baseline += part.baseline;
    sum.contributions.iter_mut().zip(&part.contributions).for_each(|(sum, c)| *sum += c);
}

impl Model for ValueModel {
    fn schema(&self) -> &Schema {
        match &self.size {
            Size::Mean(model) | Size::LogNormal(model, _) => model.schema(),
        }
    }

    fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    fn capabilities(&self) -> Capabilities {
        let size = match &self.size {
            Size::Mean(model) => model.capabilities(),
            Size::LogNormal(mu, spread) => mu.capabilities().and(spread.capabilities()),
        };
        let mut all = self.any.as_ref().map_or(size, |any| any.capabilities().and(size));
        all.offsets = false;
        all
    }

    fn predict_into(&self, x: ArrayView2<'_, f64>, mut out: ArrayViewMut2<'_, f64>) -> Result<()> {
        check_batch(self.schema(), 1, x, out.dim())?;
        out.iter_mut().zip(self.parts(x)?).for_each(|(place, parts)| *place = parts.value());
        Ok(())
    }

    fn predict_row(&self, row: &[f64], out: &mut [f64]) -> Result<()> {
        check_row(self.schema(), row, 1, out)?;
        out[0] = self.parts_row(row)?.value();
        Ok(())
    }

    fn explain_row(&self, row: &[f64], output: usize) -> Result<Explanation> {
        check_explained(self.schema(), 1, row, output)?;
        let contributions = vec![0.0; row.len()];
        let mut sum = Explanation { output, scale: Scale::Log, baseline: self.factor.ln(), contributions };
        if let Some(anchor) = &self.anchor {
            let [value, purchases] = anchor.logs(ArrayView1::from(row));
            sum.baseline += anchor.log_typical();
            sum.contributions[anchor.order_value] += value;
            sum.contributions[anchor.purchases] += purchases;
        }
        self.seen(row, |row| {
            if let Some(any) = &self.any {
                let part = any.explain_row(row, 0)?;
                let scale = part.scale;
                let log_odds = |v: f64| Scale::LogOdds.from_output(scale.to_output(v));
                let log_odds = |v: f64| if scale == Scale::LogOdds { v } else { log_odds(v) };
                add(&mut sum, &part.mapped(Scale::Log, |v| self.log_any(log_odds(v))));
            }
            match &self.size {
                Size::Mean(size) => {
                    let part = size.explain_row(row, 0)?;
                    let scale = part.scale;
                    let log = |v: f64| if scale == Scale::Log { v } else { scale.to_output(v).max(0.0).ln() };
                    add(&mut sum, &part.mapped(Scale::Log, |v| log(v).clamp(-MAX_LOG, MAX_LOG)));
                }
                Size::LogNormal(mu, spread) => {
                    let part = spread.explain_row(row, 0)?;
                    let scale = part.scale;
                    add(&mut sum, &mu.explain_row(row, 0)?);
                    add(&mut sum, &part.mapped(Scale::Log, |v| 0.5 * scale.to_output(v).max(0.0)));
                }
            }
            Ok(sum)
        })
    }

    fn to_artifact(&self) -> Artifact {
        let config = serde_json::json!({
            "calibrator": self.calibrator,
            "logged": self.logged,
            "anchor": self.anchor,
            "any": self.any.is_some(),
            "spread": matches!(self.size, Size::LogNormal(..)),
        });
        let mut artifact =
            Artifact::from_json(Self::KIND, Self::VERSION, config).with_numbers("factor.f64", &[self.factor]);
        if let Some(any) = &self.any {
            artifact = artifact.with_child("any", any.to_artifact());
        }
        match &self.size {
            Size::Mean(size) => artifact.with_child("size", size.to_artifact()),
            Size::LogNormal(mu, spread) => {
                artifact.with_child("size", mu.to_artifact()).with_child("spread", spread.to_artifact())
            }
        }
    }
}
