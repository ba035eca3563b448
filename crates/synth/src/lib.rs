//! Synthetic customers with a known truth.
//!
//! Data from a model whose parameters are known can be judged against the best that anybody could do with
//! them. [`orders`] generates order logs; beside the log it gives, for every customer and instant, the exact
//! probability of no purchase, both for one who knows the hidden state and for one who knows the orders only.

pub mod orders;

pub use orders::{OrderLog, OrderParams, OrderWorld};
