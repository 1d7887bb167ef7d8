"""The flows: each reads as prose, and works without its decorator."""
