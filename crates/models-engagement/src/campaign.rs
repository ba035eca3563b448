//! Send times for a whole campaign: all at one time, or each recipient at their own.

use std::collections::BTreeMap;

use ndarray::ArrayView2;
use serde::Serialize;
use tenure_core::{Error, Model, Result};

use crate::judge::Judge;
use crate::model::EngagementModel;
use crate::send_time::{Gain, Scored, SendTime, SendTimeRequest, best};

/// When to send the messages of a campaign, and what it is expected to bring.
///
/// A mean gain over many messages is known better than that of any one of them: a campaign may be shown to gain
/// from other times where no single message is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CampaignPlan {
    /// Messages.
    pub messages: usize,
    /// Mean probability of engagement at the planned times; `None` where one of them is not known.
    pub planned_rate: Option<f64>,
    /// All at one time, local to each recipient: the best one that is allowed for every message. `None` where there
    /// is none, or a planned time is not known.
    pub common: Option<PlanChoice>,
    /// Each at the time that is best for it. `None` where a message may not be sent at all, or a planned time is not
    /// known.
    pub personal: Option<PlanChoice>,
    /// The answer in a sentence.
    pub verdict: String,
    /// One answer a message, in the order of rows.
    pub send_times: Vec<SendTime>,
}

/// One way to send a campaign.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlanChoice {
    /// Mean gain over all messages against the planned times.
    pub gain: Gain,
    /// Whether it is not shown to be better than the planned times.
    pub no_difference: bool,
    /// Messages by the hour or slot of sending, in the order of the week.
    pub times: Vec<TimeCount>,
}

/// How many messages go out at a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TimeCount {
    /// `Tuesday 14:00`, or the name of the slot.
    pub time: String,
    /// Messages.
    pub messages: usize,
}

/// Sums over messages: of gains, and of their slopes in the coefficients.
#[derive(Default)]
struct Sums {
    messages: usize,
    gain: f64,
    slopes: Vec<f64>,
    doubt: f64,
}

impl Sums {
    fn add(&mut self, scored: &Scored) {
        let Some(gain) = scored.score.gain else { return };
        let at = &scored.compared;
        self.messages += 1;
        self.gain += gain.expected;
        self.slopes.resize(at.difference.len(), 0.0);
        self.slopes.iter_mut().zip(&at.difference).for_each(|(sum, d)| *sum += at.slope * d);
        self.doubt += at.slope * at.slope * at.doubt;
    }

    /// The mean gain, its interval by the delta method: Scheffé's bound for the coefficients, which all messages
    /// share, while what is not known of single recipients averages out.
    fn choice(&self, judge: &Judge, level: f64, times: Vec<TimeCount>) -> PlanChoice {
        let n = self.messages as f64;
        let mean: Vec<f64> = self.slopes.iter().map(|s| s / n).collect();
        let half = judge.half_width(judge.contrast(&mean).1, self.doubt / (n * n), level);
        let expected = self.gain / n;
        let gain = Gain { expected, low: expected - half, high: expected + half, level };
        PlanChoice { no_difference: gain.low <= 0.0, gain, times }
    }
}

/// Chooses send times for messages, one a row of the model's columns.
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
    let mut at_once: BTreeMap<usize, Sums> = BTreeMap::new();
    let mut apart = Sums::default();
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for row in rows.rows() {
        let weighed = model.weighed(&row.to_vec(), request)?;
        let scores = weighed.scores();
        send_times.push(weighed.answer(&scores));
        if let Some(best) = best(&scores) {
            apart.add(best);
            *counts.entry(best.number).or_default() += 1;
        }
        // A planned time within an hour gives way to the full hour.
        let allowed = scores.iter().filter(|s| s.score.allowed).map(|s| (s.number, s));
        for (number, scored) in allowed.collect::<BTreeMap<_, _>>() {
            at_once.entry(number).or_default().add(scored);
        }
    }
    let messages = send_times.len();
    let level = model.settings().params.gain_level;
    let time = |(number, messages): (usize, usize)| TimeCount { time: model.time_name(number), messages };
    let for_all = at_once.into_iter().filter(|(_, sums)| sums.messages == messages);
    let common = for_all
        .max_by(|a, b| a.1.gain.total_cmp(&b.1.gain))
        .map(|(number, sums)| sums.choice(model.judge(), level, vec![time((number, messages))]));
    let personal = (apart.messages == messages)
        .then(|| apart.choice(model.judge(), level, counts.into_iter().map(time).collect()));
    let planned: Option<f64> = send_times.iter().map(|t| t.probability_planned).sum();
    Ok(CampaignPlan {
        messages,
        planned_rate: planned.map(|sum| sum / messages as f64),
        verdict: verdict(common.as_ref(), personal.as_ref()),
        common,
        personal,
        send_times,
    })
}

fn verdict(common: Option<&PlanChoice>, personal: Option<&PlanChoice>) -> String {
    let points = |choice: &PlanChoice| {
        let Gain { expected, low, high, .. } = choice.gain;
        format!("{:+.1} points ({:+.1} to {:+.1})", 100.0 * expected, 100.0 * low, 100.0 * high)
    };
    let shown = |choice: &&PlanChoice| !choice.no_difference;
    let together = match common.filter(shown) {
        Some(choice) => {
            let time = choice.times.first().map_or("", |t| t.time.as_str());
            format!("All at {time}: {}.", points(choice))
        }
        None => "No one time for all is shown to be better than the planned times.".into(),
    };
    let apart = match personal.filter(shown) {
        Some(choice) => format!("Each at the best time of their own: {}.", points(choice)),
        None => "Personal times are not shown to be better than the planned ones.".into(),
    };
    format!("{together} {apart}")
}
