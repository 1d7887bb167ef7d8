"""The Prefect blocks: which Amazon Connect instance to use, and who may be contacted when."""

from connect_tasks.blocks.instance import (
    AmazonConnectInstance,
    InstanceParameter,
    block_name,
    load_instance,
)
from connect_tasks.blocks.policy import OutreachPolicyBlock, load_policy
from connect_tasks.blocks.written import written

__all__ = [
    "AmazonConnectInstance",
    "InstanceParameter",
    "OutreachPolicyBlock",
    "block_name",
    "load_instance",
    "load_policy",
    "written",
]
