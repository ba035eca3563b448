//! What customers may be, and choices that go as numbers.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tenure_core::row::FieldValue;
use tenure_core::{FeatureKind, levels};

levels! {
    /// How a customer is doing.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Segment {
        /// Highly engaged, unlikely to leave.
        Thriving = "thriving",
        /// Moderately engaged.
        Healthy = "healthy",
        /// Hardly engaged, likely to leave.
        AtRisk = "at_risk",
        /// No longer active.
        Churned = "churned",
    }
}

levels! {
    /// What a customer has subscribed to.
    pub enum Tier {
        /// The cheapest.
        Budget = "budget",
        /// The usual one.
        Standard = "standard",
        /// The dearest.
        Premium = "premium",
    }
}

levels! {
    /// How a customer came.
    pub enum Channel {
        /// Unasked.
        Organic = "organic",
        /// By an advertisement.
        Paid = "paid",
        /// Sent by another customer.
        Referral = "referral",
    }
}

levels! {
    /// What the student attends.
    pub enum Grade {
        /// Elementary school.
        Elementary = "elementary",
        /// Middle school.
        MiddleSchool = "middle_school",
        /// High school.
        HighSchool = "high_school",
        /// College.
        College = "college",
        /// None any more.
        Adult = "adult",
    }
}

levels! {
    /// What is taught.
    pub enum Subject {
        /// Algebra.
        Algebra = "algebra",
        /// Geometry.
        Geometry = "geometry",
        /// Trigonometry.
        Trigonometry = "trigonometry",
        /// Precalculus.
        Precalculus = "precalculus",
        /// Statistics.
        Statistics = "statistics",
        /// AP Calculus.
        ApCalculus = "ap_calculus",
        /// Physics.
        Physics = "physics",
        /// AP Physics.
        ApPhysics = "ap_physics",
        /// Chemistry.
        Chemistry = "chemistry",
        /// AP Chemistry.
        ApChemistry = "ap_chemistry",
        /// Biology.
        Biology = "biology",
        /// AP Biology.
        ApBiology = "ap_biology",
        /// English.
        English = "english",
        /// Essay writing.
        EssayWriting = "essay_writing",
        /// US history.
        UsHistory = "us_history",
        /// World history.
        WorldHistory = "world_history",
        /// Spanish.
        Spanish = "spanish",
        /// French.
        French = "french",
        /// Computer science.
        ComputerScience = "computer_science",
        /// Preparation for the SAT.
        SatPrep = "sat_prep",
    }
}

/// A choice that is a plain number to a model: the index of a level, or 1 and 0 for yes and no.
///
/// In JSON it is that number, the name of the level, or `true` and `false`.
///
/// # Example
/// ```
/// use tenure_core::row::FieldValue;
/// use tenure_features::marketplace::{Coded, Tier};
///
/// let read = |text: &str| Coded::<Tier>::number_of_json(&serde_json::from_str(text).unwrap());
/// assert_eq!((read("\"premium\""), read("2"), read("3")), (Some(2.0), Some(2.0), None));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coded<T>(pub T);

impl<T: FieldValue> FieldValue for Coded<T> {
    fn kind() -> FeatureKind {
        FeatureKind::Numeric
    }

    fn to_number(&self) -> f64 {
        self.0.to_number()
    }

    fn from_number(number: f64) -> Option<Self> {
        T::from_number(number).map(Self)
    }

    fn number_of_json(value: &Value) -> Option<f64> {
        T::number_of_json(value).or_else(|| value.as_f64().filter(|number| T::from_number(*number).is_some()))
    }

    fn expected() -> Cow<'static, str> {
        let numbers = match T::kind() {
            FeatureKind::Categorical { levels } => {
                format!("one of the whole numbers 0 to {}", levels.len().saturating_sub(1))
            }
            FeatureKind::Numeric => "1 or 0".to_owned(),
        };
        format!("{}, or {numbers}", T::expected()).into()
    }
}
