//! What every split promises.

#![allow(clippy::unwrap_used, reason = "a test or measurement may stop at once")]

use std::collections::HashSet;

use proptest::prelude::*;
use tenure_core::{Dataset, Feature, Schema, Target};
use tenure_eval::splits::{
    Split, group_k_fold, hold_out, hold_out_of, k_fold, k_fold_of, stratified_group_k_fold,
    stratified_hold_out, stratified_k_fold, time_series,
};

fn assert_complete(splits: &[Split], rows: usize) {
    let mut tested = vec![0; rows];
    for split in splits {
        let mut side = vec![0; rows];
        split.train.iter().for_each(|&r| side[r] += 1);
        split.test.iter().for_each(|&r| side[r] += 1);
        assert!(side.iter().all(|&n| n == 1), "each row is on one side exactly");
        assert!(split.train.is_sorted() && split.test.is_sorted());
        split.test.iter().for_each(|&r| tested[r] += 1);
    }
    assert!(tested.iter().all(|&n| n == 1), "each row is tested once");
}

fn assert_apart(split: &Split, groups: &[u64]) {
    let train: HashSet<u64> = split.train.iter().map(|&r| groups[r]).collect();
    assert!(split.test.iter().all(|&r| !train.contains(&groups[r])));
}

proptest! {
    #[test]
    fn k_folds_are_disjoint_complete_and_even(rows in 2usize..200, folds in 2usize..10, seed: u64) {
        prop_assume!(folds <= rows);
        let splits = k_fold(rows, folds, seed).unwrap();
        assert_complete(&splits, rows);
        let sizes: Vec<usize> = splits.iter().map(|s| s.test.len()).collect();
        prop_assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1);
        prop_assert_eq!(splits, k_fold(rows, folds, seed).unwrap());
    }

    #[test]
    fn stratified_folds_hold_each_class_evenly(
        labels in prop::collection::vec(0u8..3, 2..200), folds in 2usize..6, seed: u64,
    ) {
        let labels: Vec<f64> = labels.into_iter().map(f64::from).collect();
        let Ok(splits) = stratified_k_fold(&labels, folds, seed) else { return Ok(()) };
        assert_complete(&splits, labels.len());
        for class in [0.0, 1.0, 2.0] {
            let of = |s: &Split| s.test.iter().filter(|&&r| labels[r] == class).count();
            let counts: Vec<usize> = splits.iter().map(of).collect();
            prop_assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1);
        }
    }

    #[test]
    fn groups_stay_on_one_side(
        groups in prop::collection::vec(0u64..40, 2..200), folds in 2usize..6, seed: u64,
    ) {
        let labels: Vec<f64> = (0..groups.len()).map(|r| f64::from(u8::from(r % 3 == 0))).collect();
        let plain = group_k_fold(&groups, folds, seed);
        let stratified = stratified_group_k_fold(&labels, &groups, folds, seed);
        for splits in [plain, stratified].into_iter().flatten() {
            assert_complete(&splits, groups.len());
            splits.iter().for_each(|split| assert_apart(split, &groups));
        }
    }

    #[test]
    fn training_rows_keep_the_gap(
        times in prop::collection::vec(-500i64..500, 2..200), folds in 1usize..6, gap in 0i64..100,
    ) {
        let Ok(splits) = time_series(&times, folds, gap) else { return Ok(()) };
        let mut tested = HashSet::new();
        for split in &splits {
            let start = split.test.iter().map(|&r| times[r]).min().unwrap();
            prop_assert!(split.train.iter().all(|&r| times[r] < start && start - times[r] >= gap));
            let all_before = times.iter().filter(|&&t| t < start && start - t >= gap).count();
            prop_assert_eq!(split.train.len(), all_before);
            prop_assert!(split.test.iter().all(|&r| tested.insert(r)));
        }
        let first = splits[0].test.iter().map(|&r| times[r]).min().unwrap();
        prop_assert_eq!(tested.len(), times.iter().filter(|&&t| t >= first).count());
    }

    #[test]
    fn hold_outs_have_the_size_asked_for(rows in 2usize..300, fraction in 0.01f64..0.99, seed: u64) {
        let split = hold_out(rows, fraction, seed).unwrap();
        prop_assert_eq!(split.train.len() + split.test.len(), rows);
        prop_assert_eq!(split.test.len(), ((rows as f64 * fraction).round() as usize).clamp(1, rows - 1));
    }
}

#[test]
fn group_folds_are_balanced() {
    let groups: Vec<u64> = (0..1000u64).map(|r| (r * r) % 97).collect();
    let sizes: Vec<usize> = group_k_fold(&groups, 5, 1).unwrap().iter().map(|s| s.test.len()).collect();
    // Filling the emptiest fold never opens a difference larger than one group, here of up to 22 rows.
    assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 22, "{sizes:?}");
}

#[test]
fn stratified_group_folds_have_like_rates() {
    // Every fourth customer is a churner in all rows, and these have more rows.
    let groups: Vec<u64> = (0..4000u64).map(|r| r % 400 / if r % 4 == 0 { 2 } else { 1 }).collect();
    let labels: Vec<f64> = groups.iter().map(|g| f64::from(u8::from(g % 4 == 0))).collect();
    let base = labels.iter().sum::<f64>() / labels.len() as f64;
    for split in stratified_group_k_fold(&labels, &groups, 5, 3).unwrap() {
        let rate = split.test.iter().map(|&r| labels[r]).sum::<f64>() / split.test.len() as f64;
        assert!((rate - base).abs() < 0.03, "{rate} against {base}");
    }
}

