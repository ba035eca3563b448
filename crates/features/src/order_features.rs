//! The built-in features of a customer, and where each of them is defined: one line of one table.

use serde::{Deserialize, Serialize};
use tenure_core::{Feature, Result, params::require};

use crate::history::History;
use crate::log::LogFacts;
use crate::sweep::{Facts, Sweep, SweepScratch};

/// One axis of behaviour: the feature that measures it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Axis {
    /// Name of the axis, as in `fuzzy_<axis>_<0|1|2>`.
    pub name: &'static str,
    /// Name of the feature.
    pub feature: &'static str,
}

struct Entry {
    name: &'static str,
    axis: &'static str,
    unit: &'static str,
    /// `{window}` stands for the length of the observation window.
    description: &'static str,
}

macro_rules! features {
    ($($name:literal $axis:literal [$unit:literal] $description:literal = $facts:ident => $formula:expr;)*) => {
        const TABLE: &[Entry] =
            &[$(Entry { name: $name, axis: $axis, unit: $unit, description: $description }),*];

        fn values(facts: &Facts) -> [f64; TABLE.len()] {
            [$({ let $facts = facts; $formula }),*]
        }
    };
}

// Name, axis, unit, description, formula. A mean or a share of nothing is NaN, a sum or count of nothing is 0.
features! {
    "recency_days" "recency" ["days"] "Days since the last order" = f => f.recency_days;
    "orders_window" "purchase_frequency" ["orders"] "Orders in the last {window} days"
        = f => f.orders_window as f64;
    "spend_window" "monetary_value" ["money"] "Spend in the last {window} days" = f => f.spend_window;
    "average_order_value" "average_order_value" ["money"] "Spend per order in the last {window} days"
        = f => f.spend_window / f.orders_window as f64;
    "orders_lifetime" "" ["orders"] "Orders so far" = f => f.orders as f64;
    "spend_lifetime" "" ["money"] "Spend so far" = f => f.spend;
    "gap_mean_days" "" ["days"] "Mean days between orders" = f => f.gap_mean_days;
    "gap_sd_days" "" ["days"] "Spread (standard deviation) of the days between orders" = f => f.gap_sd_days;
    "gap_regularity" "inter_purchase_regularity" ["0 to 1"]
        "How regular the orders are: 1 is like clockwork, near 0 is erratic"
        = f => ratio(1.0, 1.0 + ratio(f.gap_sd_days, f.gap_mean_days));
    "recency_per_gap" "" ["usual gaps"] "Days since the last order, in usual gaps between orders"
        = f => per_gap(f.recency_days, f.gap_mean_days);
    "orders_30d" "" ["orders"] "Orders in the last 30 days" = f => f.orders_30 as f64;
    "orders_60d" "" ["orders"] "Orders in the last 60 days" = f => f.orders_60 as f64;
    "orders_90d" "" ["orders"] "Orders in the last 90 days" = f => f.orders_90 as f64;
    "spend_30d" "" ["money"] "Spend in the last 30 days" = f => f.spend_30;
    "spend_90d" "" ["money"] "Spend in the last 90 days" = f => f.spend_90;
    "spend_trend" "spend_trend" ["-1 to 1"]
        "Spend in the later half of the last {window} days against the earlier: 1 is all late, -1 all early"
        = f => trend(f.spend_window - f.spend_late, f.spend_late);
    "frequency_trend" "frequency_trend" ["-1 to 1"]
        "Orders in the later half of the last {window} days against the earlier: 1 is all late, -1 all early"
        = f => trend((f.orders_window - f.orders_late) as f64, f.orders_late as f64);
    "active_months_share" "" ["share"] "Share of the 30-day months in the last {window} days with an order"
        = f => f.active_months_share;
    "tenure_days" "tenure" ["days"] "Days since the first order" = f => f.tenure_days;
    "is_one_time_buyer" "" ["0 or 1"] "Has ordered only once so far" = f => f64::from(u8::from(f.orders == 1));
    "days_to_second_order" "" ["days"] "Days between the first and the second order"
        = f => f.second_order_days;
    "category_variety" "category_variety" ["categories"]
        "Different product categories bought in the last {window} days" = f => f.categories;
    "basket_size" "basket_size" ["pieces"] "Pieces per order in the last {window} days"
        = f => f.quantity_per_order;
    "discount_affinity" "discount_affinity" ["share"]
        "Share of the orders in the last {window} days that had a discount" = f => f.discounted_share;
    "return_rate" "return_rate" ["share"] "Share of all spend that was returned" = f => f.returned_share;
    "channel_concentration" "channel_concentration" ["0 to 1"]
        "How much one sales channel takes of the orders in the last {window} days: 1 is a single channel"
        = f => f.channel_concentration;
    "return_after_order_days" "" ["days"] "Days from the last order to a later return; 0 without one"
        = f => f.recency_days - f.quiet_days;
    "gap_max_days" "" ["days"] "Longest pause between orders" = f => f.gap_max_days;
    "recency_per_gap_max" "" ["longest pauses"] "Days since the last order, in longest pauses between orders"
        = f => per_gap(f.recency_days, f.gap_max_days);
    "expected_orders" "" ["orders"] "Orders that 90 days bring at the pace since the first order"
        = f => 90.0 * f.orders as f64 / (f.tenure_days + PRIOR_DAYS);
    "silence_chance" "" ["0 to 1"] "Chance of a silence this long from a customer who keeps the pace so far"
        = f => silence(f);
    "alive_chance" "" ["0 to 1"] "Chance that the customer is still active, by pace and silence"
        = f => alive(f);
    "fading_orders_30d" "" ["orders"] "Orders so far, each fading by two thirds every 30 days"
        = f => f.fading_orders[0];
    "fading_orders_60d" "" ["orders"] "Orders so far, each fading by two thirds every 60 days"
        = f => f.fading_orders[1];
    "fading_orders_120d" "" ["orders"] "Orders so far, each fading by two thirds every 120 days"
        = f => f.fading_orders[2];
    "last_order_ratio" "" ["log ratio"] "Size of the last order against the usual one: 0 is as usual"
        = f => ((f.last_amount + 1.0) / (f.spend / f.orders as f64 + 1.0)).ln();
    "orders_window_share" "" ["share"] "Share of all orders so far that fell in the last {window} days"
        = f => f.orders_window as f64 / f.orders as f64;
    "active_share" "" ["share"] "Share of the time since the first order that lies before the last"
        = f => ratio(f.span_days, f.tenure_days);
}

