//! From the columns of a table to those that the learners read, and contributions back again.
//!
//! Columns that depend on when the message is sent come first, so that a send time is judged by their
//! coefficients alone.

use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};
use tenure_core::{Dataset, Error, Feature, Result, Schema};
use tenure_features::contacts::{Content, Weekday};

use crate::columns::{days, find, is_day, is_hour, latest_rows, require_message, require_numbers, slots};
use crate::params::TimeColumns;
use crate::past::{PastPlaces, place};
use crate::pooling::{Belief, DAY_PARTS, Past, Pooling};
use crate::week::{CYCLES, HOUR_CYCLES, WeekTime, cycles, day_part_shares};

/// When a message is sent, as a row says it: NaN for what is not known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Moment {
    Week {
        hour: f64,
        weekday: f64,
    },
    /// Number of the slot.
    Slot(f64),
}

impl From<WeekTime> for Moment {
    fn from(time: WeekTime) -> Self {
        Self::Week { hour: time.hour, weekday: f64::from(time.weekday) }
    }
}

/// What an expansion learned; plain data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Learned {
    input: Schema,
    time: TimeColumns,
    pooling: Option<Pooling>,
    /// Values of the slot column, rising.
    slots: Vec<f64>,
}

/// Turns rows into what learners read.
#[derive(Debug, Clone)]
pub(crate) struct Expansion {
    learned: Learned,
    moments: Moments,
    output: Schema,
    /// For each column of the output what it is made of.
    sources: Vec<Source>,
    time_terms: usize,
    places: PastPlaces,
}

/// Where a row says when the message is sent.
#[derive(Debug, Clone)]
enum Moments {
    /// The day of each level; empty for a column of numbers.
    Week {
        hour: usize,
        weekday: usize,
        days: Vec<f64>,
    },
    Slot {
        column: usize,
    },
}

/// What a column of the output is made of, as places in the input.
#[derive(Debug, Clone, Copy)]
enum Source {
    /// The time cycle of this number.
    Cycle(usize),
    /// Whether it is this slot.
    Slot(usize),
    DayPartDeviation,
    WeekendDeviation,
    ContentDeviation(usize),
    RecipientRate,
    PastLength,
    Level {
        column: usize,
        level: usize,
    },
    Logarithm(usize),
    Plain(usize),
}

/// Features of a message of which the logarithm (of one more) is read.
const LOGARITHMS: [&str; 6] =
    ["hours_since_sent", "length", "contact_age_days", "received_30d", "sent_7d", "days_since_received"];
const PLAIN: [&str; 6] = ["campaign", "personalised", "sentiment", "urgency", "has_link", "has_media"];
impl Expansion {
    /// Learns from the rows what is not in them: strengths of pooling, the slots there are.
    ///
    /// # Errors
    /// [`Error::Columns`], [`Error::Data`] where the columns are not what `time` says.
    pub(crate) fn fit(data: &Dataset, time: &TimeColumns) -> Result<Self> {
        let input = data.schema().clone();
        let mut learned = Learned { input, time: time.clone(), pooling: None, slots: Vec::new() };
        match time {
            TimeColumns::Message => {
                require_message(data.schema())?;
                let places = PastPlaces::new();
                let rows = latest_rows(data);
                let pasts: Vec<Past> = rows.iter().map(|&row| places.past(&data.row(row).to_vec())).collect();
                let labels = data.target()?.values();
                let known: Vec<f64> = labels.iter().copied().filter(|y| !y.is_nan()).collect();
                let base_rate = known.iter().sum::<f64>() / known.len().max(1) as f64;
                learned.pooling = Some(Pooling::fit(&pasts, base_rate));
            }
            TimeColumns::HourWeekday { hour, weekday } => {
                require_numbers(data, hour, is_hour, "hours of the day from 0 to 24")?;
                require_numbers(data, weekday, is_day, "days by name, or numbers from 0 (Monday) to 6")?;
            }
            TimeColumns::Slot { column } => learned.slots = slots(data, find(data.schema(), column)?)?,
        }
        Self::new(learned)
    }

