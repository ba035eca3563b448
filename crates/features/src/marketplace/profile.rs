//! The two widths of a row, and what is learned of it.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tenure_core::row::{ANY, Field, POSITIVE, SHARE};
use tenure_core::{Error, Result, Schema, Target, TargetKind, TypedRow, levels};

use super::{GuideRow, SageMakerRow, Subject};

/// Target: whether the next first session, with a tutor new to the customer, will go well.
pub const FIRST_SESSION_SUCCESS: &str = "first_session_success";
/// Target: sessions per week to come.
pub const SESSION_VELOCITY: &str = "session_velocity";
/// Target: whether the customer leaves within 14 days.
pub const CHURN_RISK_14D: &str = "churn_risk_14d";
/// Target: whether the customer leaves within 30 days; who leaves within 14 does.
pub const CHURN_RISK_30D: &str = "churn_risk_30d";
/// Begin of the targets `supply_demand_<subject>`: how short tutors of the subject will be; 0 is balance, 1 one
/// standard deviation of the usual above it.
pub const SUPPLY_DEMAND: &str = "supply_demand";
/// Target: how the customer is doing overall, 0 to 100.
pub const HEALTH_SCORE: &str = "health_score";

levels! {
    /// Which features a row has and what is learned of it.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub enum Profile {
        /// 59 features, five targets.
        Guide = "guide",
        /// 150 features, the same targets and the supply and demand of 20 subjects.
        SageMaker = "sagemaker",
    }
}

/// Something that is learned of a customer.
#[derive(Debug, Clone, PartialEq)]
pub struct Label {
    /// Name of the target; in files the column is called [`Label::column`].
    pub name: String,
    /// What its values mean.
    pub kind: TargetKind,
    /// Unit of its values in words, empty where there is none.
    pub unit: &'static str,
    /// Range of its values.
    pub range: RangeInclusive<f64>,
}

impl Label {
    fn binary(name: &str) -> Self {
        Self { name: name.to_owned(), kind: TargetKind::Binary, unit: "", range: SHARE }
    }

    fn real(name: impl Into<String>, unit: &'static str, range: RangeInclusive<f64>) -> Self {
        Self { name: name.into(), kind: TargetKind::Real, unit, range }
    }

    /// Name of its column in files: `label_<name>`.
    #[must_use]
    pub fn column(&self) -> String {
        format!("label_{}", self.name)
    }

    /// Whether a known value is one that the label can have.
    #[must_use]
    pub fn allows(&self, value: f64) -> bool {
        let whole = self.kind != TargetKind::Binary || value == 0.0 || value == 1.0;
        whole && value.is_finite() && self.range.contains(&value)
    }

    /// The values it can have, in words.
    #[must_use]
    pub fn expected(&self) -> String {
        let (low, high) = (self.range.start(), self.range.end());
        match (&self.kind, high.is_finite(), low.is_finite()) {
            (TargetKind::Binary, ..) => "0 or 1: whether it happened, not how likely it was".to_owned(),
            (_, true, _) => format!("a number from {low} to {high}"),
            (_, _, true) => format!("a number of at least {low}"),
            _ => "a finite number".to_owned(),
        }
    }

    /// The values as a target, NaN where not known.
    ///
    /// # Errors
    /// [`Error::TargetValue`] for a value that is not of the kind.
    pub fn target(&self, values: Vec<f64>) -> Result<Target> {
        Ok(Target::new(self.name.as_str(), self.kind.clone(), values)?.with_unit(self.unit))
    }
}

