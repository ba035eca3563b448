//! Writing.

use tenure_core::Result;

use crate::TreeModel;

/// TODO
pub fn write(_model: &TreeModel) -> Result<String> {
    Ok(String::new())
}
