//! Customers at instants as rows: order features, the rhythm of buying, spend to come.

use ndarray::{Array2, s};
use tenure_core::{Dataset, FitContext, Schema};
use tenure_features::{
    FeatureSet, FutureSpend, OrderLog, Timestamp, labelled_set, scoring_set, training_set_with,
};

use crate::error::Result;
use crate::params::LtvParams;
use crate::rhythm::{Rhythm, WIDTH};

/// The order features' columns with the rhythm's behind them.
pub(crate) fn schema(features: &FeatureSet, params: &LtvParams) -> Result<Schema> {
    let rhythm = Rhythm::features(params.prediction_days);
    Ok(Schema::new([features.schema().features(), &rhythm].concat())?)
}

/// Rows of one instant, or of several.
pub(crate) struct Rows {
    pub(crate) data: Dataset,
    pub(crate) ids: Vec<String>,
    /// Of the last instant.
    pub(crate) rhythm: Rhythm,
}

/// All snapshots with their labels; the rhythm of each is fitted to what lay before it.
pub(crate) fn training(
    log: &OrderLog,
    features: &FeatureSet,
    params: &LtvParams,
    until: Option<Timestamp>,
    context: &FitContext<'_>,
) -> Result<Rows> {
    let set = training_set_with(log, &params.plan(), until, features, &[&FutureSpend], context)?;
    let ids = set.customer_ids().map(str::to_owned).collect();
    let instants = set.instants().to_vec();
    let mut rhythm = None;
    let data = widened(log, set.into_data(), features, params, context, |as_of| {
        let fitted = Rhythm::fit(log, as_of, context)?;
        rhythm = Some(fitted);
        Ok(fitted)
    })?;
    let rhythm = match rhythm {
        Some(rhythm) => rhythm,
        // No row at any instant: an error has been returned before this.
        None => Rhythm::fit(log, instants.last().copied().unwrap_or_default(), context)?,
    };
    Ok(Rows { data, ids, rhythm })
}

/// The population at one instant with labels; the rhythm is `given` or fitted to what lay before the instant.
pub(crate) fn labelled(
    log: &OrderLog,
    features: &FeatureSet,
    params: &LtvParams,
    as_of: Timestamp,
    given: Option<Rhythm>,
    context: &FitContext<'_>,
) -> Result<Rows> {
    let set = labelled_set(log, &params.plan(), as_of, None, features, &[&FutureSpend], context)?;
    let ids = set.customer_ids().map(str::to_owned).collect();
    let rhythm = given.map_or_else(|| Rhythm::fit(log, as_of, context), Ok)?;
    let data = widened(log, set.into_data(), features, params, context, |_| Ok(rhythm))?;
    Ok(Rows { data, ids, rhythm })
}

/// The population at one instant without labels.
pub(crate) fn scoring(
    log: &OrderLog,
    features: &FeatureSet,
    params: &LtvParams,
    as_of: Timestamp,
    rhythm: Rhythm,
    context: &FitContext<'_>,
) -> Result<Rows> {
    let set = scoring_set(log, &params.plan(), as_of, features, context)?;
    let ids = set.customer_ids().map(str::to_owned).collect();
    let data = widened(log, set.into_data(), features, params, context, |_| Ok(rhythm))?;
    Ok(Rows { data, ids, rhythm })
}

/// One customer's row.
pub(crate) fn row(
    log: &OrderLog,
    features: &FeatureSet,
    params: &LtvParams,
    as_of: Timestamp,
    customer: &str,
    rhythm: Rhythm,
    context: &FitContext<'_>,
) -> Result<Vec<f64>> {
    let mut row = features.row(log, customer, as_of)?;
    let index = log.customer_index(customer);
    let columns = rhythm.columns(log, as_of, params.prediction_days, index, context)?;
    row.extend(index.and_then(|at| columns.get(at)).unwrap_or(&[f64::NAN; WIDTH]));
    Ok(row)
}

/// The data with the columns of the rhythm at each row's instant; targets, groups and times stay. Rows are ordered
/// by instant.
fn widened(
    log: &OrderLog,
    data: Dataset,
    features: &FeatureSet,
    params: &LtvParams,
    context: &FitContext<'_>,
    mut rhythm_at: impl FnMut(Timestamp) -> Result<Rhythm>,
) -> Result<Dataset> {
    let width = data.schema().len();
    let mut x = Array2::from_elem((data.rows(), width + WIDTH), f64::NAN);
    x.slice_mut(s![.., ..width]).assign(&data.x());
    let (times, customers) = (data.times().unwrap_or_default(), data.groups().unwrap_or_default());
    let mut start = 0;
    for run in times.chunk_by(|a, b| a == b) {
        context.check_cancelled("fitting the rhythm of buying")?;
        let as_of = Timestamp::from_seconds(run[0]);
        let columns = rhythm_at(as_of)?.columns(log, as_of, params.prediction_days, None, context)?;
        for row in start..start + run.len() {
            for (place, value) in
                x.slice_mut(s![row, width..]).iter_mut().zip(columns[customers[row] as usize])
            {
                *place = value;
            }
        }
        start += run.len();
    }
    let mut wide = Dataset::new(schema(features, params)?, x)?
        .with_groups(customers.to_vec())?
        .with_times(times.to_vec())?;
    for target in data.targets() {
        wide = wide.with_target(target.clone())?;
    }
    Ok(wide)
}
