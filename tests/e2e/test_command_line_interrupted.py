"""The command as a process: Ctrl-C ends it with what to type, and nobody is contacted twice."""

import json
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from connect_tasks.emulator import LocalConnect, LocalQuotas
from tests.e2e.servers import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

COUNT = 12
SETTINGS = """\
[campaign]
name = "scores"
prefect = false
[instance]
instance_id = "{instance_id}"
contact_flow_id = "{flow}"
endpoint_url = "{endpoint_url}"
quotas = {{ starts_per_second = 10, connections_per_second = 20, messages_per_second = 50 }}
[template]
display_name = "Ada"
[conversation]
messages = ["9"]
settle_seconds = 0
"""
RUN = [sys.executable, "-m", "connect_tasks.command_line", "run", "customers.csv", "--json"]


def test_ctrl_c_says_what_to_type_and_that_goes_on(tmp_path: Path) -> None:
    rows = "".join(f"{number:04}\n" for number in range(COUNT))
    (tmp_path / "customers.csv").write_text(f"customer_id\n{rows}")
    with LocalConnect(quotas=LocalQuotas.unlimited(), think_seconds=(1, 2)) as local:
        settings = SETTINGS.format(
            instance_id=local.instance_id, flow=local.flow_id, endpoint_url=local.endpoint_url
        )
        (tmp_path / "connect-tasks.toml").write_text(settings)
        child = subprocess.Popen(
            RUN, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        wait_until(lambda: local.contacts, 90, "chats are started")
        child.send_signal(signal.SIGINT)
        out, complaints = child.communicate(timeout=60)
        again = subprocess.run(RUN, cwd=tmp_path, capture_output=True, text=True, check=False)

        assert (child.returncode, json.loads(out)["outcome"]) == (130, "interrupted")
        assert "To go on: connect-tasks run customers.csv --json\n" in complaints
        assert "Traceback" not in complaints
        assert again.returncode == 0, again.stderr
        assert json.loads(again.stdout)["summary"]["completed"] == COUNT
        assert Counter(str(one.customer_id) for one in local.contacts).total() == COUNT
        assert len({str(one.customer_id) for one in local.contacts}) == COUNT
