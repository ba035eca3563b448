//! Weights by name, as they are exchanged with other programs.

#[cfg(feature = "safetensors")]
pub mod safetensors;

/// An array of numbers with a name, named and laid out as in a `state_dict` of PyTorch.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedTensor {
    /// Where it stands in the network, such as `trunk.0.weight` or `heads.churn.2.bias`.
    pub name: String,
    /// Its length along each axis; a single number has none. The weight of a dense layer is out × in.
    pub shape: Vec<usize>,
    /// Its numbers, the last axis running fastest; as many as the product of `shape`.
    pub values: Vec<f32>,
}

impl NamedTensor {
    /// Whether there are as many values as `shape` says.
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        elements(&self.shape) == Some(self.values.len())
    }
}

/// The product of the lengths, where it can be counted.
fn elements(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1_usize, |product, &length| product.checked_mul(length))
}
