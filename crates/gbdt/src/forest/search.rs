//! The best division of one node's rows by one feature.

use tenure_core::seed::{mix, unit};

use super::Criterion;
use super::stats::{Item, Sum, add, add_item, minus, score};
use crate::binning::BinnedFeature;
use crate::train::{BinSet, Cut};

/// Nodes with more rows look at every bin; smaller ones at those that have rows.
const NARROW: usize = 512;

/// What a split must fulfil.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub criterion: Criterion,
    /// Least weight of a child.
    pub min_rows: f64,
    pub extra: bool,
}

/// A node before a feature.
#[derive(Clone, Copy)]
pub(super) struct View<'a, const N: usize> {
    pub feature: &'a BinnedFeature,
    /// Mean value of each known bin, ascending; for numeric features of extremely randomised trees.
    pub values: &'a [f64],
    /// The bin of each row.
    pub bins: &'a [u8],
    pub items: &'a [Item],
    pub total: Sum<N>,
    /// For what is drawn for this feature in this node.
    pub seed: u64,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    /// Sum of the children's scores.
    pub score: f64,
    pub cut: Cut,
    /// Whether the left child is not lighter than the right one.
    pub larger_left: bool,
}

/// What a search says of a feature.
pub(super) enum Found {
    /// All rows of the node are in one bin.
    Constant,
    /// The best division that is allowed, if any.
    Best(Option<Candidate>),
}

/// Sums of each bin, all zero between searches.
pub(super) struct Search<const N: usize> {
    sums: Box<[Sum<N>; 256]>,
    /// Bins that have rows, ascending.
    present: Vec<u8>,
    order: Vec<(f64, u8)>,
}

impl<const N: usize> Search<N> {
    pub(super) fn new() -> Self {
        // Made on the heap: for many classes it is larger than a stack should hold.
        let sums = vec![[0.0; N]; 256].into_boxed_slice().try_into();
        let sums = sums.unwrap_or_else(|_| Box::new([[0.0; N]; 256]));
        Self { sums, present: Vec::with_capacity(256), order: Vec::new() }
    }

    pub(super) fn find(&mut self, view: &View<'_, N>, rules: &Rules) -> Found {
        if rules.extra && !view.feature.is_categorical() {
            return random_cut(view, rules);
        }
        self.fill(view.bins, view.items);
        let found = if self.present.len() < 2 {
            Found::Constant
        } else {
            let mut best = Best { rules, total: &view.total, found: None };
            match (view.feature.is_categorical(), rules.extra) {
                (false, _) => self.thresholds(view, &mut best),
                (true, false) => self.categories(view, &mut best),
                (true, true) => self.random_categories(view, &mut best),
            }
            Found::Best(best.found)
        };
        for &bin in &self.present {
            self.sums[usize::from(bin)] = [0.0; N];
        }
        found
    }

    /// Sums up the rows of each bin, and lists the bins that have some.
    fn fill(&mut self, bins: &[u8], items: &[Item]) {
        self.present.clear();
        if bins.len() > NARROW {
            for (&bin, &item) in bins.iter().zip(items) {
                add_item(&mut self.sums[usize::from(bin)], item);
            }
            // Every row of a tree has a weight above 0.
            self.present.extend((0..=255).filter(|&bin: &u8| self.sums[usize::from(bin)][0] > 0.0));
            return;
        }
        let mut seen: BinSet = [0; 4];
        for (&bin, &item) in bins.iter().zip(items) {
            add_item(&mut self.sums[usize::from(bin)], item);
            insert(&mut seen, bin);
        }
        for (word, mut rest) in seen.into_iter().enumerate() {
            while rest != 0 {
                self.present.push((word * 64) as u8 + rest.trailing_zeros() as u8);
                rest &= rest - 1;
            }
        }
    }

    /// Every cut between known values, with the missing ones on either side, and known values against missing ones.
    fn thresholds(&self, view: &View<'_, N>, best: &mut Best<'_, N>) {
        let known_bins = view.feature.known;
        let (known, missing) = match self.present.split_last() {
            Some((&last, rest)) if usize::from(last) == known_bins => {
                (rest, Some(&self.sums[usize::from(last)]))
            }
            _ => (self.present.as_slice(), None),
        };
        let mut left = [0.0; N];
        for (&bin, &next) in known.iter().zip(&known[1..]) {
            add(&mut left, &self.sums[usize::from(bin)]);
            let bin = bin + (next - bin - 1) / 2;
            match missing {
                None => best.offer(&left, || Cut::Threshold { bin, missing_left: None }),
                Some(missing) => best.offer_missing(&left, missing, bin),
            }
        }
        if let (Some(missing), false) = (missing, known.is_empty()) {
            let bin = (known_bins - 1) as u8;
            let cut = || Cut::Threshold { bin, missing_left: Some(false) };
            best.offer(&minus(&view.total, missing), cut);
        }
    }

