//! What the rhythm of buying alone says of a customer: BG/NBD with Gamma-Gamma, as columns and as a baseline.
//!
//! Both are fitted to what was known before an instant, and to nothing else.

use serde::{Deserialize, Serialize};
use tenure_core::{Feature, FitContext, Result};
use tenure_features::time::DAY;
use tenure_features::{AsOf, OrderLog, Timestamp};

use crate::probabilistic::{
    BgNbd, BgNbdParams, FitParams, ForecastParams, GammaGamma, GammaGammaParams, Summaries, TimeUnit,
    purchases,
};

/// Columns that [`Rhythm::columns`] gives.
pub(crate) const WIDTH: usize = 4;

/// Strength of the penalty where the likelihood alone has no maximum.
const FALLBACK_L2: f64 = 0.01;

/// Parameters of the two models; `None` where the history does not tell them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rhythm {
    purchases: Option<BgNbdParams>,
    /// Of the spend on a day with orders, the first one included.
    spend: Option<GammaGammaParams>,
    /// Of the spend on a day with orders but the first, as the literature has it.
    repeat_spend: Option<GammaGammaParams>,
    /// Mean spend on a day with orders.
    mean_spend: f64,
}

/// One customer's days with orders before an instant; times in days.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Days {
    pub(crate) repeats: f64,
    recency: f64,
    age: f64,
    spend: f64,
    repeat_spend: f64,
}

fn days(view: &AsOf<'_>) -> Option<Days> {
    let mut orders = view.purchases().map(|p| (p.time().seconds().div_euclid(DAY), p.amount()));
    let (birth, amount) = orders.next()?;
    let (mut last, mut repeats, mut spend, mut repeat_spend) = (birth, 0.0, amount, 0.0);
    for (day, amount) in orders {
        if day > last {
            repeats += 1.0;
            last = day;
        }
        spend += amount;
        if day > birth {
            repeat_spend += amount;
        }
    }
    let age = (view.instant().day_number() - birth) as f64;
    Some(Days { repeats, recency: (last - birth) as f64, age, spend, repeat_spend })
}

/// Purchases with their spends, of customers who spent something.
fn spends(all: &[Days], of: fn(&Days) -> (f64, f64)) -> Result<Summaries> {
    let paying: Vec<(f64, f64)> = all.iter().map(of).filter(|(n, sum)| *n > 0.0 && *sum > 0.0).collect();
    let counts: Vec<f64> = paying.iter().map(|(n, _)| *n).collect();
    let means = paying.iter().map(|(n, sum)| sum / n).collect();
    Ok(Summaries::new(&counts, &vec![0.0; counts.len()], &counts)?.with_mean_spend(means)?)
}

fn all_spends(of: &Days) -> (f64, f64) {
    (of.repeats + 1.0, of.spend)
}

fn repeat_spends(of: &Days) -> (f64, f64) {
    (of.repeats, of.repeat_spend)
}

/// The fit, or one with a penalty where there is no maximum, or none.
fn fitted<T>(mut fit: impl FnMut(&FitParams) -> crate::Result<T>) -> Result<Option<T>> {
    for l2 in [0.0, FALLBACK_L2] {
        match fit(&FitParams { l2, ..FitParams::default() }) {
            Ok(found) => return Ok(Some(found)),
            Err(crate::Error::Core(cancelled @ tenure_core::Error::Cancelled { .. })) => {
                return Err(cancelled);
            }
            Err(_) => {}
        }
    }
    Ok(None)
}

/// The customers with an order before the instant.
pub(crate) fn known(log: &OrderLog, as_of: Timestamp) -> crate::Result<Vec<Days>> {
    let known: Vec<Days> = log.map_as_of(as_of, days).into_iter().flatten().collect();
    if known.is_empty() {
        let from = log.span().map_or(as_of, |(first, _)| first);
        return Err(tenure_features::Error::NoOrders { from, to: as_of }.into());
    }
    Ok(known)
}

/// What a purchase model reads of them.
pub(crate) fn summaries<'a>(
    known: impl IntoIterator<Item = &'a Days>,
    unit: TimeUnit,
) -> crate::Result<Summaries> {
    let (mut repeats, mut recency, mut age) = (Vec::new(), Vec::new(), Vec::new());
    for days in known {
        repeats.push(days.repeats);
        recency.push(days.recency / unit.days());
        age.push(days.age / unit.days());
    }
    Summaries::new(&repeats, &recency, &age)
}

/// What Gamma-Gamma reads of those who paid on days after their first.
pub(crate) fn repeat_spends_of(known: &[Days]) -> crate::Result<Summaries> {
    Ok(spends(known, repeat_spends)?)
}

