//! When recipients open, where only opens are known: what was sent and not opened is lost.
//!
//! A recipient's opens over the 168 hours of the week are few; everyone's are many. They are pooled by a
//! Dirichlet-multinomial model (Minka, *Estimating a Dirichlet distribution*, 2000):
//!
//! ```text
//! π ~ Dirichlet(κ q)            a recipient's shares of the hours, around the population's q
//! c ~ Multinomial(π)            their opens by hour
//! E[πₕ | c] = (κ qₕ + cₕ) / (κ + Σ c)
//! ```
//!
//! * **q** is a circular kernel density (Epanechnikov). Its bandwidth is the one under which the opens of each
//!   recipient are most likely given those of all others: leaving out single opens would reward a recipient who
//!   opens one mail three times in a minute.
//! * **κ** maximises the marginal likelihood of the recipients' counts.
//! * **Who opens hundreds of times** is a machine or forwards. Such recipients count in q like one with
//!   [`OpenTimeParams::cap`] opens, and have no say in κ.
//!
//! **What this is not**: opens follow sendings. A peak at Tuesday noon may say no more than that mail was sent on
//! Tuesdays before noon; only sendings at different times, drawn at random, would tell what the time itself does.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use statrs::distribution::{Beta, ContinuousCDF};
use tenure_core::params::require;
use tenure_core::{Error, Result, seed};

use crate::pooling::{MOST, maximise, rising};
use crate::week::{WEEK_HOURS, WeekTime};

/// What must be said beside every answer of this module.
pub const OPENS_WARNING: &str = "opens follow sendings: these are the hours at which mail was opened, which mirror \
                                 when it was sent, and not the hours at which sending works best";

/// The population is looked at by quarter of an hour.
const BINS: usize = 4 * WEEK_HOURS;

/// Bandwidths that are tried, in hours; the least is about what quarters of an hour can tell.
const BANDWIDTHS: [f64; 8] = [0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0];

/// Share of the population's density that is even over the week, so that no hour is impossible.
const EVEN: f64 = 0.01;

/// Who opened when.
#[derive(Debug, Clone, PartialEq)]
pub struct Open {
    /// Id of the recipient.
    pub recipient: String,
    /// Hours since Monday, midnight, 0 to below 168, in the time zone that answers are wanted in.
    pub hour_of_week: f64,
}

/// How to pool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OpenTimeParams {
    /// A recipient with more opens is taken for a machine, 1 to 200.
    pub cap: usize,
    /// Nominal coverage of the intervals, above 0 and below 1.
    pub level: f64,
}

impl Default for OpenTimeParams {
    fn default() -> Self {
        Self { cap: 50, level: 0.9 }
    }
}

/// The pooled distributions of all recipients.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenTimes {
    /// Share of each hour of the week, over recipients.
    population: Vec<f64>,
    /// κ: a recipient with so many opens is believed as much as everyone.
    concentration: f64,
    bandwidth: f64,
    level: f64,
    /// Opens by hour, of each recipient.
    counts: BTreeMap<String, Vec<(usize, usize)>>,
    opens: usize,
    capped: usize,
}

/// An hour of the week as a recipient's opens speak for it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OpenHour {
    /// `Tuesday 14:00`: the hour that begins then.
    pub time: String,
    /// Expected opens at this hour over those of the average hour: 2 is twice as many.
    pub times_average: f64,
    /// Lower end of its interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// A time at which many open.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Peak {
    /// When.
    pub time: WeekTime,
    /// Opens per hour around it.
    pub opens_per_hour: f64,
}

/// How well opens that were held out are foretold: mean logarithm of the probability of their hour.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct HeldOutOpens {
    /// Recipients with several opens; one of each, drawn at random, was held out.
    pub recipients: usize,
    /// By everyone's distribution.
    pub population: f64,
    /// By the recipient's own other opens alone (half an open added to every hour).
    pub own: f64,
    /// By the two pooled.
    pub pooled: f64,
}

