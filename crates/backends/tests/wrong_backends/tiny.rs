//! A learner of one category column, sound or with one defect.
//!
//! On the scale of the output, the answer is `b + e[level]`: b is the constant with the lowest loss beside the
//! offsets, e the effect of each level (the last is for missing) with a ridge penalty of ½ e². Several classes have
//! the logarithms of their shares for b, and of their shares in the level, drawn to those of all rows by one row
//! more, for `b + e`.

use ndarray::{ArrayView2, ArrayViewMut2};
use tenure_core::{
    Artifact, Capabilities, Dataset, Error, Explanation, FitContext, FitReport, Fitted, Learner,
    MissingPolicy, Model, Output, Progress, Result, Scale, Schema, Target, TargetKind, check_explained,
    check_row,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Defect {
    // fitting
    PanicsInFit,
    ModelClaimsOtherwise,
    DependsOnThreads,
    UnknownLabelIsZero,
    ReportsAllRows,
    OwnOutputName,
    LearnsLastTarget,
    ValidationRefused,
    ValidationUnchecked,
    ValidationCheckedByWidth,
    FewRowsPanic,
    OneClassTaken,
    AbsentClassIsLikely,
    ClassesBackwards,
    BaseIsOff,
    NoTargetIsInternal,
    CancellationIgnored,
    ReportsNothing,
    // weights and offsets
    UnitWeightsMove,
    UnclaimedWeightsIgnored,
    ClaimedWeightsIgnored,
    WeightsRooted,
    WeightsSquared,
    ZeroWeightCounts,
    OffsetsIgnored,
    OffsetsNegated,
    OffsetsByTheirMean,
    UnclaimedOffsetsIgnored,
    // prediction
    PanicsInPrediction,
    SometimesNotANumber,
    ClassesDoNotAddUp,
    DependsOnPlace,
    WidthUnchecked,
    InfinityTaken,
    RoomUnchecked,
    MissingGivesNan,
    MissingTakenThoughRefused,
    UnknownLevelIsFirst,
    // explanation
    ContributionsDoubled,
    ClassesNotCentred,
    ExplainsNoSuchOutput,
    ExplainingMissingPanics,
    // storage
    StoresRounded,
    ForeignKindLoads,
    NewerVersionLoads,
    CutPartIsPadded,
    CutPartPanics,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Tiny {
    pub(crate) claims: Capabilities,
    pub(crate) defect: Option<Defect>,
}

/// Everything there is to claim.
pub(crate) const EVERYTHING: Capabilities = Capabilities::new(MissingPolicy::Learned)
    .with_exact_weights()
    .with_offsets()
    .with_categories()
    .with_explanations();

/// The least, beside the column it learns from.
pub(crate) const LITTLE: Capabilities = Capabilities::new(MissingPolicy::Refused).with_categories();

impl Tiny {
    pub(crate) fn sound(claims: Capabilities) -> Self {
        Self { claims, defect: None }
    }

    pub(crate) fn wrong(defect: Defect) -> Self {
        let mut claims = EVERYTHING;
        match defect {
            Defect::UnclaimedWeightsIgnored => (claims.weights, claims.weights_exact) = (false, false),
            // So that it is judged by the wider bound.
            Defect::WeightsSquared => claims.weights_exact = false,
            Defect::UnclaimedOffsetsIgnored => claims.offsets = false,
            Defect::MissingTakenThoughRefused => claims.missing = MissingPolicy::Refused,
            _ => {}
        }
        Self { claims, defect: Some(defect) }
    }

    fn has(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    fn target<'a>(&self, train: &'a Dataset) -> Result<&'a Target> {
        match train.targets() {
            [] if self.has(Defect::NoTargetIsInternal) => Err(Error::Internal("no target".into())),
            [.., last] if self.has(Defect::LearnsLastTarget) => Ok(last),
            _ => train.target(),
        }
    }

    fn check_validation(&self, train: &Dataset, valid: &Dataset) -> Result<()> {
        let same_width = valid.schema().len() == train.schema().len();
        match self.defect {
            Some(Defect::ValidationRefused) => Err(Error::unsupported("tiny", "a validation set")),
            Some(Defect::ValidationUnchecked) => Ok(()),
            Some(Defect::ValidationCheckedByWidth) if same_width => Ok(()),
            _ => valid.require_columns_of(train),
        }
    }

    fn check_claims(&self, train: &Dataset) -> Result<()> {
        let ignores_weights = self.has(Defect::UnclaimedWeightsIgnored);
        if train.weights().is_some() && !self.claims.weights && !ignores_weights {
            return Err(Error::unsupported("tiny", "weights"));
        }
        let ignores_offsets = self.has(Defect::UnclaimedOffsetsIgnored);
        let classes = matches!(train.target().map(Target::kind), Ok(TargetKind::Class { .. }));
        if train.offsets().is_some() && (!self.claims.offsets || classes) && !ignores_offsets {
            return Err(Error::unsupported("tiny", "offsets"));
        }
        let refuses = self.claims.missing == MissingPolicy::Refused;
        if refuses && !self.has(Defect::MissingTakenThoughRefused) && train.x().iter().any(|v| v.is_nan()) {
            return Err(Error::unsupported("tiny", "missing values"));
        }
        Ok(())
    }

    fn weight(&self, weights: Option<&[f64]>, row: usize) -> f64 {
        let weight = weights.map_or(1.0, |w| w[row]);
        match self.defect {
            Some(Defect::UnclaimedWeightsIgnored | Defect::ClaimedWeightsIgnored) => 1.0,
            Some(Defect::WeightsRooted) => weight.sqrt(),
            Some(Defect::WeightsSquared) => weight * weight,
            Some(Defect::ZeroWeightCounts) => weight.max(0.5),
            _ => weight,
        }
    }

    fn offset(&self, offsets: Option<&[f64]>, row: usize) -> f64 {
        let Some(offsets) = offsets else { return 0.0 };
        match self.defect {
            Some(Defect::OffsetsIgnored | Defect::UnclaimedOffsetsIgnored) => 0.0,
            Some(Defect::OffsetsNegated) => -offsets[row],
            Some(Defect::OffsetsByTheirMean) => offsets.iter().sum::<f64>() / offsets.len() as f64,
            _ => offsets[row],
        }
    }

    /// The rows that count.
    fn rows(&self, train: &Dataset, target: &Target, column: Option<usize>, levels: usize) -> Vec<Row> {
        (0..train.rows())
            .map(|row| Row {
                y: target.values()[row],
                weight: self.weight(train.weights(), row),
                offset: self.offset(train.offsets(), row),
                level: column.map_or(levels, |c| level_of(train.x()[[row, c]], levels)),
            })
            .map(|r| match self.defect {
                Some(Defect::UnknownLabelIsZero) if r.y.is_nan() => Row { y: 0.0, ..r },
                _ => r,
            })
            .filter(|r| !r.y.is_nan() && r.weight > 0.0)
            .collect()
    }

    fn solve(
        &self,
        rows: &[Row],
        scale: Scale,
        levels: usize,
        context: &FitContext<'_>,
    ) -> Result<(f64, Vec<f64>)> {
        const STEPS: u64 = 30;
        let (mut base, mut effects) = (0.0, vec![0.0; levels + 1]);
        for done in 1..=STEPS {
            let mut sums = vec![(0.0, 0.0); levels + 1];
            for row in rows {
                let answer = scale.to_output(base + effects[row.level] + row.offset);
                let slope = if scale == Scale::LogOdds { answer * (1.0 - answer) } else { 1.0 };
                sums[row.level].0 += row.weight * (answer - row.y);
                sums[row.level].1 += row.weight * slope;
            }
            // A step of at most 2 in log-odds keeps Newton's method from overshooting.
            let most = if scale == Scale::LogOdds { 2.0 } else { f64::MAX };
            if done <= STEPS / 2 {
                let (g, h) = sums.iter().fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
                base -= (g / h).clamp(-most, most);
            } else {
                for (effect, (g, h)) in effects.iter_mut().zip(sums).filter(|_| levels > 0) {
                    *effect -= ((g + *effect) / (h + 1.0)).clamp(-most, most);
                }
            }
            if !self.has(Defect::ReportsNothing) {
                context.progress.report(Progress {
                    stage: "fitting",
                    done,
                    total: Some(STEPS),
                    figure: None,
                });
            }
            if !self.has(Defect::CancellationIgnored) {
                context.check_cancelled("fitting")?;
            }
        }
        Ok((base, effects))
    }

    /// Base and effects of a class.
    fn class(&self, rows: &[Row], class: usize, levels: usize) -> (f64, Vec<f64>) {
        let own = |r: &Row| if r.y == class as f64 { r.weight } else { 0.0 };
        let total: f64 = rows.iter().map(|r| r.weight).sum();
        let least = if self.has(Defect::AbsentClassIsLikely) { 50.0 } else { 1e-12 };
        let share = (rows.iter().map(own).sum::<f64>() / total).max(least);
        let in_level = |level: usize| {
            let there = || rows.iter().filter(|r| r.level == level);
            let (own, all): (f64, f64) = (there().map(own).sum(), there().map(|r| r.weight).sum());
            ((own + share) / (all + 1.0)).ln() - share.ln()
        };
        let effects = if levels == 0 { vec![0.0] } else { (0..=levels).map(in_level).collect() };
        (share.ln(), effects)
    }
}

struct Row {
    y: f64,
    weight: f64,
    offset: f64,
    level: usize,
}

/// The place of a level's effect; the last is for missing.
fn level_of(value: f64, levels: usize) -> usize {
    if value.is_nan() { levels } else { (value as usize).min(levels) }
}

/// The first categorical column, and its number of levels.
fn category(schema: &Schema) -> (Option<usize>, usize) {
    let levels = |c: usize| schema.features()[c].levels().map(|l| (Some(c), l.len()));
    (0..schema.len()).find_map(levels).unwrap_or((None, 0))
}

impl Learner for Tiny {
    fn name(&self) -> &str {
        "tiny"
    }

    fn capabilities(&self) -> Capabilities {
        self.claims
    }

    fn fit(&self, train: &Dataset, valid: Option<&Dataset>, context: &FitContext<'_>) -> Result<Fitted> {
        assert!(!self.has(Defect::PanicsInFit), "out of order");
        let target = self.target(train)?;
        if let Some(valid) = valid {
            self.check_validation(train, valid)?;
        }
        self.check_claims(train)?;
        let (column, levels) = category(train.schema());
        let rows = self.rows(train, target, column, levels);
        if rows.is_empty() && !self.has(Defect::FewRowsPanic) {
            return Err(Error::NotEnoughRows { found: 0, needed: 1 });
        }
        let first = rows[0].y;
        let real = *target.kind() == TargetKind::Real;
        if !real && rows.iter().all(|r| r.y == first) && !self.has(Defect::OneClassTaken) {
            let target = target.name().to_owned();
            return Err(Error::OneClass { target, class: first.to_string(), rows: rows.len() });
        }
        let mut outputs = match target.kind() {
            TargetKind::Binary => vec![Output::probability(target.name())],
            TargetKind::Class { classes } => {
                classes.iter().map(|class| Output::class_probability(target.name(), class)).collect()
            }
            _ => vec![Output::value(target.name(), "")],
        };
        let mut parts = match outputs[..] {
            [ref only] => vec![self.solve(&rows, only.scale, levels, context)?],
            _ => {
                // Its progress and cancellation are those of the other kinds.
                self.solve(&rows, Scale::Identity, levels, context)?;
                (0..outputs.len()).map(|class| self.class(&rows, class, levels)).collect()
            }
        };
        if self.has(Defect::ClassesBackwards) {
            outputs.reverse();
        }
        parts[0].0 += match self.defect {
            Some(Defect::DependsOnThreads) => 1e-9 * context.threads.map_or(0, usize::from) as f64,
            Some(Defect::BaseIsOff) => 0.01,
            Some(Defect::UnitWeightsMove) if train.weights().is_some() => 1e-9,
            _ => 0.0,
        };
        if self.has(Defect::OwnOutputName) {
            outputs = outputs.into_iter().map(|output| output.named("prediction")).collect();
        }
        let rows = if self.has(Defect::ReportsAllRows) { train.rows() } else { rows.len() };
        let schema = train.schema().clone();
        let model = TinyModel { tiny: *self, schema, outputs, parts };
        Ok(Fitted { model: Box::new(model), report: FitReport { rows, ..FitReport::default() } })
    }
}

#[derive(Debug)]
struct TinyModel {
    tiny: Tiny,
    schema: Schema,
    outputs: Vec<Output>,
    /// Base and effects of each output.
    parts: Vec<(f64, Vec<f64>)>,
}

/// Restores a model of this learner.
pub(crate) fn load(tiny: Tiny, artifact: &Artifact) -> Result<Box<dyn Model>> {
    let expected = match tiny.defect {
        Some(Defect::ForeignKindLoads) => artifact.expect(&artifact.kind, 1),
        Some(Defect::NewerVersionLoads) => artifact.expect("tiny", u32::MAX),
        _ => artifact.expect("tiny", 1),
    };
    expected?;
    let (schema, outputs): (Schema, Vec<Output>) = artifact.config()?;
    let each = category(&schema).1 + 2;
    let expected = each * outputs.len();
    let mut numbers = match artifact.numbers("numbers") {
        Err(_) if tiny.has(Defect::CutPartIsPadded) => Vec::new(),
        numbers => numbers?,
    };
    if tiny.has(Defect::CutPartIsPadded) {
        numbers.resize(expected, 0.0);
    }
    if tiny.has(Defect::CutPartPanics) {
        numbers = (0..expected).map(|at| numbers[at]).collect();
    }
    if numbers.len() != expected {
        return Err(Error::damaged("tiny: not one number a level"));
    }
    let parts = numbers.chunks(each).map(|part| (part[0], part[1..].to_vec())).collect();
    Ok(Box::new(TinyModel { tiny, schema, outputs, parts }))
}

impl TinyModel {
    /// The contribution of the category column to an output's score.
    fn effect(&self, row: &[f64], output: usize) -> f64 {
        let effects = &self.parts[output].1;
        let (Some(column), levels) = category(&self.schema) else { return effects[0] };
        let value = row[column];
        match self.tiny.defect {
            Some(Defect::UnknownLevelIsFirst) if value >= levels as f64 => effects[0],
            Some(Defect::MissingGivesNan) if value.is_nan() => f64::NAN,
            _ => effects[level_of(value, levels)],
        }
    }

    fn answer(&self, row: &[f64], out: &mut [f64]) {
        assert!(!self.tiny.has(Defect::PanicsInPrediction), "out of order");
        for (output, out) in (0..self.parts.len()).zip(out.iter_mut()) {
            *out = self.outputs[output].scale.to_output(self.parts[output].0 + self.effect(row, output));
        }
        if self.parts.len() > 1 {
            let too_small = if self.tiny.has(Defect::ClassesDoNotAddUp) { 1.01 } else { 1.0 };
            let sum = out.iter().sum::<f64>() * too_small;
            out.iter_mut().for_each(|p| *p /= sum);
        }
        if self.tiny.has(Defect::SometimesNotANumber) && row[0] > 6.0 {
            out[0] = f64::NAN;
        }
    }

    /// What all classes have in common, which explanations leave out.
    fn centre(&self, of: impl Fn(usize) -> f64) -> f64 {
        let classes = self.parts.len();
        if classes == 1 || self.tiny.has(Defect::ClassesNotCentred) {
            return 0.0;
        }
        (0..classes).map(of).sum::<f64>() / classes as f64
    }

    /// The checks of a row, each unless it is the defect.
    fn check(&self, row: &[f64]) -> Result<()> {
        let checked = match check_row(&self.schema, row, 0, &[]) {
            Err(Error::Shape { .. }) if self.tiny.has(Defect::WidthUnchecked) => Ok(()),
            Err(Error::NotFinite { .. }) if self.tiny.has(Defect::InfinityTaken) => Ok(()),
            checked => checked,
        };
        let unknown = match category(&self.schema) {
            (Some(column), levels) => row[column] >= levels as f64,
            (None, _) => false,
        };
        let refuses = self.tiny.claims.missing == MissingPolicy::Refused
            && !self.tiny.has(Defect::MissingTakenThoughRefused);
        if refuses && checked.is_ok() && (unknown || row.iter().any(|v| v.is_nan())) {
            return Err(Error::unsupported("tiny", "missing values"));
        }
        checked
    }

    fn check_room(&self, what: &'static str, expected: usize, found: usize) -> Result<()> {
        if expected == found || self.tiny.has(Defect::RoomUnchecked) {
            return Ok(());
        }
        Err(Error::Shape { what, expected, found })
    }
}

impl Model for TinyModel {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    fn capabilities(&self) -> Capabilities {
        let mut claims = self.tiny.claims;
        claims.offsets ^= self.tiny.has(Defect::ModelClaimsOtherwise);
        claims
    }

    fn predict_into(&self, x: ArrayView2<'_, f64>, mut out: ArrayViewMut2<'_, f64>) -> Result<()> {
        self.check_room("rows", x.nrows(), out.nrows())?;
        self.check_room("columns", self.parts.len(), out.ncols())?;
        let mut answers = vec![0.0; self.parts.len()];
        for (at, row) in x.rows().into_iter().enumerate() {
            let row = row.to_vec();
            self.check(&row)?;
            let drift = if self.tiny.has(Defect::DependsOnPlace) { 1e-12 * at as f64 } else { 0.0 };
            self.answer(&row, &mut answers);
            out.row_mut(at).iter_mut().zip(&answers).for_each(|(out, answer)| *out = answer + drift);
        }
        Ok(())
    }

    fn predict_row(&self, row: &[f64], out: &mut [f64]) -> Result<()> {
        self.check_room("places", self.parts.len(), out.len())?;
        self.check(row)?;
        self.answer(row, out);
        Ok(())
    }

    fn explain_row(&self, row: &[f64], output: usize) -> Result<Explanation> {
        if !self.tiny.claims.explains {
            return Err(Error::unsupported("tiny", "explanations"));
        }
        let checked = if self.tiny.has(Defect::ExplainsNoSuchOutput) { 0 } else { output };
        check_explained(&self.schema, self.parts.len(), row, checked)?;
        let output = checked;
        let all_missing = row.iter().all(|v| v.is_nan());
        assert!(!(all_missing && self.tiny.has(Defect::ExplainingMissingPanics)), "nothing to explain");
        let mut contributions = vec![0.0; row.len()];
        if let (Some(column), _) = category(&self.schema) {
            let times = if self.tiny.has(Defect::ContributionsDoubled) { 2.0 } else { 1.0 };
            let effect = self.effect(row, output) - self.centre(|k| self.effect(row, k));
            contributions[column] = times * effect;
        }
        let baseline = self.parts[output].0 - self.centre(|k| self.parts[k].0);
        Ok(Explanation { output, scale: self.outputs[output].scale, baseline, contributions })
    }

    fn to_artifact(&self) -> Artifact {
        let rounded = self.tiny.has(Defect::StoresRounded);
        let store = |v: &f64| if rounded { f64::from(*v as f32) } else { *v };
        let numbers: Vec<f64> = self
            .parts
            .iter()
            .flat_map(|(base, effects)| std::iter::once(base).chain(effects))
            .map(store)
            .collect();
        let config = serde_json::json!([self.schema, self.outputs]);
        Artifact::from_json("tiny", 1, config).with_numbers("numbers", &numbers)
    }
}
