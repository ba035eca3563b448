//! Send times for a whole campaign: all at one time, or each recipient at their own.

use std::collections::BTreeMap;

use ndarray::ArrayView2;
use serde::Serialize;
use tenure_core::{Error, Model, Result};

use crate::model::EngagementModel;
use crate::send_time::{Gain, SendSlot, SendTime, SendTimeRequest, TimeScore};

/// When to send the messages of a campaign, and what it is expected to bring.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CampaignPlan {
    /// Messages.
    pub messages: usize,
    /// Mean probability of engagement at the planned times; `None` where one of them is not known.
    pub planned_rate: Option<f64>,
    /// The one time (local to each recipient) that is best for all together.
    pub common: Option<CommonTime>,
    /// Mean gain over all messages of the times in `send_times`; messages that stay as planned gain 0.
    pub personal_gain: Option<Gain>,
    /// Messages for which another time is shown to be better than the planned one.
    pub moved: usize,
    /// Messages by the hour or slot of sending (`send_at` of each), in the order of the week.
    pub times: Vec<TimeCount>,
    /// The answer in a sentence.
    pub verdict: String,
    /// One answer a message, in the order of rows.
    pub send_times: Vec<SendTime>,
}

/// One time for all.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CommonTime {
    /// When, local to each recipient.
    pub slot: SendSlot,
    /// Mean gain over all messages.
    pub gain: Gain,
    /// Whether it is not shown to be better than the planned times.
    pub no_difference: bool,
}

/// How many messages go out at a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TimeCount {
    /// `Tuesday 14:00`, or the name of the slot.
    pub time: String,
    /// Messages.
    pub messages: usize,
}

/// Sums of gains at one time.
struct Sums {
    slot: SendSlot,
    messages: usize,
    expected: f64,
    low: f64,
    high: f64,
}

/// Chooses send times for messages, one a row of the model's columns.
///
/// The intervals of single messages hold for all times at once; their mean is an interval of the mean gain.
///
/// # Errors
/// As [`EngagementModel::send_time`]; [`Error::NotEnoughRows`] for no row at all.
pub fn best_times_for_campaign(
    model: &EngagementModel,
    rows: ArrayView2<'_, f64>,
    request: &SendTimeRequest,
) -> Result<CampaignPlan> {
    if rows.nrows() == 0 {
        return Err(Error::NotEnoughRows { found: 0, needed: 1 });
    }
    tenure_core::check_input(model.schema(), rows)?;
    request.check()?;
    let mut send_times = Vec::with_capacity(rows.nrows());
    // By the full hour of the week, or the number of the slot.
    let mut sums: BTreeMap<usize, Sums> = BTreeMap::new();
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for row in rows.rows() {
        let weighed = model.weighed(&row.to_vec(), request)?;
        let scores = weighed.scores();
        let answer = weighed.answer(&scores);
        let sent = scores.iter().find(|(_, score)| Some(&score.slot) == answer.send_at.as_ref());
        if let Some((number, _)) = sent {
            *counts.entry(*number).or_default() += 1;
        }
        // A planned time within an hour gives way to the full hour.
        let allowed = scores.into_iter().filter(|(_, score)| score.allowed);
        for (number, score) in allowed.collect::<BTreeMap<_, _>>() {
            add(&mut sums, number, score);
        }
        send_times.push(answer);
    }
    let messages = send_times.len();
    let level = model.settings().params.gain_level;
    let mean = |of: &dyn Fn(&SendTime) -> Option<f64>| -> Option<f64> {
        let sum: Option<f64> = send_times.iter().map(of).sum();
        sum.map(|sum| sum / messages as f64)
    };
    let moved = |t: &SendTime| t.gain.filter(|_| !t.no_difference);
    let planned_rate = mean(&|t| t.probability_planned);
    let personal = |of: fn(Gain) -> f64| mean(&|t| Some(moved(t).map_or(0.0, of))).unwrap_or(0.0);
    let personal_gain = planned_rate.map(|_| Gain {
        expected: personal(|g| g.expected),
        low: personal(|g| g.low),
        high: personal(|g| g.high),
        level,
    });
    let common = common(sums, messages, level);
    let moved = send_times.iter().filter(|t| moved(t).is_some()).count();
    Ok(CampaignPlan {
        messages,
        planned_rate,
        verdict: verdict(common.as_ref(), personal_gain, moved, messages),
        common,
        personal_gain,
        moved,
        times: counts
            .into_iter()
            .map(|(number, messages)| TimeCount { time: model.time_name(number), messages })
            .collect(),
        send_times,
    })
}

fn add(sums: &mut BTreeMap<usize, Sums>, number: usize, score: TimeScore) {
    let Some(gain) = score.gain else { return };
    let slot = SendSlot { hours_ahead: None, utc: None, ..score.slot };
    let sum = sums.entry(number).or_insert(Sums { slot, messages: 0, expected: 0.0, low: 0.0, high: 0.0 });
    sum.messages += 1;
    sum.expected += gain.expected;
    sum.low += gain.low;
    sum.high += gain.high;
}

/// The best of the times that every message may be sent at.
fn common(sums: BTreeMap<usize, Sums>, messages: usize, level: f64) -> Option<CommonTime> {
    let all = sums.into_values().filter(|sum| sum.messages == messages);
    let best = all.max_by(|a, b| a.expected.total_cmp(&b.expected))?;
    let mean = |sum: f64| sum / messages as f64;
    let gain = Gain { expected: mean(best.expected), low: mean(best.low), high: mean(best.high), level };
    Some(CommonTime { slot: best.slot, no_difference: gain.low <= 0.0, gain })
}

fn verdict(common: Option<&CommonTime>, personal: Option<Gain>, moved: usize, messages: usize) -> String {
    let points = |gain: Gain| {
        format!("{:+.1} points ({:+.1} to {:+.1})", 100.0 * gain.expected, 100.0 * gain.low, 100.0 * gain.high)
    };
    let together = match common {
        Some(common) if !common.no_difference => {
            format!("Sent to all at {}: {}.", common.slot.name, points(common.gain))
        }
        _ => "No one time for all is shown to be better than the planned times.".into(),
    };
    let apart = match personal {
        Some(gain) if moved > 0 => {
            format!("Personal times for {moved} of {messages} messages: {} over all.", points(gain))
        }
        _ => "No message is shown to gain from a time of its own.".into(),
    };
    format!("{together} {apart}")
}
