//! Where the work of a fit runs: here, and for the linear models of `tenure-backends`.

use rayon::{ThreadPool, ThreadPoolBuilder};
use tenure_core::{Error, FitContext, Result};

/// Cells of the training matrix below which one thread is faster than several.
const SMALL: usize = 1 << 18;

/// The threads of one fit. Not part of the API: `tenure-backends` shares it.
#[derive(Debug)]
pub enum Threads {
    /// The calling thread alone.
    One,
    /// Rayon's global pool, or the pool the caller is already in.
    Shared,
    /// A pool of this fit's own.
    Own(ThreadPool),
}

impl Threads {
    /// As many as the context asks for, but one where the data are small.
    ///
    /// # Errors
    /// [`Error::Internal`] where the system starts no threads.
    pub fn new(context: &FitContext<'_>, cells: usize) -> Result<Self> {
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
    #[must_use]
    pub fn count(&self) -> usize {
        match self {
            Self::One => 1,
            Self::Shared => rayon::current_num_threads(),
            Self::Own(pool) => pool.current_num_threads(),
        }
    }

    /// Runs `work` where its parallel parts find the threads.
    pub fn run<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        match self {
            Self::One => work(),
            Self::Shared => rayon::scope(|_| work()),
            Self::Own(pool) => pool.install(work),
        }
    }
    /// `work` of each number below `count`, in order.
    pub fn map<R: Send>(&self, count: usize, work: impl Fn(usize) -> R + Send + Sync) -> Vec<R> {
        use rayon::prelude::*;
        let parallel = || (0..count).into_par_iter().map(&work).collect();
        match self {
            Self::One => (0..count).map(work).collect(),
            Self::Shared => parallel(),
            Self::Own(pool) => pool.install(parallel),
        }
    }

    /// `work` on each piece of `size` values, with the number of the piece.
    pub fn each_piece(
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