    /// Categories in the order of their mean label, or of their place on the first principal component of the
    /// class shares, cut in two.
    fn categories(&mut self, view: &View<'_, N>, best: &mut Best<'_, N>) {
        let direction = if N > 2 { self.principal(&view.total) } else { [1.0; N] };
        self.order.clear();
        for &bin in &self.present {
            let sum = &self.sums[usize::from(bin)];
            let along: f64 = sum[1..].iter().zip(&direction[1..]).map(|(s, d)| s * d).sum();
            self.order.push((along / sum[0], bin));
        }
        self.order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut seen: BinSet = [0; 4];
        self.present.iter().for_each(|&bin| insert(&mut seen, bin));
        let (mut set, mut left): (BinSet, _) = ([0; 4], [0.0; N]);
        for &(_, bin) in &self.order[..self.order.len() - 1] {
            insert(&mut set, bin);
            add(&mut left, &self.sums[usize::from(bin)]);
            best.offer(&left, || Cut::Categories { left: set, seen });
        }
    }

    /// The direction in which the class shares of the categories differ most: power iteration from the category
    /// that weighs most in it.
    fn principal(&self, total: &Sum<N>) -> Sum<N> {
        let mean: Sum<N> = std::array::from_fn(|k| total[k] / total[0]);
        let away = |bin: u8| -> (f64, Sum<N>) {
            let sum = &self.sums[usize::from(bin)];
            // The weight's own place is 0: 1 − 1.
            (sum[0], std::array::from_fn(|k| sum[k] / sum[0] - mean[k]))
        };
        let size = |v: &Sum<N>| v.iter().map(|x| x * x).sum::<f64>();
        let starts = self.present.iter().map(|&bin| away(bin));
        let start = starts.fold((0.0, [0.0; N]), |best, (weight, away)| {
            let size = weight * size(&away);
            if size > best.0 { (size, away) } else { best }
        });
        let mut direction = start.1;
        for _ in 0..PRINCIPAL_STEPS {
            let mut next = [0.0; N];
            for &bin in &self.present {
                let (weight, away) = away(bin);
                let along: f64 = away.iter().zip(&direction).map(|(a, d)| a * d).sum();
                next.iter_mut().zip(&away).for_each(|(n, a)| *n += weight * along * a);
            }
            let length = size(&next).sqrt();
            if !(length > 0.0 && length.is_finite()) {
                break;
            }
            direction = next.map(|x| x / length);
        }
        direction
    }

    /// Each category on the left by chance, at least one on either side.
    fn random_categories(&self, view: &View<'_, N>, best: &mut Best<'_, N>) {
        let (mut seen, mut set): (BinSet, BinSet) = ([0; 4], [0; 4]);
        self.present.iter().for_each(|&bin| insert(&mut seen, bin));
        for (word, (set, seen)) in set.iter_mut().zip(seen).enumerate() {
            *set = seen & mix(view.seed, word as u64);
        }
        if set == [0; 4] || set == seen {
            let pick = (unit(view.seed, 4) * self.present.len() as f64) as usize;
            let bin = usize::from(self.present[pick.min(self.present.len() - 1)]);
            set[bin / 64] ^= 1 << (bin % 64);
        }
        let mut left = [0.0; N];
        for &bin in self.present.iter().filter(|&&bin| contains(&set, bin)) {
            add(&mut left, &self.sums[usize::from(bin)]);
        }
        best.offer(&left, || Cut::Categories { left: set, seen });
    }
}

/// Steps of the power iteration: enough for an order.
const PRINCIPAL_STEPS: usize = 8;

