//! What a user may choose about the marketplace, and the checks.

use serde::{Deserialize, Serialize};
use tenure_core::Result;
use tenure_core::params::require;
use tenure_features::marketplace::Profile;

use super::world::MarketplaceWorld;

/// Parameters of a synthetic marketplace. [`MarketplaceParams::check`] turns them into a [`MarketplaceWorld`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MarketplaceParams {
    /// Which features and targets; what both profiles have is the same in both.
    pub profile: Profile,
    /// Customers; 1 to 100,000,000.
    pub customers: usize,
    /// Shares of thriving, healthy, at-risk and churned customers; each at least 0, 1 in all.
    pub segments: [f64; 4],
    /// How far labels scatter around what the features tell: 1 is usual, less is easier; 0.05 to 5.
    pub noise: f64,
}

impl Default for MarketplaceParams {
    fn default() -> Self {
        Self { profile: Profile::Guide, customers: 10_000, segments: [0.3, 0.4, 0.2, 0.1], noise: 1.0 }
    }
}

impl MarketplaceParams {
    /// Checks the parameters.
    ///
    /// # Errors
    /// [`tenure_core::Error::Parameter`] naming the first parameter out of range.
    pub fn check(self) -> Result<MarketplaceWorld> {
        let Self { customers, segments, noise, .. } = &self;
        require("customers", customers, (1..=100_000_000).contains(customers), "1 to 100000000")?;
        let whole = (segments.iter().sum::<f64>() - 1.0).abs() < 1e-6;
        let shares = segments.map(|share| share.to_string()).join(",");
        let positive = segments.iter().all(|share| *share >= 0.0);
        require("segments", shares, whole && positive, "four shares of at least 0 that sum to 1")?;
        require("noise", noise, (0.05..=5.0).contains(noise), "0.05 to 5")?;
        MarketplaceWorld::new(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut MarketplaceParams)) -> String {
        let mut params = MarketplaceParams::default();
        change(&mut params);
        params.check().unwrap_err().to_string()
    }

    #[test]
    fn every_refusal_names_parameter_value_and_range() {
        assert_eq!(refused(|p| p.customers = 0), "parameter `customers` is 0; expected 1 to 100000000");
        assert_eq!(refused(|p| p.noise = f64::NAN), "parameter `noise` is NaN; expected 0.05 to 5");
        let shares = "expected four shares of at least 0 that sum to 1";
        for segments in [[0.3, 0.4, 0.2, 0.2], [1.1, -0.1, 0.0, 0.0], [f64::NAN, 1.0, 0.0, 0.0]] {
            assert!(refused(|p| p.segments = segments).ends_with(shares), "{segments:?}");
        }
    }
}
