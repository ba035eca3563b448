use ndarray::Array2;

use super::*;
use crate::model::testing::{Draws, row, schema, tree};
use crate::tree::Rule;

/// Features, trees, splits of a tree, depth, and whether thresholds differ from node to node.
const SHAPES: [(usize, usize, usize, usize, bool); 7] = [
    (10, 37, 20, 6, false),
    (10, 5, 63, 6, false),
    (10, 6, 90, 12, false),
    (60, 30, 30, 8, false),
    // More codes than tiles take.
    (200, 40, 60, 6, false),
    // More thresholds of a feature than one code tells apart.
    (2, 60, 60, 7, true),
    (3, 1, 0, 0, false),
];

#[test]
fn every_way_gives_the_same_bits() {
    for (features, trees, splits, depth, fine) in SHAPES {
        // An interpreter has seen enough after a few.
        let trees = if cfg!(miri) { trees.min(5) } else { trees };
        let (mut draws, schema) = (Draws::new(features as u64), schema(features));
        let mut trees: Vec<Tree> = (0..trees).map(|_| tree(&mut draws, &schema, splits, depth)).collect();
        for node in trees.iter_mut().flat_map(|tree| &mut tree.nodes).filter(|_| fine) {
            if let Rule::Threshold(threshold) = &mut node.rule {
                *threshold = draws.unit();
            }
        }
        let forest = Forest::compile(&schema, &[0.25], &trees).unwrap();
        let values = (0..BLOCK).flat_map(|_| row(&mut draws, features)).collect();
        let x = Array2::from_shape_vec((BLOCK, features), values).unwrap();
        let (mut portable, mut block) = (vec![0.0; BLOCK], vec![0.0; BLOCK]);
        forest.block_body::<false>(x.view(), &mut Scratch::default(), &mut portable);
        forest.block(x.view(), &mut Scratch::default(), &mut block);
        for (at, row) in x.rows().into_iter().enumerate() {
            let row = row.as_slice().unwrap();
            let defined = trees.iter().fold(0.25, |sum, tree| sum + leaf(tree, row, &schema));
            let mut codes = vec![0; forest.n_codes()];
            forest.encode(row, &mut codes);
            let walked = forest.walk.score(0..trees.len(), &codes, 0.25);
            let mut one = [0.0];
            forest.raw_row(row, &mut one);
            for found in [walked, one[0], portable[at], block[at]] {
                assert_eq!(found.to_bits(), f64::to_bits(defined), "{features} features, row {at}");
            }
        }
    }
}

/// The leaf's value, straight from the definition.
fn leaf(tree: &Tree, row: &[f64], schema: &Schema) -> f64 {
    let mut child = tree.root();
    while child >= 0 {
        let node = &tree.nodes[child as usize];
        let value = row[node.feature as usize];
        let levels = schema.features()[node.feature as usize].levels().map_or(usize::MAX, <[String]>::len);
        let left = match node.rule {
            _ if node.is_missing(value) || value as usize >= levels => node.missing_left,
            Rule::Threshold(threshold) => value <= threshold,
            Rule::Categories { start, words } => match tree.words(start, words).get(value as usize / 64) {
                Some(word) => word >> (value as usize % 64) & 1 == 1,
                None => node.missing_left,
            },
        };
        child = if left { node.left } else { node.right };
    }
    tree.leaves[!child as usize].value
}

#[test]
fn sets_beyond_the_table_are_asked_one_by_one() {
    let (mut draws, schema) = (Draws::new(5), schema(9));
    let trees: Vec<Tree> = (0..20).map(|_| tree(&mut draws, &schema, 30, 8)).collect();
    let (mut columns, _) = Columns::compile(&schema, &trees);
    let (mut tabulated, mut asked) = (vec![0; columns.len()], vec![0; columns.len()]);
    let rows: Vec<Vec<f64>> = (0..50).map(|_| row(&mut draws, 9)).collect();
    for row in &rows {
        columns.encode(row, &mut tabulated);
        columns.forget_tables();
        columns.encode(row, &mut asked);
        assert_eq!(tabulated, asked);
        columns.fill_tables();
    }
}
