//! The best time to send one message: what an application asks, and what it is told.

use serde::{Deserialize, Serialize};
use tenure_core::Result;
use tenure_core::params::require;

use crate::expand::{Expansion, Moment};
use crate::judge::{Judge, TimeTest};
use crate::pooling::{Belief, expit};
use crate::week::{QuietHours, WEEK_HOURS, WeekTime};

/// What limits the times that are looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SendTimeRequest {
    /// Local time of the recipient less UTC, in minutes, −840 to 840; with it times are given in UTC too.
    pub utc_offset_minutes: Option<i32>,
    /// When nothing is sent; `None` for those of the training.
    pub quiet_hours: Option<QuietHours>,
    /// Only times within so many hours after the planned one, 1 to 168; `None` for the whole week.
    pub horizon_hours: Option<u32>,
}

impl SendTimeRequest {
    /// # Errors
    /// [`tenure_core::Error::Parameter`] for what is out of range.
    pub fn check(&self) -> Result<()> {
        if let Some(offset) = self.utc_offset_minutes {
            require("utc_offset_minutes", offset, (-840..=840).contains(&offset), "-840 to 840")?;
        }
        if let Some(horizon) = self.horizon_hours {
            require("horizon_hours", horizon, (1..=168).contains(&horizon), "1 to 168")?;
        }
        self.quiet_hours.map_or(Ok(()), |quiet| quiet.check())
    }
}

/// A time at which a message may be sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SendSlot {
    /// `Tuesday 14:00` local to the recipient, or the name of the slot.
    pub name: String,
    /// `Tuesday`; `None` for a slot.
    pub day: Option<String>,
    /// `14:00`; `None` for a slot.
    pub time: Option<String>,
    /// The same in UTC, where the recipient's offset is known.
    pub utc: Option<String>,
    /// Hours after the planned time; `None` where that is not known, and for a slot.
    pub hours_ahead: Option<f64>,
}

/// A change of the probability of engagement, 0.01 being one point.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Gain {
    /// What is expected.
    pub expected: f64,
    /// Lower end of its interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Share of such intervals that hold the true gain, whichever of the times was picked for looking best.
    pub level: f64,
}

/// One time of the week, or one slot, for one message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimeScore {
    /// When.
    pub slot: SendSlot,
    /// Probability of engagement, if it is sent then.
    pub probability: f64,
    /// Against the planned time; `None` where that is not known.
    pub gain: Option<Gain>,
    /// Whether it may be proposed: not in quiet hours, within the horizon, and messages were sent at this hour and
    /// on this day before.
    pub allowed: bool,
}

/// The best time to send one message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SendTime {
    /// When it is planned; `None` where that is not known.
    pub planned: Option<SendSlot>,
    /// The allowed time with the highest probability; `None` where nothing is allowed.
    pub best: Option<SendSlot>,
    /// When to send: the best, or as planned where that is allowed and nothing is shown to be better.
    pub send_at: Option<SendSlot>,
    /// Probability at the planned time.
    pub probability_planned: Option<f64>,
    /// Probability at the best time.
    pub probability_best: Option<f64>,
    /// The best against the planned time; `None` where one of them is not known.
    pub gain: Option<Gain>,
    /// Whether the data do not show that the best time is better than the planned one.
    pub no_difference: bool,
    /// The answer in a sentence.
    pub verdict: String,
    /// Times that may be proposed, the planned one included.
    pub candidates: usize,
    /// Whether the time matters at all, over all messages learned from.
    pub test: TimeTest,
}

/// When the messages learned from were sent: other times are not proposed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeenTimes {
    /// Messages by hour of the day, 24 numbers; by slot where there are slots.
    pub hours: Vec<usize>,
    /// Messages by day of the week, 7 numbers; none where there are slots.
    pub weekdays: Vec<usize>,
}

impl SeenTimes {
    pub(crate) fn new(expansion: &Expansion) -> Self {
        match expansion.slot_names().len() {
            0 => Self { hours: vec![0; 24], weekdays: vec![0; 7] },
            slots => Self { hours: vec![0; slots], weekdays: Vec::new() },
        }
    }

    pub(crate) fn add(&mut self, moment: Moment) {
        let add = |counts: &mut Vec<usize>, value: f64| {
            if let Some(count) = counts.get_mut(value as usize).filter(|_| value >= 0.0) {
                *count += 1;
            }
        };
        match moment {
            Moment::Week { hour, weekday } => {
                add(&mut self.hours, hour % 24.0);
                add(&mut self.weekdays, weekday);
            }
            Moment::Slot(slot) => add(&mut self.hours, slot),
        }
    }

