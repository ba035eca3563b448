//! What a user may choose about the world, and the checks.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use tenure_core::Result;
use tenure_core::params::require;
use tenure_features::Timestamp;

use super::world::OrderWorld;

/// Parameters of a synthetic order log. [`OrderParams::check`] turns them into an [`OrderWorld`].
///
/// Arrays of three hold one value a class. Shares of classes need not sum to 1. Rates and hazards are those of
/// operational time, which on average runs as fast as the calendar.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OrderParams {
    /// Customers, each with at least one order in the log; 1 to 1,000,000,000.
    pub customers: usize,
    /// Length of the log in calendar months; 1 to 240.
    pub months: u32,
    /// First day of the log, e.g. `2023-01-01`.
    pub start: String,
    /// Months before the log's start in which customers had been joining already; 0 to 240.
    pub history_months: u32,
    /// Mean days between the orders of an active customer, by purchase rate class; 0.5 to 3650.
    pub gap_days: [f64; 3],
    /// Shares of the purchase rate classes.
    pub rate_shares: [f64; 3],
    /// By which factor a cooling customer orders more rarely; 1 to 1000.
    pub cooling_slowdown: f64,
    /// Hazard active → cooling per year, by hazard class; 0 to 365, as all hazards.
    pub cooling_per_year: [f64; 3],
    /// Shares of the hazard classes.
    pub hazard_shares: [f64; 3],
    /// Hazard cooling → lapsed per year.
    pub lapse_per_year: f64,
    /// Hazard cooling → active per year.
    pub recovery_per_year: f64,
    /// Hazard lapsed → cooling per year.
    pub return_to_shop_per_year: f64,
    /// Median gross amount of a line, by spend class; 2 to 1,000,000.
    pub median_amounts: [f64; 3],
    /// Shares of the spend classes.
    pub spend_shares: [f64; 3],
    /// Noise of the amounts: standard deviation of the logarithm; 0.05 to 1.
    pub amount_noise: f64,
    /// Factor on the amounts of a cooling customer; 0.1 to 10.
    pub cooling_amount_factor: f64,
    /// Probability that an order is discounted, active customers; 0 to 1.
    pub discount_share: f64,
    /// The same of cooling customers.
    pub cooling_discount_share: f64,
    /// Probability that one line of an order is sent back, active customers; 0 to 1.
    pub return_share: f64,
    /// The same of cooling customers.
    pub cooling_return_share: f64,
    /// Mean number of lines of an order beyond the first; 0 to 10.
    pub extra_lines: f64,
    /// Strength of the yearly season with its pre-Christmas peak; 0 is none, 1 usual; 0 to 2.
    pub yearly_season: f64,
    /// Strength of the weekly season; 0 to 2.
    pub weekly_season: f64,
    /// Strength of the season within the day; 0 to 2.
    pub hourly_season: f64,
}

impl Default for OrderParams {
    fn default() -> Self {
        Self {
            customers: 20_000,
            months: 24,
            start: "2023-01-01".into(),
            history_months: 12,
            gap_days: [60.0, 30.0, 12.0],
            rate_shares: [0.35, 0.35, 0.3],
            cooling_slowdown: 5.0,
            cooling_per_year: [1.0, 1.6, 2.4],
            hazard_shares: [0.4, 0.4, 0.2],
            lapse_per_year: 8.0,
            recovery_per_year: 1.5,
            return_to_shop_per_year: 0.15,
            median_amounts: [18.0, 32.0, 60.0],
            spend_shares: [0.4, 0.4, 0.2],
            amount_noise: 0.5,
            cooling_amount_factor: 0.85,
            discount_share: 0.15,
            cooling_discount_share: 0.25,
            return_share: 0.04,
            cooling_return_share: 0.08,
            extra_lines: 0.3,
            yearly_season: 1.0,
            weekly_season: 1.0,
            hourly_season: 1.0,
        }
    }
}

const HAZARD: &str = "a number from 0 to 365 (events per year)";
const PROBABILITY: &str = "a probability from 0 to 1";
const SHARES: &str = "three numbers, at least 0, finite, not all 0";
const STRENGTH: &str = "a strength from 0 (no season) to 2";

