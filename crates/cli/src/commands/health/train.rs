//! `tenure health train`

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::json;
use tenure_core::{Artifact, Error, FitContext, Metadata, StopReason};
use tenure_features::marketplace::MarketplaceTable;
use tenure_health::{
    Architecture, HealthEpoch, HealthFigures, HealthParams, HealthRun, TaskWeights, TrainReport, Trained,
};
use tenure_neural::{EarlyStopping, Schedule};

use super::run_files::{Log, RunFolder};
use super::{figures, judge};
use crate::args::HealthTrain;
use crate::failure::WrongArgument;
use crate::output::{self, count};
use crate::session::Session;

pub fn train(args: &HealthTrain, session: &Session) -> Result<()> {
    // What cannot be right is told before anything is read.
    let folder = RunFolder::new(&args.output_dir)?;
    let params = params(args)?;
    let (train, read) = super::read(&args.train_data, args.profile, session)?;
    let mut reads = vec![read];
    let mut other = |path: Option<&Path>| -> Result<Option<MarketplaceTable>> {
        let Some((table, read)) = path.map(|path| super::read(path, args.profile, session)).transpose()?
        else {
            return Ok(None);
        };
        reads.push(read);
        Ok(Some(table))
    };
    let valid = other(args.val_data.as_deref())?;
    let test = other(args.test_data.as_deref())?;
    let truth_file =
        args.test_data.as_deref().and_then(|test| judge::truth_file(args.truth.as_deref(), test));

    // The epochs have lines of their own, so that no bar is drawn.
    let context = FitContext::new(args.seed);
    let (train, valid) = (&train.data, valid.as_ref().map(|table| &table.data));
    let run = if args.resume {
        let (checkpoint, _) = Artifact::load(&folder.checkpoint())
            .with_context(|| format!("--resume: no checkpoint in {}", args.output_dir.display()))?;
        HealthRun::resume(&checkpoint, &params, train, valid, &context)?
    } else {
        HealthRun::start(&params, train, valid, &context)?
    };
    session.finish();
    if !args.json {
        reads.iter().try_for_each(|read| output::text(&read.to_string()))?;
    }
    let trained = epochs(run, args, &folder, &context)?;
    let metadata = Metadata {
        seed: Some(args.seed),
        metrics: figures::flat(&trained.report.validation),
        ..Metadata::default()
    };
    folder.save_models(&trained, &metadata)?;

    let figures = match &test {
        Some(test) => Some(judge::judge(&trained.model, test, truth_file.as_ref())?.figures),
        None => None,
    };
    session.finish();
    tell(args, &trained, figures.as_ref())
}

fn params(args: &HealthTrain) -> Result<HealthParams> {
    let mut params = HealthParams::of(args.profile);
    match (&args.network, &mut params.architecture) {
        (Some(path), architecture) => {
            let failed = |source| Error::Io { path: path.clone(), action: "reading", source };
            let text = fs::read_to_string(path).map_err(failed)?;
            let spec = serde_json::from_str(&text)
                .map_err(|e| WrongArgument(format!("--network: {}: {e}", path.display())))?;
            *architecture = Architecture::Free(spec);
        }
        (None, Architecture::MultiTask { shared, task_weights, .. }) => {
            let widths = shared.iter().map(|layer| layer.width).collect();
            *shared = HealthParams::shared(args.hidden.as_ref().unwrap_or(&widths), &args.dropout);
            *task_weights = weights(*task_weights, &args.task_weights)?;
        }
        (None, _) => {}
    }
    let training = &mut params.training;
    training.epochs = args.epochs;
    training.batch_size = args.batch_size;
    training.learning_rate = args.learning_rate;
    training.l2 = args.l2;
    if args.halve_after > 0 {
        let (factor, patience) = (0.5, args.halve_after);
        training.schedule = Schedule::ReduceOnPlateau { factor, patience, min_learning_rate: 1e-5 };
    }
    let patience = (args.patience > 0).then_some(args.patience);
    training.early_stopping = patience.map(|patience| EarlyStopping { patience, min_delta: 0.0 });
    params.check()?;
    Ok(params)
}