/// Quarter of an hour of a time.
fn bin(hour_of_week: f64) -> usize {
    ((hour_of_week * (BINS / WEEK_HOURS) as f64) as usize).min(BINS - 1)
}

/// Epanechnikov's kernel.
fn kernel(distance: f64, bandwidth: f64) -> f64 {
    let u = distance / bandwidth;
    if u.abs() < 1.0 { 0.75 * (1.0 - u * u) / bandwidth } else { 0.0 }
}

/// The kernel around the circle, by bins of distance.
fn kernel_table(bandwidth: f64) -> Vec<f64> {
    let width = WEEK_HOURS as f64 / BINS as f64;
    let raw: Vec<f64> = (0..BINS).map(|at| kernel(at.min(BINS - at) as f64 * width, bandwidth)).collect();
    let total: f64 = raw.iter().sum::<f64>() * width;
    raw.into_iter().map(|k| k / total).collect()
}

/// One recipient: their bins with the number of opens in each, and how much one of these counts.
struct Recipient {
    bins: Vec<(usize, f64)>,
    weight: f64,
}

fn recipients(opens: &[Open], cap: usize) -> Result<BTreeMap<&str, Recipient>> {
    let mut bins: BTreeMap<&str, BTreeMap<usize, f64>> = BTreeMap::new();
    for (row, open) in opens.iter().enumerate() {
        let hour = open.hour_of_week;
        if !(0.0..WEEK_HOURS as f64).contains(&hour) {
            return Err(Error::Data(format!(
                "open {row}: hour {hour} of the week; expected 0 to below {WEEK_HOURS}"
            )));
        }
        *bins.entry(&open.recipient).or_default().entry(bin(hour)).or_default() += 1.0;
    }
    let recipient = |bins: BTreeMap<usize, f64>| {
        let total: f64 = bins.values().sum();
        Recipient { bins: bins.into_iter().collect(), weight: (cap as f64 / total).min(1.0) }
    };
    Ok(bins.into_iter().map(|(id, bins)| (id, recipient(bins))).collect())
}

/// Density of each bin.
fn smoothed(sums: &[f64], table: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; BINS];
    for (from, sum) in sums.iter().enumerate().filter(|(_, sum)| **sum > 0.0) {
        for (at, place) in out.iter_mut().enumerate() {
            *place += sum * table[at.abs_diff(from)];
        }
    }
    out
}

fn floored(density: f64) -> f64 {
    (1.0 - EVEN) * density.max(0.0) + EVEN / WEEK_HOURS as f64
}

/// Log-likelihood of each recipient's opens given those of all others.
fn left_out(recipients: &BTreeMap<&str, Recipient>, sums: &[f64], total: f64, bandwidth: f64) -> f64 {
    let table = kernel_table(bandwidth);
    let all = smoothed(sums, &table);
    let each = recipients.values().map(|own| {
        let mass: f64 = own.bins.iter().map(|(_, n)| own.weight * n).sum();
        let others = (total - mass).max(f64::MIN_POSITIVE);
        let open = |&(at, n): &(usize, f64)| {
            let mine: f64 =
                own.bins.iter().map(|&(other, n)| own.weight * n * table[at.abs_diff(other)]).sum();
            own.weight * n * floored((all[at] - mine) / others).ln()
        };
        own.bins.iter().map(open).sum::<f64>()
    });
    each.sum()
}