impl OrderParams {
    /// Checks the parameters and precomputes the world they describe.
    ///
    /// # Errors
    /// [`tenure_core::Error::Parameter`] naming the first parameter out of range.
    pub fn check(self) -> Result<OrderWorld> {
        let within = |v: f64, low: f64, high: f64| v >= low && v <= high;
        require(
            "customers",
            self.customers,
            (1..=1_000_000_000).contains(&self.customers),
            "1 to 1000000000",
        )?;
        require("months", self.months, (1..=240).contains(&self.months), "1 to 240")?;
        require("history_months", self.history_months, self.history_months <= 240, "0 to 240")?;
        each("gap_days", &self.gap_days, "days from 0.5 to 3650", |v| within(v, 0.5, 3650.0))?;
        let slowdown = self.cooling_slowdown;
        require("cooling_slowdown", slowdown, within(slowdown, 1.0, 1000.0), "a factor from 1 to 1000")?;
        each("cooling_per_year", &self.cooling_per_year, HAZARD, |v| within(v, 0.0, 365.0))?;
        for (name, value) in [
            ("lapse_per_year", self.lapse_per_year),
            ("recovery_per_year", self.recovery_per_year),
            ("return_to_shop_per_year", self.return_to_shop_per_year),
        ] {
            require(name, value, within(value, 0.0, 365.0), HAZARD)?;
        }
        for (name, shares) in [
            ("rate_shares", &self.rate_shares),
            ("hazard_shares", &self.hazard_shares),
            ("spend_shares", &self.spend_shares),
        ] {
            each(name, shares, SHARES, |v| v >= 0.0 && v.is_finite())?;
            let sum: f64 = shares.iter().sum();
            require(name, format!("{shares:?}"), sum > 0.0 && sum.is_finite(), SHARES)?;
        }
        each("median_amounts", &self.median_amounts, "money from 2 to 1000000", |v| within(v, 2.0, 1e6))?;
        require("amount_noise", self.amount_noise, within(self.amount_noise, 0.05, 1.0), "0.05 to 1")?;
        let factor = self.cooling_amount_factor;
        require("cooling_amount_factor", factor, within(factor, 0.1, 10.0), "a factor from 0.1 to 10")?;
        for (name, value) in [
            ("discount_share", self.discount_share),
            ("cooling_discount_share", self.cooling_discount_share),
            ("return_share", self.return_share),
            ("cooling_return_share", self.cooling_return_share),
        ] {
            require(name, value, within(value, 0.0, 1.0), PROBABILITY)?;
        }
        require("extra_lines", self.extra_lines, within(self.extra_lines, 0.0, 10.0), "0 to 10")?;
        for (name, value) in [
            ("yearly_season", self.yearly_season),
            ("weekly_season", self.weekly_season),
            ("hourly_season", self.hourly_season),
        ] {
            require(name, value, within(value, 0.0, 2.0), STRENGTH)?;
        }
        let start = self.first_day()?;
        OrderWorld::new(self, start)
    }

    fn first_day(&self) -> Result<Timestamp> {
        let day = self.start.trim().parse::<Date>().ok().filter(|d| (1900..=2200).contains(&d.year()));
        let start = day.and_then(|d| Timestamp::from_ymd(d.year(), d.month(), d.day()));
        require("start", &self.start, start.is_some(), "a day of the years 1900 to 2200, e.g. 2023-01-01")?;
        Ok(start.unwrap_or_default())
    }
}

fn each(
    name: &'static str,
    values: &[f64; 3],
    expected: &'static str,
    accepted: impl Fn(f64) -> bool,
) -> Result<()> {
    values.iter().try_for_each(|&v| require(name, v, accepted(v), expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut OrderParams)) -> String {
        let mut params = OrderParams::default();
        change(&mut params);
        params.check().unwrap_err().to_string()
    }

    #[test]
    fn every_refusal_names_parameter_value_and_range() {
        assert_eq!(refused(|p| p.customers = 0), "parameter `customers` is 0; expected 1 to 1000000000");
        assert_eq!(refused(|p| p.months = 241), "parameter `months` is 241; expected 1 to 240");
        assert_eq!(
            refused(|p| p.start = "2023-02-30".into()),
            "parameter `start` is 2023-02-30; expected a day of the years 1900 to 2200, e.g. 2023-01-01"
        );
        assert_eq!(
            refused(|p| p.gap_days[1] = 0.0),
            "parameter `gap_days` is 0; expected days from 0.5 to 3650"
        );
        assert_eq!(
            refused(|p| p.rate_shares = [0.0; 3]),
            "parameter `rate_shares` is [0.0, 0.0, 0.0]; expected three numbers, at least 0, finite, not all 0"
        );
        assert_eq!(
            refused(|p| p.cooling_return_share = f64::NAN),
            "parameter `cooling_return_share` is NaN; expected a probability from 0 to 1"
        );
        assert!(refused(|p| p.yearly_season = -1.0).contains("0 (no season) to 2"));
        assert!(refused(|p| p.lapse_per_year = -1.0).contains("per year"));
        assert!(refused(|p| p.customers = 1_000_000_000).contains("order codes"));
    }

    #[test]
    fn json_knows_no_other_fields_and_fills_in_defaults() {
        let few: OrderParams = serde_json::from_str(r#"{"customers": 5}"#).unwrap();
        assert_eq!(few, OrderParams { customers: 5, ..OrderParams::default() });
        assert!(serde_json::from_str::<OrderParams>(r#"{"customer": 5}"#).is_err());
    }
}
