//! One tree, compiled for explanation, and the two passes over it.

use super::paths::{Edge, Paths};
use super::points::{LANES, Lanes, Points, Vector};
use crate::predict::Test;

/// An inner node, other than a twig. The children of fork `i` are at the places `2 i + 2` and `2 i + 3`.
#[derive(Debug, Clone, Copy)]
struct Fork {
    /// Shares of the children in the node's cover.
    shares: [f64; 2],
    /// The test's column in the upper 24 bits, its code in the lower 8.
    test: u32,
    at: u32,
    feature: u32,
    /// 0, or one more than the number of the edge above that tests the same feature.
    stand: u32,
}

/// An inner node whose children are leaves, where no edge above tests the same feature.
#[derive(Debug, Clone, Copy)]
struct Twig {
    /// By the row's side: that leaf's value, and the other leaf's share of how much it is greater.
    near: [f64; 2],
    gained: [f64; 2],
    test: Test,
    at: u32,
    feature: u32,
}

/// A leaf that is not on a twig: its place and value.
#[derive(Debug, Clone, Copy)]
struct End {
    value: f64,
    at: u32,
}

#[derive(Debug, Clone)]
pub(super) struct Shape {
    /// Breadth first.
    forks: Vec<Fork>,
    twigs: Vec<Twig>,
    ends: Vec<End>,
    /// For each fork that tests a feature again, the edge above.
    priors: Vec<Prior>,
    /// Which way tests go along those edges.
    follows: Vec<(Test, bool)>,
    /// Which of the rules is exact for it.
    pub rule: usize,
    /// One more than the last place.
    places: usize,
    /// One more than the last column.
    columns: usize,
}

/// An edge above a fork that tests the same feature: its z, and where its tests end among all.
#[derive(Debug, Clone, Copy)]
struct Prior {
    z: f64,
    follows: usize,
}

/// Buffers that a thread keeps between rows; by place in the tree at hand, but for `stands`.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// The product of the factors of the edges above.
    above: Vec<Lanes>,
    /// The sum over the leaves below, each times the factors of the edges in between.
    below: Vec<Lanes>,
    /// How forks stand to the edge above that tests the same feature: b and c of the module's documentation. The
    /// first is for forks without such an edge, s and 1.
    stands: Vec<[Lanes; 2]>,
}

/// Element `at`, which exists.
///
/// # Safety
/// `at < values.len()`.
#[inline(always)]
unsafe fn of<T>(values: &[T], at: u32) -> &T {
    debug_assert!((at as usize) < values.len());
    // SAFETY: the caller's promise.
    unsafe { values.get_unchecked(at as usize) }
}

/// As [`of`].
///
/// # Safety
/// `at < values.len()`.
#[inline(always)]
unsafe fn of_mut<T>(values: &mut [T], at: u32) -> &mut T {
    debug_assert!((at as usize) < values.len());
    // SAFETY: the caller's promise.
    unsafe { values.get_unchecked_mut(at as usize) }
}

impl Shape {
    /// Orders the splits of a tree: forks, then twigs; returns their numbers among the paths' splits in that
    /// order.
    pub(super) fn compile(paths: &Paths) -> (Self, Vec<usize>) {
        let mut shape = Self {
            forks: Vec::new(),
            twigs: Vec::new(),
            ends: Vec::new(),
            priors: Vec::new(),
            // n distinct features: degree n - 1, exact with n / 2 points, rounded up to whole groups.
            rule: paths.features.div_ceil(2).div_ceil(LANES).max(1) - 1,
            follows: Vec::new(),
            places: 0,
            columns: paths.splits.iter().map(|split| split.test.column as usize + 1).max().unwrap_or(0),
        };
        let (mut forks, mut twigs) = (Vec::new(), Vec::new());
        // By place among the paths: the place here, 0 for the leaves of twigs.
        let mut places = vec![0; 2 * paths.splits.len() + 2];
        places[1] = 1;
        for (number, split) in paths.splits.iter().enumerate() {
            let prior = paths.prior(number);
            let (at, feature, shares) = (places[split.at as usize], split.feature, split.shares);
            if let (Some([l, r]), None) = (split.twig, &prior) {
                let gained = [shares[1] * (l - r), shares[0] * (r - l)];
                shape.twigs.push(Twig { near: [l, r], gained, test: split.test, at, feature });
                twigs.push(number);
                continue;
            }
            let stand = match prior {
                None => 0,
                Some(Edge { z, follows }) => {
                    shape.follows.extend(follows);
                    shape.priors.push(Prior { z, follows: shape.follows.len() });
                    shape.priors.len() as u32
                }
            };
            let left = 2 * shape.forks.len() as u32 + 2;
            places[split.left as usize] = left;
            places[split.left as usize + 1] = left + 1;
            let test = split.test.packed();
            shape.forks.push(Fork { shares, test, at, feature, stand });
            forks.push(number);
        }
        shape.places = 2 * shape.forks.len() + 2;
        let leaves = paths.leaves.iter().map(|&(at, value, _)| End { value, at: places[at as usize] });
        shape.ends = leaves.filter(|end| end.at != 0).collect();
        forks.append(&mut twigs);
        (shape, forks)
    }