    pub(crate) fn new(learned: Learned) -> Result<Self> {
        let input = &learned.input;
        // Else a recipient's past would be looked for in a table that has none.
        if learned.pooling.is_some() != (learned.time == TimeColumns::Message) {
            return Err(Error::Data(
                "the past of recipients is pooled of messages, and of nothing else".into(),
            ));
        }
        let (moments, mut sources, taken) = match &learned.time {
            TimeColumns::Message => {
                require_message(input)?;
                let days = (0..Weekday::ALL.len()).map(|d| d as f64).collect();
                let moments = Moments::Week { hour: place("hour"), weekday: place("weekday"), days };
                (moments, message_sources(), (0..input.len()).collect())
            }
            TimeColumns::HourWeekday { hour, weekday } => {
                let (hour, weekday) = (find(input, hour)?, find(input, weekday)?);
                let days = days(&input.features()[weekday])?;
                if input.features()[hour].levels().is_some() {
                    let name = &input.features()[hour].name;
                    return Err(Error::Data(format!(
                        "feature `{name}` has texts; expected hours from 0 to 24"
                    )));
                }
                let sources = (0..CYCLES.len()).map(Source::Cycle).collect();
                (Moments::Week { hour, weekday, days }, sources, vec![hour, weekday])
            }
            TimeColumns::Slot { column } => {
                if learned.slots.is_empty() {
                    return Err(Error::Data(format!("feature `{column}`: no row has a slot")));
                }
                let column = find(input, column)?;
                let sources: Vec<Source> = (1..learned.slots.len()).map(Source::Slot).collect();
                (Moments::Slot { column }, sources, vec![column])
            }
        };
        let time_terms = match &learned.time {
            TimeColumns::Message => CYCLES.len() + 2,
            _ => sources.len(),
        };
        sources.extend((0..input.len()).filter(|column| !taken.contains(column)).map(Source::Plain));
        let output =
            Schema::new(sources.iter().map(|source| feature(&learned, &moments, *source)).collect())?;
        Ok(Self { learned, moments, output, sources, time_terms, places: PastPlaces::new() })
    }

    pub(crate) fn learned(&self) -> &Learned {
        &self.learned
    }

    pub(crate) fn input(&self) -> &Schema {
        &self.learned.input
    }

    pub(crate) fn output(&self) -> &Schema {
        &self.output
    }

    pub(crate) fn pooling(&self) -> Option<&Pooling> {
        self.learned.pooling.as_ref()
    }

    /// Number of columns, the first ones, that depend on when the message is sent.
    pub(crate) fn time_terms(&self) -> usize {
        self.time_terms
    }

    /// Names of the slots; empty where times are hours of the week.
    pub(crate) fn slot_names(&self) -> Vec<String> {
        match self.moments {
            Moments::Week { .. } => Vec::new(),
            Moments::Slot { column } => {
                let feature = &self.input().features()[column];
                self.learned.slots.iter().map(|&value| feature.display(value)).collect()
            }
        }
    }

    /// When the row says that the message is sent.
    pub(crate) fn moment(&self, row: &[f64]) -> Moment {
        match &self.moments {
            Moments::Week { hour, weekday, days } => {
                let day = row[*weekday];
                let weekday = match days.as_slice() {
                    [] if is_day(day) => day.floor(),
                    days if day >= 0.0 => days.get(day as usize).copied().unwrap_or(f64::NAN),
                    _ => f64::NAN,
                };
                let hour = Some(row[*hour]).filter(|hour| is_hour(*hour)).unwrap_or(f64::NAN);
                Moment::Week { hour, weekday }
            }
            Moments::Slot { column } => {
                let slot = self.learned.slots.iter().position(|&slot| slot == row[*column]);
                Moment::Slot(slot.map_or(f64::NAN, |slot| slot as f64))
            }
        }
    }

    /// What is believed of the row's recipient; nothing where the table has no past.
    pub(crate) fn belief(&self, row: &[f64]) -> Belief {
        self.pooling().map_or_else(Belief::default, |pooling| pooling.believe(&self.places.past(row)))
    }

    /// The columns that depend on when the message is sent, as of `moment`.
    pub(crate) fn time_values(&self, belief: &Belief, moment: Moment) -> impl Iterator<Item = f64> {
        let cycles = match moment {
            Moment::Week { hour, weekday } => cycles(hour, weekday),
            Moment::Slot(_) => [f64::NAN; CYCLES.len()],
        };
        self.sources[..self.time_terms].iter().map(move |source| match (source, moment) {
            (Source::Cycle(at), _) => cycles[*at],
            (Source::Slot(at), Moment::Slot(slot)) => {
                if slot.is_nan() {
                    f64::NAN
                } else {
                    f64::from(u8::from(slot == *at as f64))
                }
            }
            (Source::DayPartDeviation, Moment::Week { hour, .. }) => {
                day_part_shares(hour).iter().zip(belief.deviations).map(|(share, d)| share * d).sum()
            }
            (Source::WeekendDeviation, Moment::Week { weekday, .. }) => {
                if weekday.is_nan() {
                    f64::NAN
                } else {
                    belief.deviations[weekend_part(weekday)]
                }
            }
            _ => f64::NAN,
        })
    }

