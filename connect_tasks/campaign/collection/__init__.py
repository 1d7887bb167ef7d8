"""Bringing a campaign up to date with what Amazon knows: ends, followers, transcripts."""
