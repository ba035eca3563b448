//! One tree, compiled for explanation, and the two passes over it.

use super::paths::{Edge, Paths};
use super::points::{LANES, Lanes, Points, Vector};
use crate::predict::Test;

/// An inner node, other than a twig; a cache line holds two.
#[derive(Debug, Clone, Copy)]
struct Fork {
    /// Shares of the children in the node's cover.
    shares: [f64; 2],
    column: u32,
    /// Where it is, and its left child.
    at: u32,
    left: u32,
    feature: Feature,
    code: i8,
}

/// A feature, and whether an edge above tests it too: then the next of [`Shape::priors`] is that edge.
#[derive(Debug, Clone, Copy)]
struct Feature(u32);

impl Feature {
    const AGAIN: u32 = 1 << 31;

    #[inline(always)]
    fn number(self) -> u32 {
        self.0 & !Self::AGAIN
    }

    #[inline(always)]
    fn again(self) -> bool {
        self.0 & Self::AGAIN != 0
    }
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
    /// For each fork that tests a feature again, in order.
    priors: Vec<Edge>,
    /// Which of the rules is exact for it.
    pub rule: usize,
    /// One more than the last place.
    places: usize,
    /// One more than the last column.
    columns: usize,
}

/// Buffers that a thread keeps between rows; each by place in the tree at hand.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// The product of the factors of the edges above.
    above: Vec<Lanes>,
    /// The sum over the leaves below, each times the factors of the edges in between.
    below: Vec<Lanes>,
}

/// How the edges under a split stand to the edge above that tests the same feature: b and c of the module's
/// documentation.
#[derive(Clone, Copy)]
struct Stand<V> {
    b: V,
    c: V,
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
            places: 2 * paths.splits.len() + 2,
            columns: paths.splits.iter().map(|split| split.test.column as usize + 1).max().unwrap_or(0),
        };
        let (mut forks, mut twigs) = (Vec::new(), Vec::new());
        let mut on_twig = vec![false; shape.places];
        for (number, split) in paths.splits.iter().enumerate() {
            let prior = paths.prior(number);
            let (at, left, feature, shares) = (split.at, split.left, split.feature, split.shares);
            if let (Some([l, r]), None) = (split.twig, &prior) {
                let gained = [shares[1] * (l - r), shares[0] * (r - l)];
                shape.twigs.push(Twig { near: [l, r], gained, test: split.test, at, feature });
                on_twig[left as usize] = true;
                on_twig[left as usize + 1] = true;
                twigs.push(number);
            } else {
                let feature = Feature(if prior.is_some() { feature | Feature::AGAIN } else { feature });
                let Test { column, code } = split.test;
                shape.forks.push(Fork { shares, column, at, left, feature, code });
                shape.priors.extend(prior);
                forks.push(number);
            }
        }
        let leaves = paths.leaves.iter().filter(|leaf| !on_twig[leaf.0 as usize]);
        shape.ends = leaves.map(|&(at, value, _)| End { value, at }).collect();
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
        // What the unchecked places below stay within: `compile` saw every place and column.
        let (above, below) = (&mut places.above[..self.places], &mut places.below[..self.places]);
        let codes = &codes[..codes.len().max(self.columns)];
        // SAFETY: a fork's, twig's and end's places are below `self.places`, its columns below `self.columns`.
        unsafe {
            self.descend::<V>(points, codes, above);
            self.ascend::<V>(points, codes, above, below, &mut add);
        }
    }

    /// # Safety
    /// `above` has all places, `codes` all columns.
    #[inline(always)]
    unsafe fn descend<V: Vector>(&self, points: &Points, codes: &[i8], above: &mut [Lanes]) {
        let s = V::load(&points.s);
        let mut priors = self.priors.iter();
        above[1] = points.weight;
        for fork in &self.forks {
            let mut b = s;
            if fork.feature.again()
                && let Some(prior) = priors.next()
            {
                b = Stand::<V>::new(points, prior, codes).b;
            }
            // SAFETY: the caller's promise.
            unsafe {
                let right = fork.goes_right(codes);
                let near = fork.left | right;
                let product = V::load(of(above, fork.at));
                let beside = product * (b * V::splat(fork.far_share(right)));
                (product - beside).store(of_mut(above, near));
                beside.store(of_mut(above, near ^ 1));
            }
        }
    }

    /// # Safety
    /// `above` and `below` have all places, `codes` all columns.
    #[inline(always)]
    unsafe fn ascend<V: Vector>(
        &self,
        points: &Points,
        codes: &[i8],
        above: &[Lanes],
        below: &mut [Lanes],
        add: &mut impl FnMut(usize, u32, V),
    ) {
        let s = V::load(&points.s);
        let mut priors = self.priors.iter();
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
        for (number, fork) in self.forks.iter().enumerate().rev() {
            let stand = if fork.feature.again()
                && let Some(prior) = priors.next_back()
            {
                Some(Stand::<V>::new(points, prior, codes))
            } else {
                None
            };
            // SAFETY: the caller's promise.
            unsafe {
                let right = fork.goes_right(codes);
                let near = fork.left | right;
                let (near, far) = (V::load(of(below, near)), V::load(of(below, near ^ 1)));
                let gained = (near - far) * V::splat(fork.far_share(right));
                let contribution = V::load(of(above, fork.at)) * gained;
                let (b, contribution) = match stand {
                    None => (s, contribution),
                    Some(stand) => (stand.b, contribution * stand.c),
                };
                (near - b * gained).store(of_mut(below, fork.at));
                add(number, fork.feature.number(), contribution);
            }
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
        u32::from(unsafe { *of(codes, self.column) } > self.code)
    }

    #[inline(always)]
    fn far_share(&self, right: u32) -> f64 {
        self.shares[usize::from(right == 0)]
    }
}

impl<V: Vector> Stand<V> {
    #[inline(always)]
    fn new(points: &Points, prior: &Edge, codes: &[i8]) -> Self {
        let (t, s, one) = (V::load(&points.t), V::load(&points.s), V::splat(1.0));
        if !prior.followed(codes) {
            return Self { b: one, c: V::splat(0.0) };
        }
        let z = V::splat(prior.z);
        let sz = s * z;
        let inverse = (t + sz).recip();
        Self { b: sz * inverse, c: inverse * inverse * z }
    }
}
