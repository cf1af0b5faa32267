"""Planted mistakes: each must be found by some test. ``make mutants`` runs them."""