    /// Whether there is anything to explain.
    pub(super) fn splits(&self) -> usize {
        self.forks.len() + self.twigs.len()
    }

    /// Both passes at one group of points: hands out each split's number, feature and contribution.
    #[inline(always)]
    pub(super) fn pass<V: Vector>(
        &self,
        points: &Points,
        codes: &[i8],
        places: &mut Places,
        mut add: impl FnMut(usize, u32, V),
    ) {
        if places.above.len() < self.places {
            places.above.resize(self.places, Lanes::default());
            places.below.resize(self.places, Lanes::default());
        }
        self.stand::<V>(points, codes, &mut places.stands);
        // What the unchecked places below stay within: `compile` saw every place, column and edge.
        let (above, below) = (&mut places.above[..self.places], &mut places.below[..self.places]);
        let stands = &places.stands[..=self.priors.len()];
        let codes = &codes[..codes.len().max(self.columns)];
        // SAFETY: a fork's, twig's and end's places are below `self.places`, its columns below `self.columns`, and
        // a fork stands to one of the edges.
        unsafe {
            self.descend::<V>(points, codes, stands, above);
            self.ascend::<V>(points, codes, stands, above, below, &mut add);
        }
    }

    /// Finds out how forks stand to the edges above, apart from the passes, which then have no branches.
    #[inline(always)]
    fn stand<V: Vector>(&self, points: &Points, codes: &[i8], stands: &mut Vec<[Lanes; 2]>) {
        if stands.len() <= self.priors.len() {
            stands.resize(self.priors.len() + 1, Default::default());
        }
        let (t, s, one) = (V::load(&points.t), V::load(&points.s), V::splat(1.0));
        let mut put = |at: usize, b: V, c: V| {
            b.store(&mut stands[at][0]);
            c.store(&mut stands[at][1]);
        };
        put(0, s, one);
        let mut start = 0;
        for (at, prior) in self.priors.iter().enumerate() {
            let follows = &self.follows[start..prior.follows];
            start = prior.follows;
            if follows.iter().all(|&(test, right)| test.goes_right(codes) == right) {
                let z = V::splat(prior.z);
                let sz = s * z;
                let inverse = (t + sz).recip();
                put(at + 1, sz * inverse, inverse * inverse * z);
            } else {
                put(at + 1, one, V::splat(0.0));
            }
        }
    }

    /// # Safety
    /// `above` has all places, `codes` all columns, `stands` all edges.
    #[inline(always)]
    unsafe fn descend<V: Vector>(
        &self,
        points: &Points,
        codes: &[i8],
        stands: &[[Lanes; 2]],
        above: &mut [Lanes],
    ) {
        above[1] = points.weight;
        let mut left = 2;
        for fork in &self.forks {
            // SAFETY: the caller's promise.
            unsafe {
                let right = fork.goes_right(codes);
                let b = V::load(&of(stands, fork.stand)[0]);
                let product = V::load(of(above, fork.at));
                let beside = product * (b * V::splat(fork.far_share(right)));
                (product - beside).store(of_mut(above, left | right));
                beside.store(of_mut(above, (left | right) ^ 1));
            }
            left += 2;
        }
    }

    /// # Safety
    /// `above` and `below` have all places, `codes` all columns, `stands` all edges.
    #[inline(always)]
    unsafe fn ascend<V: Vector>(
        &self,
        points: &Points,
        codes: &[i8],
        stands: &[[Lanes; 2]],
        above: &[Lanes],
        below: &mut [Lanes],
        add: &mut impl FnMut(usize, u32, V),
    ) {
        let s = V::load(&points.s);
        // SAFETY: the caller's promise, here and below.
        unsafe {
            for end in &self.ends {
                V::splat(end.value).store(of_mut(below, end.at));
            }
            for (number, twig) in self.twigs.iter().enumerate() {
                let side = usize::from(*of(codes, twig.test.column) > twig.test.code);
                let gained = V::splat(twig.gained[side]);
                (V::splat(twig.near[side]) - s * gained).store(of_mut(below, twig.at));
                add(self.forks.len() + number, twig.feature, V::load(of(above, twig.at)) * gained);
            }
        }
        let mut left = 2 * self.forks.len() as u32;
        for (number, fork) in self.forks.iter().enumerate().rev() {
            // SAFETY: the caller's promise.
            unsafe {
                let near = left | fork.goes_right(codes);
                let (own, other) = (V::load(of(below, near)), V::load(of(below, near ^ 1)));
                let gained = (own - other) * V::splat(fork.far_share(near & 1));
                let [b, c] = of(stands, fork.stand);
                (own - V::load(b) * gained).store(of_mut(below, fork.at));
                add(number, fork.feature, V::load(of(above, fork.at)) * gained * V::load(c));
            }
            left -= 2;
        }
    }
}

impl Fork {
    /// 1 where the row goes right.
    ///
    /// # Safety
    /// `codes` has the column.
    #[inline(always)]
    unsafe fn goes_right(&self, codes: &[i8]) -> u32 {
        // SAFETY: the caller's promise.
        u32::from(unsafe { *of(codes, self.test >> 8) } > self.test as i8)
    }

    #[inline(always)]
    fn far_share(&self, right: u32) -> f64 {
        self.shares[usize::from(right == 0)]
    }
}
