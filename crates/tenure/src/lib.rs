//! Customer analytics: churn scores from an order log.
