//! XGBoost's JSON: whatever the bytes are, reading ends in a model that answers or in an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tenure_gbdt::foreign;

fuzz_target!(|bytes: &[u8]| {
    // The beginning that tells the format, if the input lost it.
    let prefixed = [b"{\"", bytes].concat();
    for bytes in [bytes, &prefixed] {
        if let Ok(model) = foreign::read(bytes) {
            tenure_fuzz::use_model(&model);
        }
    }
});
