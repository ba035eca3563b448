//! What a report holds: plain data, the same for every domain.

use serde::{Deserialize, Serialize};

use super::NumberFormat;

/// Everything one report shows, in the order it is shown. Empty texts and lists are left out of the page.
///
/// Serialised, it is the report's figures as JSON.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Title of the page.
    pub title: String,
    /// What was judged, in a phrase.
    pub subtitle: String,
    /// The result in one plain sentence.
    pub headline: String,
    /// One or two sentences that put the headline in perspective.
    pub summary: String,
    /// The few figures that matter most.
    pub figures: Vec<KeyFigure>,
    /// Reservations a reader must know before reading on.
    pub warnings: Vec<String>,
    /// The body.
    pub sections: Vec<Section>,
    /// The terms used, explained.
    pub glossary: Vec<Term>,
    /// Remarks at the end.
    pub notes: Vec<String>,
}

/// A number with its name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyFigure {
    /// What it is.
    pub label: String,
    /// The number as shown.
    pub value: String,
    /// What it means, or what to compare it with.
    pub note: String,
}

/// A term and its explanation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Term {
    /// The term.
    pub term: String,
    /// What it means.
    pub text: String,
}

/// A part of the report with a heading.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Section {
    /// The heading.
    pub title: String,
    /// What the section says, in a sentence or two.
    pub lead: String,
    /// What it shows.
    pub parts: Vec<Part>,
}

/// Something shown in a [`Section`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Part {
    /// A paragraph.
    Text {
        /// Its text.
        text: String,
    },
    /// Key figures side by side.
    Figures {
        /// The figures.
        figures: Vec<KeyFigure>,
    },
    /// A table.
    Table(Table),
    /// Curves or dots over a numeric axis.
    Lines(LineChart),
    /// Upright bars over categories.
    Columns(ColumnChart),
    /// Lying bars with long labels.
    Bars(BarChart),
    /// Periods on a common time axis.
    Timeline(Timeline),
    /// Single rows and what moved them.
    Explanations(Explanations),
}

/// A table with one heading column.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// What the table shows.
    pub title: String,
    /// How to read it.
    pub caption: String,
    /// Headings, the first of them above the row labels.
    pub columns: Vec<String>,
    /// The rows; each has one cell fewer than there are headings.
    pub rows: Vec<TableRow>,
}

/// A row of a [`Table`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TableRow {
    /// What the row holds.
    pub label: String,
    /// A gloss on the label.
    pub note: String,
    /// One cell a column.
    pub cells: Vec<Cell>,
}

/// A cell of a [`Table`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// What is shown.
    pub text: String,
    /// A smaller line below, such as an interval.
    pub note: String,
    /// The number behind the text, where there is one.
    pub value: Option<f64>,
    /// Whether to emphasise it.
    pub strong: bool,
}

/// Which colour and dash a series has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// What the report is about: a strong, solid line.
    #[default]
    Model,
    /// What it is compared with: dashed.
    Baseline,
    /// The best attainable: dotted.
    Oracle,
    /// The outcome that is looked for.
    Positive,
    /// The other outcome.
    Negative,
}

/// A numeric axis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Axis {
    /// What is measured, with its unit.
    pub label: String,
    /// How the numbers are shown.
    pub format: NumberFormat,
    /// Where the axis begins; the data's minimum where `None`.
    pub min: Option<f64>,
    /// Where the axis ends; the data's maximum where `None`.
    pub max: Option<f64>,
}

/// Lines or dots over a numeric axis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LineChart {
    /// The question the chart answers.
    pub title: String,
    /// The chart's name in the literature.
    pub term: String,
    /// How to read it.
    pub caption: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// The curves.
    pub series: Vec<Series>,
    /// Straight lines to compare with.
    pub references: Vec<Reference>,
    /// Points with a label.
    pub markers: Vec<Marker>,
}

/// One curve, or a row of dots.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Name in the legend.
    pub name: String,
    /// Colour and dash.
    pub tone: Tone,
    /// The points by rising `x`.
    pub points: Vec<Point>,
    /// Whether the points are drawn as dots, sized by [`Point::count`], with their intervals; those that have either
    /// are joined by a thin line.
    pub dots: bool,
}

