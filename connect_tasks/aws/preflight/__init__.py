"""Preflight: can a campaign run here, with these credentials and this flow?"""