    /// Variance of `Σ coefficient × time value` at `a` less that at `b`, as far as it comes from what is not known
    /// of the recipient.
    pub(crate) fn belief_variance(&self, belief: &Belief, coefficients: &[f64], a: Moment, b: Moment) -> f64 {
        let (Moment::Week { hour: ha, weekday: da }, Moment::Week { hour: hb, weekday: db }) = (a, b) else {
            return 0.0;
        };
        let each = self.sources[..self.time_terms].iter().zip(coefficients).map(|(source, coefficient)| {
            let variance: f64 = match source {
                Source::DayPartDeviation => {
                    let shares = day_part_shares(ha).into_iter().zip(day_part_shares(hb));
                    shares.zip(belief.variances).map(|((a, b), variance)| (a - b).powi(2) * variance).sum()
                }
                Source::WeekendDeviation if weekend_part(da) != weekend_part(db) => {
                    belief.variances[DAY_PARTS] + belief.variances[DAY_PARTS + 1]
                }
                _ => 0.0,
            };
            coefficient * coefficient * variance
        });
        each.sum()
    }

    /// Replaces `out` by the columns of one row.
    pub(crate) fn expand_row(&self, row: &[f64], out: &mut Vec<f64>) {
        let belief = self.belief(row);
        out.clear();
        out.extend(self.time_values(&belief, self.moment(row)));
        let places = self.places;
        out.extend(self.sources[self.time_terms..].iter().map(|source| match *source {
            Source::RecipientRate => belief.rate,
            Source::PastLength => places.past(row)[..DAY_PARTS].iter().map(|c| c.sent).sum::<f64>().ln_1p(),
            Source::ContentDeviation(part) => belief.deviations[part],
            Source::Level { column, level } => {
                if row[column].is_nan() {
                    f64::NAN
                } else {
                    f64::from(u8::from(row[column] == level as f64))
                }
            }
            Source::Logarithm(column) => row[column].clamp(0.0, f64::MAX).ln_1p(),
            Source::Plain(column) => row[column],
            _ => f64::NAN,
        }));
    }

    /// The columns of a matrix.
    pub(crate) fn expand(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
        let mut values = Vec::with_capacity(x.nrows() * self.output.len());
        let mut row_values = Vec::new();
        for row in x.rows() {
            self.expand_row(&row.to_vec(), &mut row_values);
            values.extend_from_slice(&row_values);
        }
        Array2::from_shape_vec((x.nrows(), self.output.len()), values)
            .map_err(|e| Error::Internal(format!("expanding rows: {e}")))
    }

    /// The data set with these columns, and everything else that it has.
    pub(crate) fn expand_data(&self, data: &Dataset) -> Result<Dataset> {
        let mut wide = Dataset::new(self.output.clone(), self.expand(data.x())?)?;
        for target in data.targets() {
            wide = wide.with_target(target.clone())?;
        }
        if let Some(weights) = data.weights() {
            wide = wide.with_weights(weights.to_vec())?;
        }
        if let Some(groups) = data.groups() {
            wide = wide.with_groups(groups.to_vec())?;
        }
        Ok(wide)
    }

    /// Contributions of the output's columns counted to the input's features.
    ///
    /// What is made of counts by part of the day is shared out over them: a deviation by how much each part
    /// counts at the row's hour, the recipient's rate by how many messages each part had.
    pub(crate) fn attribute(&self, row: &[f64], contributions: &[f64]) -> Vec<f64> {
        let mut own = vec![0.0; self.input().len()];
        let places = self.places;
        for (source, &value) in self.sources.iter().zip(contributions) {
            match *source {
                Source::Cycle(at) => match self.moments {
                    Moments::Week { hour, .. } if at < HOUR_CYCLES => own[hour] += value,
                    Moments::Week { weekday, .. } => own[weekday] += value,
                    Moments::Slot { column } => own[column] += value,
                },
                Source::Slot(_) => {
                    if let Moments::Slot { column } = self.moments {
                        own[column] += value;
                    }
                }
                Source::DayPartDeviation => {
                    let Moments::Week { hour, .. } = self.moments else { continue };
                    let hour = row[hour];
                    let shares = if hour.is_nan() { [0.25; DAY_PARTS] } else { day_part_shares(hour) };
                    places.engaged.iter().zip(shares).for_each(|(&at, share)| own[at] += share * value);
                }
                Source::RecipientRate | Source::PastLength => {
                    let to = if matches!(source, Source::PastLength) { places.sent } else { places.engaged };
                    let past = places.past(row);
                    let total: f64 = past[..DAY_PARTS].iter().map(|c| c.sent).sum();
                    for (&at, count) in to.iter().zip(past) {
                        let share = if total > 0.0 { count.sent / total } else { 1.0 / DAY_PARTS as f64 };
                        own[at] += share * value;
                    }
                }
                Source::WeekendDeviation => own[places.weekend[1]] += value,
                Source::ContentDeviation(_) => own[places.content[1]] += value,
                Source::Level { column, .. } | Source::Logarithm(column) | Source::Plain(column) => {
                    own[column] += value;
                }
            }
        }
        own
    }

