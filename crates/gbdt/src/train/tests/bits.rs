//! The bits of models and predictions, whatever computes them.

use ndarray::Array2;
use tenure_core::{Dataset, FitContext, Learner, Model, Target, seed};

use super::laws::mixed;
use crate::simd::testing::portably;
use crate::{Criterion, ForestParams, GbdtParams, Objective, TreeModel};

/// Enough that all parallel paths are taken.
const ROWS: usize = 40_000;

/// Rows predicted one by one, and explained.
const SINGLE: usize = 40;

struct Case {
    name: &'static str,
    learner: Box<dyn Learner>,
    data: Dataset,
    golden: u64,
}

/// Missing values and categories are in the data of all.
fn cases() -> Vec<Case> {
    let binary = mixed(ROWS, 5);
    let weights = (0..ROWS).map(|row| (seed::unit(6, row as u64) * 8.0).floor() * 0.25).collect();
    let weighted = binary.clone().with_weights(weights).unwrap();
    let aimed = |target: Target| {
        let data = Dataset::new(binary.schema().clone(), binary.x().to_owned()).unwrap();
        data.with_target(target).unwrap().with_weights(weighted.weights().unwrap().to_vec()).unwrap()
    };
    let y = binary.target().unwrap().values();
    let draw = |row: usize| seed::unit(9, row as u64);
    let number = (0..ROWS).map(|row| y[row] * 3.0 + draw(row)).collect();
    let class = (0..ROWS).map(|row| (y[row] + 2.0 * draw(row)).floor()).collect();
    let number = aimed(Target::real("amount", number).unwrap());
    let classes = aimed(Target::classes("tier", ["low", "mid", "high"], class).unwrap());
    let base = GbdtParams { trees: 8, learning_rate: 0.2, ..GbdtParams::default() };
    let sampled =
        GbdtParams { row_fraction: 0.8, column_fraction: 0.8, node_column_fraction: 0.8, ..base.clone() };
    let median = GbdtParams { objective: Some(Objective::AbsoluteError), l1: 0.1, ..base.clone() };
    let forest = ForestParams { trees: 6, depth: Some(8), ..ForestParams::default() };
    let variance = ForestParams { criterion: Some(Criterion::SquaredError), extra: true, ..forest.clone() };
    let boosted = |params: &GbdtParams| Box::new(params.clone().check().unwrap());
    let grown = |params: &ForestParams| Box::new(params.clone().check().unwrap());
    vec![
        Case { name: "binary", learner: boosted(&base), data: binary.clone(), golden: 0x246c_e4a2_fb90_ddc3 },
        Case {
            name: "binary, weighted",
            learner: boosted(&sampled),
            data: weighted.clone(),
            golden: 0xe8e9_f351_d671_becd,
        },
        Case {
            name: "classes",
            learner: boosted(&base),
            data: classes.clone(),
            golden: 0xa9d6_3118_f07d_87d2,
        },
        Case {
            name: "median",
            learner: boosted(&median),
            data: number.clone(),
            golden: 0x33d3_ab9b_f5cc_4afd,
        },
        Case { name: "forest", learner: grown(&forest), data: weighted, golden: 0x139e_5845_3651_89ed },
        Case {
            name: "forest of classes",
            learner: grown(&forest),
            data: classes,
            golden: 0xb5e2_45a3_fb35_1ee8,
        },
        Case {
            name: "forest of extra trees",
            learner: grown(&variance),
            data: number,
            golden: 0x520c_85d1_426d_1b79,
        },
    ]
}

/// FNV-1a.
struct Hash(u64);

impl Hash {
    fn bytes(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    }

    fn numbers<'a>(&mut self, numbers: impl IntoIterator<Item = &'a f64>) {
        numbers.into_iter().for_each(|number| self.bytes(&number.to_bits().to_le_bytes()));
    }
}

/// Of the model, its predictions and explanations.
fn bits(case: &Case, threads: usize) -> u64 {
    let context = FitContext::new(11).with_threads(threads);
    let model = case.learner.fit(&case.data, None, &context).unwrap().model;
    let model = TreeModel::from_artifact(&model.to_artifact()).unwrap();
    let mut hash = Hash(0xcbf2_9ce4_8422_2325);
    let artifact = model.to_artifact();
    hash.bytes(artifact.part("trees").unwrap());
    hash.numbers(&artifact.numbers("base").unwrap());
    let x = case.data.x();
    let mut raw = Array2::zeros((x.nrows(), model.outputs().len()));
    model.raw_into(x, raw.view_mut()).unwrap();
    hash.numbers(&raw);
    hash.numbers(&model.predict(x).unwrap());
    for row in x.rows().into_iter().take(SINGLE) {
        let row = row.to_vec();
        let mut outputs = vec![0.0; model.outputs().len()];
        model.predict_row(&row, &mut outputs).unwrap();
        hash.numbers(&outputs);
        hash.numbers(&model.explain_row(&row, 0).unwrap().contributions);
    }
    hash.0
}

/// At any number of threads, with AVX2 and without, and, since the hashes are written down, in any build profile.
/// Base scores and outputs use the logarithm and the exponential of the system's mathematics library, so what is
/// written down holds for one of them.
#[test]
fn the_same_seed_gives_the_same_bits() {
    let mut changed = Vec::new();
    for case in cases() {
        let found = bits(&case, 1);
        for threads in [2, 8] {
            assert_eq!(bits(&case, threads), found, "{}, {threads} threads", case.name);
        }
        assert_eq!(portably(|| bits(&case, 2)), found, "{}, without AVX2", case.name);
        if found != case.golden {
            changed.push(format!("{}: {found:#018x}", case.name));
        }
    }
    if cfg!(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu")) {
        assert!(changed.is_empty(), "{changed:#?}");
    }
}