/// The usual weights with those that are named.
fn weights(usual: TaskWeights, named: &[String]) -> Result<TaskWeights> {
    let mut json = serde_json::to_value(usual)?;
    for text in named {
        let number = |value: &str| value.trim().parse::<f64>().ok();
        let pair = text.split_once('=').and_then(|(task, value)| Some((task.trim(), number(value)?)));
        let (task, value) =
            pair.ok_or_else(|| WrongArgument(format!("--task-weights: `{text}` is not TASK=FACTOR")))?;
        json[task] = value.into();
    }
    Ok(serde_json::from_value(json).map_err(|e| WrongArgument(format!("--task-weights: {e}")))?)
}

/// Trains to the end, epoch by epoch: a line, a checkpoint, the log.
fn epochs(
    mut run: HealthRun,
    args: &HealthTrain,
    folder: &RunFolder,
    context: &FitContext<'_>,
) -> Result<Trained> {
    if args.resume && !args.json {
        output::text(&format!("Going on after epoch {}.", run.history().len()))?;
    }
    let mut log = Log::create(folder, &run)?;
    loop {
        let begun = Instant::now();
        let Some(epoch) = run.next_epoch(context)?.cloned() else { break };
        folder.save_checkpoint(&run)?;
        log.epoch(&epoch, &run)?;
        if !args.json {
            output::text(&line(&epoch, args.epochs, begun.elapsed().as_secs_f64()))?;
        }
    }
    folder.save_history(&run)?;
    Ok(run.finish(context)?)
}

/// `Epoch 12/50  loss 0.8234  val 0.8145  lr 1.0e-3  1.2 s`
fn line(epoch: &HealthEpoch, of: usize, seconds: f64) -> String {
    let record = &epoch.losses;
    let valid = record.valid.as_ref().map(|valid| format!("  val {:.4}", valid.total)).unwrap_or_default();
    let number = format!("{:>width$}/{of}", record.epoch, width = of.to_string().len());
    let best = if record.best { "  best so far" } else { "" };
    format!(
        "Epoch {number}  loss {:.4}{valid}  lr {:.1e}  {seconds:.1} s{best}",
        record.train.total, record.learning_rate
    )
}

fn tell(args: &HealthTrain, trained: &Trained, figures: Option<&HealthFigures>) -> Result<()> {
    let (model, report) = (&trained.model, &trained.report);
    let version = &model.settings().version;
    let place = args.output_dir.display();
    if args.json {
        let mut told = match figures {
            Some(figures) => serde_json::to_value(figures)?,
            None => json!({}),
        };
        told["model"] = place.to_string().into();
        told["model_version"] = version.as_str().into();
        told["training"] = serde_json::to_value(report)?;
        return output::json(&told);
    }
    let tested = match figures {
        Some(figures) => format!("\nOn the test data:\n\n{}", figures::evaluation(figures)),
        None => format!("\nOn the validation data:\n\n{}", figures::tasks(model, &report.validation)),
    };
    output::text(&format!(
        "\n{}{tested}\nModel {version} written to {place}.\n\nNext:\n  tenure health predict --model {place} --data \
         customers.jsonl --out predictions.jsonl\n  tensorboard --logdir {place}/logs",
        ended(report)
    ))
}

/// How the training ended, in words.
fn ended(report: &TrainReport) -> String {
    let why = match report.stopped {
        StopReason::EarlyStopping => {
            let waited = report.epochs - report.best_epoch;
            format!("Stopped early: no lower validation loss in {waited} epochs.")
        }
        _ => format!("All {} epochs done.", report.epochs),
    };
    let mut out = format!(
        "{why} The weights of epoch {} are kept.\nLearned {} numbers from {} customers and {} features.\n",
        report.best_epoch,
        count(report.parameters),
        count(report.rows),
        report.features
    );
    for (target, labels) in &report.masked_labels {
        out +=
            &format!("{} labels of {target} are not known and were left out of its loss.\n", count(*labels));
    }
    for note in &report.notes {
        out += &format!("note: {note}\n");
    }
    out
}
