"""What campaigns need of AWS besides Amazon Connect: STS, and some numbers."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

CALLER = "arn:aws:sts::111122223333:assumed-role/campaigns/night"
_XMLNS = "https://sts.amazonaws.com/doc/2011-06-15/"
_ROLE = """<AssumeRoleResponse xmlns="{xmlns}"><AssumeRoleResult><Credentials>
<AccessKeyId>{key}</AccessKeyId><SecretAccessKey>secret-{key}</SecretAccessKey>
<SessionToken>token-{key}</SessionToken><Expiration>{until}</Expiration>
</Credentials></AssumeRoleResult></AssumeRoleResponse>"""
_IDENTITY = """<GetCallerIdentityResponse xmlns="{xmlns}"><GetCallerIdentityResult>
<Arn>{arn}</Arn><UserId>AROA:night</UserId><Account>111122223333</Account>
</GetCallerIdentityResult></GetCallerIdentityResponse>"""
_REFUSAL = """<ErrorResponse xmlns="{xmlns}"><Error><Type>Sender</Type><Code>{code}</Code>
<Message>no</Message></Error><RequestId>r-1</RequestId></ErrorResponse>"""


class LocalAws:
    """STS, which gives out the keys ASIA1, ASIA2 and so on, and numbers, on a loopback port.

    Attributes:
        refusal: Status and code with which roles are refused; None while they are given out.
        open_chats: What CloudWatch says.
        granted: What Service Quotas says is granted to the account, by a quota's code.
    """

    def __init__(self) -> None:
        self.url = ""
        self.assumed = 0
        self.refusal: tuple[int, str] | None = None
        self.open_chats = 412.0
        self.granted = {"L-AA48CD49": 5.0, "L-D4BA6F6E": 750.0}
        self._lock = threading.Lock()

    def environment(self) -> dict[str, str]:
        services = ("STS", "CLOUDWATCH", "SERVICE_QUOTAS")
        return {f"AWS_ENDPOINT_URL_{service}": self.url for service in services}

    def answer(self, target: str, body: bytes) -> tuple[int, bytes]:
        """The status and body of one request; `target` is how JSON services name an operation."""
        if target.endswith(".GetMetricData"):
            found = [{"Id": "open", "Values": [self.open_chats]}]
            return 200, json.dumps({"MetricDataResults": found}).encode()
        if target.endswith(".ListServiceQuotas"):
            quota = {"Value": self.granted[json.loads(body)["QuotaCode"]]}
            return 200, json.dumps({"Quotas": [quota]}).encode()
        if parse_qs(body.decode())["Action"] == ["GetCallerIdentity"]:
            return 200, _IDENTITY.format(xmlns=_XMLNS, arn=CALLER).encode()
        if self.refusal:
            status, code = self.refusal
            return status, _REFUSAL.format(xmlns=_XMLNS, code=code).encode()
        return 200, self._role()

    def _role(self) -> bytes:
        with self._lock:
            self.assumed += 1
            key = f"ASIA{self.assumed}"
        until = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        return _ROLE.format(xmlns=_XMLNS, key=key, until=until).encode()


@contextmanager
def local_aws() -> Iterator[LocalAws]:
    aws = LocalAws()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, content = aws.answer(self.headers.get("X-Amz-Target", ""), body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        # Connections that clients keep open are no reason to wait at the end.
        server.block_on_close = False
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        aws.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield aws
        finally:
            server.shutdown()
            thread.join()
