//! Synthetic customers with a known truth.
//!
//! Data from a model whose parameters are known can be judged against the best that anybody could do with
//! them. [`orders`] generates order logs; beside the log it gives, for every customer and instant, the exact
//! probability of no purchase, both for one who knows the hidden state and for one who knows the orders only.
//! [`contacts`] generates contacts with conversations, messages, leads and purchases; beside these it gives the
//! expected score of every lead and the probabilities of conversion, engagement and churn. [`marketplace`] generates
//! customers of a marketplace as rows; beside these it gives what each label was drawn from. [`study`] generates study
//! sessions with their expected durations. [`augment`] makes noisy copies of real rows.

pub mod contacts;
pub mod marketplace;
pub mod orders;
pub mod study;

use tenure_core::{Error, Result};

pub use contacts::{ContactBatch, ContactParams, ContactWorld};
pub use marketplace::{MarketplaceBatch, MarketplaceParams, MarketplaceWorld};
pub use orders::{OrderLog, OrderParams, OrderWorld};
pub use study::{StudyBatch, StudyParams, StudyWorld};
pub use tenure_features::augment;

/// Runs on a pool of its own with `threads` threads; 0 means all of the machine's.
pub(crate) fn in_pool<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> Result<T> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    Ok(pool.map_err(|e| Error::Internal(format!("no threads: {e}")))?.install(work))
}
