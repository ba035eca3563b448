//! Where passes over customers run. Work is cut into pieces of fixed size, so that sums are added in the same
//! order whatever thread did them.

use std::num::NonZeroUsize;
use std::ops::Range;

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use tenure_core::{Error, Result};

/// Customers a piece of a sum.
pub(crate) const PIECE: usize = 4096;

#[derive(Debug)]
pub(crate) enum Threads {
    One,
    /// Rayon's global pool, or the one the caller is in.
    Shared,
    Own(ThreadPool),
}

impl Threads {
    pub(crate) fn new(threads: Option<NonZeroUsize>, items: usize) -> Result<Self> {
        match threads {
            _ if items <= PIECE => Ok(Self::One),
            Some(n) if n.get() == 1 => Ok(Self::One),
            None => Ok(Self::Shared),
            Some(n) => {
                let pool = ThreadPoolBuilder::new().num_threads(n.get()).build();
                pool.map(Self::Own).map_err(|e| Error::Internal(format!("threads could not be started: {e}")))
            }
        }
    }

    /// `work` of each piece of `size` items, in order.
    pub(crate) fn pieces<R: Send>(
        &self,
        items: usize,
        size: usize,
        work: impl Fn(Range<usize>) -> R + Send + Sync,
    ) -> Vec<R> {
        let count = items.div_ceil(size);
        let piece = |i: usize| work(i * size..((i + 1) * size).min(items));
        let parallel = || (0..count).into_par_iter().map(piece).collect();
        match self {
            Self::One => (0..count).map(piece).collect(),
            Self::Shared => parallel(),
            Self::Own(pool) => pool.install(parallel),
        }
    }
}
