//! Where the work of a fit runs.

use rayon::{ThreadPool, ThreadPoolBuilder};
use tenure_core::{Error, FitContext, Result};

/// Cells of the training matrix below which one thread is faster than several.
const SMALL: usize = 1 << 18;

/// The threads of one fit.
pub(crate) enum Threads {
    /// The calling thread alone.
    One,
    /// Rayon's global pool, or the pool the caller is already in.
    Shared,
    /// A pool of this fit's own.
    Own(ThreadPool),
}

impl Threads {
    /// As many as the context asks for, but one where the data are small.
    pub(crate) fn new(context: &FitContext<'_>, cells: usize) -> Result<Self> {
        match context.threads {
            _ if cells < SMALL => Ok(Self::One),
            None if rayon::current_num_threads() == 1 => Ok(Self::One),
            None => Ok(Self::Shared),
            Some(n) if n.get() == 1 => Ok(Self::One),
            Some(n) => {
                let pool = ThreadPoolBuilder::new().num_threads(n.get()).build();
                pool.map(Self::Own).map_err(|e| Error::Internal(format!("threads could not be started: {e}")))
            }
        }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        match self {
            Self::One => 1,
            Self::Shared => rayon::current_num_threads(),
            Self::Own(pool) => pool.current_num_threads(),
        }
    }

    /// Runs `work` where its parallel parts find the threads.
    pub(crate) fn run<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        match self {
            Self::One => work(),
            Self::Shared => rayon::scope(|_| work()),
            Self::Own(pool) => pool.install(work),
        }
    }
}
