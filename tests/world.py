"""The stand-ins that the tests talk to: each a process of ours on loopback, stopped by its id."""

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
BUILD = ROOT / ".aws-sam" / "build"
FANLINE = ROOT / "target" / "debug" / "fanline"
VENV = ROOT / ".venv"
# What the SDKs need to be told; nothing on loopback checks it.
ACCOUNT = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1", "AWS_REGION": "us-east-1"}


class Process:
    """A process whose output is kept, and which ends with the `with` block."""

    def __init__(self, command, **env):
        self.output = []
        self.process = subprocess.Popen(
            [str(part) for part in command],
            env={name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | ACCOUNT | env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        # A pipe that nobody empties would stop the process.
        self.reader = threading.Thread(target=lambda: self.output.extend(self.process.stdout), daemon=True)
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
        """Waits until `ready()` gives something, and gives it back."""
        return wait_until(ready, seconds, lambda: self.process.poll() is not None, self.log)


def wait_until(ready, seconds, hopeless=lambda: False, log=lambda: ""):
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
    """A JSON request and its answer, whatever its status."""
    request = urllib.request.Request(url, method=method, data=None if body is None else json.dumps(body).encode())
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            text = answer.read()
    except urllib.error.HTTPError as error:
        text = error.read()
    return json.loads(text) if text else None


def answers(url):
    try:
        urllib.request.urlopen(url, timeout=5)
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


class Simulated(Process):
    """`fanline simulate queue` or `fanline simulate line`."""

    def __init__(self, what, *options):
        super().__init__([FANLINE, "simulate", what, "--port", "0", *options])
        self.url = self.wait_until(self.listening)

    def listening(self):
        said = re.search(r"listening on (http://\S+)", self.log())
        return said and said[1]


class Aws(Process):
    """MiniStack: S3, CloudFormation, Scheduler, Lambda and the rest."""

    def __init__(self):
        self.url = f"http://127.0.0.1:{free_port()}"
        super().__init__(
            [VENV / "ministack" / "bin" / "ministack"],
            BIND_HOST="127.0.0.1",
            GATEWAY_PORT=self.url.rpartition(":")[2],
            # What the functions that it runs get for their own calls.
            AWS_ENDPOINT_URL=self.url,
            SFTP_ENABLED="0",
            IOT_MTLS_ENABLED="0",
        )
        self.wait_until(lambda: answers(f"{self.url}/_ministack/health"))


class Function(Process):
    """A function's binary in AWS's Runtime Interface Emulator, which is what `sam local invoke` has in its container."""

    def __init__(self, name, **env):
        machine = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
        emulator = Path(sysconfig.get_path("purelib")) / "samcli" / "local" / "rapid" / f"aws-lambda-rie-{machine}"
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
    return boto3.client(service, endpoint_url=url, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
