"""What ChatJS tells its user of beside messages: receipts, idleness, sign-ins, files, views.

ChatJS comes from npm, once; without npm or a network the tests are skipped.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connect_tasks.emulator import LocalConnect, LocalQuotas
from tests.browser import Tab, browser, needs_chromium
from tests.contract.test_front_ends import _chatjs, another_site
from tests.functional.test_emulator_clients import client
from tests.functional.test_operations_on_exported_flows import agent_flow

__all__ = ["_chatjs"]

pytestmark = [needs_chromium, pytest.mark.timeout(300)]

INTERACTIVE = "application/vnd.amazonaws.connect.message.interactive"
HANDLERS = (
    "ReadReceipt",
    "DeliveredReceipt",
    "ParticipantIdle",
    "ParticipantReturned",
    "AutoDisconnection",
    "AuthenticationInitiated",
    "AuthenticationSuccessful",
    "AuthenticationCanceled",
    "Ended",
)


class Shop:
    """A page of another site with a ChatJS session, on a local Connect whose clock is held."""

    def __init__(self, tab: Tab, local: LocalConnect, connect: Any) -> None:
        self.tab, self.local, self.connect = tab, local, connect
        self.contact_id = ""

    def open(self, **members: Any) -> None:
        """Start a chat, and connect to it."""
        started = self.connect.start_chat_contact(
            InstanceId=self.local.instance_id,
            ContactFlowId=self.local.flow_id,
            ParticipantDetails={"DisplayName": "Ann"},
            **members,
        )
        self.contact_id = started["ContactId"]
        details = {
            "contactId": started["ContactId"],
            "participantId": started["ParticipantId"],
            "participantToken": started["ParticipantToken"],
        }
        # A page can be there before the script that it names has run.
        self.tab.wait_for("typeof connect !== 'undefined'")
        on = "".join(f"session.on{name}((it) => note('{name}', it));" for name in HANDLERS)
        self.tab.run(
            f"""(async () => {{
            window.told = [];
            window.note = (name, it) => told.push([name, it && it.data]);
            connect.ChatSession.setGlobalConfig(
              {{region: "us-east-1", endpoint: "{self.local.endpoint_url}",
                loggerConfig: {{level: 5}}}});
            window.session = connect.ChatSession.create({{chatDetails: {json.dumps(details)},
              type: "CUSTOMER", options: {{region: "us-east-1"}}}});
            session.onMessage((it) => note('Message', it));
            {on}
            await session.connect(); }})()"""
        )

    def wait_for(self, name: str) -> Any:
        """What a handler was told, once it was; the last time."""
        self.tab.wait_for(f"told.some((it) => it[0] === '{name}')")
        return self.tab.run(f"told.filter((it) => it[0] === '{name}').at(-1)[1]")

    def say(self, text: str) -> None:
        """Send a message."""
        message = json.dumps({"message": text, "contentType": "text/plain"})
        self.tab.run(f"session.sendMessage({message}).then(() => 1)")


@contextmanager
def shop(chatjs: Path, **settings: Any) -> Iterator[Shop]:
    body = '<script src="/script.js"></script>'
    with (
        browser() as chromium,
        another_site(chatjs, body) as site,
        LocalConnect(quotas=LocalQuotas.unlimited(), **settings) as local,
        client(local, "connect") as connect,
    ):
        tab = chromium().open(site)
        try:
            yield Shop(tab, local, connect)
        finally:
            tab.close()


def test_chatjs_tells_of_receipts_of_the_other_side(chatjs: Path) -> None:
    with shop(chatjs, flow="echo", receipts=True) as page:
        page.open()
        page.wait_for("Message")
        page.say("Hello")
        delivered = page.wait_for("DeliveredReceipt")
        read = page.wait_for("ReadReceipt")

    assert delivered["MessageMetadata"]["MessageId"] == read["MessageMetadata"]["MessageId"]
    assert "ReadTimestamp" in read["MessageMetadata"]["Receipts"][0]


def test_chatjs_tells_of_who_is_idle_returns_and_is_disconnected(
    chatjs: Path, tmp_path: Path
) -> None:
    now = [datetime(2026, 11, 22, 12, tzinfo=UTC)]
    flow, world = agent_flow(tmp_path, ["I am Alex.", "How can I help?", "Goodbye."])
    with shop(chatjs, flow_files=[flow], world=world, now=lambda: now[0]) as page:
        page.open()
        page.wait_for("Message")
        timers = [
            {
                "ParticipantRole": "CUSTOMER",
                "TimerType": kind,
                "TimerValue": {"ParticipantTimerDurationInMinutes": 2},
            }
            for kind in ("IDLE", "DISCONNECT_NONCUSTOMER")
        ]
        page.connect.update_participant_role_config(
            InstanceId=page.local.instance_id,
            ContactId=page.contact_id,
            ChannelConfiguration={"Chat": {"ParticipantTimerConfigList": timers}},
        )
        now[0] += timedelta(seconds=5)
        page.tab.wait_for("told.some((it) => it[1] && it[1].Content === 'I am Alex.')")
        now[0] += timedelta(minutes=2)
        idle = page.wait_for("ParticipantIdle")
        page.say("I am here")
        returned = page.wait_for("ParticipantReturned")
        page.tab.wait_for("told.some((it) => it[1] && it[1].Content === 'How can I help?')")
        now[0] += timedelta(minutes=2)
        page.tab.wait_for("told.filter((it) => it[0] === 'ParticipantIdle').length === 2")
        now[0] += timedelta(minutes=2)
        page.wait_for("AutoDisconnection")
        page.wait_for("Ended")

    assert idle["ParticipantRole"] == returned["ParticipantRole"] == "CUSTOMER"


def test_chatjs_tells_of_sign_ins_and_cancels_them(chatjs: Path) -> None:
    with shop(chatjs, flow="echo") as page:
        page.open()
        page.wait_for("Message")
        page.local.ask_to_sign_in(page.contact_id)
        content = json.loads(page.wait_for("AuthenticationInitiated")["Content"])
        request = {"sessionId": content["SessionId"], "redirectUri": "https://shop.example"}
        url = page.tab.run(
            f"session.getAuthenticationUrl({json.dumps(request)})"
            ".then((it) => it.data.AuthenticationUrl)"
        )
        cancel = json.dumps({"sessionId": content["SessionId"]})
        page.tab.run(f"session.cancelParticipantAuthentication({cancel}).then(() => 1)")
        page.wait_for("AuthenticationCanceled")

    assert url.startswith(page.local.endpoint_url)


def test_chatjs_sends_a_file_and_gets_it_back(chatjs: Path) -> None:
    with shop(chatjs, flow="echo") as page:
        page.open()
        page.wait_for("Message")
        page.tab.run(
            """(async () => {
            const attachment = new File(["Hello, file"], "hello.txt", {type: "text/plain"});
            await session.sendAttachment({attachment}); return 1; })()"""
        )
        page.tab.wait_for("told.some((it) => it[1] && it[1].Type === 'ATTACHMENT')")
        text = page.tab.run(
            """(async () => {
            const item = told.find((it) => it[1] && it[1].Type === 'ATTACHMENT')[1];
            const attachmentId = item.Attachments[0].AttachmentId;
            const blob = await session.downloadAttachment({attachmentId});
            return await blob.text(); })()"""
        )

    assert text == "Hello, file"