    /// The recipient's own rate over all their past messages and one more at `rate`, so that it is never 0 or 1;
    /// `None` for a table without a past.
    pub(crate) fn own_rate(&self, row: &[f64], rate: f64) -> Option<f64> {
        self.pooling()?;
        let past = self.places.past(row);
        let sent: f64 = past[..DAY_PARTS].iter().map(|c| c.sent).sum();
        let engaged: f64 = past[..DAY_PARTS].iter().map(|c| c.engaged).sum();
        Some((engaged.min(sent) + rate) / (sent + 1.0))
    }
}

fn weekend_part(weekday: f64) -> usize {
    DAY_PARTS + usize::from(weekday < 5.0)
}

fn message_sources() -> Vec<Source> {
    let content = place("content");
    let mut sources: Vec<Source> = (0..CYCLES.len()).map(Source::Cycle).collect();
    sources.extend([Source::DayPartDeviation, Source::WeekendDeviation]);
    sources.extend([Source::ContentDeviation(DAY_PARTS + 2), Source::RecipientRate, Source::PastLength]);
    sources.extend((1..Content::ALL.len()).map(|level| Source::Level { column: content, level }));
    sources.extend(LOGARITHMS.map(|name| Source::Logarithm(place(name))));
    sources.extend(PLAIN.map(|name| Source::Plain(place(name))));
    sources
}

/// The column that a source makes.
fn feature(learned: &Learned, moments: &Moments, source: Source) -> Feature {
    let input = learned.input.features();
    let numeric = |name: &str, description: &str| Feature::numeric(name, "", description);
    match source {
        Source::Cycle(at) => numeric(CYCLES[at], "Cycle of the time of sending"),
        Source::Slot(at) => {
            let Moments::Slot { column } = *moments else { return numeric("slot", "") };
            let name = format!("{}={}", input[column].name, input[column].display(learned.slots[at]));
            numeric(&name, "Whether it is sent in this slot")
        }
        Source::DayPartDeviation => numeric("hour_affinity", "Recipient's deviation at this hour, pooled"),
        Source::WeekendDeviation => numeric("weekend_affinity", "Recipient's deviation on such days, pooled"),
        Source::ContentDeviation(_) => numeric("content_affinity", "Recipient's deviation for it, pooled"),
        Source::RecipientRate => numeric("recipient_rate", "Recipient's log-odds of engaging, pooled"),
        Source::PastLength => numeric("past_messages", "Logarithm of the past messages"),
        Source::Level { column, level } => {
            let levels = input[column].levels().unwrap_or_default();
            numeric(&format!("{}={}", input[column].name, levels[level]), &input[column].description)
        }
        Source::Logarithm(column) => {
            numeric(&format!("log_{}", input[column].name), &input[column].description)
        }
        Source::Plain(column) => input[column].clone(),
    }
}

#[cfg(test)]
mod tests {
    use tenure_core::TypedRow;
    use tenure_features::contacts::MessageRow;

    use super::*;

    #[test]
    fn every_feature_of_a_message_is_read_once_or_pooled() {
        let mut data = MessageRow::dataset(&[]).unwrap();
        data = data.with_target(tenure_core::Target::binary("engaged", Vec::new()).unwrap()).unwrap();
        let expansion = Expansion::fit(&data, &TimeColumns::Message).unwrap();
        let row: Vec<f64> = (0..27).map(|at| f64::from(at % 3 + 1)).collect();
        let counted = expansion.attribute(&row, &vec![1.0; expansion.output().len()]);
        let total: f64 = counted.iter().sum();
        assert!((total - expansion.output().len() as f64).abs() < 1e-9);
        let unread: Vec<&str> =
            expansion.input().names().zip(&counted).filter(|(_, c)| **c == 0.0).map(|(n, _)| n).collect();
        assert_eq!(
            unread,
            ["sent_weekend", "sent_same_content"],
            "their counts are read with the engaged ones"
        );
    }
}
