//! What happened, by age: days before the instant of the row.

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use super::person::Person;
use super::{exponential, normal};

/// The windows of features, and all that is looked back on.
pub(super) const WINDOWS: [f64; 4] = [7.0, 14.0, 30.0, f64::INFINITY];
/// Days that are simulated; what was before is only counted.
pub(super) const HORIZON_DAYS: f64 = 120.0;
/// Days that a decline is spread over.
const DECLINE_DAYS: f64 = 30.0;

/// A stream of events.
pub(super) struct Stream {
    /// Events a week at age 0.
    pub(super) weekly: f64,
    /// Their rate was e^(decline · age / 30) times that.
    pub(super) decline: f64,
    /// Exponential gaps that make one gap: 1 for a Poisson process, more for more regular events.
    pub(super) steps: u32,
}

impl Stream {
    /// Ages of events up to `horizon` days, youngest first.
    ///
    /// With S a sum of gaps of mean 1, the ages solve ∫₀ᵃ rate = S.
    pub(super) fn ages(&self, horizon: f64, rng: &mut Pcg64Mcg) -> Vec<f64> {
        let growth = self.decline / DECLINE_DAYS;
        let gap = |rng: &mut Pcg64Mcg, steps: u32| {
            (0..steps).map(|_| exponential(rng)).sum::<f64>() / f64::from(self.steps)
        };
        let mut ages = Vec::new();
        // The instant falls anywhere into a gap, and into a long one more likely: that one has a step more.
        let mut sum = rng.random::<f64>() * gap(rng, self.steps + 1);
        loop {
            let flat = 7.0 * sum / self.weekly;
            let age = if growth == 0.0 { flat } else { (growth * flat).ln_1p() / growth };
            // Where activity rises, all of it has a finite past: there the logarithm has no value.
            if age.is_nan() || age >= horizon {
                return ages;
            }
            ages.push(age);
            sum += gap(rng, self.steps);
        }
    }
}

/// What became of a session that was due.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Fate {
    /// It took place.
    Held {
        /// 1 to 5, where it was rated.
        stars: Option<f64>,
    },
    /// The customer cancelled, late or in time.
    Cancelled { late: bool },
    /// The tutor cancelled.
    ByTutor,
    /// The customer moved it.
    Moved,
    /// The customer did not come.
    Missed,
}

/// A session that was due.
#[derive(Debug, Clone, Copy)]
pub(super) struct Session {
    pub(super) age: f64,
    pub(super) fate: Fate,
}

impl Session {
    pub(super) fn is_held(&self) -> bool {
        matches!(self.fate, Fate::Held { .. })
    }

    pub(super) fn stars(&self) -> Option<f64> {
        match self.fate {
            Fate::Held { stars } => stars,
            _ => None,
        }
    }
}

/// A payment that was tried.
pub(super) struct Payment {
    pub(super) age: f64,
    pub(super) amount: f64,
    pub(super) success: bool,
}

/// A call.
pub(super) struct Call {
    pub(super) age: f64,
    pub(super) bad_tone: bool,
    pub(super) minutes: f64,
}

/// All that is looked back on.
pub(super) struct History {
    pub(super) sessions: Vec<Session>,
    /// Sessions held before the horizon.
    pub(super) earlier_sessions: f64,
    pub(super) payments: Vec<Payment>,
    pub(super) calls: Vec<Call>,
    pub(super) logins: Vec<f64>,
    pub(super) messages: Vec<f64>,
    /// Price of a session.
    pub(super) price: f64,
    /// Subscription a week.
    pub(super) dues: f64,
}

