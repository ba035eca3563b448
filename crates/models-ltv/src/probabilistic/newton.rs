//! Minimising a smooth function of a few parameters, given its gradient and Hessian: Newton's method within a
//! trust region (Nocedal & Wright, *Numerical Optimization*, 2006, chapter 4), the subproblem solved exactly by
//! the eigenvectors of the Hessian.

/// A function's value with derivatives.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Derivatives {
    pub(crate) value: f64,
    pub(crate) gradient: Vec<f64>,
    /// Row by row.
    pub(crate) hessian: Vec<f64>,
}

impl Derivatives {
    pub(crate) fn zero(n: usize) -> Self {
        Self { value: 0.0, gradient: vec![0.0; n], hessian: vec![0.0; n * n] }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.value += other.value;
        self.gradient.iter_mut().zip(&other.gradient).for_each(|(a, b)| *a += b);
        self.hessian.iter_mut().zip(&other.hessian).for_each(|(a, b)| *a += b);
    }

    pub(crate) fn scale(&mut self, by: f64) {
        self.value *= by;
        self.gradient.iter_mut().chain(&mut self.hessian).for_each(|v| *v *= by);
    }

    pub(crate) fn is_finite(&self) -> bool {
        self.value.is_finite() && self.gradient.iter().chain(&self.hessian).all(|v| v.is_finite())
    }

    pub(crate) fn slope(&self) -> f64 {
        self.gradient.iter().fold(0.0, |m, g| f64::max(m, g.abs()))
    }
}

/// How a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// At a point with a vanishing gradient and a positive definite Hessian.
    Minimum,
    /// The function falls towards infinity, or is flat in some direction.
    Edge,
    /// Neither, after all iterations.
    Exhausted,
}

/// The best point found.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) at: Vec<f64>,
    pub(crate) here: Derivatives,
    pub(crate) end: End,
    pub(crate) iterations: usize,
}

/// Largest absolute value that a parameter may reach before the search gives up: e^18 = 6.6e7.
pub(crate) const FAR: f64 = 18.0;
/// A Newton step below this ends the search.
const STEP: f64 = 1e-8;
/// Where rounding hides any further fall, steps may still be this large: the parameter is told to 4 digits.
const ROUNDED_STEP: f64 = 1e-4;
const ROUNDING: f64 = 4e-16;

/// Minimises `f` from `start`. `watch` may end the search with an error.
pub(crate) fn minimise<E>(
    start: &[f64],
    iterations: usize,
    mut f: impl FnMut(&[f64]) -> Derivatives,
    mut watch: impl FnMut(usize, f64) -> Result<(), E>,
) -> Result<Found, E> {
    let n = start.len();
    let mut at: Vec<f64> = start.iter().map(|v| v.clamp(-FAR, FAR)).collect();
    let mut here = f(&at);
    let mut radius = 1.0_f64;
    let mut done = 0;
    let mut end = End::Exhausted;
    if !here.is_finite() {
        return Ok(Found { at, here, end, iterations: 0 });
    }
    while done < iterations {
        done += 1;
        watch(done, here.value)?;
        let (values, vectors) = eigen(&here.hessian, n);
        let largest = values.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
        let positive = values.iter().all(|&v| v > 1e-13 * largest && v > 0.0);
        let along = rotate(&vectors, &here.gradient);
        let newton = positive.then(|| longest(along.iter().zip(&values).map(|(g, v)| g / v)));
        let (step, fall) = trust_step(&values, &vectors, &along, radius);
        let length = norm(&step);
        // Where the value is flat to rounding: done if Newton's step says that the place is told, too.
        let flat = fall <= ROUNDING * here.value.abs().max(1.0);
        if let Some(newton) = newton
            && (newton <= STEP || (flat && newton <= ROUNDED_STEP))
        {
            end = End::Minimum;
            break;
        }
        if flat && here.slope() < 1e-7 {
            end = End::Edge;
            break;
        }
        let next: Vec<f64> = at.iter().zip(&step).map(|(a, s)| (a + s).clamp(-FAR, FAR)).collect();
        let there = f(&next);
        let gain = here.value - there.value;
        let ratio = if there.is_finite() { gain / fall } else { -1.0 };
        if ratio < 0.25 {
            radius = 0.25 * length;
        } else if ratio > 0.75 && length > 0.99 * radius {
            radius = (2.0 * radius).min(4.0);
        }
        // A step whose change drowns in rounding is taken where it lessens the slope.
        let drowned = there.is_finite() && fall < 1e-12 * here.value.abs().max(1.0);
        if ratio > 1e-4 || (drowned && there.slope() < here.slope()) {
            at = next;
            here = there;
            if at.iter().any(|v| v.abs() >= FAR) {
                end = End::Edge;
                break;
            }
        }
        if radius < 1e-14 {
            break;
        }
    }
    if end == End::Exhausted && here.slope() < 1e-9 {
        end = End::Edge;
    }
    Ok(Found { at, here, end, iterations: done })
}