/// Days without orders that every customer is credited with, so that a pace is not judged by a few days.
const PRIOR_DAYS: f64 = 60.0;

/// exp(−recency · orders / (span + prior)): the chance of no event for so long at a constant pace (Poisson).
fn silence(f: &Facts) -> f64 {
    (-f.recency_days * f.orders as f64 / (f.span_days + PRIOR_DAYS)).exp()
}

/// The form of P(alive) in the Pareto/NBD model (Schmittlein, Morrison and Colombo 1987) with a fixed prior in
/// place of fitted parameters: 1 / (1 + ((tenure + prior) / (span + prior))ⁿ / (n + 1)).
fn alive(f: &Facts) -> f64 {
    let n = f.orders as f64;
    let silence = (f.tenure_days + PRIOR_DAYS) / (f.span_days + PRIOR_DAYS);
    1.0 / (1.0 + (n * silence.ln() - (n + 1.0).ln()).exp())
}

/// The same value, with one bit pattern for NaN: 0 / 0 has another than [`f64::NAN`] on some machines, which
/// would tell apart what is equally unknown.
pub(crate) fn one_nan(value: f64) -> f64 {
    if value.is_nan() { f64::NAN } else { value }
}

fn ratio(a: f64, b: f64) -> f64 {
    if b == 0.0 { f64::NAN } else { a / b }
}

/// In gaps of at least a day: two orders within minutes make no pace.
fn per_gap(days: f64, gap_days: f64) -> f64 {
    if gap_days < 1.0 { days } else { days / gap_days }
}

/// (late − early) / (late + early), where both are at least 0.
fn trend(early: f64, late: f64) -> f64 {
    ratio(late - early, late + early)
}

/// The built-in features: recency, frequency and money, engagement, maturity and the 13 axes.
///
/// All of one customer's rows come from one pass over the orders. Values are finite, or NaN where the
/// events say nothing: a gap needs two orders, a category its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct OrderFeatures {
    observation_days: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    observation_days: u32,
}

impl TryFrom<Unchecked> for OrderFeatures {
    type Error = tenure_core::Error;

    fn try_from(unchecked: Unchecked) -> Result<Self> {
        Self::new(unchecked.observation_days)
    }
}

/// A window of 180 days.
impl Default for OrderFeatures {
    fn default() -> Self {
        Self { observation_days: 180 }
    }
}

impl OrderFeatures {
    /// Counted up when the meaning of a feature changes. Models keep it: one trained on other formulas must
    /// not be fed with these, even where the names agree.
    pub const VERSION: u32 = 1;

    /// Features over a window of `observation_days`, 1 to 36,500.
    ///
    /// # Errors
    /// [`tenure_core::Error::Parameter`] for another length.
    pub fn new(observation_days: u32) -> Result<Self> {
        let accepted = (1..=36_500).contains(&observation_days);
        require("observation_days", observation_days, accepted, "1 to 36500")?;
        Ok(Self { observation_days })
    }

    /// Length of the observation window.
    #[must_use]
    pub fn observation_days(&self) -> u32 {
        self.observation_days
    }

    /// Number of features.
    #[must_use]
    pub const fn width() -> usize {
        TABLE.len()
    }

    /// The 13 axes and the features that measure them.
    pub fn axes() -> impl Iterator<Item = Axis> {
        TABLE.iter().filter(|e| !e.axis.is_empty()).map(|e| Axis { name: e.axis, feature: e.name })
    }

    /// Names, units and descriptions, in column order.
    #[must_use]
    pub fn features(&self) -> Vec<Feature> {
        let days = self.observation_days.to_string();
        let describe = |text: &str| text.replace("{window}", &days);
        TABLE.iter().map(|e| Feature::numeric(e.name, e.unit, describe(e.description))).collect()
    }

    pub(crate) fn sweep<'a>(
        &self,
        history: History<'a>,
        log: &'a LogFacts,
        scratch: &'a mut SweepScratch,
    ) -> Sweep<'a> {
        Sweep::new(history, log, self.observation_days, scratch)
    }

    /// Writes the features at an instant; `row` has one place a feature.
    pub(crate) fn write(sweep: &mut Sweep<'_>, instant: i64, row: &mut [f64]) {
        for (place, value) in row.iter_mut().zip(values(&sweep.at(instant))) {
            *place = one_nan(value);
        }
    }
}
