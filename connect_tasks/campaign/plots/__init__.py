"""Plots: the report's figures for notebooks, by segment too; matplotlib draws them."""
