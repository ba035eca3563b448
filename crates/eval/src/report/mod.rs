//! Reports that a person would look at: one self-contained HTML file, and the same figures as JSON.
//!
//! A [`Report`] is plain data: sentences, key figures, tables, charts of a few kinds, a timeline and explained
//! rows. It knows no domain; [`BinaryEvaluation`] builds the one for a binary classifier from probabilities
//! and labels, [`RegressionEvaluation`] the one for predicted numbers, and other evaluations put together the
//! same parts.
//!
//! [`Report::to_html`] draws the charts as static SVG, so that the page prints, mails and can be read aloud; a
//! short script adds the values under the pointer. The page loads nothing: no font, no image, no library.
//! The same report gives the same bytes.
//!
//! # Example
//!
//! ```
//! use tenure_eval::report::{BinaryEvaluation, Role, ScoredModel};
//!
//! let model = |name: &str, role, probabilities: &[f64]| ScoredModel {
//!     name: name.into(),
//!     role,
//!     probabilities: probabilities.to_vec(),
//! };
//! let evaluation = BinaryEvaluation {
//!     title: "Churn in the shop".into(),
//!     models: vec![
//!         model("Model", Role::Model, &[0.1, 0.2, 0.4, 0.3, 0.8, 0.9]),
//!         model("Rules", Role::Baseline, &[0.5, 0.2, 0.5, 0.2, 0.5, 0.5]),
//!     ],
//!     labels: vec![0.0, 0.0, 1.0, 0.0, 1.0, 1.0],
//!     threshold: 0.5,
//!     ..BinaryEvaluation::default()
//! };
//! let page = evaluation.report()?.to_html();
//! assert!(page.starts_with("<!DOCTYPE html>"));
//! # Ok::<(), tenure_eval::Error>(())
//! ```

mod binary;
mod format;
mod html;
mod model;
mod parts;
mod regression;
mod shared;
mod svg;

pub use binary::{BinaryEvaluation, ExplainedRow, ProfitAssumptions, ScoredModel, Wording};
pub use format::NumberFormat;
pub use model::{
    Axis, Bar, BarChart, Cell, ColumnChart, ColumnSeries, Explanations, Factor, KeyFigure, LineChart, Marker,
    Part, Point, Reference, Report, RowExplanation, Section, Series, SpanKind, Table, TableRow, Term,
    TimeSpan, Timeline, TimelineRow, Tone,
};

pub use regression::{ExplainedValue, PredictedModel, RegressionEvaluation, ValueIntervals, ValueWording};
pub use shared::{Importance, Role};

impl Report {
    /// The report as one HTML page that needs nothing else.
    ///
    /// Every text is escaped; numbers that are not finite are left out of charts and shown as a dash in
    /// tables.
    #[must_use]
    pub fn to_html(&self) -> String {
        html::page(self)
    }

    /// The report's texts and figures as indented JSON; a number that is not finite becomes `null`.
    ///
    /// # Errors
    /// [`crate::Error::Undefined`] where the report cannot be written as JSON; none that this crate builds.
    pub fn to_json(&self) -> crate::Result<String> {
        serde_json::to_string_pretty(self)
            .map_err(|error| crate::Error::undefined("the JSON of the report", error.to_string()))
    }
}
