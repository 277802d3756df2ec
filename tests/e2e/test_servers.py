"""What Innoflyt needs on its servers is there: topics, buckets, search attributes, a scanner, a mail sink."""

import json
import smtplib
import socket
import urllib.request
from email.message import EmailMessage
from io import BytesIO
from uuid import uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from minio.error import S3Error
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.client import Client

from deploy.stack.servers import kafka, objects, scanner, temporal
from deploy.stack.settings import Settings
from tests.support import eventually


async def test_the_topics_keep_events_and_compact_contacts(stack: Settings) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=stack["KAFKA_BOOTSTRAP"])
    await admin.start()
    try:
        described = {t["topic"]: t for t in await admin.describe_topics(list(kafka.TOPICS))}
        asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in kafka.TOPICS]
        answers = await admin.describe_configs(asked)
    finally:
        await admin.close()
    assert all(len(topic["partitions"]) == kafka.PARTITIONS for topic in described.values())
    policies = {
        resource[3]: entry[1]
        for answer in answers
        for resource in answer.resources
        for entry in resource[4]
        if entry[0] == "cleanup.policy"
    }
    assert policies == {name: config["cleanup.policy"] for name, config in kafka.TOPICS.items()}
    assert policies["intake.contacts"] == "compact"


async def test_a_topic_that_the_broker_refuses_is_an_error_and_one_that_is_there_is_none(
    stack: Settings,
) -> None:
    admin = await kafka.connected(stack)
    try:
        await kafka.create_topics(admin, [NewTopic(name, 1, 1) for name in kafka.TOPICS])
        with pytest.raises(RuntimeError, match="no name"):
            await kafka.create_topics(admin, [NewTopic("no name", 1, 1)])
    finally:
        await admin.close()


async def test_temporal_knows_what_operators_search_by(stack: Settings) -> None:
    namespace = stack["TEMPORAL_NAMESPACE"]
    client = await Client.connect(stack["TEMPORAL_ADDRESS"], namespace=namespace)
    known = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=namespace)
    )
    assert temporal.SEARCH_ATTRIBUTES.items() <= dict(known.custom_attributes).items()


def test_documents_are_versioned_and_anchors_cannot_be_deleted(stack: Settings) -> None:
    store = objects.client(stack)
    assert store.get_bucket_versioning(bucket_name=stack["S3_DOCUMENTS_BUCKET"]).status == "Enabled"
    name, body = f"test/{uuid4()}", b"head of a chain"
    written = store.put_object(
        bucket_name=stack["S3_ANCHOR_BUCKET"], object_name=name, data=BytesIO(body), length=len(body)
    )
    with pytest.raises(S3Error):
        store.remove_object(
            bucket_name=stack["S3_ANCHOR_BUCKET"], object_name=name, version_id=written.version_id
        )
    kept = store.get_object(
        bucket_name=stack["S3_ANCHOR_BUCKET"], object_name=name, version_id=written.version_id
    )
    assert kept.read() == body


def test_the_scanner_finds_its_test_virus_inside_other_bytes(stack: Settings) -> None:
    virus = scanner.EICAR.encode()
    assert "FOUND" in _scan(stack, b"%PDF-1.7 stream\n" + virus + b"\nendstream")
    assert "FOUND" not in _scan(stack, b"%PDF-1.7 stream\nharmless\nendstream")


async def test_the_mail_sink_takes_a_mail(stack: Settings) -> None:
    subject = f"Prøve {uuid4()}"
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = stack["MAIL_FROM"], "noen@helse-midt.test", subject
    mail.set_content("Hei.")
    with smtplib.SMTP(stack["SMTP_HOST"], stack.port("SMTP_PORT"), timeout=10) as relay:
        relay.send_message(mail)

    def arrived() -> bool:
        with urllib.request.urlopen(f"http://127.0.0.1:{stack['MAIL_UI_PORT']}/email", timeout=10) as answer:
            return any(entry["subject"] == subject for entry in json.load(answer))

    await eventually(arrived)


def _scan(settings: Settings, content: bytes) -> str:
    with socket.create_connection((settings["CLAMD_HOST"], settings.port("CLAMD_PORT")), timeout=10) as link:
        link.sendall(b"zINSTREAM\0" + len(content).to_bytes(4, "big") + content + bytes(4))
        return link.recv(1024).decode()