#[test]
fn stratified_group_folds_hold_every_one_of_several_classes() {
    // Four classes, the rarest one customer in forty; a customer's rows may differ in class.
    let groups: Vec<u64> = (0..2400u64).map(|r| r / 6).collect();
    let class = |r: u64| if (r / 6).is_multiple_of(40) { 3.0 } else { ((r / 6 + r % 6 / 5) % 3) as f64 };
    let labels: Vec<f64> = (0..2400).map(class).collect();
    let of = |rows: &[usize], class: f64| rows.iter().filter(|&&r| labels[r] == class).count() as f64;
    let all: Vec<usize> = (0..labels.len()).collect();
    for split in stratified_group_k_fold(&labels, &groups, 5, 3).unwrap() {
        assert_apart(&split, &groups);
        for class in [0.0, 1.0, 2.0, 3.0] {
            let (share, fair) = (of(&split.test, class), of(&all, class) / 5.0);
            assert!((share - fair).abs() <= 0.1 * fair, "class {class}: {share} rows, {fair} would be even");
        }
    }
}

#[test]
fn seeds_matter() {
    assert_ne!(k_fold(100, 5, 1).unwrap(), k_fold(100, 5, 2).unwrap());
    let labels: Vec<f64> = (0..100).map(|r| f64::from(u8::from(r % 4 == 0))).collect();
    let split = stratified_hold_out(&labels, 0.2, 1).unwrap();
    assert_eq!(split.test.iter().filter(|&&r| labels[r] == 1.0).count(), 5);
    assert_eq!(split.test.len(), 20);
    assert_ne!(split, stratified_hold_out(&labels, 0.2, 2).unwrap());
}

#[test]
fn refusals_say_why() {
    let check = |error: tenure_eval::Error, words: &str| assert_eq!(error.to_string(), words);
    check(k_fold(3, 5, 0).unwrap_err(), "5 folds need at least 5 rows; found 3");
    check(k_fold(3, 1, 0).unwrap_err(), "parameter `folds` is 1; expected at least 2");
    let rare = "class 1 has 1 rows, fewer than the 2 folds; every fold needs one";
    check(stratified_k_fold(&[0.0, 0.0, 1.0], 2, 0).unwrap_err(), rare);
    check(stratified_hold_out(&[0.0, 0.0, 1.0], 0.5, 0).unwrap_err(), rare);
    check(
        stratified_k_fold(&[0.0, f64::NAN], 2, 0).unwrap_err(),
        "the label of row 1 is NaN; expected a finite number",
    );
    check(group_k_fold(&[1, 1, 2], 3, 0).unwrap_err(), "3 folds need at least 3 groups; found 2");
    check(
        stratified_group_k_fold(&[1.0, 1.0, 0.0, 0.0], &[1, 1, 2, 3], 2, 0).unwrap_err(),
        "class 1 has 1 groups, fewer than the 2 folds; every fold needs one",
    );
    check(time_series(&[5, 5, 6], 2, 0).unwrap_err(), "2 folds need at least 3 instants; found 2");
    check(time_series(&[1, 2], 1, -1).unwrap_err(), "parameter `gap_seconds` is -1; expected at least 0");
    let none = time_series(&[1, 2, 3], 2, 2).unwrap_err().to_string();
    assert!(none.contains("fold 0: no row is 2 s before the first test instant 2"), "{none}");
    let fraction = "parameter `test_fraction` is 1; expected between 0 and 1, both excluded";
    check(hold_out(5, 1.0, 0).unwrap_err(), fraction);
}

#[test]
fn instants_at_the_ends_of_time_do_not_wrap() {
    let split = &time_series(&[i64::MIN, i64::MAX], 1, i64::MAX).unwrap()[0];
    assert_eq!((split.train.as_slice(), split.test.as_slice()), (&[0][..], &[1][..]));
}

fn table(labels: Vec<f64>, binary: bool) -> Dataset {
    let schema = Schema::new(vec![Feature::numeric("x", "", "")]).unwrap();
    let x = ndarray::Array2::zeros((labels.len(), 1));
    let target = if binary { Target::binary("y", labels) } else { Target::real("y", labels) };
    Dataset::new(schema, x).unwrap().with_target(target.unwrap()).unwrap()
}

#[test]
fn the_splits_of_a_data_set_follow_its_target_and_groups() {
    // Every fifth row positive; groups of three rows.
    let labels: Vec<f64> = (0..300).map(|r| f64::from(u8::from(r % 5 == 0))).collect();
    let groups: Vec<u64> = (0..300).map(|r| 1_000 - r / 3).collect();
    let binary = table(labels.clone(), true);
    assert_eq!(hold_out_of(&binary, 0.2, 7).unwrap(), stratified_hold_out(&labels, 0.2, 7).unwrap());
    assert_eq!(k_fold_of(&binary, 5, 7).unwrap(), stratified_k_fold(&labels, 5, 7).unwrap());
    let real = table(labels.clone(), false);
    assert_eq!(hold_out_of(&real, 0.2, 7).unwrap(), hold_out(300, 0.2, 7).unwrap());
    assert_eq!(k_fold_of(&real, 5, 7).unwrap(), k_fold(300, 5, 7).unwrap());

    for data in [binary, real] {
        let data = data.with_groups(groups.clone()).unwrap();
        let split = hold_out_of(&data, 0.2, 7).unwrap();
        assert_apart(&split, &groups);
        assert_eq!(split.train.len(), 240);
        assert_eq!(split.test.len(), 60);
        for split in k_fold_of(&data, 5, 7).unwrap() {
            assert_apart(&split, &groups);
        }
    }
}
