"""The tasks of single chats, for flows of one's own: tens of them, up to a few hundred."""

import uuid
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from prefect import task
from prefect.context import TaskRunContext
from prefect.runtime import task_run
from prefect.states import Failed
from prefect.transactions import Transaction, get_transaction

from connect_tasks.aws.idempotency import client_token
from connect_tasks.aws.instance import Instance
from connect_tasks.aws.models import StartChatContactRequest
from connect_tasks.aws.problems import checked
from connect_tasks.aws.retry import RetryPolicy, is_worth_retrying
from connect_tasks.blocks import AmazonConnectInstance, load_instance
from connect_tasks.chat import single
from connect_tasks.chat.single import HeldChat, StartedChat
from connect_tasks.chat.template.conversation import Conversation
from connect_tasks.chat.template.utterance import OwnMessage
from connect_tasks.errors import AmazonError, OutcomeUnknownError, RetryableError
from connect_tasks.tasks.pickling import WithoutSecrets
from connect_tasks.tasks.run_context import NO_RECORD, run_logger
from connect_tasks.tasks.run_log import plain_errors

__all__ = ["hold_chat", "start_chat", "stop_chat"]

Parameters = ParamSpec("Parameters")
Returned = TypeVar("Returned")

_UNDO = "connect_tasks.stop_chat"

_SINGLE: dict[str, Any] = {**NO_RECORD, "result_serializer": WithoutSecrets()}

# Their calls are repeated inside; `with_options(retries=…)` repeats the whole task where it helps.
_RETRIED_ON_REQUEST: dict[str, Any] = {"retry_condition_fn": is_worth_retrying}


def _retried(function: Callable[Parameters, Returned]) -> Callable[Parameters, Returned]:
    """Let Prefect repeat an attempt without rolling back the flow's transaction.

    Prefect 3.8 rolls it back for every attempt that raises, before it looks whether there will be
    another. A failed state is repeated just as well, and leaves the transaction alone.
    """

    @wraps(function)
    def attempt(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Returned:
        try:
            return function(*args, **kwargs)
        except (RetryableError, OutcomeUnknownError) as error:
            if not _is_repeated(attempt):
                raise
            return cast("Returned", Failed(message=str(error), data=error))

    return attempt


def _is_repeated(function: Callable[..., Any]) -> bool:
    """Whether Prefect runs this very function, and will again after a failure."""
    context = TaskRunContext.get()
    return (
        context is not None
        and context.task.fn is function
        and context.task.retry_condition_fn is is_worth_retrying
        and context.task_run.run_count <= context.task.retries
    )


@task(**RetryPolicy().task_options(), **_SINGLE)
@_retried
@plain_errors
def start_chat(
    request: StartChatContactRequest | dict[str, Any], connect: AmazonConnectInstance | str
) -> StartedChat:
    """Start one chat, with Prefect's retries; for flows of your own, by `.map` too.

    Every retry of a task run sends the same client token, so it starts the same chat. Amazon ends a
    chat to which nobody connects within five minutes: `hold_chat` does. When a transaction of
    Prefect's that it is part of is rolled back, the chat is stopped.

    Args:
        request: The request, or its fields; without `client_token` one is made for the task run.
        connect: The instance to use, or the name of its saved block.

    Returns:
        The contact's ids, and the participant token as a `SecretStr`. Wherever Prefect stores or
        sends it, it has no token any more.

    Raises:
        InputError: The request breaks a rule of Amazon Connect; all that is wrong is said.
        AmazonError: Amazon refused it, or retries were used up.

    Example:
        ```python
        from prefect import flow, unmapped
        from connect_tasks.tasks import hold_chat, start_chat

        @flow
        def greet(requests, instance):
            chats = start_chat.map(requests, connect=unmapped(instance))
            said = unmapped(["9"])
            return hold_chat.map(chats, unmapped(instance), messages=said).result()
        ```
    """
    valid = _as_request(request)
    token = client_token("task-run", str(task_run.id or uuid.uuid4().hex))
    instance = _loaded(connect).connect()
    if instance.start_limit:
        instance.start_limit.acquire(1)
    chat = single.start(instance, valid, token)
    _stop_on_rollback(instance, chat)
    run_logger().debug("started contact %s", chat.contact_id)
    return chat


def _stop_on_rollback(instance: Instance, chat: StartedChat) -> None:
    own = get_transaction()
    if own is None:
        return

    # A function, as Prefect copies whatever else it is asked for.
    def undo() -> None:
        try:
            single.stop(instance, chat.instance_id, chat.contact_id)
        except AmazonError as error:
            run_logger().error(
                "contact %s could not be stopped and may be open: %s", chat.contact_id, error.code
            )

    own.set(_UNDO, undo)


@start_chat.on_rollback
def stop_started_chat(transaction: Transaction) -> None:
    """Stop what `start_chat` started; a chat that is over already is fine."""
    if undo := transaction.get(_UNDO, None):
        undo()


@task(**_RETRIED_ON_REQUEST, **_SINGLE)
@_retried
@plain_errors
def hold_chat(
    chat: StartedChat,
    connect: AmazonConnectInstance | str,
    conversation: Conversation | None = None,
    messages: Sequence[OwnMessage] = (),
) -> HeldChat:
    """Connect to a chat that `start_chat` started, converse, and close it; by `.map` too.

    A retry goes on where the conversation was: it says nothing twice. All chats of a process keep
    the instance's quotas together. For more than a few hundred, use a campaign.

    Args:
        chat: What `start_chat` returned, in the same process: its token does not travel.
        connect: The instance to use, or the name of its saved block.
        conversation: When the conversation is over, and how the chat is closed.
        messages: What our side says, as it is; each when the other side has answered, or has said
            what the message answers (`Utterance`). If there is none, the conversation's messages,
            which must not be templates: there is no row.

    Returns:
        Why it was over, and the transcript as a DataFrame.

    Raises:
        InputError: The chat has no token, or a message of the conversation is a template.
        AmazonError: Amazon refused a call, or retries were used up; the chat may be open.

    Example:
        ```python
        from prefect import flow
        from connect_tasks.tasks import hold_chat, start_chat

        @flow
        def ask(request, instance):
            held = hold_chat(start_chat(request, instance), instance, messages=["9"])
            return held.messages
        ```
    """
    conversation = conversation or Conversation()
    said = single.texts(conversation, messages)
    held = single.hold(_loaded(connect).connect(), chat, conversation, said)
    run_logger().debug("held contact %s: %s", held.contact_id, held.end_reason)
    return held


@task(**_RETRIED_ON_REQUEST, **_SINGLE)
@_retried
@plain_errors
def stop_chat(contact_id: str, connect: AmazonConnectInstance | str) -> None:
    """End a chat, in whatever state it is; one that is over already is fine.

    Args:
        contact_id: The chat's contact.
        connect: The instance to use, or the name of its saved block.

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
    block = _loaded(connect)
    single.stop(block.connect(), block.instance_id, contact_id)


def _loaded(connect: AmazonConnectInstance | str) -> AmazonConnectInstance:
    return cast("AmazonConnectInstance", load_instance(connect))


def _as_request(request: StartChatContactRequest | dict[str, Any]) -> StartChatContactRequest:
    if isinstance(request, StartChatContactRequest):
        return request
    return checked(StartChatContactRequest, request, "request")
