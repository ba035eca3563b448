//! From what a fit begins with to the model that it ends with.

use tenure_core::{Dataset, Error, Output, OutputKind, Result, Target, TargetKind};

use super::LEARNER;
use crate::forest::Criterion;
use crate::model::Spec;
use crate::objective::Loss;
use crate::params::CAPABILITIES;
use crate::tree::Tree;
use crate::{Link, Objective, TreeModel};

/// What boosting begins with, in the unit of the labels as they are fitted.
pub(super) struct Start {
    pub base: Vec<f64>,
    /// Those of the model that is continued.
    pub trees: Vec<Tree>,
}

impl Start {
    /// A model to go on from.
    pub(super) fn of(
        model: &TreeModel,
        train: &Dataset,
        target: &Target,
        loss: &Loss,
        unit: f64,
    ) -> Result<Self> {
        require_fit(model, train, target, loss)?;
        let (_, base, trees) = model.parts();
        let mut trees = trees.to_vec();
        trees.iter_mut().flat_map(|tree| &mut tree.leaves).for_each(|leaf| leaf.value /= unit);
        Ok(Self { base: base.iter().map(|base| base / unit).collect(), trees })
    }
}

/// Refuses a model that was not trained for these features and this loss.
pub(super) fn require_fit(model: &TreeModel, data: &Dataset, target: &Target, loss: &Loss) -> Result<()> {
    let (spec, ..) = model.parts();
    let empty = ndarray::Array2::zeros((0, spec.schema.len()));
    data.require_columns_of(&Dataset::new(spec.schema.clone(), empty)?)?;
    let ours = loss.describe();
    if Criterion::is_named_by(&spec.objective) && !is_trained_for(&spec.objective, loss) {
        let what =
            format!("going on from a forest (`{}`): its trees are averaged, not boosted", spec.objective);
        return Err(Error::unsupported(LEARNER, what));
    }
    if !is_trained_for(&spec.objective, loss) || spec.link != loss.link() {
        let what = format!("`{ours}` for a model that was trained for `{}`", spec.objective);
        return Err(Error::unsupported(LEARNER, what));
    }
    let kinds = |outputs: &[Output]| outputs.iter().map(|o| o.kind.clone()).collect::<Vec<OutputKind>>();
    if kinds(&spec.outputs) != kinds(&outputs(target, loss)) {
        return Err(Error::unsupported(LEARNER, "other classes than those of the model"));
    }
    Ok(())
}

/// Whether what a model says that it was trained for is this loss, in our words or in those of LightGBM or XGBoost.
fn is_trained_for(objective: &str, loss: &Loss) -> bool {
    let foreign: &[&str] = match loss {
        Loss::Own(_) => &[],
        Loss::Known(known) => match known {
            Objective::BinaryLogLoss => &["binary", "binary:logistic"],
            Objective::Softmax => &["multiclass", "multi:softprob", "multi:softmax"],
            Objective::SquaredError => &["regression", "reg:squarederror"],
            Objective::AbsoluteError => &["regression_l1", "reg:absoluteerror"],
            Objective::Huber { .. } => &["huber"],
            Objective::Quantile { .. } => &["quantile", "reg:quantileerror"],
            Objective::Poisson => &["poisson", "count:poisson"],
            Objective::Gamma => &["gamma", "reg:gamma"],
            Objective::Tweedie { .. } => &["tweedie", "reg:tweedie"],
        },
    };
    // LightGBM writes parameters after the name.
    let name = objective.split(' ').next().unwrap_or_default();
    objective == loss.describe() || foreign.contains(&name)
}

/// One for each raw score.
fn outputs(target: &Target, loss: &Loss) -> Vec<Output> {
    match (loss.link(), target.kind()) {
        (Link::Softmax, TargetKind::Class { classes }) => {
            classes.iter().map(|class| Output::class_probability(target.name(), class)).collect()
        }
        (Link::Logistic, _) => vec![Output::probability(target.name())],
        (link, _) => vec![Output::value(target.name(), target.unit()).on_scale(link.scale())],
    }
}

/// The fitted model, in the unit of the target.
#[expect(clippy::too_many_arguments, reason = "all that a model is made of")]
pub(super) fn assemble(
    train: &Dataset,
    target: &Target,
    loss: &Loss,
    from: Option<&TreeModel>,
    base: Vec<f64>,
    mut trees: Vec<Tree>,
    unit: f64,
    weighted: bool,
) -> Result<TreeModel> {
    for leaf in trees.iter_mut().flat_map(|tree| &mut tree.leaves) {
        leaf.value = finite(leaf.value * unit);
    }
    let base = base.into_iter().map(|base| finite(base * unit)).collect();
    let spec = Spec {
        schema: train.schema().clone(),
        outputs: outputs(target, loss),
        link: loss.link(),
        objective: loss.describe(),
        capabilities: CAPABILITIES,
        weighted: weighted || from.is_some_and(TreeModel::weighted),
    };
    TreeModel::new(LEARNER, spec, base, trees)
}

pub(super) fn finite(value: f64) -> f64 {
    value.clamp(-f64::MAX, f64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_libraries_names_are_understood() {
        for (text, objective, same) in [
            ("binary sigmoid:1", Objective::BinaryLogLoss, true),
            ("binary_log_loss", Objective::BinaryLogLoss, true),
            ("reg:squarederror", Objective::SquaredError, true),
            ("regression", Objective::AbsoluteError, false),
            ("tweedie tweedie_variance_power:1.5", Objective::Tweedie { power: 1.5 }, true),
            ("quantile(0.9)", Objective::Quantile { alpha: 0.9 }, true),
            ("quantile(0.9)", Objective::Quantile { alpha: 0.8 }, false),
        ] {
            assert_eq!(is_trained_for(text, &Loss::Known(objective)), same, "{text}");
        }
    }
}
