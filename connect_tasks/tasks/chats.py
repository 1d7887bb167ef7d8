"""Single chats, for flows of one's own."""

import uuid
from contextlib import suppress
from typing import Any

from prefect import task
from prefect.runtime import task_run

from connect_tasks.blocks import AmazonConnectInstance
from connect_tasks.errors import ChatEndedError
from connect_tasks.models import StartChatContactRequest, StartChatContactResponse
from connect_tasks.problems import checked
from connect_tasks.retry import RetryPolicy
from connect_tasks.runs import NO_RECORD, run_logger
from connect_tasks.tokens import canonical_json, client_token

__all__ = ["start_chat", "stop_chat"]


@task(**RetryPolicy().task_options(), **NO_RECORD)
def start_chat(
    request: StartChatContactRequest | dict[str, Any], connect: AmazonConnectInstance
) -> StartChatContactResponse:
    """Start one chat, with Prefect's retries; for flows of your own, by `.map` too.

    Every retry of a task run sends the same client token, so it starts the same chat. Amazon ends a
    chat to which nobody connects within five minutes.

    Args:
        request: The request, or its fields; without `client_token` one is made for the task run.
        connect: The instance to use.

    Returns:
        The contact's ids, and the participant token as a `SecretStr`.

    Raises:
        InputError: The request breaks a rule of Amazon Connect; all that is wrong is said.
        AmazonError: Amazon refused it, or retries were used up.

    Example:
        ```python
        from prefect import flow, unmapped
        from connect_tasks.tasks import start_chat

        @flow
        def greet(requests, instance):
            return start_chat.map(requests, connect=unmapped(instance)).result()
        ```
    """
    wire = _as_request(request).to_wire()
    wire.setdefault("ClientToken", client_token("task-run", task_run.id or uuid.uuid4().hex))
    instance = connect.connect()
    if instance.allowance:
        instance.allowance.buy(1)
    response = instance.api.start_chat(canonical_json(wire))
    run_logger().info("started contact %s", response.contact_id)
    return response


@task(**RetryPolicy().task_options(), **NO_RECORD)
def stop_chat(contact_id: str, connect: AmazonConnectInstance) -> None:
    """End a chat, in whatever state it is; one that is over already is fine.

    Args:
        contact_id: The chat's contact.
        connect: The instance to use.

    Raises:
        AmazonError: Amazon refused it, or retries were used up.

    Example:
        ```python
        from prefect import flow
        from connect_tasks.tasks import stop_chat

        @flow
        def clean_up(contact_ids, instance):
            for contact_id in contact_ids:
                stop_chat(contact_id, instance)
        ```
    """
    with suppress(ChatEndedError):
        connect.connect().api.stop_contact(connect.instance_id, contact_id)


def _as_request(request: StartChatContactRequest | dict[str, Any]) -> StartChatContactRequest:
    if isinstance(request, StartChatContactRequest):
        return request
    return checked(StartChatContactRequest, request, "request")
