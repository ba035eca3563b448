//! Where a message's row holds the recipient's past.

use tenure_core::TypedRow;
use tenure_features::contacts::MessageRow;

use crate::pooling::{Count, DAY_PARTS, Past};

const SENT: [&str; DAY_PARTS] = ["sent_night", "sent_morning", "sent_afternoon", "sent_evening"];
const ENGAGED: [&str; DAY_PARTS] =
    ["engaged_night", "engaged_morning", "engaged_afternoon", "engaged_evening"];

/// Places of the recipient's past in [`MessageRow`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct PastPlaces {
    pub(crate) sent: [usize; DAY_PARTS],
    pub(crate) engaged: [usize; DAY_PARTS],
    pub(crate) weekend: [usize; 2],
    pub(crate) content: [usize; 2],
}

/// Place of a feature of [`MessageRow`]; a test holds every name that is asked for against it.
pub(crate) fn place(name: &str) -> usize {
    MessageRow::fields().iter().position(|f| f.name == name).unwrap_or_default()
}

impl PastPlaces {
    pub(crate) fn new() -> Self {
        Self {
            sent: SENT.map(place),
            engaged: ENGAGED.map(place),
            weekend: ["sent_weekend", "engaged_weekend"].map(place),
            content: ["sent_same_content", "engaged_same_content"].map(place),
        }
    }

    /// The past of a row; what is not known is nothing.
    pub(crate) fn past(&self, row: &[f64]) -> Past {
        let known = |at: usize| if row[at] > 0.0 { row[at] } else { 0.0 };
        let count = |sent: usize, engaged: usize| Count { sent: known(sent), engaged: known(engaged) };
        let mut past = Past::default();
        for (count_of, (&sent, &engaged)) in past.iter_mut().zip(self.sent.iter().zip(&self.engaged)) {
            *count_of = count(sent, engaged);
        }
        let all = Count {
            sent: past[..DAY_PARTS].iter().map(|c| c.sent).sum(),
            engaged: past[..DAY_PARTS].iter().map(|c| c.engaged).sum(),
        };
        for (at, [sent, engaged]) in [(DAY_PARTS, self.weekend), (DAY_PARTS + 2, self.content)] {
            let own = count(sent, engaged);
            past[at] = own;
            past[at + 1] =
                Count { sent: (all.sent - own.sent).max(0.0), engaged: (all.engaged - own.engaged).max(0.0) };
        }
        past
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_past_is_read_from_its_places() {
        let names: Vec<&str> = MessageRow::fields().iter().map(|f| f.name).collect();
        // Each feature holds its own number.
        let row: Vec<f64> = (0..names.len()).map(|at| at as f64 + 1.0).collect();
        let value = |name: &str| names.iter().position(|n| *n == name).unwrap() as f64 + 1.0;
        let past = PastPlaces::new().past(&row);
        for (part, (sent, engaged)) in SENT.iter().zip(ENGAGED).enumerate() {
            assert_eq!(past[part], Count { sent: value(sent), engaged: value(engaged) });
        }
        let all: f64 = SENT.iter().map(|name| value(name)).sum();
        assert_eq!(past[DAY_PARTS].engaged, value("engaged_weekend"));
        assert_eq!(past[DAY_PARTS + 1].sent, all - value("sent_weekend"));
        assert_eq!(past[DAY_PARTS + 2].sent, value("sent_same_content"));
    }
}
