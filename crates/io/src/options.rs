//! How to read, whatever is read.

use std::num::NonZeroUsize;

use tenure_core::{CancelToken, ProgressSink};

use crate::{Error, Result};

/// How to read an order log, or the files of contacts.
#[derive(Clone)]
pub struct ReadOptions<'a> {
    /// Who watches; `done` and `total` are bytes of the file.
    pub progress: &'a dyn ProgressSink,
    /// How to stop it.
    pub cancel: CancelToken,
    /// Threads to use; `None` for the current pool's. The result does not depend on it.
    pub threads: Option<NonZeroUsize>,
    /// Skips lines whose date, number or count of fields cannot be read, counting them, instead of refusing
    /// the file.
    pub skip_bad_lines: bool,
    /// Whether the first line holds column names; `None` to find out (it does unless one of its fields is a
    /// number or a date).
    pub header: Option<bool>,
    /// Whether exact duplicate lines are counted (8 bytes a line while reading).
    pub count_duplicates: bool,
    /// A return that is only flagged (yes/no) is taken as known this many days after the order, because the
    /// log does not say when it was.
    pub returned_after_days: u32,
}

impl Default for ReadOptions<'static> {
    fn default() -> Self {
        Self {
            progress: &(),
            cancel: CancelToken::default(),
            threads: None,
            skip_bad_lines: false,
            header: None,
            count_duplicates: true,
            returned_after_days: 30,
        }
    }
}

impl std::fmt::Debug for ReadOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReadOptions")
            .field("threads", &self.threads)
            .field("skip_bad_lines", &self.skip_bad_lines)
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

impl ReadOptions<'_> {
    pub(crate) fn check_cancelled(&self, stage: &str) -> Result<()> {
        if self.cancel.is_cancelled() {
            return Err(tenure_core::Error::Cancelled { stage: stage.into() }.into());
        }
        Ok(())
    }

    /// Does some work on the threads asked for.
    pub(crate) fn in_pool<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        match self.threads {
            None => work(),
            Some(threads) => rayon::ThreadPoolBuilder::new()
                .num_threads(threads.get())
                .build()
                .map_err(|e| Error::from(tenure_core::Error::Internal(e.to_string())))?
                .install(work),
        }
    }
}
