//! What is hidden in a contact, and what of it shows in the contact's own records.

use rand::RngExt;
use rand_distr::{Distribution, Exp1, StandardNormal};
use rand_pcg::Pcg64Mcg;
use tenure_features::Timestamp;
use tenure_features::contacts::{Contact, ContactPurchase, Content};
use tenure_features::time::DAY;

use super::params::ContactParams;
use super::quiet::{Path, State};

/// Where contacts live, in minutes from UTC.
const UTC_OFFSETS: [i32; 8] = [-480, -300, -180, 0, 60, 120, 330, 480];
/// Fields of a profile.
const FIELDS: f64 = 10.0;
/// Contacts come at least so long before the log's end, so that there is time for a lead and its outcome.
pub(crate) const LAST_CREATED_DAYS: i64 = 62;

pub(crate) fn normal(rng: &mut Pcg64Mcg) -> f64 {
    StandardNormal.sample(rng)
}

pub(crate) fn exponential(rng: &mut Pcg64Mcg) -> f64 {
    Exp1.sample(rng)
}

/// Whole seconds from `low` days up to but not including `high` days.
pub(crate) fn days(rng: &mut Pcg64Mcg, low: f64, high: f64) -> i64 {
    rng.random_range((low * DAY as f64) as i64..(high * DAY as f64) as i64)
}

pub(crate) fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// The hidden traits of a contact; they never change. Normal traits have mean 0 and deviation 1.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    /// How likely the contact is to buy.
    pub(crate) intent: f64,
    /// How readily the contact opens what we send.
    pub(crate) warmth: f64,
    /// The local hour at which the contact likes to read and to buy.
    pub(crate) best_hour: f64,
    /// Liking for weekends.
    pub(crate) weekend: f64,
    /// Liking for each content.
    pub(crate) taste: [f64; 3],
    /// Median amount of a purchase.
    pub(crate) amount: f64,
    pub(crate) utc_offset_minutes: i32,
    pub(crate) path: Path,
}

impl Person {
    /// Draws a contact of a log from `start` to `end` (seconds).
    pub(crate) fn draw(params: &ContactParams, start: i64, end: i64, rng: &mut Pcg64Mcg) -> Self {
        let intent = normal(rng);
        let created = rng.random_range(start..end - LAST_CREATED_DAYS * DAY);
        let drifts = created + (exponential(rng) * params.attached_days * DAY as f64) as i64;
        let gone = drifts + (exponential(rng) * params.drifting_days * DAY as f64) as i64;
        let attached = (0.3 * intent).exp() / params.purchase_gap_days;
        Self {
            intent,
            warmth: normal(rng),
            best_hour: (18.0 + 2.0 * normal(rng)).rem_euclid(24.0),
            weekend: normal(rng),
            taste: std::array::from_fn(|_| normal(rng)),
            amount: (3.6 + 0.2 * intent + 0.4 * normal(rng)).exp(),
            utc_offset_minutes: UTC_OFFSETS[rng.random_range(0..UTC_OFFSETS.len())],
            path: Path {
                created,
                drifts,
                gone,
                hazards: [1.0 / params.attached_days, 1.0 / params.drifting_days],
                rates: [attached, attached / params.drifting_slowdown],
            },
        }
    }

    /// The contact as it is known to us: a profile the fuller the higher the intent; opting in likewise; three in
    /// ten of those gone leave the campaigns within a month, one in twenty leave them while still attached.
    pub(crate) fn contact(&self, id: String, end: i64, rng: &mut Pcg64Mcg) -> Contact {
        let filled = FIELDS * (0.55 + 0.2 * self.intent + 0.07 * normal(rng));
        let path = &self.path;
        let opted_in = rng.random_bool(logistic(0.8 + 1.2 * self.intent));
        let leaves = match rng.random::<f64>() {
            u if u < 0.05 => path.created + days(rng, 5.0, 60.0),
            u if u < 0.35 => path.gone + days(rng, 0.0, 30.0),
            _ => i64::MAX,
        };
        Contact {
            id,
            created_at: Timestamp::from_seconds(path.created),
            utc_offset_minutes: self.utc_offset_minutes,
            profile_completeness: filled.round().clamp(0.0, FIELDS) / FIELDS,
            opted_in_at: opted_in.then(|| Timestamp::from_seconds(path.created)),
            unsubscribed_at: (opted_in && leaves < end).then(|| Timestamp::from_seconds(leaves)),
        }
    }

    /// Adds the purchases: a Poisson process with the rate of each state. Each falls on the personal hours of its
    /// day.
    pub(crate) fn buy(&self, id: &str, end: i64, rng: &mut Pcg64Mcg, into: &mut Vec<ContactPurchase>) {
        let Path { created, drifts, gone, rates, .. } = self.path;
        for (rate, from, to) in [(rates[0], created, drifts), (rates[1], drifts, gone)] {
            let mut time = from as f64;
            loop {
                time += exponential(rng) / rate * DAY as f64;
                if time >= to.min(end) as f64 {
                    break;
                }
                let hour = self.best_hour + 3.0 * normal(rng);
                let second = self.at_hour(time as i64, hour.rem_euclid(24.0)).clamp(created + 1, end - 1);
                into.push(self.purchase(id, second, rng));
            }
        }
    }

    pub(crate) fn purchase(&self, id: &str, second: i64, rng: &mut Pcg64Mcg) -> ContactPurchase {
        let fall = if self.path.state(second) == State::Attached { 1.0 } else { 0.8 };
        let cents = (self.amount * fall * (0.4 * normal(rng)).exp() * 100.0).round().max(1.0);
        ContactPurchase {
            contact: id.to_owned(),
            time: Timestamp::from_seconds(second),
            amount: cents / 100.0,
        }
    }

    /// The same local day at another local hour.
    pub(crate) fn at_hour(&self, second: i64, hour: f64) -> i64 {
        let offset = i64::from(self.utc_offset_minutes) * 60;
        (second + offset).div_euclid(DAY) * DAY - offset + (hour * 3600.0) as i64
    }

    /// Log-odds that an attached contact opens a message sent at `second`, as far as the contact and the time
    /// decide: the population has its best hour at 18, each contact one of its own around it, and weekends and
    /// contents are liked by each in its own measure.
    pub(crate) fn liking(&self, second: i64, content: Content) -> f64 {
        let local = second + i64::from(self.utc_offset_minutes) * 60;
        let hour = local.rem_euclid(DAY) as f64 / 3600.0;
        // 1970-01-01 was a Thursday.
        let weekend = (local.div_euclid(DAY) + 3).rem_euclid(7) >= 5;
        let (common, taste) = match content {
            Content::Promotional => (-1.6, self.taste[0]),
            Content::Support => (1.3, self.taste[1]),
            Content::Informational => (1.1, self.taste[2]),
        };
        let weekday = if weekend { -1.1 + 0.4 * self.weekend } else { 0.0 };
        let angle = (hour - self.best_hour) / 24.0 * std::f64::consts::TAU;
        2.2 * angle.cos() + weekday + common + 0.2 * taste + 0.4 * self.warmth
    }
}