fn norm(v: &[f64]) -> f64 {
    v.iter().map(|v| v * v).sum::<f64>().sqrt()
}

fn longest(v: impl Iterator<Item = f64>) -> f64 {
    v.fold(0.0, |m, v| m.max(v.abs()))
}

/// `Vᵀ g`; the vectors are the columns.
fn rotate(vectors: &[f64], g: &[f64]) -> Vec<f64> {
    let n = g.len();
    (0..n).map(|k| (0..n).map(|i| vectors[i * n + k] * g[i]).sum()).collect()
}

/// The step that minimises the quadratic model within `radius`, and by how much the model falls.
fn trust_step(values: &[f64], vectors: &[f64], along: &[f64], radius: f64) -> (Vec<f64>, f64) {
    let n = values.len();
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let largest = values.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    let inner = |shift: f64| -> Vec<f64> {
        along.iter().zip(values).map(|(g, v)| if *g == 0.0 { 0.0 } else { -g / (v + shift) }).collect()
    };
    let floor = f64::max(0.0, -least);
    let tiny = 1e-14 * largest.max(1e-300);
    let mut step = if least > tiny { inner(0.0) } else { inner(floor + tiny) };
    if norm(&step) > radius {
        // ‖step‖ falls with the shift: bisect its logarithm beyond the floor.
        let (mut low, mut high) = (tiny, norm(along) / radius + tiny);
        for _ in 0..60 {
            let middle = (low * high).sqrt();
            if norm(&inner(floor + middle)) > radius { low = middle } else { high = middle }
        }
        step = inner(floor + high);
    } else if least < -tiny {
        // The hard case: no slope along the most bent direction; go along it to the edge of the region.
        let worst = values.iter().position(|v| *v == least).unwrap_or(0);
        let rest = (radius * radius - norm(&step).powi(2)).max(0.0).sqrt();
        step[worst] += if step[worst] < 0.0 { -rest } else { rest };
    }
    let fall = -step.iter().zip(along).zip(values).map(|((s, g), v)| s * (g + 0.5 * v * s)).sum::<f64>();
    let turned = (0..n).map(|i| (0..n).map(|k| vectors[i * n + k] * step[k]).sum()).collect();
    (turned, fall)
}

/// Eigenvalues and eigenvectors (columns) of a symmetric matrix by Jacobi's rotations.
pub(crate) fn eigen(matrix: &[f64], n: usize) -> (Vec<f64>, Vec<f64>) {
    let mut a = matrix.to_vec();
    let mut v: Vec<f64> = (0..n * n).map(|i| f64::from(u8::from(i / n == i % n))).collect();
    for _ in 0..60 {
        let off: f64 = (0..n * n).filter(|i| i / n != i % n).map(|i| a[i] * a[i]).sum();
        let all: f64 = a.iter().map(|v| v * v).sum();
        if off <= 1e-34 * all {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                if a[p * n + q] == 0.0 {
                    continue;
                }
                let theta = (a[q * n + q] - a[p * n + p]) / (2.0 * a[p * n + q]);
                let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
                let t = if theta == 0.0 { 1.0 } else { t };
                let c = 1.0 / (t * t + 1.0).sqrt();
                let s = t * c;
                for k in 0..n {
                    let (x, y) = (a[k * n + p], a[k * n + q]);
                    a[k * n + p] = c * x - s * y;
                    a[k * n + q] = s * x + c * y;
                }
                for k in 0..n {
                    let (x, y) = (a[p * n + k], a[q * n + k]);
                    a[p * n + k] = c * x - s * y;
                    a[q * n + k] = s * x + c * y;
                    let (x, y) = (v[k * n + p], v[k * n + q]);
                    v[k * n + p] = c * x - s * y;
                    v[k * n + q] = s * x + c * y;
                }
            }
        }
    }
    ((0..n).map(|i| a[i * n + i]).collect(), v)
}