impl OpenTimes {
    /// Learns from opens in any order.
    ///
    /// # Errors
    /// [`Error::Parameter`] for parameters out of range, [`Error::NotEnoughRows`] for opens of fewer than two
    /// recipients, [`Error::Data`] for an hour out of range.
    pub fn fit(opens: &[Open], params: &OpenTimeParams) -> Result<Self> {
        require("cap", params.cap, (1..=MOST).contains(&params.cap), format!("1 to {MOST}"))?;
        require("level", params.level, params.level > 0.0 && params.level < 1.0, "above 0, below 1")?;
        let recipients = recipients(opens, params.cap)?;
        if recipients.len() < 2 {
            return Err(Error::NotEnoughRows { found: recipients.len(), needed: 2 });
        }
        let mut sums = vec![0.0; BINS];
        for own in recipients.values() {
            own.bins.iter().for_each(|&(at, n)| sums[at] += own.weight * n);
        }
        let total: f64 = sums.iter().sum();
        let likelihoods = BANDWIDTHS.map(|bandwidth| left_out(&recipients, &sums, total, bandwidth));
        let best = (0..BANDWIDTHS.len()).max_by(|&a, &b| likelihoods[a].total_cmp(&likelihoods[b]));
        let bandwidth = BANDWIDTHS[best.unwrap_or(0)];
        let density = smoothed(&sums, &kernel_table(bandwidth));
        let quarter = |of: &[f64]| of.iter().map(|d| floored(d / total)).sum::<f64>() / of.len() as f64;
        let mut population: Vec<f64> = density.chunks_exact(BINS / WEEK_HOURS).map(quarter).collect();
        let all: f64 = population.iter().sum();
        population.iter_mut().for_each(|q| *q /= all);

        let capped = recipients.values().filter(|own| own.weight < 1.0).count();
        let voices: Vec<Vec<(usize, usize)>> =
            recipients.values().filter(|own| own.weight >= 1.0).map(|own| by_hour(&own.bins)).collect();
        let concentration = concentration(&voices, &population, params.cap);
        let counts = recipients.iter().map(|(id, own)| ((*id).to_owned(), by_hour(&own.bins))).collect();
        let (level, opens) = (params.level, opens.len());
        Ok(Self { population, concentration, bandwidth, level, counts, opens, capped })
    }

    /// Share of each of the 168 hours from Monday, midnight, over recipients.
    #[must_use]
    pub fn population(&self) -> &[f64] {
        &self.population
    }

    /// κ, in opens: a recipient with so many is believed half, everyone the other half.
    #[must_use]
    pub fn concentration(&self) -> f64 {
        self.concentration
    }

    /// Bandwidth of the population's density, in hours.
    #[must_use]
    pub fn bandwidth(&self) -> f64 {
        self.bandwidth
    }

    /// Opens learned from.
    #[must_use]
    pub fn opens(&self) -> usize {
        self.opens
    }

    /// Recipients with more opens than the cap.
    #[must_use]
    pub fn capped(&self) -> usize {
        self.capped
    }

    /// Ids of the recipients, in order, with their number of opens.
    pub fn recipients(&self) -> impl Iterator<Item = (&str, usize)> {
        self.counts.iter().map(|(id, hours)| (id.as_str(), hours.iter().map(|(_, n)| n).sum()))
    }

    /// Expected shares of the 168 hours for a recipient; everyone's for one who is not known.
    #[must_use]
    pub fn shares(&self, recipient: &str) -> Vec<f64> {
        let (weights, total) = self.weights(recipient);
        weights.into_iter().map(|weight| weight / total).collect()
    }

    /// Parameters of the posterior Dirichlet distribution, and their sum.
    fn weights(&self, recipient: &str) -> (Vec<f64>, f64) {
        let mut weights: Vec<f64> = self.population.iter().map(|q| self.concentration * q).collect();
        let mut total = self.concentration;
        for &(hour, n) in self.counts.get(recipient).into_iter().flatten() {
            weights[hour] += n as f64;
            total += n as f64;
        }
        (weights, total)
    }

    /// The `most` hours at which the recipient opens most, most first; everyone's for one who is not known.
    /// Intervals are those of the posterior for each hour by itself.
    #[must_use]
    pub fn best_hours(&self, recipient: &str, most: usize) -> Vec<OpenHour> {
        let (weights, total) = self.weights(recipient);
        let mut hours: Vec<usize> = (0..WEEK_HOURS).collect();
        hours.sort_by(|&a, &b| weights[b].total_cmp(&weights[a]).then(a.cmp(&b)));
        let average = WEEK_HOURS as f64;
        let answer = |hour: usize| {
            let weight = weights[hour];
            let posterior = Beta::new(weight, total - weight).ok();
            let tail = 0.5 - 0.5 * self.level;
            let end = |p: f64| posterior.as_ref().map_or(f64::NAN, |beta| average * beta.inverse_cdf(p));
            OpenHour {
                time: WeekTime::of_hours(hour as f64).to_string(),
                times_average: average * weight / total,
                low: end(tail),
                high: end(1.0 - tail),
            }
        };
        hours.into_iter().take(most).map(answer).collect()
    }
}

