//! Contacts.

mod apportion;
mod params;
mod person;
mod quiet;
mod talk;
mod truth;
mod world;

pub use params::ContactParams;
pub use quiet::{ContactLife, State};
pub use talk::ENGAGEMENT_HOURS;
pub use truth::{ContactTruth, LeadTruth};
pub use world::{ContactBatch, ContactWorld};
