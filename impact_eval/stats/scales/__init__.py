"""Answers to scales: scoring, reliability, factors, item response, invariance, change."""
