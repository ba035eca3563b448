//! All models of contacts at once: trained together, tested together.

mod test_models;
mod train_all;

pub use test_models::test_models;
pub use train_all::train_all;
