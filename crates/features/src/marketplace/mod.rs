//! Customers of a marketplace of tutors: what is known of each, and what is to be foretold.
//!
//! * [`Profile`]: one of two widths of a row, and what is learned of it.
//! * [`GuideRow`] (59 features) and [`SageMakerRow`] (150): the rows. Their first 46 and 26 features keep the names
//!   and the order of the systems they are compatible with; plain vectors of numbers are read in that order.
//! * [`Segment`] and the codes of a row: [`Tier`], [`Channel`], [`Grade`], [`Subject`].
//! * [`MarketplaceTable`]: customers by row, with features and targets.
//!
//! # How features are meant
//!
//! * All are as of one instant. Windows are the 7, 14 or 30 days before it.
//! * *Frequencies are per week*, as in "2.5 sessions a week".
//! * A rating, share or mean over a window that has nothing to average is that over the next longer window, in the
//!   end over all time; missing (NaN, `null`, blank) where there never was anything.
//! * Choices ([`Coded`]) are numbers, so that a row is a plain vector of numbers. In JSON, CSV and Parquet the names
//!   of the levels are read as well.
//!
//! # First sessions
//!
//! The feature `first_session_success` (`first_session_was_success` in the wide profile) says how the customer's very
//! first session went: it is past and known. The target [`FIRST_SESSION_SUCCESS`] says whether the *next* first
//! session, with a tutor new to the customer, will go well. To take one for the other would be a leak.
//!
//! # Example
//! ```
//! use tenure_features::marketplace::Profile;
//!
//! let profile = Profile::Guide;
//! assert_eq!(profile.schema().len(), 59);
//! // A plain vector, in the order of the schema; `"standard"` and `1` are the same tier.
//! let mut features = vec![serde_json::Value::from(1); 59];
//! features[25] = "standard".into();
//! let values = profile.values_of_json(&serde_json::json!({"features": features}))?;
//! assert_eq!(values, [1.0; 59]);
//! # Ok::<(), tenure_core::Error>(())
//! ```

mod codes;
mod guide;
mod profile;
mod sagemaker;
mod table;

pub use codes::{Channel, Coded, Grade, Segment, Subject, Tier};
pub use guide::GuideRow;
pub use profile::{
    CHURN_RISK_14D, CHURN_RISK_30D, FIRST_SESSION_SUCCESS, HEALTH_SCORE, Label, Profile, SESSION_VELOCITY,
    SUPPLY_DEMAND,
};
pub use sagemaker::SageMakerRow;
pub use table::MarketplaceTable;