/// Opens by hour from those by bin.
fn by_hour(bins: &[(usize, f64)]) -> Vec<(usize, usize)> {
    let mut hours: BTreeMap<usize, usize> = BTreeMap::new();
    for &(at, n) in bins {
        *hours.entry(at / (BINS / WEEK_HOURS)).or_default() += n as usize;
    }
    hours.into_iter().collect()
}

/// κ of the highest marginal likelihood; nobody has more than `cap` opens.
fn concentration(recipients: &[Vec<(usize, usize)>], population: &[f64], cap: usize) -> f64 {
    let likelihood = |log: f64| -> f64 {
        let strength = log.exp();
        let table = |a: f64| rising(a).take(cap + 1).collect::<Vec<f64>>();
        let own: Vec<Vec<f64>> = population.iter().map(|q| table(strength * q)).collect();
        let all = table(strength);
        let recipient = |hours: &Vec<(usize, usize)>| {
            let total: usize = hours.iter().map(|(_, n)| n).sum();
            hours.iter().map(|&(hour, n)| own[hour][n]).sum::<f64>() - all[total]
        };
        recipients.iter().map(recipient).sum()
    };
    maximise(0.2_f64.ln(), 5_000.0_f64.ln(), likelihood).exp()
}

/// Where everyone's density is highest, highest first: a circular Epanechnikov density by the minute, every open
/// counting alike. `bandwidth` is in hours, above 0 and at most 24.
///
/// # Errors
/// [`Error::Parameter`] for a bandwidth out of range.
pub fn peaks(opens: &[Open], bandwidth: f64) -> Result<Vec<Peak>> {
    require("bandwidth", bandwidth, bandwidth > 0.0 && bandwidth <= 24.0, "above 0, at most 24")?;
    const MINUTES: i64 = 60 * WEEK_HOURS as i64;
    let mut density = vec![0.0; MINUTES as usize];
    for open in opens {
        let middle = 60.0 * open.hour_of_week;
        let reach = 60.0 * bandwidth;
        for minute in (middle - reach).ceil() as i64..=(middle + reach).floor() as i64 {
            let distance = (minute as f64 - middle) / 60.0;
            density[minute.rem_euclid(MINUTES) as usize] += kernel(distance, bandwidth);
        }
    }
    let at = |minute: i64| density[minute.rem_euclid(MINUTES) as usize];
    let highest = (0..MINUTES).filter(|&m| at(m) > at(m - 1) && at(m) >= at(m + 1));
    let peak = |m: i64| Peak { time: WeekTime::of_hours(m as f64 / 60.0), opens_per_hour: at(m) };
    let mut peaks: Vec<Peak> = highest.map(peak).collect();
    peaks.sort_by(|a, b| b.opens_per_hour.total_cmp(&a.opens_per_hour));
    Ok(peaks)
}