impl History {
    pub(super) fn draw(person: &Person, rng: &mut Pcg64Mcg) -> Self {
        let horizon = person.tenure_days.min(HORIZON_DAYS);
        let since = |weekly, steps, from: f64, rng: &mut Pcg64Mcg| {
            let stream = Stream { weekly, decline: person.decline, steps };
            stream.ages(horizon - from, rng).into_iter().map(|age| age + from).collect::<Vec<f64>>()
        };
        let gone = person.gone_days;
        let due = since(person.rate / (0.93 * (1.0 - person.cancels)), 3, gone, rng);
        let mut sessions: Vec<Session> =
            due.into_iter().map(|age| Session { age, fate: fate(person, rng) }).collect();
        // Everybody has had a first session, within a week of joining, and rated it.
        let joined = person.tenure_days - rng.random_range(0.0..7.0);
        if person.tenure_days <= HORIZON_DAYS || sessions.iter().all(|session| session.stars().is_none()) {
            let stars = Some(stars(person.rating, rng));
            sessions.push(Session { age: joined.max(gone), fate: Fate::Held { stars } });
        }
        let logins = since(person.logins, 1, gone * rng.random_range(0.6..1.0), rng);
        let messages = since(person.messages, 1, gone * rng.random_range(0.6..1.0), rng);
        let before = (person.tenure_days - horizon) / 7.0;
        let earlier_sessions = (before * person.rate * (0.2 * normal(rng)).exp()).round();
        let [price, dues] = [[35.0, 4.0], [50.0, 9.0], [75.0, 18.0]][person.tier as usize];
        let price = (price * (0.12 * normal(rng)).exp()).round();
        let payments = payments(person, &sessions, price, dues, horizon, rng);
        let calls = Stream { weekly: person.calls, decline: 0.0, steps: 1 };
        let calls = calls.ages(person.tenure_days, rng).into_iter().map(|age| Call {
            age,
            bad_tone: rng.random_bool(person.bad_tone),
            minutes: (6.0 * (0.5 * normal(rng)).exp()).round().max(1.0),
        });
        let calls = calls.collect();
        Self { sessions, earlier_sessions, payments, calls, logins, messages, price, dues }
    }
}

fn fate(person: &Person, rng: &mut Pcg64Mcg) -> Fate {
    match rng.random::<f64>() {
        u if u < person.cancels => Fate::Cancelled { late: u < 0.4 * person.cancels },
        u if u < person.cancels + 0.03 => Fate::ByTutor,
        u if u < person.cancels + 0.06 => Fate::Moved,
        u if u < person.cancels + 0.07 => Fate::Missed,
        _ => Fate::Held { stars: rng.random_bool(0.8).then(|| stars(person.rating, rng)) },
    }
}

fn stars(rating: f64, rng: &mut Pcg64Mcg) -> f64 {
    (rating + 0.6 * normal(rng)).round().clamp(1.0, 5.0)
}

/// One a session held, and the dues every week.
fn payments(
    person: &Person,
    sessions: &[Session],
    price: f64,
    dues: f64,
    horizon: f64,
    rng: &mut Pcg64Mcg,
) -> Vec<Payment> {
    let day = rng.random_range(0.0..7.0);
    let weeks = (0..).map(|week| day + 7.0 * f64::from(week)).take_while(|age| *age < horizon);
    let held = sessions.iter().filter(|session| session.is_held()).map(|session| (session.age, price));
    let due = held.chain(weeks.map(|age| (age, dues)));
    due.map(|(age, amount)| Payment { age, amount, success: rng.random_bool(person.payment) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_have_the_rates_they_are_made_with() {
        let mut rng = Pcg64Mcg::new(7);
        for (weekly, decline, steps) in [(3.0, 0.0, 1), (2.0, 0.6, 3), (4.0, -0.5, 1), (0.1, 0.0, 3)] {
            let stream = Stream { weekly, decline, steps };
            let growth: f64 = decline / DECLINE_DAYS;
            for horizon in [7.0, 60.0] {
                let days = if growth == 0.0 { horizon } else { (growth * horizon).exp_m1() / growth };
                let expected = weekly / 7.0 * days;
                let runs = 20_000;
                let events: usize = (0..runs).map(|_| stream.ages(horizon, &mut rng).len()).sum();
                let mean = events as f64 / f64::from(runs);
                let error = (expected / f64::from(runs)).sqrt();
                assert!(
                    (mean - expected).abs() < 4.0 * error,
                    "{weekly} {decline} {steps}: {mean} {expected}"
                );
            }
        }
    }
}
