//! Several learners as one: each is fitted, their answers are averaged (see [`AverageModel`]).

use serde::{Deserialize, Serialize};
use tenure_core::params::require;
use tenure_core::{Capabilities, Dataset, FitContext, FitReport, Fitted, Learner, MissingPolicy, Result};

use crate::Backend;
use crate::average::AverageModel;

/// Learners and their shares in the answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BlendParams {
    /// At least one; no blend within a blend.
    pub members: Vec<BlendMember>,
}

/// A learner and its share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlendMember {
    /// Share in the answer relative to the other members', above 0.
    pub weight: f64,
    /// The learner.
    pub learner: Backend,
}

impl Default for BlendParams {
    /// Boosted trees and a logistic regression, half each: the trees see what bends and interacts, the
    /// regression keeps a straight line where rows are few.
    fn default() -> Self {
        let half = |learner| BlendMember { weight: 0.5, learner };
        let members =
            vec![half(Backend::Gbdt(Default::default())), half(Backend::Logistic(Default::default()))];
        Self { members }
    }
}

impl BlendParams {
    /// Checks the shares and every member.
    ///
    /// # Errors
    /// [`tenure_core::Error::Parameter`].
    pub fn check(self) -> Result<Blend> {
        require("members", self.members.len(), !self.members.is_empty(), "at least one learner")?;
        let mut members = Vec::with_capacity(self.members.len());
        for BlendMember { weight, learner } in self.members {
            require("weight", weight, weight.is_finite() && weight > 0.0, "a finite number above 0")?;
            let flat = !matches!(learner, Backend::Blend(_));
            require("members", "a blend", flat, "learners other than a blend")?;
            members.push((weight, learner.check()?));
        }
        Ok(Blend { members })
    }
}

/// Checked parameters of a blend.
#[derive(Debug)]
pub struct Blend {
    members: Vec<(f64, Box<dyn Learner>)>,
}

impl Learner for Blend {
    fn name(&self) -> &str {
        "blend"
    }

    fn capabilities(&self) -> Capabilities {
        let all = self.members.iter().map(|(_, m)| m.capabilities());
        all.reduce(Capabilities::and).unwrap_or_else(|| Capabilities::new(MissingPolicy::Refused))
    }

    fn fit(&self, train: &Dataset, valid: Option<&Dataset>, context: &FitContext<'_>) -> Result<Fitted> {
        let mut models = Vec::with_capacity(self.members.len());
        let mut report = FitReport::default();
        for (part, (_, learner)) in self.members.iter().enumerate() {
            let fitted = learner.fit(train, valid, &context.part(part as u64))?;
            models.push(fitted.model);
            report.notes.extend(fitted.report.notes.iter().map(|n| format!("{}: {n}", learner.name())));
            report.rows = fitted.report.rows;
            report.iterations = report.iterations.max(fitted.report.iterations);
        }
        let weights: Vec<f64> = self.members.iter().map(|(weight, _)| *weight).collect();
        Ok(Fitted { model: Box::new(AverageModel::new(models, &weights)?), report })
    }
}
