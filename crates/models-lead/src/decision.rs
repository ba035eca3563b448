//! What an application gets for one lead.

use std::fmt;

use serde::{Deserialize, Serialize};
use tenure_core::{Explanation, Reason, Schema};

use crate::params::Goal;

/// Reasons given of either kind.
const MOST_FACTORS: usize = 4;

/// Mean tone of a contact's messages below which something is wrong.
const BAD_TONE: f64 = -0.2;

/// How good a lead is, how sure that is, why, and what to do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LeadScore {
    /// Which lead.
    pub lead_id: String,
    /// 0 to 100. Of a model of conversions it is the calibrated probability × 100.
    pub score: f64,
    /// The score in one word.
    pub quality_tier: Tier,
    /// How sure the tier is, 0 to 1: the probability that the lead belongs to it.
    ///
    /// Of a model of scores it is the share of the held-out errors with which the score stays in its tier. Of a
    /// model of conversions it is the probability that the rate among similar leads lies in the tier, the
    /// log-odds of that rate taken as logistically distributed around the prediction, with the interval as
    /// their middle part.
    pub confidence: f64,
    /// Where the score somebody would give lies; of a model of conversions, 100 × the rate among similar leads.
    pub interval: ScoreInterval,
    /// Probability that the lead converts, where that is what was learned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversion_probability: Option<f64>,
    /// What to do.
    pub recommendation: String,
    /// What moved the score; empty where the learner does not explain itself.
    pub factors: LeadFactors,
    /// The model's version.
    pub model_version: String,
}

/// A range of scores with its nominal coverage.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ScoreInterval {
    /// Lower end, 0 to 100.
    pub low: f64,
    /// Upper end, 0 to 100.
    pub high: f64,
    /// Share of such ranges that hold the truth, e.g. 0.9.
    pub level: f64,
}

/// A score in one word; the bounds are [`TierBounds`](crate::TierBounds).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// The best.
    Hot,
    /// Between.
    Warm,
    /// The rest.
    Cold,
}

impl Tier {
    /// All, the best first.
    pub const ALL: [Self; 3] = [Self::Hot, Self::Warm, Self::Cold];
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Hot => "hot",
            Self::Warm => "warm",
            Self::Cold => "cold",
        })
    }
}

/// What moved a score, most first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LeadFactors {
    /// What raised it.
    pub positive: Vec<LeadFactor>,
    /// What lowered it.
    pub negative: Vec<LeadFactor>,
}

/// One reason, in words and numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeadFactor {
    /// Name of the feature.
    pub feature: String,
    /// E.g. `share of our messages that were answered: 80.0 % (typical: 35.0 %), adds 6.2 points`.
    pub text: String,
    /// The lead's value; `None` where it is missing.
    pub value: Option<f64>,
    /// Median of the training leads; `None` where it is missing.
    pub typical: Option<f64>,
    /// What it adds: points of score, of a model of conversions log-odds.
    pub effect: f64,
}

impl LeadFactors {
    pub(crate) fn of(
        goal: Goal,
        schema: &Schema,
        row: &[f64],
        typical: &[f64],
        explanation: &Explanation,
    ) -> Self {
        let reasons = explanation.reasons(schema, row, typical, schema.len()).into_iter();
        let factor = |Reason { feature, text, value, typical, effect }| {
            let text = format!("{text}, {}", effect_in_words(goal, effect));
            LeadFactor { feature, text, value, typical, effect }
        };
        // What would be shown as nothing is no reason.
        let least = if goal == Goal::Score { 0.05 } else { 0.005 };
        let told = reasons.map(factor).filter(|f| f.effect.abs() >= least);
        let (mut positive, mut negative): (Vec<_>, Vec<_>) = told.partition(|f| f.effect > 0.0);
        positive.truncate(MOST_FACTORS);
        negative.truncate(MOST_FACTORS);
        Self { positive, negative }
    }
}

/// Points of a score, changes of odds.
fn effect_in_words(goal: Goal, effect: f64) -> String {
    match goal {
        Goal::Score if effect > 0.0 => format!("adds {effect:.1} points"),
        Goal::Score => format!("takes {:.1} points", -effect),
        Goal::Conversion => match effect.exp() {
            odds if odds >= 2.0 => format!("multiplies the odds by {odds:.1}"),
            odds if odds >= 1.0 => format!("raises the odds by {:.0} %", 100.0 * (odds - 1.0)),
            odds => format!("lowers the odds by {:.0} %", 100.0 * (1.0 - odds)),
        },
    }
}

