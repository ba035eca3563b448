//! Artifacts of tree models, whose checksums are right: a first line of configuration, then the trees.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use tenure_core::{Artifact, Model};
use tenure_gbdt::{TreeModel, foreign};

fn sound() -> &'static Artifact {
    static SOUND: OnceLock<Artifact> = OnceLock::new();
    SOUND.get_or_init(|| {
        let text = include_bytes!("../../crates/gbdt/tests/golden/foreign/lightgbm_binary.txt");
        foreign::read(text).expect("a sound model").to_artifact()
    })
}

fuzz_target!(|bytes: &[u8]| {
    let end = bytes.iter().position(|&byte| byte == b'\n').unwrap_or(0);
    let (config, trees) = (&bytes[..end], bytes[end..].strip_prefix(b"\n").unwrap_or(&bytes[end..]));
    let artifact = match serde_json::from_slice(config) {
        Ok(config) => Artifact::from_json(TreeModel::KIND, 2, config).with_numbers("base", &[-0.25]),
        Err(_) => sound().clone(),
    };
    if let Ok(model) = TreeModel::from_artifact(&artifact.with_part("trees", trees.to_vec())) {
        tenure_fuzz::use_model(&model);
        tenure_fuzz::write_and_read(&model);
    }
});
