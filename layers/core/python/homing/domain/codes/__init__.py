"""Discount codes: one for each customer and campaign, from a pool or minted under the deployment's secret."""
