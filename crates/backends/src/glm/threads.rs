//! Where the passes over the rows run.

use rayon::{ThreadPool, ThreadPoolBuilder};
use tenure_core::{Error, FitContext, Result};

/// Cells of the design below which one thread is faster than several.
const SMALL: usize = 1 << 18;

/// The threads of one fit.
#[derive(Debug)]
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

    /// `work` of each number below `count`, in order.
    pub(crate) fn map<R: Send>(&self, count: usize, work: impl Fn(usize) -> R + Send + Sync) -> Vec<R> {
        use rayon::prelude::*;
        let parallel = || (0..count).into_par_iter().map(&work).collect();
        match self {
            Self::One => (0..count).map(work).collect(),
            Self::Shared => parallel(),
            Self::Own(pool) => pool.install(parallel),
        }
    }

    /// `work` on each piece of `size` values, with the number of the piece.
    pub(crate) fn each_piece(
        &self,
        values: &mut [f64],
        size: usize,
        work: impl Fn(usize, &mut [f64]) + Send + Sync,
    ) {
        use rayon::prelude::*;
        let mut parallel = || values.par_chunks_mut(size).enumerate().for_each(|(i, piece)| work(i, piece));
        match self {
            Self::One => values.chunks_mut(size).enumerate().for_each(|(i, piece)| work(i, piece)),
            Self::Shared => parallel(),
            Self::Own(pool) => pool.install(parallel),
        }
    }
}
