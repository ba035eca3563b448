//! The design matrix in blocks that fit the cache, and the three kernels that run over them.
//!
//! A block holds [`ROWS`] rows as panels of [`LANES`] columns: a panel is rows × lanes, contiguous. Every
//! kernel walks the rows of a panel in order, so that each sum has one order of additions whatever the width
//! of the processor's vectors: the portable code and its AVX2 build agree bit for bit (nothing is fused).

use tenure_gbdt::Threads;

/// Rows of a block.
pub(crate) const ROWS: usize = 128;
/// Columns of a panel.
pub(crate) const LANES: usize = 8;
const PANEL: usize = ROWS * LANES;
/// Rows of a tile of the Gram matrix; two tiles make a panel's width.
const TILE: usize = 4;

/// Rows × columns, the last block and panel filled up with zeros.
#[derive(Debug)]
pub(crate) struct Blocks<'a> {
    rows: usize,
    columns: usize,
    panels: usize,
    source: Source<'a>,
}

#[derive(Debug)]
enum Source<'a> {
    Stored(Vec<f64>),
    Scaled(Scaled<'a>),
}

/// Rows whose columns are scaled whenever a block is asked for: that costs less than memory for a copy.
#[derive(Debug)]
pub(super) struct Scaled<'a> {
    pub(super) x: &'a [f64],
    /// 1 where an intercept comes before the features, else 0.
    pub(super) before: usize,
    /// Of each padded column; 0 for the intercept and beyond the features.
    pub(super) centres: Vec<f64>,
    pub(super) inverse: Vec<f64>,
}

/// Where blocks that are not stored are built.
#[derive(Debug, Default)]
pub(crate) struct Buffer(Vec<f64>);

impl<'a> Blocks<'a> {
    /// The rows of `x` (row-major, no value missing), less `centres` and times `inverse`, behind an `intercept`;
    /// both have a number for each column, the intercept's among them.
    pub(crate) fn scaled(
        x: &'a [f64],
        rows: usize,
        intercept: bool,
        centres: &[f64],
        inverse: &[f64],
    ) -> Self {
        let (columns, before) = (centres.len(), usize::from(intercept));
        let panels = columns.div_ceil(LANES);
        let padded = |values: &[f64]| {
            let mut padded = vec![0.0; panels * LANES];
            padded[before..columns].copy_from_slice(&values[before..]);
            padded
        };
        let (centres, inverse) = (padded(centres), padded(inverse));
        let scaled = Scaled { x, before, centres, inverse };
        Self { rows, columns, panels, source: Source::Scaled(scaled) }
    }

    /// `write(row, out)` fills the zeroed columns of one row.
    pub(crate) fn build(
        rows: usize,
        columns: usize,
        threads: &Threads,
        write: impl Fn(usize, &mut [f64]) + Send + Sync,
    ) -> Self {
        let panels = columns.div_ceil(LANES);
        let size = panels * PANEL;
        let mut data = vec![0.0; rows.div_ceil(ROWS) * size];
        threads.each_piece(&mut data, size.max(1), |number, block| {
            let first = number * ROWS;
            let mut values = vec![0.0; panels * LANES];
            for at in 0..ROWS.min(rows - first) {
                values.fill(0.0);
                write(first + at, &mut values[..columns]);
                for (panel, lanes) in block.chunks_exact_mut(PANEL).zip(values.chunks_exact(LANES)) {
                    panel[at * LANES..][..LANES].copy_from_slice(lanes);
                }
            }
        });
        Self { rows, columns, panels, source: Source::Stored(data) }
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// Columns with those that fill up the last panel.
    pub(crate) fn padded(&self) -> usize {
        self.panels * LANES
    }

    pub(crate) fn count(&self) -> usize {
        self.rows.div_ceil(ROWS)
    }

    /// The rows as they came, unless blocks of them are stored.
    pub(super) fn source(&self) -> Option<&Scaled<'_>> {
        match &self.source {
            Source::Stored(_) => None,
            Source::Scaled(scaled) => Some(scaled),
        }
    }