impl Profile {
    /// The fields of the row, in column order.
    #[must_use]
    pub fn fields(self) -> &'static [Field] {
        match self {
            Self::Guide => GuideRow::fields(),
            Self::SageMaker => SageMakerRow::fields(),
        }
    }

    /// The features, in column order; all of them numeric.
    #[must_use]
    pub fn schema(self) -> Schema {
        match self {
            Self::Guide => GuideRow::schema(),
            Self::SageMaker => SageMakerRow::schema(),
        }
    }

    /// What is learned, in order.
    #[must_use]
    pub fn labels(self) -> Vec<Label> {
        let mut labels = vec![
            Label::binary(FIRST_SESSION_SUCCESS),
            Label::real(SESSION_VELOCITY, "sessions/week", POSITIVE),
            Label::binary(CHURN_RISK_14D),
            Label::binary(CHURN_RISK_30D),
        ];
        if self == Self::SageMaker {
            let supply_demand =
                |subject: &Subject| Label::real(format!("{SUPPLY_DEMAND}_{subject}"), "deviations", ANY);
            labels.extend(Subject::ALL.iter().map(supply_demand));
        }
        labels.push(Label::real(HEALTH_SCORE, "points", 0.0..=100.0));
        labels
    }

    /// Names and kinds of what is learned, in order.
    #[must_use]
    pub fn targets(self) -> Vec<(String, TargetKind)> {
        self.labels().into_iter().map(|label| (label.name, label.kind)).collect()
    }

    /// The values of one customer, in column order, from JSON: an object by name, or a list in column order; either
    /// of them bare or as the member `features` of an object.
    ///
    /// Numbers, `null` for not known; choices by number or by name (see [`Coded`](super::Coded)).
    ///
    /// # Errors
    /// [`Error::Row`] naming everything that is missing, unknown, of another type or out of range; [`Error::Shape`]
    /// for a list of another length.
    pub fn values_of_json(self, value: &Value) -> Result<Vec<f64>> {
        let features = value.get("features").unwrap_or(value);
        let Value::Array(list) = features else { return self.values_by_name(features) };
        let fields = self.fields();
        if list.len() != fields.len() {
            return Err(Error::Shape { what: "features", expected: fields.len(), found: list.len() });
        }
        let named: Map<String, Value> =
            fields.iter().map(|field| field.name.to_owned()).zip(list.iter().cloned()).collect();
        self.values_by_name(&Value::Object(named))
    }

    fn values_by_name(self, object: &Value) -> Result<Vec<f64>> {
        match self {
            Self::Guide => Ok(GuideRow::from_json(object)?.to_values()),
            Self::SageMaker => Ok(SageMakerRow::from_json(object)?.to_values()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The example of the guide, "46 of 59".
    const EXAMPLE: [f64; 46] = [
        2.0, 4.0, 8.0, 0.28, 0.28, 0.28, 4.2, 4.2, 4.2, 0.05, 0.05, 0.05, 1.0, 2.0, 4.0, 0.0, 1.0, 2.0, 15.0,
        18.0, 20.0, 5.0, 120.0, 24.0, 1800.0, 1.0, 0.0, 2.0, 3.0, 6.0, 12.0, 5.0, 10.0, 20.0, 0.95, 0.95,
        0.95, 0.75, 4.3, 2.0, 3.5, 1.0, -0.15, -0.2, -2.0, 5.0,
    ];

    #[test]
    fn the_example_of_the_guide_is_a_row() {
        let mut list = EXAMPLE.map(Value::from).to_vec();
        list.resize(59, Value::Null);
        let body = json!({"features": list});
        let values = Profile::Guide.values_of_json(&body).unwrap();
        assert_eq!(values[..46], EXAMPLE);
        assert!(values[46..].iter().all(|v| v.is_nan()));
        let row = GuideRow::from_values(&values).unwrap();
        let choices = (row.subscription_tier.unwrap().0, row.acquisition_channel.unwrap().0);
        assert_eq!((choices.0.name(), choices.1.name()), ("standard", "organic"));
        assert_eq!(row.grade_level.unwrap().0.name(), "high_school");
        assert_eq!(row.primary_subject.unwrap().0, Subject::ApCalculus);
        assert_eq!(row.first_session_success.map(|first| first.0), Some(true));
        assert_eq!((row.days_since_last_session, row.tutor_response_time), (15.0, 3.5));
    }

    #[test]
    fn rows_are_read_by_name_and_everything_wrong_is_named() {
        let names = |profile: Profile| profile.schema().names().map(str::to_owned).collect::<Vec<_>>();
        let mut object: Map<String, Value> =
            names(Profile::SageMaker).into_iter().map(|name| (name, Value::from(1))).collect();
        object.insert("primary_subject".into(), "ap_calculus".into());
        object.insert("first_session_was_success".into(), Value::from(false));
        let values = Profile::SageMaker.values_of_json(&json!({"features": object})).unwrap();
        let at = |name| Profile::SageMaker.schema().position(name).unwrap();
        assert_eq!((values[at("primary_subject")], values[at("first_session_was_success")]), (5.0, 0.0));

        object.remove("ib_call_count_14d");
        object.insert("subscription_tier".into(), Value::from(7));
        object.insert("avg_rating_7d".into(), Value::from(6));
        let error = Profile::SageMaker.values_of_json(&Value::Object(object)).unwrap_err().to_string();
        assert_eq!(
            error,
            "the row does not fit: `ib_call_count_14d` is missing; `avg_rating_7d` is 6; expected a number from 1 \
             to 5, or null; `subscription_tier` is 7; expected \"budget\", \"standard\", \"premium\", or one of the \
             whole numbers 0 to 2, or null"
        );
        let short = Profile::Guide.values_of_json(&json!([1, 2])).unwrap_err().to_string();
        assert_eq!(short, "features: expected 59, found 2");
    }

    #[test]
    fn widths_names_and_targets_are_those_published() {
        assert_eq!((Profile::Guide.schema().len(), Profile::SageMaker.schema().len()), (59, 150));
        let begin = |profile: Profile, n| profile.schema().names().take(n).collect::<Vec<_>>().join(" ");
        assert!(begin(Profile::Guide, 46).ends_with("rating_trend engagement_trend primary_subject"));
        assert!(begin(Profile::SageMaker, 26).ends_with("subscription_tier first_session_was_success"));
        for subject in Subject::ALL {
            for kind in ["supply", "demand", "fill_rate", "demand_trend"] {
                let name = format!("{kind}_{subject}");
                assert!(Profile::SageMaker.schema().position(&name).is_some(), "{name}");
            }
        }
        let names =
            |profile: Profile| profile.targets().into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        let guide = [FIRST_SESSION_SUCCESS, SESSION_VELOCITY, CHURN_RISK_14D, CHURN_RISK_30D, HEALTH_SCORE];
        assert_eq!(names(Profile::Guide), guide);
        let sagemaker = names(Profile::SageMaker);
        assert_eq!((sagemaker.len(), sagemaker[9].as_str()), (25, "supply_demand_ap_calculus"));
    }
}