/// One cut, drawn evenly between the least and the greatest known value; missing values where they gain most.
fn random_cut<const N: usize>(view: &View<'_, N>, rules: &Rules) -> Found {
    let known = view.feature.known;
    // A loop for each, which becomes vector instructions. Missing is the greatest bin.
    let least = view.bins.iter().fold(u8::MAX, |least, &bin| least.min(bin));
    let last = view.bins.iter().fold(0, |last, &bin| last.max(bin));
    if least == last {
        return Found::Constant;
    }
    let with_missing = usize::from(last) == known;
    let greatest = if with_missing {
        let known_bin = |bin: u8| if bin == last { 0 } else { bin };
        view.bins.iter().fold(0, |greatest, &bin| greatest.max(known_bin(bin)))
    } else {
        last
    };
    let mut best = Best { rules, total: &view.total, found: None };
    let cut = if least == greatest {
        // One known value, and missing ones.
        (known - 1) as u8
    } else {
        let (low, high) = (view.values[usize::from(least)], view.values[usize::from(greatest)]);
        let drawn = low + (high - low) * unit(view.seed, 0);
        let below = view.values.partition_point(|&value| value <= drawn).saturating_sub(1);
        below.clamp(usize::from(least), usize::from(greatest) - 1) as u8
    };
    let left = sum_where(view, |bin| bin <= cut);
    if !with_missing {
        best.offer(&left, || Cut::Threshold { bin: cut, missing_left: None });
    } else if least == greatest {
        best.offer(&left, || Cut::Threshold { bin: cut, missing_left: Some(false) });
    } else {
        best.offer_missing(&left, &sum_where(view, |bin| bin == last), cut);
    }
    Found::Best(best.found)
}

/// The sum of the rows whose bin is chosen. About half are, by chance: a branch would be guessed wrong as often.
#[inline(always)]
fn sum_where<const N: usize>(view: &View<'_, N>, chosen: impl Fn(u8) -> bool) -> Sum<N> {
    if N > 2 {
        let mut sums = [[0.0; N]; 2];
        for (&bin, &item) in view.bins.iter().zip(view.items) {
            add_item(&mut sums[usize::from(chosen(bin))], item);
        }
        return sums[1];
    }
    // Four sums side by side hide the latency of an addition.
    let mut lanes = [[0.0; N]; 4];
    let mut add = |lane: usize, bin: u8, item: Item| {
        let weight = if chosen(bin) { item.weight } else { 0.0 };
        add_item(&mut lanes[lane], Item { weight, ..item });
    };
    let (bins, rest_of_bins) = view.bins.as_chunks::<4>();
    let (items, rest_of_items) = view.items.as_chunks::<4>();
    for (bins, items) in bins.iter().zip(items) {
        (0..4).for_each(|lane| add(lane, bins[lane], items[lane]));
    }
    rest_of_bins.iter().zip(rest_of_items).for_each(|(&bin, &item)| add(0, bin, item));
    std::array::from_fn(|k| lanes.iter().map(|lane| lane[k]).sum())
}

/// The best division so far.
struct Best<'a, const N: usize> {
    rules: &'a Rules,
    total: &'a Sum<N>,
    found: Option<Candidate>,
}

impl<const N: usize> Best<'_, N> {
    #[inline(always)]
    fn offer(&mut self, left: &Sum<N>, cut: impl FnOnce() -> Cut) {
        let right = minus(self.total, left);
        if left[0] >= self.rules.min_rows && right[0] >= self.rules.min_rows {
            let score = score(self.rules.criterion, left) + score(self.rules.criterion, &right);
            if self.found.is_none_or(|best| score > best.score) {
                self.found = Some(Candidate { score, cut: cut(), larger_left: left[0] >= right[0] });
            }
        }
    }

    fn offer_missing(&mut self, left: &Sum<N>, missing: &Sum<N>, bin: u8) {
        self.offer(left, || Cut::Threshold { bin, missing_left: Some(false) });
        let mut with = *left;
        add(&mut with, missing);
        self.offer(&with, || Cut::Threshold { bin, missing_left: Some(true) });
    }
}

#[inline(always)]
fn insert(set: &mut BinSet, bin: u8) {
    set[usize::from(bin / 64)] |= 1 << (bin % 64);
}

#[inline(always)]
pub(super) fn contains(set: &BinSet, bin: u8) -> bool {
    set[usize::from(bin / 64)] >> (bin % 64) & 1 == 1
}

/// The bins that a cut sends left, those without rows in the node included.
pub(super) fn goes_left(candidate: &Candidate, feature: &BinnedFeature) -> BinSet {
    match candidate.cut {
        Cut::Threshold { bin, missing_left } => {
            let mut set = std::array::from_fn(|word| match usize::from(bin) + 1 {
                end if end >= word * 64 + 64 => u64::MAX,
                end if end > word * 64 => (1 << (end - word * 64)) - 1,
                _ => 0,
            });
            let missing = feature.known as u8;
            if feature.missing && missing_left.unwrap_or(candidate.larger_left) {
                insert(&mut set, missing);
            }
            set
        }
        Cut::Categories { left, seen } if candidate.larger_left => {
            std::array::from_fn(|word| left[word] | !seen[word])
        }
        Cut::Categories { left, .. } => left,
    }
}
