"""The object store, versitygw: a quarantine for uploads, versioned documents, anchors that nobody deletes."""

from __future__ import annotations

import json
import urllib.request

from minio import Minio
from minio.commonconfig import COMPLIANCE, ENABLED
from minio.objectlockconfig import YEARS, ObjectLockConfig
from minio.versioningconfig import VersioningConfig

from ..install.parts import part
from ..programs import Program
from ..settings import Settings

# As long as the accounts of a grant must be kept, and then some: an anchor proves the audit trail beside it.
_ANCHOR_YEARS = 10


def prepare(settings: Settings) -> None:
    for name in ("iam", "versions", "data"):
        (settings.folder / "objects" / name).mkdir(parents=True, exist_ok=True)


def program(settings: Settings) -> Program:
    folder = settings.folder / "objects"
    origins = json.loads(settings["CORS_ORIGINS"])
    return Program(
        name="objects",
        command=(
            str(part("versitygw") / "versitygw"),
            *("--quiet", "--port", f"127.0.0.1:{settings.port('S3_ENDPOINT')}", "--health", "/health"),
            *("--iam-dir", str(folder / "iam")),
            *(("--cors-allow-origin", ",".join(origins)) if origins else ()),
            *("posix", "--versioning-dir", str(folder / "versions"), str(folder / "data")),
        ),
        ports=("S3_ENDPOINT",),
        environment={
            "ROOT_ACCESS_KEY": settings["S3_ACCESS_KEY"],
            "ROOT_SECRET_KEY": settings["S3_SECRET_KEY"],
        },
    )


def ready(settings: Settings) -> None:
    scheme = "https" if settings["S3_SECURE"] == "true" else "http"
    if settings.ours("S3_ENDPOINT"):
        urllib.request.urlopen(f"{scheme}://{settings['S3_ENDPOINT']}/health", timeout=2).close()
    else:
        client(settings).list_buckets()


def provision(settings: Settings) -> None:
    """Create the buckets that are not there. A bucket can be locked only when it is made."""
    store = client(settings)
    there = {bucket.name for bucket in store.list_buckets()}
    quarantine, documents = settings["S3_QUARANTINE_BUCKET"], settings["S3_DOCUMENTS_BUCKET"]
    anchors = settings["S3_ANCHOR_BUCKET"]
    if quarantine not in there:
        store.make_bucket(bucket_name=quarantine)
    if documents not in there:
        store.make_bucket(bucket_name=documents)
    store.set_bucket_versioning(bucket_name=documents, config=VersioningConfig(ENABLED))
    if anchors not in there:
        store.make_bucket(bucket_name=anchors, object_lock=True)
    lock = ObjectLockConfig(mode=COMPLIANCE, duration=_ANCHOR_YEARS, duration_unit=YEARS)
    store.set_object_lock_config(bucket_name=anchors, config=lock)


def client(settings: Settings) -> Minio:
    return Minio(
        endpoint=settings["S3_ENDPOINT"],
        access_key=settings["S3_ACCESS_KEY"],
        secret_key=settings["S3_SECRET_KEY"],
        secure=settings["S3_SECURE"] == "true",
    )