impl Rhythm {
    /// Fits both models to the orders before `as_of`.
    pub(crate) fn fit(log: &OrderLog, as_of: Timestamp, context: &FitContext<'_>) -> Result<Self> {
        let all = known(log, as_of)?;
        let silent = FitContext { progress: &(), ..context.clone() };
        let summaries = summaries(&all, TimeUnit::Day)?;
        let purchases = fitted(|p| BgNbd::fit(&summaries, p, &silent))?.map(|m| m.params());
        let money = |of| -> Result<_> {
            let spends = spends(&all, of)?;
            // Without a finite mean for a customer who is new, the model is of no use here.
            let usable = |m: GammaGamma| Some(m.params()).filter(|p| p.population_mean().is_some());
            Ok(fitted(|p| GammaGamma::fit(&spends, p, &silent))?.and_then(usable))
        };
        let (sum, n) = all.iter().fold((0.0, 0.0), |(s, n), d| (s + d.spend, n + d.repeats + 1.0));
        let mean_spend = if n > 0.0 { sum / n } else { 0.0 };
        Ok(Self { purchases, spend: money(all_spends)?, repeat_spend: money(repeat_spends)?, mean_spend })
    }

    /// The columns' names, units and descriptions.
    pub(crate) fn features(prediction_days: u32) -> [Feature; WIDTH] {
        let ahead =
            |what: &str| format!("{what} in the next {prediction_days} days, by the rhythm of buying alone");
        [
            Feature::numeric(
                "rhythm_alive",
                "0 to 1",
                "Chance that the customer still buys, by the rhythm so far",
            ),
            Feature::numeric("rhythm_purchases", "days", ahead("Days with orders to expect")),
            Feature::numeric("rhythm_order_value", "money", "Spend to expect on a day with orders"),
            Feature::numeric("rhythm_value", "money", ahead("Spend to expect")),
        ]
    }

    /// The columns of each customer of the log (or of `only` one), by index; NaN where nothing was ordered before
    /// the instant, or the model could not be fitted.
    pub(crate) fn columns(
        &self,
        log: &OrderLog,
        as_of: Timestamp,
        prediction_days: u32,
        only: Option<usize>,
        context: &FitContext<'_>,
    ) -> Result<Vec<[f64; WIDTH]>> {
        let mut known = log.map_as_of(as_of, days);
        if let Some(one) = only {
            known.iter_mut().enumerate().filter(|(at, _)| *at != one).for_each(|(_, days)| *days = None);
        }
        let forecasts = self.forecasts(&known, prediction_days, context)?;
        let mut next = forecasts.into_iter();
        Ok(known
            .iter()
            .map(|days| {
                let Some(days) = days else { return [f64::NAN; WIDTH] };
                let (alive, purchases) = next.next().unwrap_or((f64::NAN, f64::NAN));
                let spend = self.expected_spend(self.spend, all_spends(days));
                [alive, purchases, spend, purchases * spend]
            })
            .collect())
    }

    /// Expected spend of each customer of the log, by index, as the literature has it: BG/NBD for the purchases,
    /// Gamma-Gamma on repeat purchases for their size. `None` where the models could not be fitted.
    pub(crate) fn values(
        &self,
        log: &OrderLog,
        as_of: Timestamp,
        prediction_days: u32,
        context: &FitContext<'_>,
    ) -> Result<Option<Vec<f64>>> {
        if self.purchases.is_none() || self.repeat_spend.is_none() {
            return Ok(None);
        }
        let known = log.map_as_of(as_of, days);
        let mut next = self.forecasts(&known, prediction_days, context)?.into_iter();
        let value = |days: &Option<Days>| {
            let Some(days) = days else { return 0.0 };
            let purchases = next.next().map_or(0.0, |(_, purchases)| purchases);
            purchases * self.expected_spend(self.repeat_spend, repeat_spends(days))
        };
        Ok(Some(known.iter().map(value).collect()))
    }

    fn expected_spend(&self, model: Option<GammaGammaParams>, (count, sum): (f64, f64)) -> f64 {
        let count = if sum > 0.0 { count } else { 0.0 };
        let mean = if count > 0.0 { sum / count } else { 0.0 };
        let expected = model.and_then(|m| m.expected_spend(count as u32, mean));
        expected.unwrap_or(if count > 0.0 { mean } else { self.mean_spend })
    }

    /// Chance of being alive and expected purchases of those with a history.
    fn forecasts(
        &self,
        known: &[Option<Days>],
        prediction_days: u32,
        context: &FitContext<'_>,
    ) -> Result<Vec<(f64, f64)>> {
        let all: Vec<&Days> = known.iter().flatten().collect();
        let Some(model) = self.purchases else { return Ok(vec![(f64::NAN, f64::NAN); all.len()]) };
        let summaries = summaries(all, TimeUnit::Day)?;
        let plan =
            ForecastParams { periods: 1, period: f64::from(prediction_days), discount: 0.0, level: 0.5 };
        let forecasts = purchases(&model, &summaries, &plan, context.threads)?;
        Ok(forecasts.into_iter().map(|f| (f.probability_alive, f.purchases)).collect())
    }
}