    /// Panels of [`ROWS`] rows; what is not stored is built in `buffer`.
    pub(crate) fn block<'b>(&'b self, number: usize, buffer: &'b mut Buffer) -> &'b [f64] {
        let size = self.panels * PANEL;
        match &self.source {
            Source::Stored(data) => &data[number * size..][..size],
            Source::Scaled(scaled) => {
                let first = number * ROWS;
                let rows = ROWS.min(self.rows - first);
                let features = self.columns - scaled.before;
                // The first block fills the buffer with zeros; those of padding stay.
                buffer.0.resize(size, 0.0);
                if rows < ROWS {
                    buffer.0.fill(0.0);
                }
                let x = &scaled.x[first * features..][..rows * features];
                scale(x, self.columns, scaled.before, &scaled.centres, &scaled.inverse, &mut buffer.0);
                &buffer.0
            }
        }
    }
}

/// Generates the build of a kernel for wider vectors and the choice between the two.
macro_rules! dispatched {
    ($(#[$doc:meta])* $name:ident, $wide:ident, $any:ident, ($($arg:ident: $type:ty),*)) => {
        $(#[$doc])*
        pub(crate) fn $name($($arg: $type),*) {
            #[cfg(target_arch = "x86_64")]
            if std::arch::is_x86_feature_detected!("avx2") {
                // SAFETY: the processor has AVX2.
                return unsafe { $wide($($arg),*) };
            }
            $any($($arg),*);
        }

        /// The same arithmetic, compiled for wider vectors: no operation is fused or reordered.
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2")]
        fn $wide($($arg: $type),*) {
            $any($($arg),*);
        }
    };
}

pub(super) use dispatched;

dispatched!(
    /// `out[row] += Σ x[row, column] · beta[column]`; `beta` has a number for each padded column.
    scores, scores_avx2, scores_any, (block: &[f64], beta: &[f64], out: &mut [f64; ROWS])
);
dispatched!(
    /// `out[column] += Σ x[row, column] · slopes[row]`.
    gradient, gradient_avx2, gradient_any, (block: &[f64], slopes: &[f64; ROWS], out: &mut [f64])
);
dispatched!(
    /// `out[i, j] += Σ x[row, i] · h[row] · x[row, j]` where the panel of `j` is not before that of `i`; `out`
    /// is padded columns squared.
    gram, gram_avx2, gram_any, (block: &[f64], h: &[f64; ROWS], out: &mut [f64])
);

dispatched!(
    /// Writes rows of `x` as panels; `centres` and `inverse` have a number for each padded column.
    scale, scale_avx2, scale_any,
    (x: &[f64], columns: usize, before: usize, centres: &[f64], inverse: &[f64], out: &mut [f64])
);

#[inline(always)]
fn scale_any(x: &[f64], columns: usize, before: usize, centres: &[f64], inverse: &[f64], out: &mut [f64]) {
    let (centres, inverse) = (centres.as_chunks::<LANES>().0, inverse.as_chunks::<LANES>().0);
    for (at, row) in x.chunks_exact((columns - before).max(1)).enumerate() {
        for (number, panel) in out.as_chunks_mut::<PANEL>().0.iter_mut().enumerate() {
            let (centre, inverse) = (&centres[number], &inverse[number]);
            let lanes = &mut panel.as_chunks_mut::<LANES>().0[at];
            let first = number * LANES;
            match first.checked_sub(before).and_then(|from| row.get(from..from + LANES)) {
                Some(values) => {
                    for lane in 0..LANES {
                        lanes[lane] = (values[lane] - centre[lane]) * inverse[lane];
                    }
                }
                None => {
                    let skipped = before.saturating_sub(first);
                    lanes[..skipped].fill(1.0);
                    let values = &row[(first + skipped - before).min(row.len())..];
                    for ((lane, value), (centre, inverse)) in lanes[skipped..]
                        .iter_mut()
                        .zip(values)
                        .zip(centre[skipped..].iter().zip(&inverse[skipped..]))
                    {
                        *lane = (value - centre) * inverse;
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn scores_any(block: &[f64], beta: &[f64], out: &mut [f64; ROWS]) {
    let mut sums = [[0.0; LANES]; ROWS];
    for (panel, beta) in block.as_chunks::<PANEL>().0.iter().zip(beta.as_chunks::<LANES>().0) {
        for (sum, x) in sums.iter_mut().zip(panel.as_chunks::<LANES>().0) {
            for lane in 0..LANES {
                sum[lane] += x[lane] * beta[lane];
            }
        }
    }
    for (out, s) in out.iter_mut().zip(&sums) {
        *out += ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7]));
    }
}

#[inline(always)]
fn gradient_any(block: &[f64], slopes: &[f64; ROWS], out: &mut [f64]) {
    for (panel, out) in block.as_chunks::<PANEL>().0.iter().zip(out.as_chunks_mut::<LANES>().0) {
        // Even and odd rows apart: two chains of additions instead of one.
        let mut sums = [[0.0; LANES]; 2];
        for (x, slope) in panel.as_chunks::<{ 2 * LANES }>().0.iter().zip(slopes.as_chunks::<2>().0) {
            for lane in 0..LANES {
                sums[0][lane] += x[lane] * slope[0];
                sums[1][lane] += x[LANES + lane] * slope[1];
            }
        }
        for lane in 0..LANES {
            out[lane] += sums[0][lane] + sums[1][lane];
        }
    }
}

#[inline(always)]
fn gram_any(block: &[f64], h: &[f64; ROWS], out: &mut [f64]) {
    let panels = block.as_chunks::<PANEL>().0;
    let stride = panels.len() * LANES;
    let mut scaled = [0.0; PANEL];
    for (i, left) in panels.iter().enumerate() {
        let rows = scaled.as_chunks_mut::<LANES>().0.iter_mut().zip(left.as_chunks::<LANES>().0);
        for ((scaled, x), h) in rows.zip(h) {
            for lane in 0..LANES {
                scaled[lane] = x[lane] * h;
            }
        }
        for (j, right) in panels.iter().enumerate().skip(i) {
            let upper = tile::<0>(&scaled, right);
            let lower = tile::<TILE>(&scaled, right);
            for (row, sums) in upper.iter().chain(&lower).enumerate() {
                let out = &mut out[(i * LANES + row) * stride + j * LANES..][..LANES];
                for lane in 0..LANES {
                    out[lane] += sums[lane];
                }
            }
        }
    }
}

/// Four columns of one panel, from `AT` on, against the eight of another: the sums stay in registers.
#[inline(always)]
fn tile<const AT: usize>(left: &[f64; PANEL], right: &[f64; PANEL]) -> [[f64; LANES]; TILE] {
    let mut sums = [[0.0; LANES]; TILE];
    for (a, b) in left.as_chunks::<LANES>().0.iter().zip(right.as_chunks::<LANES>().0) {
        for row in 0..TILE {
            for lane in 0..LANES {
                sums[row][lane] += a[AT + row] * b[lane];
            }
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use tenure_core::seed::unit;

    fn blocks(rows: usize, columns: usize) -> Blocks<'static> {
        Blocks::build(rows, columns, &Threads::One, |row, out| {
            for (column, out) in out.iter_mut().enumerate() {
                *out = value(row, column);
            }
        })
    }

    fn value(row: usize, column: usize) -> f64 {
        unit(column as u64, row as u64) - 0.4
    }

    #[test]
    fn kernels_agree_with_plain_sums() {
        for (rows, columns) in [(1, 1), (127, 9), (300, 21), (128, 8)] {
            let x = blocks(rows, columns);
            let width = x.padded();
            let beta: Vec<f64> = (0..width).map(|c| 0.1 * c as f64 - 0.3).collect();
            let (mut g, mut h) = (vec![0.0; width], vec![0.0; width * width]);
            for number in 0..x.count() {
                let mut eta = [0.5; ROWS];
                scores(x.block(number, &mut Buffer::default()), &beta, &mut eta);
                let mut weights = [0.0; ROWS];
                for at in 0..ROWS.min(rows - number * ROWS) {
                    let row = number * ROWS + at;
                    let plain: f64 = (0..columns).map(|c| value(row, c) * beta[c]).sum();
                    assert!((eta[at] - 0.5 - plain).abs() < 1e-12);
                    weights[at] = 1.0 + row as f64 / 100.0;
                }
                gradient(x.block(number, &mut Buffer::default()), &weights, &mut g);
                gram(x.block(number, &mut Buffer::default()), &weights, &mut h);
            }
            let weight = |row: usize| 1.0 + row as f64 / 100.0;
            for i in 0..columns {
                let plain: f64 = (0..rows).map(|r| value(r, i) * weight(r)).sum();
                assert!((g[i] - plain).abs() < 1e-10);
                for j in i..columns {
                    let plain: f64 = (0..rows).map(|r| value(r, i) * weight(r) * value(r, j)).sum();
                    assert!((h[i * width + j] - plain).abs() < 1e-10, "{i} {j}");
                }
            }
        }
    }

    #[test]
    fn blocks_scaled_on_the_way_are_those_stored() {
        for (rows, features, intercept) in [(1, 1, false), (130, 7, true), (300, 8, true), (256, 21, false)] {
            let before = usize::from(intercept);
            let x: Vec<f64> = (0..rows * features).map(|at| value(at / features, at % features)).collect();
            let centres: Vec<f64> = (0..features + before).map(|c| 0.1 * c as f64).collect();
            let inverse: Vec<f64> = (0..features + before).map(|c| 1.0 + c as f64).collect();
            let stored = Blocks::build(rows, features + before, &Threads::One, |row, out| {
                out[..before].fill(1.0);
                for c in before..out.len() {
                    out[c] = (value(row, c - before) - centres[c]) * inverse[c];
                }
            });
            let scaled = Blocks::scaled(&x, rows, intercept, &centres, &inverse);
            let (mut buffer, mut none) = (Buffer::default(), Buffer::default());
            for number in 0..stored.count() {
                let block = scaled.block(number, &mut buffer);
                assert_eq!(block, stored.block(number, &mut none), "{rows} × {features}");
                let mut plain = vec![0.0; block.len()];
                let x = &x[number * ROWS * features..rows.min((number + 1) * ROWS) * features];
                let Source::Scaled(known) = &scaled.source else { unreachable!() };
                scale_any(x, features + before, before, &known.centres, &known.inverse, &mut plain);
                assert_eq!(block, plain);
            }
        }
    }

    #[test]
    fn wide_and_portable_kernels_give_the_same_bits() {
        let x = blocks(ROWS, 30);
        let width = x.padded();
        let beta: Vec<f64> = (0..width).map(|c| unit(7, c as u64)).collect();
        let h: [f64; ROWS] = std::array::from_fn(|r| unit(8, r as u64));
        let (mut eta, mut plain_eta) = ([0.1; ROWS], [0.1; ROWS]);
        scores(x.block(0, &mut Buffer::default()), &beta, &mut eta);
        scores_any(x.block(0, &mut Buffer::default()), &beta, &mut plain_eta);
        assert_eq!(eta.map(f64::to_bits), plain_eta.map(f64::to_bits));
        let (mut g, mut plain_g) = (vec![0.0; width], vec![0.0; width]);
        gradient(x.block(0, &mut Buffer::default()), &h, &mut g);
        gradient_any(x.block(0, &mut Buffer::default()), &h, &mut plain_g);
        assert_eq!(g, plain_g);
        let (mut q, mut plain_q) = (vec![0.0; width * width], vec![0.0; width * width]);
        gram(x.block(0, &mut Buffer::default()), &h, &mut q);
        gram_any(x.block(0, &mut Buffer::default()), &h, &mut plain_q);
        assert_eq!(q, plain_q);
    }
}
