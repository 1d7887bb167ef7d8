"""Scripted trouble: which faults there are, and plans of them."""
