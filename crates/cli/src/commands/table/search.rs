//! `tenure table search`

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::json;
use tenure_backends::search::{
    Found, Metric, Search, SearchLog, SearchOptions, SearchSpace, Strategy as Choosing, Trial, TrialState,
};
use tenure_core::Error;

use super::stored::{self, Reading};
use super::{cv, learn};
use crate::args::{Strategy, TableSearch};
use crate::failure::WrongArgument;
use crate::output::{self, columns, count};
use crate::session::Session;

/// Trials that the text shows, best first.
const SHOWN: usize = 10;

pub fn run(args: &TableSearch, session: &Session) -> Result<()> {
    let [name] = learn::names(&args.learn)?[..] else {
        return Err(WrongArgument("--backend all: the parameters of one learner are searched".into()).into());
    };
    let metric = args.metric.as_deref().map(metric).transpose()?;
    let written = args.space.as_deref().map(space).transpose()?;
    let (data, table) = super::read(&args.read)?;
    learn::require_classes(&data)?;
    let base = learn::backend(&args.learn, name, &data)?;
    let space = match written {
        Some(space) => space,
        None => SearchSpace::usual(&base)?,
    };
    let options = SearchOptions {
        strategy: strategy(args.strategy, args.trials, &space),
        trials: args.trials,
        ..SearchOptions::default()
    };
    let splits = cv::outer_folds(&data, args.folds, args.learn.seed)?;
    let context = session.context(args.learn.seed);
    let started = Instant::now();
    let clock = || started.elapsed().as_secs_f64();

    let mut log = args.log.as_deref().map(Log::open).transpose()?;
    let earlier = log.as_ref().map(|log| log.earlier.clone()).unwrap_or_default();
    let mut keep = |line: &str| log.as_mut().map_or(Ok(()), |log| log.write(line));
    let mut search =
        Search::new(&space, &options, &context).resuming(&earlier).with_clock(&clock).with_log(&mut keep);
    if let Some(metric) = metric {
        search = search.by(metric);
    }
    let found = search.over(&base, &data, &splits)?;
    if let Some(dir) = &args.model {
        // The number of trees of early stopping inside folds is found anew, on all rows.
        let best = space.backend_at(&base, &found.point)?;
        let trees = found.point.get("trees").and_then(|n| n.as_u64()).map(|n| n as usize);
        let learned = learn::learn(&best, trees.or(args.learn.trees), &data, &context)?;
        let reading = Reading::of(&args.read, &table, data.schema());
        stored::save(&reading, learned.model.as_ref(), data.rows(), args.learn.seed, dir)?;
    }
    session.finish();
    let model = args.model.as_ref().map(|dir| dir.display().to_string());
    if args.json {
        return output::json(&json!({
            "rows": data.rows(),
            "folds": splits.len(),
            "resumed_trials": earlier.finished_trials(),
            "seconds": clock(),
            "found": found,
            "model": model,
            "table": table,
        }));
    }
    let mut out = format!("{table}\n{} rows, {} folds:\n", count(data.rows()), splits.len());
    out += &text(&found);
    if earlier.finished_trials() > 0 {
        out += &format!("{} of the trials were in the log.\n", earlier.finished_trials());
    }
    if let Some(model) = model {
        out += &format!("\nThe best learner, fitted on all rows, is in {model}.\n");
    }
    output::text(&out)
}

fn metric(name: &str) -> Result<Metric> {
    let parsed = Metric::try_from(name.to_owned());
    parsed.map_err(|problem| WrongArgument(format!("--metric {name}: {problem}")).into())
}

fn space(file: &Path) -> Result<SearchSpace> {
    let failed = |source| Error::Io { path: file.to_owned(), action: "reading", source };
    let text = fs::read_to_string(file).map_err(failed)?;
    let parsed = serde_json::from_str(&text);
    parsed.map_err(|e| WrongArgument(format!("--space {}: {e}", file.display())).into())
}

fn strategy(asked: Strategy, trials: usize, space: &SearchSpace) -> Choosing {
    match asked {
        Strategy::Random => Choosing::Random,
        Strategy::Tpe => Choosing::default(),
        // As many values of each range as the number of trials allows.
        Strategy::Grid => {
            let ranges = space.dimensions.len().max(1) as f64;
            let steps = (trials as f64).powf(1.0 / ranges) + 1e-9;
            Choosing::Grid { steps: (steps as usize).max(2) }
        }
    }
}

/// A search's log on disk.
struct Log<'a> {
    path: &'a Path,
    file: File,
    earlier: SearchLog,
}

impl<'a> Log<'a> {
    /// Opens a log to go on with it, or begins one.
    fn open(path: &'a Path) -> Result<Self> {
        let failed = |source| Error::Io { path: path.to_owned(), action: "opening", source };
        let file = OpenOptions::new().create(true).read(true).append(true).open(path).map_err(failed)?;
        let text = fs::read(path).map_err(failed)?;
        let earlier = SearchLog::parse(&text).with_context(|| path.display().to_string())?;
        // A line that was cut off when the search was stopped is done again.
        file.set_len(earlier.kept_bytes() as u64).map_err(failed)?;
        Ok(Self { path, file, earlier })
    }

    fn write(&mut self, line: &str) -> tenure_core::Result<()> {
        let failed = |source| Error::Io { path: self.path.to_owned(), action: "writing", source };
        self.file.write_all(format!("{line}\n").as_bytes()).map_err(failed)
    }
}

/// The best trials first, those that were given up after those that ended.
fn text(found: &Found) -> String {
    let mut trials: Vec<&Trial> = found.trials.trials.iter().filter(|t| t.mean().is_some()).collect();
    let loss = |trial: &Trial| trial.mean().map_or(f64::INFINITY, |score| found.metric.goal().loss(score));
    let key = |trial: &Trial| (trial.state != TrialState::Complete, loss(trial));
    trials.sort_by(|a, b| {
        let (a, b) = (key(a), key(b));
        a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
    });
    let names: Vec<&String> = found.point.keys().collect();
    let mut rows = vec![["trial".to_owned(), found.metric.to_string()].to_vec()];
    rows[0].extend(names.iter().map(|name| (*name).clone()));
    rows[0].push("s".into());
    for trial in trials.iter().take(SHOWN) {
        let score = trial.mean().map_or_else(String::new, |score| format!("{score:.5}"));
        let mark = if trial.state == TrialState::Complete { "" } else { " (given up)" };
        let mut row = vec![format!("{}{mark}", trial.number), score];
        row.extend(
            names.iter().map(|name| trial.point.get(*name).map_or_else(String::new, ToString::to_string)),
        );
        row.push(trial.seconds().map_or_else(String::new, |s| format!("{s:.1}")));
        rows.push(row);
    }
    let mut out = columns(&rows);
    for note in &found.notes {
        out += &format!("{note}\n");
    }
    out
}
