"""Errors and what they allow: regression, covariance, bootstraps, multiplicity, pooling."""
