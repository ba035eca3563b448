//! The distribution of a number of purchases in classes: exact for small numbers, a few per cent wide beyond.

/// Numbers that are classes of their own.
const EXACT: u32 = 16;

/// Classes of purchase counts with their probabilities.
#[derive(Debug, Default)]
pub(crate) struct Strata {
    mass: Vec<f64>,
}

impl Strata {
    /// First number of a class; classes beyond the exact ones split each doubling into `per_octave` parts.
    fn first(class: usize, per_octave: u32) -> u32 {
        match class.checked_sub(EXACT as usize) {
            None => class as u32 + 1,
            Some(beyond) => {
                let octaves = beyond as f64 / f64::from(per_octave);
                let start = f64::from(EXACT + 1) * octaves.exp2();
                // Classes are a number wide at least.
                (start.round().min(4e9) as u32).max(EXACT + 1 + beyond as u32)
            }
        }
    }

    /// The number that stands for a class: the geometric middle.
    pub(crate) fn middle(class: usize, per_octave: u32) -> f64 {
        let (first, next) = (Self::first(class, per_octave), Self::first(class + 1, per_octave));
        (f64::from(first) * f64::from(next.saturating_sub(1).max(first))).sqrt()
    }

    /// From the probabilities of at least `n`, until they are below `floor`; what is left then belongs to the
    /// last class.
    pub(crate) fn fill(&mut self, per_octave: u32, floor: f64, mut at_least: impl FnMut(u32) -> f64) {
        self.mass.clear();
        let mut here = at_least(1);
        for class in 0..1000 {
            if here < floor {
                break;
            }
            let next = at_least(Self::first(class + 1, per_octave));
            self.mass.push(here - next);
            here = next;
        }
        if let Some(last) = self.mass.last_mut() {
            *last += here;
        }
    }

    /// Probabilities by class.
    pub(crate) fn mass(&self) -> &[f64] {
        &self.mass
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_follow_one_another() {
        for per_octave in [8, 11, 27] {
            for class in 0..200 {
                let (first, next) = (Strata::first(class, per_octave), Strata::first(class + 1, per_octave));
                assert!(next > first, "{per_octave} {class}");
                let middle = Strata::middle(class, per_octave);
                assert!(middle >= f64::from(first) && middle < f64::from(next));
            }
        }
        assert_eq!(Strata::middle(15, 8), 16.0);
    }

    #[test]
    fn masses_add_up() {
        let mut strata = Strata::default();
        strata.fill(8, 1e-9, |n| 0.8 * 0.97_f64.powi(n as i32 - 1));
        assert!((strata.mass().iter().sum::<f64>() - 0.8).abs() < 1e-12);
        assert!((strata.mass()[2] - 0.8 * 0.03 * 0.97 * 0.97).abs() < 1e-12);
    }
}