/// A point of a [`Series`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Where it stands on the horizontal axis.
    pub x: f64,
    /// Where it stands on the vertical axis.
    pub y: f64,
    /// From and to where `y` may plausibly lie.
    pub interval: Option<(f64, f64)>,
    /// How many rows it stands for.
    pub count: Option<f64>,
}

impl Point {
    /// A point without interval and count.
    #[must_use]
    pub const fn new(x: f64, y: f64) -> Self {
        Self { x, y, interval: None, count: None }
    }
}

/// A straight line from one point to another.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    /// Name in the legend.
    pub label: String,
    /// Where it begins: (x, y).
    pub from: (f64, f64),
    /// Where it ends: (x, y).
    pub to: (f64, f64),
}

/// A point with a label.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Marker {
    /// What is written beside it.
    pub label: String,
    /// Where it stands on the horizontal axis.
    pub x: f64,
    /// Where it stands on the vertical axis.
    pub y: f64,
}

/// Upright bars over categories.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnChart {
    /// The question the chart answers.
    pub title: String,
    /// The chart's name in the literature.
    pub term: String,
    /// How to read it.
    pub caption: String,
    /// What the categories are.
    pub x_label: String,
    /// The categories, from left to right.
    pub categories: Vec<String>,
    /// The vertical axis; it always includes 0.
    pub y: Axis,
    /// One bar a category each.
    pub series: Vec<ColumnSeries>,
    /// Whether the series stand on each other instead of side by side.
    pub stacked: bool,
    /// A horizontal line to compare with, and its name.
    pub reference: Option<(f64, String)>,
}

/// The bars of one series.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ColumnSeries {
    /// Name in the legend.
    pub name: String,
    /// Colour.
    pub tone: Tone,
    /// One value a category; at least 0 where stacked.
    pub values: Vec<f64>,
}

/// Lying bars with long labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BarChart {
    /// The question the chart answers.
    pub title: String,
    /// How to read it, with the unit.
    pub caption: String,
    /// How the values are shown.
    pub format: NumberFormat,
    /// The bars from top to bottom.
    pub bars: Vec<Bar>,
}

/// One bar of a [`BarChart`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Bar {
    /// Name, readable.
    pub label: String,
    /// A gloss on the name.
    pub note: String,
    /// Length.
    pub value: f64,
}

/// Periods on a common time axis.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeline {
    /// How to read it.
    pub caption: String,
    /// From top to bottom.
    pub rows: Vec<TimelineRow>,
}

/// A line of a [`Timeline`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineRow {
    /// What happened then.
    pub label: String,
    /// A gloss on the label.
    pub note: String,
    /// The periods, in any order.
    pub spans: Vec<TimeSpan>,
}

/// A period, from midnight to midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeSpan {
    /// What it is.
    pub kind: SpanKind,
    /// First day, in days since 1970-01-01.
    pub start_day: i64,
    /// The day after the last; the same as `start_day` for an instant.
    pub end_day: i64,
}

/// What a period is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpanKind {
    /// What the model may look at.
    Observed,
    /// An instant at which a prediction is made.
    Prediction,
    /// When it is seen whether the outcome came true.
    Outcome,
}

/// Single rows and what moved them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Explanations {
    /// How to read them.
    pub caption: String,
    /// What a negative effect does (`lowers the risk`).
    pub lowers: String,
    /// What a positive effect does.
    pub raises: String,
    /// The rows.
    pub rows: Vec<RowExplanation>,
}

/// One row, explained.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RowExplanation {
    /// Which row.
    pub id: String,
    /// What is predicted, as shown.
    pub value: String,
    /// Interval around it, as shown.
    pub interval: String,
    /// A verdict in a word or two.
    pub level: String,
    /// What moved the prediction, most first.
    pub factors: Vec<Factor>,
    /// What to do.
    pub recommendation: String,
}

/// What moved a prediction, and how far.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Factor {
    /// In words, with the value.
    pub text: String,
    /// Positive raises the prediction, negative lowers it; the unit is that of the explanation.
    pub effect: f64,
}
