//! Event logs, as-of views and features that cannot see the future.
//!
//! * [`OrderLog`]: orders and returns of every customer, sorted and closed, from [`OrderColumns`] or an
//!   [`OrderLogBuilder`].
//! * [`AsOf`] and [`FutureWindow`]: what feature and label code may see; [`view`] shows what cannot be written.
//! * [`FeatureSet`]: the built-in [`OrderFeatures`] and an application's own [`AsOfFeature`]s.
//! * [`SnapshotPlan`] and [`training_set`], [`labelled_set`], [`scoring_set`]: point-in-time data sets.
//! * [`FuzzyAxes`]: low, medium and high memberships learned from training rows.
//! * [`contacts`]: the log of contacts, their messages, leads and purchases, its own as-of views, and the rows of leads,
//!   contacts and messages.
//! * [`study`]: sessions of study, and how they become rows, alone or with a student's sessions before them.
//! * [`augment`]: noisy copies of rows to learn from.
//! * [`marketplace`]: the rows of customers of a marketplace, with the names that other systems gave their features.

pub mod augment;
pub mod columns;
pub mod contacts;
mod error;
mod fuzzy;
mod history;
mod label;
mod log;
pub mod marketplace;
mod order_features;
mod set;
mod snapshot;
pub mod study;
mod sweep;
mod table;
pub mod time;
pub mod view;

pub use columns::{CodedColumn, OrderColumns};
pub use error::{Error, Result};
pub use fuzzy::{FuzzyAxes, FuzzyAxis};
pub use label::{Churned, FutureLabel, FutureSpend};
pub use log::{LogColumns, OrderLine, OrderLog, OrderLogBuilder};
pub use order_features::{Axis, OrderFeatures};
pub use set::{AsOfFeature, FeatureSet};
pub use snapshot::{Every, SnapshotPlan};
pub use table::{SnapshotTable, labelled_set, scoring_set, training_set, training_set_with};
pub use time::Timestamp;
pub use view::{AsOf, FutureWindow, Purchase, Purchases, Return};
