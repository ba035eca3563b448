//! Histograms in TensorFlow's buckets.

use super::protobuf::Message;

/// Where buckets end, ascending: the value itself belongs to the next one.
#[derive(Debug)]
pub(super) struct Buckets {
    limits: Vec<f64>,
}

impl Buckets {
    pub(super) fn new() -> Self {
        let positive: Vec<f64> = std::iter::successors(Some(1e-12), |limit| Some(limit * 1.1))
            .take_while(|&limit| limit < 1e20)
            .collect();
        let negative = positive.iter().rev().map(|limit| -limit);
        let limits = negative.chain([0.0]).chain(positive.iter().copied()).chain([f64::MAX]).collect();
        Self { limits }
    }

    /// A `HistogramProto` of the finite values. Of neighbouring empty buckets one stands for all, and there are none at
    /// the ends.
    pub(super) fn histogram(&self, values: &[f32]) -> Message {
        let values: Vec<f64> =
            values.iter().filter(|value| value.is_finite()).map(|&value| value.into()).collect();
        let mut counts = vec![0.0; self.limits.len()];
        for &value in &values {
            counts[self.limits.partition_point(|&limit| limit <= value)] += 1.0;
        }
        let (mut limits, mut kept) = (Vec::new(), Vec::new());
        let mut previous = 0.0;
        for (&limit, count) in self.limits.iter().zip(counts) {
            if count > 0.0 {
                limits.push(limit);
                kept.push(count);
            } else if previous > 0.0 {
                limits.push(limit);
                kept.push(0.0);
            } else if let Some(end) = limits.last_mut() {
                *end = limit;
            }
            previous = count;
        }
        if kept.last() == Some(&0.0) {
            limits.pop();
            kept.pop();
        }
        let mut histogram = Message::default();
        if !values.is_empty() {
            histogram.double(1, values.iter().copied().fold(f64::INFINITY, f64::min));
            histogram.double(2, values.iter().copied().fold(f64::NEG_INFINITY, f64::max));
        }
        histogram.double(3, values.len() as f64);
        // Folds from +0, because the sum of no numbers is -0, which is not left out.
        histogram.double(4, values.iter().fold(0.0, |sum, value| sum + value));
        histogram.double(5, values.iter().fold(0.0, |sum, value| sum + value * value));
        histogram.doubles(6, &limits);
        histogram.doubles(7, &kept);
        histogram
    }
}
