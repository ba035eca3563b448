//! Medians of repeated calls.

use std::error::Error;
use std::time::Instant;

/// The middle value, the upper of two.
pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Seconds that `work` takes.
pub(crate) fn seconds<T, E>(work: impl FnOnce() -> Result<T, E>) -> Result<(T, f64), E> {
    let start = Instant::now();
    let done = work()?;
    Ok((done, start.elapsed().as_secs_f64()))
}

/// Microseconds of one call: the median over `calls` calls timed one by one, after a tenth as many untimed.
/// Reading the clock twice is included, some 0.05 µs.
pub(crate) fn p50_microseconds<E>(
    calls: usize,
    mut work: impl FnMut(usize) -> Result<(), E>,
) -> Result<f64, Box<dyn Error>>
where
    Box<dyn Error>: From<E>,
{
    for call in 0..calls / 10 {
        work(call)?;
    }
    let mut times = Vec::with_capacity(calls);
    for call in 0..calls {
        times.push(seconds(|| work(call))?.1 * 1e6);
    }
    median(times).ok_or_else(|| "no calls".into())
}