    /// Whether messages were sent on this day, and at this hour or one beside it.
    fn hold(&self, time: WeekTime) -> bool {
        let hour = time.hour as usize;
        let near = [hour, hour + 1, hour + 23].iter().any(|h| self.hours[h % 24] > 0);
        near && self.weekdays[usize::from(time.weekday)] > 0
    }

    fn different(counts: &[usize]) -> usize {
        counts.iter().filter(|count| **count > 0).count()
    }

    /// Why nothing can be said of other times, where that is so.
    fn too_few(&self) -> Option<&'static str> {
        let slots = self.weekdays.is_empty();
        (Self::different(&self.hours) < 2).then_some(if slots {
            "all messages were sent in one slot: nothing can be said of other slots"
        } else {
            "all messages were sent at one hour: nothing can be said of other hours"
        })
    }
}

/// A time beside the planned one, on the scale of log-odds.
pub(crate) struct Compared {
    pub(crate) probability: f64,
    change: f64,
    /// Standard error of the change, as far as it comes from the coefficients.
    error: f64,
    /// Variance of the change, as far as it comes from what is not known of the recipient.
    pub(crate) doubt: f64,
    /// Time values less those of the planned time.
    pub(crate) difference: Vec<f64>,
    /// Change of the probability per log-odds.
    pub(crate) slope: f64,
}

/// One time with what is behind its score.
pub(crate) struct Scored {
    /// Of the slot, or of the full hour of the week.
    pub(crate) number: usize,
    pub(crate) score: TimeScore,
    pub(crate) compared: Compared,
}

/// The allowed time of the highest probability; of equals the first, so that the planned time comes before others.
pub(crate) fn best(scores: &[Scored]) -> Option<&Scored> {
    let allowed = scores.iter().filter(|s| s.score.allowed);
    allowed.reduce(|held, s| if s.score.probability > held.score.probability { s } else { held })
}

/// One row looked at for its send times.
pub(crate) struct Weighed<'a> {
    pub(crate) expansion: &'a Expansion,
    pub(crate) judge: &'a Judge,
    pub(crate) seen: &'a SeenTimes,
    pub(crate) level: f64,
    pub(crate) quiet: QuietHours,
    pub(crate) request: &'a SendTimeRequest,
    pub(crate) belief: Belief,
    pub(crate) planned: Moment,
    /// Log-odds of engagement at the planned time.
    pub(crate) log_odds: f64,
}

