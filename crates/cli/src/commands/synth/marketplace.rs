//! `tenure synth marketplace`

use std::path::Path;

use anyhow::Result;
use serde::Serialize;
use tenure_core::{Error, Progress};
use tenure_features::marketplace::{HEALTH_SCORE, Profile, SESSION_VELOCITY};
use tenure_io::MarketplaceWriter;
use tenure_synth::marketplace::{MarketplaceOracle, MarketplaceSummary, OracleTally, Part};
use tenure_synth::{MarketplaceBatch, MarketplaceParams};

use super::TruthFile;
use crate::args::{Format, SynthMarketplace};
use crate::failure::WrongArgument;
use crate::output;
use crate::session::Session;

/// Customers generated and written at a time: memory does not grow with their number.
const BATCH: usize = 10_000;

/// Numbers whose median is not their expected value, so that `truth.csv` has both.
const SKEWED: [&str; 2] = [SESSION_VELOCITY, HEALTH_SCORE];

/// What was written.
#[derive(Serialize)]
struct Written {
    folder: String,
    files: Vec<String>,
    profile: Profile,
    #[serde(flatten)]
    summary: MarketplaceSummary,
    oracle: MarketplaceOracle,
}

pub(super) fn run(args: &SynthMarketplace, session: &Session) -> Result<()> {
    let segments = <[f64; 4]>::try_from(args.segments.as_slice()).map_err(|_| {
        let found = args.segments.len();
        WrongArgument(format!(
            "--segments: {found} shares; expected four (thriving, healthy, at risk, churned)"
        ))
    })?;
    let (profile, customers, noise) = (args.profile, args.customers, args.noise);
    let world = MarketplaceParams { profile, customers, segments, noise }.check()?;
    let context = session.context(args.seed);
    let threads = context.threads.map_or(0, |n| n.get());
    let mut files = Files::create(&args.out, profile, &args.format)?;
    let (mut summary, mut tally) = (MarketplaceSummary::default(), OracleTally::default());
    for batch in world.batches(args.seed, BATCH, threads) {
        let batch = batch?;
        files.write(&batch)?;
        summary.add(&batch)?;
        tally.add(&batch);
        let (done, total) = (summary.customers as u64, Some(customers as u64));
        context.progress.report(Progress { stage: "generating customers", done, total, figure: None });
    }
    let folder = args.out.display().to_string();
    let written = Written { folder, files: files.finish()?, profile, summary, oracle: tally.figures() };
    session.finish();
    if args.json {
        return output::json(&written);
    }
    let Written { folder, files, summary, oracle, .. } = &written;
    output::text(&format!("{summary}\n\n{oracle}\n\nWritten to {folder}: {}.", files.join(", ")))
}

/// The files of a folder.
struct Files {
    names: Vec<String>,
    parts: Vec<(Part, MarketplaceWriter)>,
    all: Option<MarketplaceWriter>,
    truth: TruthFile,
}

impl Files {
    fn create(folder: &Path, profile: Profile, formats: &[Format]) -> Result<Self> {
        let failed = |source| Error::Io { path: folder.to_owned(), action: "creating", source };
        std::fs::create_dir_all(folder).map_err(failed)?;
        let mut names = Vec::new();
        let mut create = |stem: &str, format: Format| {
            names.push(format!("{stem}.{}", format.ending()));
            MarketplaceWriter::create(&folder.join(&names[names.len() - 1]), profile)
        };
        let mut parts = Vec::new();
        for &part in Part::ALL {
            for (at, &format) in formats.iter().enumerate() {
                if !formats[..at].contains(&format) {
                    parts.push((part, create(part.name(), format)?));
                }
            }
        }
        let all = formats.first().map(|&format| create("full_dataset", format)).transpose()?;
        let targets: String = profile.targets().iter().map(|(name, _)| format!(",truth_{name}")).collect();
        let medians: String = SKEWED.iter().map(|name| format!(",truth_median_{name}")).collect();
        let header = format!("customer_id{targets}{medians}");
        let truth = TruthFile::create(&folder.join("truth.csv"), &header)?;
        names.push("truth.csv".to_owned());
        Ok(Self { names, parts, all, truth })
    }

    fn write(&mut self, batch: &MarketplaceBatch) -> Result<()> {
        for &part in Part::ALL {
            let table = batch.part(part);
            for (_, writer) in self.parts.iter_mut().filter(|(of, _)| *of == part) {
                writer.write(&table)?;
            }
        }
        if let Some(all) = &mut self.all {
            all.write(&batch.table)?;
        }
        let targets = batch.table.data.targets();
        let skewed: Vec<usize> =
            (0..targets.len()).filter(|&at| SKEWED.contains(&targets[at].name())).collect();
        let truths = batch.truth.rows().into_iter().zip(batch.medians.rows());
        for (id, (truth, medians)) in batch.table.ids.iter().zip(truths) {
            let medians = skewed.iter().map(|&at| &medians[at]);
            let values: String = truth.iter().chain(medians).map(|value| format!(",{value}")).collect();
            self.truth.line(format_args!("{id}{values}"))?;
        }
        Ok(())
    }

    /// Puts the files in their places and names them.
    fn finish(self) -> Result<Vec<String>> {
        for writer in self.parts.into_iter().map(|(_, writer)| writer).chain(self.all) {
            writer.finish()?;
        }
        self.truth.finish()?;
        Ok(self.names)
    }
}
