//! What every command needs: threads, progress, the time.

use std::time::{SystemTime, UNIX_EPOCH};

use tenure_core::FitContext;
use tenure_features::Timestamp;

use crate::args::Cli;
use crate::progress::Bars;

/// One run of the program.
pub struct Session {
    threads: usize,
    bars: Bars,
}

impl Session {
    pub fn new(cli: &Cli) -> Self {
        if cli.threads > 0 {
            // Fails only where a pool exists already, and then that one serves.
            let _ = rayon::ThreadPoolBuilder::new().num_threads(cli.threads).build_global();
        }
        Self { threads: cli.threads, bars: Bars::new(cli.quiet) }
    }

    /// The context of a piece of work that draws from `seed`.
    pub fn context(&self, seed: u64) -> FitContext<'_> {
        FitContext::new(seed).with_threads(self.threads).with_progress(&self.bars)
    }

    /// Takes progress off the screen before output is printed.
    pub fn finish(&self) {
        self.bars.clear();
    }

    /// The time of day, RFC 3339: the only clock in the workspace that ends up in a file.
    pub fn now() -> Option<String> {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
        Some(Timestamp::from_seconds(i64::try_from(seconds).ok()?).to_string())
    }
}

/// A date given as an argument.
pub fn date(option: &str, text: &str) -> anyhow::Result<Timestamp> {
    text.parse().map_err(|e| crate::failure::WrongArgument(format!("{option}: {e}")).into())
}
