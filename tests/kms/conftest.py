"""Whom the suite asks: `fanline simulate kms`, and moto and MiniStack for second opinions."""

import re

import boto3
import botocore.config
import pytest

import world


class Kms:
    """A KMS with two keys. `arn` is the one that seals."""

    def __init__(self, url, arn=None):
        self.url = url
        self.client = boto3.client(
            "kms",
            # A retry would hide the first answer.
            config=botocore.config.Config(retries={"total_max_attempts": 1}),
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        self.arn = arn or self.create()

    def create(self):
        # moto forgets the usage that AWS takes where none is named.
        created = self.client.create_key(KeyUsage="ENCRYPT_DECRYPT")
        return created["KeyMetadata"]["Arn"]

    def data_key(self, context):
        return self.client.generate_data_key(
            KeyId=self.arn, KeySpec="AES_256", EncryptionContext=context
        )

    def open(self, data_key, context, arn=None):
        return self.client.decrypt(
            KeyId=arn or self.arn,
            CiphertextBlob=data_key["CiphertextBlob"],
            EncryptionContext=context,
        )["Plaintext"]


@pytest.fixture(scope="module")
def moto():
    with world.Moto() as server:
        yield Kms(server.url)


@pytest.fixture(scope="module")
def ministack():
    with world.Aws() as server:
        yield Kms(server.url)


@pytest.fixture(scope="module", params=["fanline", "moto", "ministack"])
def kms(request):
    if request.param != "fanline":
        yield request.getfixturevalue(request.param)
        return
    with world.Simulated("kms") as server:
        yield Kms(server.url, re.search(r"its key is (\S+)", server.log())[1])