impl Weighed<'_> {
    /// The planned time, where it is known.
    fn planned_time(&self) -> Option<WeekTime> {
        match self.planned {
            Moment::Week { hour, weekday } if !hour.is_nan() && !weekday.is_nan() => {
                Some(WeekTime::of_hours(24.0 * weekday + hour))
            }
            _ => None,
        }
    }

    fn planned_is_known(&self) -> bool {
        match self.planned {
            Moment::Slot(slot) => !slot.is_nan(),
            Moment::Week { .. } => self.planned_time().is_some(),
        }
    }

    fn week_slot(&self, time: WeekTime) -> SendSlot {
        let utc = self.request.utc_offset_minutes.map(|offset| time.plus_minutes(-offset).to_string());
        let ahead =
            self.planned_time().map(|planned| (time.hours() - planned.hours()).rem_euclid(WEEK_HOURS as f64));
        SendSlot {
            name: time.to_string(),
            day: Some(time.day()),
            time: Some(time.clock()),
            utc,
            hours_ahead: ahead,
        }
    }

    fn named_slot(name: String) -> SendSlot {
        SendSlot { name, day: None, time: None, utc: None, hours_ahead: None }
    }

    /// Every time there is, the planned one first where it is known.
    pub(crate) fn scores(&self) -> Vec<Scored> {
        let score = |number: usize, slot: SendSlot, moment: Moment, allowed: bool| {
            let compared = self.compared(moment);
            let (probability, gain) = (compared.probability, self.gain(&compared));
            Scored { number, score: TimeScore { slot, probability, gain, allowed }, compared }
        };
        let names = self.expansion.slot_names();
        if !names.is_empty() {
            let mut scores: Vec<Scored> = names
                .into_iter()
                .enumerate()
                .map(|(at, name)| score(at, Self::named_slot(name), Moment::Slot(at as f64), true))
                .collect();
            if let Moment::Slot(planned) = self.planned
                && !planned.is_nan()
            {
                scores[..=planned as usize].rotate_right(1);
            }
            return scores;
        }
        let horizon = self.request.horizon_hours.map_or(f64::INFINITY, f64::from);
        let week = (0..WEEK_HOURS).map(|hour| WeekTime::of_hours(hour as f64));
        // The planned time is the hour itself where it is a full one.
        let week = week.filter(|time| Some(*time) != self.planned_time());
        let times = self.planned_time().into_iter().chain(week).enumerate().map(|(at, time)| {
            let slot = self.week_slot(time);
            let near = slot.hours_ahead.is_none_or(|ahead| ahead <= horizon);
            let is_planned = at == 0 && self.planned_time().is_some();
            let known = is_planned || self.seen.hold(time);
            score(time.hours() as usize, slot, time.into(), near && known && !self.quiet.hold(time.hour))
        });
        times.collect()
    }

    /// The time beside the planned one.
    pub(crate) fn compared(&self, moment: Moment) -> Compared {
        let at = self.expansion.time_values(&self.belief, moment);
        let planned = self.expansion.time_values(&self.belief, self.planned);
        // Without a planned time the log-odds are those of a typical one.
        let difference: Vec<f64> =
            at.zip(planned).map(|(a, b)| a - if b.is_nan() { 0.0 } else { b }).collect();
        let (change, error) = self.judge.contrast(&difference);
        let coefficients = &self.judge.coefficients;
        let doubt = self.expansion.belief_variance(&self.belief, coefficients, moment, self.planned);
        let probability = expit(self.log_odds + change);
        let slope = probability * (1.0 - probability);
        Compared { probability, change, error, doubt, difference, slope }
    }

    fn gain(&self, at: &Compared) -> Option<Gain> {
        let reach = self.judge.half_width(at.error, at.doubt, self.level);
        let gain = |change: f64| expit(self.log_odds + change) - expit(self.log_odds);
        self.planned_is_known().then(|| Gain {
            expected: gain(at.change),
            low: gain(at.change - reach),
            high: gain(at.change + reach),
            level: self.level,
        })
    }

    /// The answer.
    pub(crate) fn answer(&self, scores: &[Scored]) -> SendTime {
        let planned = scores.first().map(|s| &s.score).filter(|_| self.planned_is_known());
        let best = best(scores).map(|s| &s.score);
        let gain = best.and_then(|b| b.gain);
        let shown = self.seen.too_few().is_none() && gain.is_some_and(|g| g.low > 0.0);
        let stays = planned.filter(|p| p.allowed && !shown);
        let send_at = stays.or(best);
        SendTime {
            verdict: self.verdict(planned, best, shown),
            planned: planned.map(|p| p.slot.clone()),
            best: best.map(|b| b.slot.clone()),
            send_at: send_at.map(|s| s.slot.clone()),
            probability_planned: planned.map(|p| p.probability),
            probability_best: best.map(|b| b.probability),
            gain,
            no_difference: !shown,
            candidates: scores.iter().filter(|s| s.score.allowed).count(),
            test: self.judge.test,
        }
    }

    fn verdict(&self, planned: Option<&TimeScore>, best: Option<&TimeScore>, shown: bool) -> String {
        if let Some(words) = self.seen.too_few() {
            return format!("No difference can be shown: {words}.");
        }
        let Some(best) = best else {
            return "No time is left: quiet hours, horizon and the hours seen in training allow none.".into();
        };
        let (Some(planned), Some(gain)) = (planned, best.gain) else {
            return format!(
                "{} has the highest probability ({:.1} %); the planned time is not known, so that there is \
                 nothing to compare it with.",
                best.slot.name,
                100.0 * best.probability
            );
        };
        let range = format!("{:+.1} to {:+.1} points", 100.0 * gain.low, 100.0 * gain.high);
        if shown {
            let gained = 100.0 * gain.expected;
            return format!(
                "{} instead of {}: {gained:+.1} points ({range}).",
                best.slot.name, planned.slot.name
            );
        }
        let quiet = if planned.allowed { "" } else { " The planned time is in quiet hours: move it." };
        if best.slot == planned.slot {
            return format!(
                "No time is shown to be better than the planned one, {}.{quiet}",
                planned.slot.name
            );
        }
        format!(
            "The data show no difference between send times: {} looks best, but its gain over {} is {range}.{quiet}",
            best.slot.name, planned.slot.name
        )
    }
}
