//! The path of a contact, and the probability that nothing is heard of it.

use serde::{Deserialize, Serialize};
use tenure_features::Timestamp;
use tenure_features::time::DAY;

use super::person::logistic;

/// Hidden state of a contact. It only moves downwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Buys at the full rate and opens what interests.
    Attached = 0,
    /// Buys more rarely, opens less, is in a worse mood.
    Drifting = 1,
    /// Does nothing any more.
    Gone = 2,
}

/// How much lower the log-odds of an engagement are while drifting.
pub(crate) const DRIFTING_LOGIT: f64 = 1.5;

/// The states of a contact over time. Times in seconds, hazards and rates per day.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Path {
    pub(crate) created: i64,
    pub(crate) drifts: i64,
    pub(crate) gone: i64,
    /// Of attached → drifting and drifting → gone.
    pub(crate) hazards: [f64; 2],
    /// Of purchases, attached and drifting.
    pub(crate) rates: [f64; 2],
}

impl Path {
    /// The state that holds from `second` on.
    pub(crate) fn state(&self, second: i64) -> State {
        match second {
            s if s >= self.gone => State::Gone,
            s if s >= self.drifts => State::Drifting,
            _ => State::Attached,
        }
    }

    /// Moves the probabilities of (state, nothing heard so far) on by `days` without a message.
    fn advance(&self, v: &mut [f64; 3], days: f64) {
        let [drift, leave] = self.hazards;
        let (a, b) = (drift + self.rates[0], leave + self.rates[1]);
        // Equal rates would divide by 0; so small a change is far below what anybody can tell.
        let a = if (a - b).abs() < 1e-9 * b { b * (1.0 + 1e-6) } else { a };
        let (fade_a, fade_b) = ((-a * days).exp(), (-b * days).exp());
        let through = v[0] * drift / (a - b);
        v[2] += leave * ((v[1] + through) * (1.0 - fade_b) / b - through * (1.0 - fade_a) / a);
        v[1] = v[1] * fade_b + through * (fade_b - fade_a);
        v[0] *= fade_a;
    }
}

/// One conversation as it was planned, and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Talk {
    /// When the contact writes first, if it is not gone by then; `None` where we do.
    pub(crate) opening: Option<i64>,
    /// When our messages leave as long as nobody answers, with the log-odds that an attached contact opens them.
    pub(crate) plan: Vec<(i64, f64)>,
    /// When its messages were sent in the end, and whether by us.
    pub(crate) sent: Vec<(i64, bool)>,
}

/// When a lead becomes a customer, if it does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Chance {
    pub(crate) created: i64,
    pub(crate) probability: f64,
    pub(crate) converted: Option<i64>,
}

/// Least and most days from a lead's creation to its conversion, uniformly between.
pub(crate) const CONVERSION_DAYS: (f64, f64) = (1.0, 30.0);

impl Chance {
    /// Probability of no conversion from `from` to `to`, given none before `from`.
    fn none(&self, from: i64, to: i64) -> f64 {
        if self.converted.is_some_and(|at| at < from) {
            return 1.0;
        }
        let (low, high) = CONVERSION_DAYS;
        let by = |at: i64| {
            let days = (at - self.created) as f64 / DAY as f64;
            self.probability * ((days - low) / (high - low)).clamp(0.0, 1.0)
        };
        if by(from) >= 1.0 { 1.0 } else { (1.0 - by(to)) / (1.0 - by(from)) }
    }
}

/// The hidden side of one contact.
#[derive(Debug, Clone, PartialEq)]
pub struct ContactLife {
    pub(crate) intent: f64,
    pub(crate) path: Path,
    pub(crate) talks: Vec<Talk>,
    pub(crate) chances: Vec<Chance>,
}

impl ContactLife {
    /// How likely the contact is to buy: standard normal among contacts.
    #[must_use]
    pub fn intent(&self) -> f64 {
        self.intent
    }

