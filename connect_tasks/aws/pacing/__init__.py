"""Pacing: token buckets, concurrency limits, and waiting for what they permit.

`token_bucket` and `concurrency` decide without waiting for anything; the ledger keeps a bucket for
each API and a limit for the open chats of each instance, so that all workers share them.
`rate_limiter` and `slot_pool` wait for what those decide.
"""
