"""Entrypoints of deployments from a checkout, and the demo; the flows are in the package."""