/// What to do about a lead: by its tier, and what stands in the way.
pub(crate) fn recommend(tier: Tier, schema: &Schema, row: &[f64], factors: &LeadFactors) -> String {
    let value = |name: &str| schema.position(name).map_or(f64::NAN, |at| row[at]);
    let first = |list: &[LeadFactor], words: &str| {
        list.first().map_or_else(String::new, |f| format!(" {words}: {}.", f.text))
    };
    let annoyed = value("sentiment_last") < BAD_TONE || value("sentiment_mean") < BAD_TONE;
    match tier {
        Tier::Hot | Tier::Warm => {
            let when = if tier == Tier::Hot {
                "High priority: contact personally today."
            } else {
                "Contact within the week."
            };
            let how = if annoyed { " Settle first what spoilt the tone of the last messages." } else { "" };
            format!("{when}{how}{}", first(&factors.positive, "Speaks for it"))
        }
        // Whoever did not agree to campaigns gets none, whatever the score.
        Tier::Cold if value("opted_in") == 0.0 => {
            format!(
                "No action: answer if they write; no campaigns without consent.{}",
                first(&factors.negative, "Speaks against it")
            )
        }
        Tier::Cold => {
            format!("Nurture with automated campaigns.{}", first(&factors.negative, "Speaks against it"))
        }
    }
}

#[cfg(test)]
mod tests {
    use tenure_core::{Feature, Scale};

    use super::*;

    fn schema() -> Schema {
        let features = vec![
            Feature::numeric("reply_rate", "share", "Share of our messages that were answered"),
            Feature::numeric("opted_in", "", "Whether the contact agreed to campaigns"),
            Feature::numeric("sentiment_last", "-1 to 1", "Tone of the contact's last message"),
        ];
        Schema::new(features).unwrap()
    }

    fn factors(goal: Goal, contributions: [f64; 3]) -> LeadFactors {
        let scale = if goal == Goal::Score { Scale::Identity } else { Scale::LogOdds };
        let explanation =
            Explanation { output: 0, scale, baseline: 0.0, contributions: contributions.to_vec() };
        LeadFactors::of(goal, &schema(), &[0.8, 0.0, f64::NAN], &[0.35, 1.0, 0.1], &explanation)
    }

    #[test]
    fn factors_name_value_typical_value_and_size() {
        let found = factors(Goal::Score, [6.21, -3.0, 0.0]);
        assert_eq!(
            found.positive[0].text,
            "share of our messages that were answered: 80.0 % (typical: 35.0 %), adds 6.2 points"
        );
        assert_eq!(
            found.negative[0].text,
            "whether the contact agreed to campaigns: 0 (typical: 1), takes 3.0 points"
        );
        assert_eq!((found.positive.len(), found.negative.len()), (1, 1));

        let found = factors(Goal::Conversion, [3f64.ln(), 0.8f64.ln(), 1.1f64.ln()]);
        assert!(found.positive[0].text.ends_with("multiplies the odds by 3.0"));
        assert_eq!(
            found.positive[1].text,
            "tone of the contact's last message: not known, raises the odds by 10 %"
        );
        assert!(found.negative[0].text.ends_with("lowers the odds by 20 %"));
        assert_eq!((found.positive[1].value, found.positive[1].typical), (None, Some(0.1)));
    }

    #[test]
    fn what_to_do_follows_the_tier_the_consent_and_the_tone() {
        let found = factors(Goal::Score, [6.21, -3.0, 0.0]);
        let words = |tier, row: [f64; 3]| recommend(tier, &schema(), &row, &found);
        let hot = words(Tier::Hot, [0.8, 1.0, 0.5]);
        assert!(hot.starts_with("High priority: contact personally today. Speaks for it: share of"), "{hot}");
        assert!(words(Tier::Warm, [0.8, 1.0, -0.5]).contains("within the week. Settle first"));
        assert!(words(Tier::Cold, [0.0, 1.0, 0.0]).starts_with("Nurture"));
        assert!(words(Tier::Cold, [0.0, 0.0, 0.0]).contains("no campaigns without consent"));
        assert!(words(Tier::Cold, [0.0, f64::NAN, 0.0]).starts_with("Nurture"));
    }
}