/// The inverse of a positive definite matrix; `None` where it is not.
pub(crate) fn inverse(matrix: &[f64], n: usize) -> Option<Vec<f64>> {
    let (values, vectors) = eigen(matrix, n);
    if values.iter().any(|v| !v.is_finite() || *v <= 0.0) {
        return None;
    }
    let entry =
        |i: usize, j: usize| (0..n).map(|k| vectors[i * n + k] * vectors[j * n + k] / values[k]).sum::<f64>();
    Some((0..n * n).map(|at| entry(at / n, at % n)).collect())
}

/// Gradient and Hessian beside central differences of values and gradients.
#[cfg(test)]
pub(crate) fn check_derivatives(at: &[f64], f: impl Fn(&[f64]) -> Derivatives) {
    let (n, here, h) = (at.len(), f(at), 1e-5);
    for i in 0..n {
        let moved = |by: f64| {
            let mut theta = at.to_vec();
            theta[i] += by;
            f(&theta)
        };
        let (up, down) = (moved(h), moved(-h));
        let close = |found: f64, expected: f64, what: &str| {
            let size = expected.abs().max(1e-3 * here.value.abs()).max(1e-4);
            assert!((found - expected).abs() < 1e-5 * size, "{what} {i} at {at:?}: {found} {expected}");
        };
        close(here.gradient[i], (up.value - down.value) / (2.0 * h), "slope");
        for j in 0..n {
            close(here.hessian[i * n + j], (up.gradient[j] - down.gradient[j]) / (2.0 * h), "bend");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rosenbrock's valley.
    fn valley(x: &[f64]) -> Derivatives {
        let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
        Derivatives {
            value: a * a + 100.0 * b * b,
            gradient: vec![-2.0 * a - 400.0 * x[0] * b, 200.0 * b],
            hessian: vec![2.0 - 400.0 * b + 800.0 * x[0] * x[0], -400.0 * x[0], -400.0 * x[0], 200.0],
        }
    }

    #[test]
    fn finds_the_bottom_of_a_bent_valley() {
        for start in [[-1.2, 1.0], [10.0, -10.0], [0.0, 15.0]] {
            let found = minimise(&start, 300, valley, |_, _| Ok::<_, ()>(())).unwrap();
            assert_eq!(found.end, End::Minimum);
            assert!((found.at[0] - 1.0).abs() < 1e-8 && (found.at[1] - 1.0).abs() < 1e-8);
        }
    }

    #[test]
    fn says_where_there_is_no_bottom() {
        let falling = |x: &[f64]| {
            let e = (-x[0]).exp();
            Derivatives { value: e, gradient: vec![-e], hessian: vec![e] }
        };
        let found = minimise(&[0.0], 300, falling, |_, _| Ok::<_, ()>(())).unwrap();
        assert_eq!(found.end, End::Edge);
    }

    #[test]
    fn leaves_a_saddle() {
        // x² y-symmetric double well: from the saddle at 0 with no slope along y.
        let wells = |p: &[f64]| Derivatives {
            value: p[0] * p[0] + (p[1] * p[1] - 1.0).powi(2),
            gradient: vec![2.0 * p[0], 4.0 * p[1] * (p[1] * p[1] - 1.0)],
            hessian: vec![2.0, 0.0, 0.0, 12.0 * p[1] * p[1] - 4.0],
        };
        let found = minimise(&[1.0, 0.0], 100, wells, |_, _| Ok::<_, ()>(())).unwrap();
        assert_eq!(found.end, End::Minimum);
        assert!((found.at[1].abs() - 1.0).abs() < 1e-8);
    }

    #[test]
    fn inverts() {
        let a = [4.0, 1.0, 0.5, 1.0, 3.0, -0.2, 0.5, -0.2, 2.0];
        let b = inverse(&a, 3).unwrap();
        for i in 0..3 {
            for j in 0..3 {
                let dot: f64 = (0..3).map(|k| a[i * 3 + k] * b[k * 3 + j]).sum();
                assert!((dot - f64::from(u8::from(i == j))).abs() < 1e-14);
            }
        }
        assert!(inverse(&[1.0, 2.0, 2.0, 1.0], 2).is_none());
    }
}