/// Holds one open of every recipient with several out, drawn by `seed`, and says how well each way foretells it.
///
/// # Errors
/// As [`OpenTimes::fit`]; [`Error::NotEnoughRows`] where no recipient has two opens.
pub fn held_out_opens(opens: &[Open], params: &OpenTimeParams, seed: u64) -> Result<HeldOutOpens> {
    let mut of: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (row, open) in opens.iter().enumerate() {
        of.entry(&open.recipient).or_default().push(row);
    }
    let several = of.into_values().filter(|rows| rows.len() > 1).enumerate();
    let mut held: Vec<usize> =
        several.map(|(at, rows)| rows[(seed::unit(seed, at as u64) * rows.len() as f64) as usize]).collect();
    held.sort_unstable();
    if held.is_empty() {
        return Err(Error::NotEnoughRows { found: 0, needed: 1 });
    }
    let mut out = held.iter().copied().peekable();
    let known = (0..opens.len()).filter(|row| out.next_if_eq(row).is_none());
    let rest: Vec<Open> = known.map(|row| opens[row].clone()).collect();
    let fitted = OpenTimes::fit(&rest, params)?;
    let (mut population, mut own, mut pooled) = (0.0, 0.0, 0.0);
    for &row in &held {
        let Open { recipient, hour_of_week } = &opens[row];
        let hour = *hour_of_week as usize;
        let counts = fitted.counts.get(recipient).map(Vec::as_slice).unwrap_or_default();
        let total: usize = counts.iter().map(|(_, n)| n).sum();
        let here = counts.iter().find(|(at, _)| *at == hour).map_or(0, |(_, n)| *n);
        population += fitted.population[hour].ln();
        own += ((here as f64 + 0.5) / (total as f64 + 0.5 * WEEK_HOURS as f64)).ln();
        pooled += fitted.shares(recipient)[hour].ln();
    }
    let n = held.len() as f64;
    Ok(HeldOutOpens { recipients: held.len(), population: population / n, own: own / n, pooled: pooled / n })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(recipient: &str, hour_of_week: f64) -> Open {
        Open { recipient: recipient.into(), hour_of_week }
    }

    /// Twenty recipients who open on Monday at ten, one of them a machine that opens on Sundays too.
    fn opens() -> Vec<Open> {
        let mut opens: Vec<Open> =
            (0..20).flat_map(|r| [open(&format!("r{r}"), 10.2), open(&format!("r{r}"), 10.7)]).collect();
        opens.extend((0..500).map(|n| open("r0", 150.0 + f64::from(n) / 50.0)));
        opens
    }

    #[test]
    fn a_machine_does_not_speak_for_everyone() {
        let fitted = OpenTimes::fit(&opens(), &OpenTimeParams::default()).unwrap();
        assert_eq!((fitted.capped(), fitted.opens()), (1, 540));
        let sunday: f64 = fitted.population()[150..161].iter().sum();
        // 50 of the 88 opens that count.
        assert!((0.5..0.6).contains(&sunday), "{sunday}");
        assert!((fitted.population().iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let best = fitted.best_hours("nobody known", 2);
        assert!(best[0].times_average >= best[1].times_average);
        assert_eq!(fitted.best_hours("r3", 1)[0].time, "Monday 10:00");
        assert!(best[0].low < best[0].times_average && best[0].times_average < best[0].high);
        let shares = fitted.shares("r3");
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12 && shares[10] > fitted.population()[10]);
    }

    #[test]
    fn the_week_is_a_circle_for_peaks_too() {
        let found = peaks(&[open("a", 167.9), open("b", 0.1), open("c", 90.0)], 0.5).unwrap();
        assert_eq!((found[0].time.to_string().as_str(), found.len()), ("Monday 00:00", 2));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let words =
            |opens: &[Open]| OpenTimes::fit(opens, &OpenTimeParams::default()).unwrap_err().to_string();
        assert_eq!(words(&[open("a", 168.0)]), "open 0: hour 168 of the week; expected 0 to below 168");
        assert!(words(&[open("a", 1.0), open("a", 2.0)]).contains("1 rows found"));
        let params = OpenTimeParams { level: 1.0, ..OpenTimeParams::default() };
        assert!(OpenTimes::fit(&opens(), &params).is_err());
        let params = OpenTimeParams { cap: 201, ..OpenTimeParams::default() };
        let words = OpenTimes::fit(&opens(), &params).unwrap_err().to_string();
        assert_eq!(words, "parameter `cap` is 201; expected 1 to 200");
        let once = [open("a", 1.0), open("b", 1.0)];
        assert!(held_out_opens(&once, &OpenTimeParams::default(), 1).is_err());
    }
}
