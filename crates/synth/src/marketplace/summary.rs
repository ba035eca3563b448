//! What customers of a marketplace are like, in the figures a person asks for first.

use std::fmt;

use serde::Serialize;
use tenure_features::marketplace::{
    CHURN_RISK_14D, CHURN_RISK_30D, FIRST_SESSION_SUCCESS, HEALTH_SCORE, SESSION_VELOCITY, Segment,
};

use super::world::MarketplaceBatch;

/// Calls within 14 days from which on a customer is said to be about to leave.
const SPIKE: f64 = 2.0;

/// Lowest and highest value.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ValueRange {
    /// Lowest.
    pub low: f64,
    /// Highest.
    pub high: f64,
}

impl ValueRange {
    const NONE: Self = Self { low: f64::INFINITY, high: f64::NEG_INFINITY };

    fn widen(&mut self, values: impl IntoIterator<Item = f64>) {
        for value in values {
            self.low = self.low.min(value);
            self.high = self.high.max(value);
        }
    }
}

/// Figures over any number of batches. `Display` prints them for people.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MarketplaceSummary {
    /// Customers.
    pub customers: usize,
    /// Customers by segment, in the order of [`Segment::ALL`]; in JSON by name.
    #[serde(serialize_with = "by_name")]
    pub segments: [usize; 4],
    /// Sessions per week in the last 30 days.
    pub session_frequency: ValueRange,
    /// Mean rating of the last 30 days.
    pub avg_rating: ValueRange,
    /// Inbound calls in the last 14 days.
    pub ib_calls_14d: ValueRange,
    /// Health scores.
    pub health_score: ValueRange,
    /// Share of next first sessions that go well.
    pub first_session_success_rate: f64,
    /// Share of customers who leave within 14 days.
    pub churn_14d_rate: f64,
    /// Share of customers who leave within 30 days.
    pub churn_30d_rate: f64,
    /// Mean health score.
    pub mean_health_score: f64,
    /// Mean sessions per week to come.
    pub mean_session_velocity: f64,
    /// Share of customers with 2 inbound calls or more in 14 days.
    pub ib_spike_rate: f64,
    /// Of these, share who leave within 30 days.
    pub ib_spike_precision: f64,
    /// Of those who stay, share with such a spike.
    pub ib_spike_false_positive_rate: f64,
    /// Customers with a spike, and those of them who leave.
    #[serde(skip)]
    spikes: [usize; 2],
}

fn by_name<S: serde::Serializer>(segments: &[usize; 4], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(Segment::ALL.iter().map(|segment| segment.name()).zip(segments))
}

impl Default for MarketplaceSummary {
    fn default() -> Self {
        Self {
            customers: 0,
            segments: [0; 4],
            session_frequency: ValueRange::NONE,
            avg_rating: ValueRange::NONE,
            ib_calls_14d: ValueRange::NONE,
            health_score: ValueRange::NONE,
            first_session_success_rate: 0.0,
            churn_14d_rate: 0.0,
            churn_30d_rate: 0.0,
            mean_health_score: 0.0,
            mean_session_velocity: 0.0,
            ib_spike_rate: 0.0,
            ib_spike_precision: 0.0,
            ib_spike_false_positive_rate: 0.0,
            spikes: [0; 2],
        }
    }
}

impl MarketplaceSummary {
    /// Counts a batch in.
    ///
    /// # Errors
    /// [`tenure_core::Error::NoTarget`] for a table without the targets of a profile.
    pub fn add(&mut self, batch: &MarketplaceBatch) -> tenure_core::Result<()> {
        let data = &batch.table.data;
        let feature = |name: &str| -> Vec<f64> {
            data.schema().position(name).map_or_else(Vec::new, |at| data.x().column(at).to_vec())
        };
        let label = |name: &str| Ok::<_, tenure_core::Error>(data.target_named(name)?.values());
        let (before, now) = (self.customers as f64, data.rows() as f64);
        let pooled = |mean: f64, values: &[f64]| {
            (mean * before + values.iter().sum::<f64>()) / (before + now).max(1.0)
        };
        let (leaves, health) = (label(CHURN_RISK_30D)?, label(HEALTH_SCORE)?);
        self.first_session_success_rate =
            pooled(self.first_session_success_rate, label(FIRST_SESSION_SUCCESS)?);
        self.churn_14d_rate = pooled(self.churn_14d_rate, label(CHURN_RISK_14D)?);
        self.churn_30d_rate = pooled(self.churn_30d_rate, leaves);
        self.mean_health_score = pooled(self.mean_health_score, health);
        self.mean_session_velocity = pooled(self.mean_session_velocity, label(SESSION_VELOCITY)?);
        self.session_frequency.widen(feature("session_frequency_30d"));
        self.avg_rating.widen(feature("avg_rating_30d"));
        self.health_score.widen(health.iter().copied());
        let calls = feature("ib_call_count_14d");
        self.ib_calls_14d.widen(calls.iter().copied());
        for (_, &leaves) in calls.iter().zip(leaves).filter(|(calls, _)| **calls >= SPIKE) {
            self.spikes[0] += 1;
            self.spikes[1] += usize::from(leaves == 1.0);
        }
        for segment in batch.table.segments.iter().flatten() {
            self.segments[*segment as usize] += 1;
        }
        self.customers += data.rows();
        let customers = self.customers as f64;
        let [spikes, right] = self.spikes.map(|count| count as f64);
        self.ib_spike_rate = spikes / customers.max(1.0);
        self.ib_spike_precision = right / spikes.max(1.0);
        self.ib_spike_false_positive_rate =
            (spikes - right) / (customers * (1.0 - self.churn_30d_rate)).max(1.0);
        Ok(())
    }
}

impl fmt::Display for MarketplaceSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |share: f64| format!("{:.1}%", 100.0 * share);
        writeln!(f, "=== Dataset Statistics ===\n\nSegment Distribution:")?;
        for (segment, &count) in Segment::ALL.iter().zip(&self.segments) {
            let share = percent(count as f64 / self.customers.max(1) as f64);
            writeln!(f, "  {segment}: {count} ({share})")?;
        }
        let range =
            |range: &ValueRange, digits: usize| format!("{:.digits$} - {:.digits$}", range.low, range.high);
        writeln!(f, "\nFeature Ranges:")?;
        writeln!(f, "  Session Frequency: {}", range(&self.session_frequency, 2))?;
        writeln!(f, "  Avg Rating: {}", range(&self.avg_rating, 2))?;
        writeln!(f, "  IB Calls (14d): {}", range(&self.ib_calls_14d, 0))?;
        writeln!(f, "  Health Score: {}", range(&self.health_score, 0))?;
        writeln!(f, "\nLabel Statistics:")?;
        writeln!(f, "  First Session Success Rate: {}", percent(self.first_session_success_rate))?;
        writeln!(f, "  High Churn Risk (14d): {}", percent(self.churn_14d_rate))?;
        writeln!(f, "  High Churn Risk (30d): {}", percent(self.churn_30d_rate))?;
        writeln!(f, "  Avg Health Score: {:.1}", self.mean_health_score)?;
        writeln!(f, "  Avg Session Velocity: {:.2}", self.mean_session_velocity)?;
        write!(
            f,
            "  2 or more IB Calls (14d): {}; of these {} churn within 30 days (of those who stay {} called as often)",
            percent(self.ib_spike_rate),
            percent(self.ib_spike_precision),
            percent(self.ib_spike_false_positive_rate)
        )
    }
}
