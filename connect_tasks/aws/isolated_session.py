"""The isolated session: keys and a Region, and nothing of the machine's own AWS settings."""

import os
from typing import Any

import boto3
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES as VARIABLES
from botocore.session import Session

__all__ = ["isolated_session"]


def isolated_session(
    access_key: str, secret_key: str, session_token: str | None, region: str
) -> boto3.Session:
    """A session for an endpoint of this machine, which neither profiles nor variables concern.

    A profile that is missing, a configuration file that is broken, or certificates and endpoints
    meant for Amazon would stop calls that need none of them.

    Example:
        >>> isolated_session("local", "local", None, "us-east-1").region_name
        'us-east-1'
    """
    own: Any = {
        name: (None, None, default, convert) for name, (_, _, default, convert) in VARIABLES.items()
    }
    own["config_file"] = own["credentials_file"] = (None, None, os.devnull, None)
    return boto3.Session(
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        aws_session_token=session_token,
        region_name=region,
        botocore_session=Session(session_vars=own),
    )
