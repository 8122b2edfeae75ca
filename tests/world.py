"""The servers that the tests talk to. Each is a process on loopback, stopped when its test ends."""

import json
import os
import platform
import re
import socket
import subprocess
import sysconfig
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import boto3

ROOT = Path(__file__).parents[1]
# `make build` builds for this machine. `sam build` has a folder of its own, for AWS.
BUILD = ROOT / ".aws-sam" / "local"
ARCHITECTURE = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
FANLINE = ROOT / "target" / "debug" / "fanline"
VENV = ROOT / ".venv"
# The SDKs need credentials and a Region. Nothing on loopback checks them.
ACCOUNT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
}


def without_aws(environment):
    """The environment without a developer's own AWS settings."""
    return {name: value for name, value in environment.items() if not name.startswith("AWS_")}


class Process:
    """A process that ends with its `with` block. Its output is kept."""

    def __init__(self, command, **env):
        self.output = []
        self.process = subprocess.Popen(
            [str(part) for part in command],
            env=without_aws(os.environ) | ACCOUNT | env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        # A full pipe would block the process, so a thread reads it all the time.
        self.reader = threading.Thread(
            target=lambda: self.output.extend(self.process.stdout), daemon=True
        )
        self.reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.reader.join()

    def log(self):
        return "".join(self.output)

    def wait_until(self, ready, seconds=60):
        """Waits until `ready()` returns something true, and returns that."""
        return wait_until(ready, seconds, lambda: self.process.poll() is not None, self.log)


def wait_until(ready, seconds, hopeless=lambda: False, log=lambda: ""):
    """Waits until `ready()` returns something true. Fails after `seconds`, or once `hopeless()`."""
    end = time.monotonic() + seconds
    while True:
        last = hopeless()
        value = ready()
        if value:
            return value
        if last or time.monotonic() > end:
            raise AssertionError(f"not ready within {seconds} seconds\n{log()}")
        time.sleep(0.1)


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def call(method, url, body=None):
    """Sends a JSON request and returns the answer's JSON, whatever its status."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, method=method, data=data)
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            text = answer.read()
    except urllib.error.HTTPError as error:
        text = error.read()
    return json.loads(text) if text else None


def answers(url):
    """Whether a server answers at this URL, with any status."""
    try:
        urllib.request.urlopen(url, timeout=5)
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


class Simulated(Process):
    """`fanline simulate` of one thing, such as `queue` or `line`."""

    def __init__(self, what, *options):
        super().__init__([FANLINE, "simulate", what, "--port", "0", *options])
        self.url = self.wait_until(self.listening)

    def listening(self):
        said = re.search(r"listening on (http://\S+)", self.log())
        return said and said[1]


class Moto(Process):
    """moto's server: another stand-in for AWS, for a second opinion."""

    def __init__(self):
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        super().__init__(
            [VENV / "moto" / "bin" / "moto_server", "--host", "127.0.0.1", "--port", port]
        )
        self.wait_until(lambda: answers(self.url))


class Aws(Process):
    """MiniStack, a stand-in for AWS: S3, CloudFormation, Scheduler, Lambda and more."""

    def __init__(self):
        self.url = f"http://127.0.0.1:{free_port()}"
        super().__init__(
            [VENV / "ministack" / "bin" / "python", ROOT / "tests" / "start_ministack.py"],
            BIND_HOST="127.0.0.1",
            GATEWAY_PORT=self.url.rpartition(":")[2],
            # MiniStack passes it on to the functions, for their own calls.
            AWS_ENDPOINT_URL=self.url,
            SFTP_ENABLED="0",
            IOT_MTLS_ENABLED="0",
        )
        self.wait_until(lambda: answers(f"{self.url}/_ministack/health"))


class Function(Process):
    """A function's binary in AWS's Runtime Interface Emulator.

    `sam local invoke` runs the same emulator in its container.
    """

    def __init__(self, name, **env):
        packages = Path(sysconfig.get_path("purelib"))
        emulator = packages / "samcli" / "local" / "rapid" / f"aws-lambda-rie-{ARCHITECTURE}"
        address = f"127.0.0.1:{free_port()}"
        self.url = f"http://{address}/2015-03-31/functions/function/invocations"
        super().__init__(
            [
                emulator,
                "--runtime-interface-emulator-address",
                address,
                "--runtime-api-address",
                f"127.0.0.1:{free_port()}",
                BUILD / name / "bootstrap",
            ],
            AWS_LAMBDA_FUNCTION_NAME=name,
            AWS_LAMBDA_FUNCTION_TIMEOUT="60",
            **env,
        )
        self.wait_until(lambda: answers(f"http://{address}/"))

    def invoke(self, event):
        return call("POST", self.url, event)


def client(service, url):
    return boto3.client(
        service,
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
