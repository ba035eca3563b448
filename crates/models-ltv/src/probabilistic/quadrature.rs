//! Gauss–Legendre rules.

use std::sync::LazyLock;

/// Nodes and weights on [−1, 1].
pub(crate) type Rule = Vec<(f64, f64)>;

/// Rules of 6, 8, 12 and 16 nodes.
static RULES: LazyLock<[Rule; 4]> = LazyLock::new(|| [6, 8, 12, 16].map(legendre));

/// The rules, smallest first.
pub(crate) fn rules() -> &'static [Rule; 4] {
    &RULES
}

/// The rule of `n` nodes: zeros of Legendre's polynomial by Newton's method.
fn legendre(n: u32) -> Rule {
    let degree = f64::from(n);
    let node = |i: u32| {
        let mut x = (std::f64::consts::PI * (f64::from(i) + 0.75) / (degree + 0.5)).cos();
        let mut slope = 1.0;
        for _ in 0..50 {
            let (mut now, mut before) = (1.0, 0.0);
            for k in 0..n {
                let k = f64::from(k);
                (now, before) = (((2.0 * k + 1.0) * x * now - k * before) / (k + 1.0), now);
            }
            slope = degree * (x * now - before) / (x * x - 1.0);
            let step = now / slope;
            x -= step;
            if step.abs() < 1e-16 {
                break;
            }
        }
        (x, 2.0 / ((1.0 - x * x) * slope * slope))
    };
    (0..n).map(node).collect()
}

/// Calls `at(node, weight)` for a composite rule over [`from`, `to`]. `decay` is by how much the logarithm of
/// the integrand falls over the range, about; the integrand must be analytic within distance π of the range.
pub(crate) fn composite(from: f64, to: f64, decay: f64, mut at: impl FnMut(f64, f64)) {
    let length = to - from;
    let rules = rules();
    let (panels, rule) = match (length, decay) {
        (l, d) if l < 0.5 && d < 1.5 => (1, &rules[0]),
        (l, d) if l < 1.0 && d < 3.5 => (1, &rules[1]),
        (l, d) if l < 2.0 && d < 9.0 => (1, &rules[2]),
        (l, d) => (f64::max(l / 2.5, d / 16.0).ceil().clamp(1.0, 4000.0) as u32, &rules[3]),
    };
    let half = 0.5 * length / f64::from(panels);
    for panel in 0..panels {
        let middle = from + half * f64::from(2 * panel + 1);
        for &(node, weight) in rule {
            at(middle + half * node, half * weight);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decaying_functions_are_integrated_to_rounding() {
        for (length, rate) in [(0.4, 3.0), (0.9, 3.0), (1.9, 4.5), (2.4, 6.6), (40.0, 0.3), (30.0, 2.0)] {
            let mut sum = 0.0;
            composite(1.0, 1.0 + length, rate * length, |w, h| sum += h * (-rate * (w - 1.0)).exp());
            let exact = (1.0 - f64::exp(-rate * length)) / rate;
            assert!((sum / exact - 1.0).abs() < 1e-12, "{length} {rate}: {sum} {exact}");
        }
    }
}
