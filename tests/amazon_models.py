"""Amazon's models, read once for all boto3 sessions of a process.

Each session reads those of its services anew, which takes longer than a short campaign.
"""

from functools import cache

from botocore import loaders, session

__all__ = ["share_models"]


def share_models() -> None:
    """From now on, have this process's sessions read models through one loader."""
    session.create_loader = cache(loaders.create_loader)