    /// The state that holds from `instant` on; `None` before the contact was created.
    #[must_use]
    pub fn state_at(&self, instant: Timestamp) -> Option<State> {
        (instant.seconds() >= self.path.created).then(|| self.path.state(instant.seconds()))
    }

    /// Probability that the contact neither writes nor opens, clicks or buys in the `days` days from `instant`
    /// on, given all that is hidden in it then and when we mean to write to it; `None` before it was created.
    ///
    /// Exact but for what is under way at the instant (a message sent that will be opened, an answer that is
    /// being written) and for purchases being moved to another hour of their day.
    #[must_use]
    pub fn churn_probability(&self, instant: Timestamp, days: u32) -> Option<f64> {
        let state = self.state_at(instant)?;
        let (from, to) = (instant.seconds(), instant.plus_days(i64::from(days)).seconds());
        let mut trials = Vec::new();
        for talk in &self.talks {
            talk.trials(from, to, &mut trials);
        }
        trials.sort_by_key(|trial| trial.0);
        let mut v = [0.0; 3];
        v[state as usize] = 1.0;
        let mut now = from;
        for (at, silent) in trials.into_iter().chain([(to, [1.0; 2])]) {
            self.path.advance(&mut v, (at - now) as f64 / DAY as f64);
            (v[0], v[1]) = (v[0] * silent[0], v[1] * silent[1]);
            now = at;
        }
        let unconverted: f64 = self.chances.iter().map(|chance| chance.none(from, to)).product();
        Some((v.iter().sum::<f64>() * unconverted).clamp(0.0, 1.0))
    }
}

/// An instant at which something may be heard, and the probabilities that nothing is, attached and drifting.
type Trial = (i64, [f64; 2]);

impl Talk {
    /// What of the conversation is still to come between two instants as long as the contact is silent.
    fn trials(&self, from: i64, to: i64, into: &mut Vec<Trial>) {
        let within = from..to;
        into.extend(self.opening.filter(|at| within.contains(at)).map(|at| (at, [0.0; 2])));
        let before = self.sent.partition_point(|&(at, _)| at < from);
        let ours = self.sent[..before].iter().filter(|(_, ours)| *ours).count();
        let last = (ours + self.sent.len() - before).min(self.plan.len());
        let open =
            |&(at, logit): &(i64, f64)| (at, [1.0 - logistic(logit), 1.0 - logistic(logit - DRIFTING_LOGIT)]);
        into.extend(self.plan[ours.min(last)..last].iter().filter(|(at, _)| within.contains(at)).map(open));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closed_form_is_the_limit_of_small_steps() {
        for rates in [[0.1, 0.02], [0.01, 0.4], [0.0, 0.0]] {
            let path = Path { created: 0, drifts: 0, gone: 0, hazards: [1.0 / 120.0, 1.0 / 40.0], rates };
            let mut exact = [0.5, 0.3, 0.2];
            let mut v = exact;
            path.advance(&mut exact, 30.0);
            let step = 1e-4;
            for _ in 0..300_000 {
                let [a, d, g] = v;
                let (drift, leave) = (a * path.hazards[0], d * path.hazards[1]);
                v = [
                    a - step * (drift + a * rates[0]),
                    d + step * (drift - leave - d * rates[1]),
                    g + step * leave,
                ];
            }
            exact.iter().zip(v).for_each(|(e, v)| assert!((e - v).abs() < 1e-5, "{exact:?} {v:?}"));
        }
    }

    #[test]
    fn a_conversion_that_did_not_come_becomes_less_likely() {
        let day = |days: i64| days * DAY;
        let chance = Chance { created: 0, probability: 0.5, converted: None };
        assert!((chance.none(0, day(30)) - 0.5).abs() < 1e-12);
        assert!((chance.none(day(-5), day(1)) - 1.0).abs() < 1e-12);
        assert!((chance.none(0, day(10)) * chance.none(day(10), day(40)) - 0.5).abs() < 1e-12);
        let converted = Chance { converted: Some(day(3)), ..chance };
        assert!((converted.none(day(4), day(30)) - 1.0).abs() < 1e-12);
    }
}
