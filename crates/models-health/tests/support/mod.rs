//! Synthetic customers and small models of them.
// Each test file uses a part of it; helpers outside #[test] functions may unwrap as tests do.
#![allow(dead_code, clippy::unwrap_used)]

use std::sync::LazyLock;

use ndarray::Axis;
use tenure_core::FitContext;
use tenure_features::marketplace::{MarketplaceTable, Profile};
use tenure_health::{Architecture, HealthParams, HealthRun, SharedLayer, TaskWeights, Trained, TrueValues};
use tenure_synth::MarketplaceParams;
use tenure_synth::marketplace::Part;

/// Customers in three parts, with the truth of the last.
pub(crate) struct World {
    pub(crate) train: MarketplaceTable,
    pub(crate) valid: MarketplaceTable,
    pub(crate) test: MarketplaceTable,
    pub(crate) truth: TrueValues,
}

pub(crate) fn world(profile: Profile, customers: usize) -> World {
    let world = MarketplaceParams { profile, customers, ..MarketplaceParams::default() }.check().unwrap();
    let batch = world.generate(42, 0).unwrap();
    let rows: Vec<usize> = (0..customers).filter(|&row| batch.parts[row] == Part::Test).collect();
    let part = |part| batch.part(part);
    World {
        train: part(Part::Train),
        valid: part(Part::Validation),
        test: part(Part::Test),
        truth: TrueValues {
            expected: batch.truth.select(Axis(0), &rows),
            medians: batch.medians.select(Axis(0), &rows),
        },
    }
}

/// A small network that is quick to train.
pub(crate) fn small() -> HealthParams {
    let mut params = HealthParams {
        architecture: Architecture::MultiTask {
            shared: vec![
                SharedLayer { width: 24, batch_norm: true, dropout: 0.1 },
                SharedLayer { width: 12, batch_norm: false, dropout: 0.0 },
            ],
            head_hidden: vec![],
            supply_demand_hidden: vec![8],
            task_weights: TaskWeights::default(),
        },
        ..HealthParams::default()
    };
    params.training.epochs = 8;
    params.training.learning_rate = 5e-3;
    params
}

pub(crate) fn train(world: &World, params: &HealthParams) -> Trained {
    let context = FitContext::new(7);
    let mut run = HealthRun::start(params, &world.train.data, Some(&world.valid.data), &context).unwrap();
    while run.next_epoch(&context).unwrap().is_some() {}
    run.finish(&context).unwrap()
}

/// 2,000 customers of the guide's profile.
pub(crate) static GUIDE: LazyLock<World> = LazyLock::new(|| world(Profile::Guide, 2_000));

/// A small network of them.
pub(crate) static MODEL: LazyLock<Trained> = LazyLock::new(|| train(&GUIDE, &small()));
