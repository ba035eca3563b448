//! Shared code of the tests that cross crates; those of the program are in `crates/cli/tests`.

use tenure_features::{OrderColumns, OrderLog, Timestamp};
use tenure_synth::{OrderParams, OrderWorld};

/// Seed of everything generated here.
pub const SEED: u64 = 42;

/// A year and a half of `customers` synthetic customers.
///
/// # Errors
/// Where the generator refuses the number of customers.
pub fn world(customers: usize) -> tenure_core::Result<OrderWorld> {
    OrderParams { customers, months: 18, ..OrderParams::default() }.check()
}

/// The orders of [`world`].
///
/// # Errors
/// As [`world`].
pub fn orders(customers: usize) -> tenure_core::Result<OrderColumns> {
    Ok(world(customers)?.generate(SEED, 0)?.orders)
}

/// The log of [`world`], and the instant one prediction window before its end.
///
/// # Errors
/// As [`world`].
pub fn log(customers: usize) -> tenure_core::Result<(OrderLog, Timestamp)> {
    Ok((OrderLog::from_columns(orders(customers)?)?, world(customers)?.end().plus_days(-90)))
}
