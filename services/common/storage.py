"""Objects in an S3 store, by its synchronous client in threads: quarantine, documents, audit anchors."""

import asyncio
import io
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import quote

import urllib3
from minio import Minio
from minio.commonconfig import COMPLIANCE, CopySource
from minio.datatypes import PostPolicy
from minio.error import InvalidResponseError, S3Error, ServerError
from minio.retention import Retention

from services.common.errors import InfrastructureDown, SettingsError
from services.common.settings import Settings

_CHUNK = 256 * 1024
# Its own: a store that hangs must not take the threads in which the event loop looks up host names.
_THREADS = ThreadPoolExecutor(max_workers=16, thread_name_prefix="object-store")
_TIMEOUT = urllib3.Timeout(connect=3, read=20)


@dataclass(frozen=True)
class Upload:
    """A form by which a browser posts a file straight into the store: these fields, the file last."""

    url: str
    fields: dict[str, str]


@dataclass(frozen=True)
class ObjectInfo:
    """Size in bytes, content type and version of a stored object."""

    size: int
    content_type: str
    version_id: str | None


class Bucket:
    """One bucket. Every method raises InfrastructureDown when the store does not answer."""

    def __init__(self, client: Minio, name: str, url: str) -> None:
        self.name = name
        self._client = client
        self._url = url

    def presigned_post(self, key: str, content_type: str, max_bytes: int, seconds: int) -> Upload:
        """Permission to post one object of this key and type, 1..max_bytes large, within `seconds`."""
        policy = PostPolicy(self.name, datetime.now(UTC) + timedelta(seconds=seconds))
        policy.add_equals_condition("key", key)
        policy.add_equals_condition("Content-Type", content_type)
        policy.add_content_length_range_condition(1, max_bytes)
        fields = self._client.presigned_post_policy(policy=policy)
        return Upload(f"{self._url}/{self.name}", {"key": key, "Content-Type": content_type, **fields})

    def presigned_get(self, key: str, filename: str, seconds: int) -> str:
        """A link that downloads the object as a file of this name, for `seconds`."""
        disposition = f"attachment; filename*=UTF-8''{quote(filename, safe='')}"
        return self._client.presigned_get_object(
            bucket_name=self.name,
            object_name=key,
            expires=timedelta(seconds=seconds),
            response_headers={"response-content-disposition": disposition},
        )

    async def stat(self, key: str) -> ObjectInfo | None:
        """Size and type of the object, or None when it is not there."""
        try:
            found = await _in_thread(self._client.stat_object, bucket_name=self.name, object_name=key)
        except S3Error as error:
            if error.code in ("NoSuchKey", "NoSuchObject"):
                return None
            raise
        return ObjectInfo(found.size, found.content_type or "application/octet-stream", found.version_id)

    async def stream(self, key: str) -> AsyncIterator[bytes]:
        """The object's bytes in chunks. FileNotFoundError when it is not there."""
        try:
            response = await _in_thread(self._client.get_object, bucket_name=self.name, object_name=key)
        except S3Error as error:
            if error.code in ("NoSuchKey", "NoSuchObject"):
                raise FileNotFoundError(key) from error
            raise
        try:
            while chunk := await _in_thread(response.read, _CHUNK):
                yield chunk
        finally:
            response.close()
            response.release_conn()

    async def names(self, prefix: str) -> list[str]:
        """Keys that begin like this, in order."""

        def listed() -> list[str]:
            found = self._client.list_objects(bucket_name=self.name, prefix=prefix, recursive=True)
            return sorted(str(one.object_name) for one in found)

        names: list[str] = await _in_thread(listed)
        return names

    async def read(self, key: str) -> bytes:
        """The whole object. FileNotFoundError when it is not there."""
        return b"".join([chunk async for chunk in self.stream(key)])

    async def put(
        self, key: str, data: bytes, content_type: str, *, retain_until: datetime | None = None
    ) -> str | None:
        """Store the object; returns its version. `retain_until` forbids deletion until then (object lock)."""
        result = await _in_thread(
            self._client.put_object,
            bucket_name=self.name,
            object_name=key,
            data=io.BytesIO(data),
            length=len(data),
            content_type=content_type,
            retention=Retention(COMPLIANCE, retain_until) if retain_until else None,
        )
        return str(result.version_id) if result.version_id else None

    async def copy(self, source: "Bucket", key: str, new_key: str | None = None) -> str | None:
        """Copy an object of another bucket into this one, inside the store; returns its version."""
        result = await _in_thread(
            self._client.copy_object,
            bucket_name=self.name,
            object_name=new_key or key,
            source=CopySource(bucket_name=source.name, object_name=key),
        )
        return str(result.version_id) if result.version_id else None

    async def delete(self, key: str) -> None:
        """Remove the object; nothing happens when it is not there."""
        await _in_thread(self._client.remove_object, bucket_name=self.name, object_name=key)


class Storage:
    """The three buckets. Making it opens no connection."""

    def __init__(self, settings: Settings) -> None:
        if not (settings.s3_access_key and settings.s3_secret_key):
            raise SettingsError(
                "S3_ACCESS_KEY and S3_SECRET_KEY are not set: give them the store's credentials"
            )
        client = Minio(
            endpoint=settings.s3_endpoint,
            access_key=settings.s3_access_key,
            secret_key=settings.s3_secret_key,
            secure=settings.s3_secure,
            region="us-east-1",
            http_client=urllib3.PoolManager(timeout=_TIMEOUT, retries=urllib3.Retry(total=0), maxsize=10),
        )
        url = f"{'https' if settings.s3_secure else 'http'}://{settings.s3_endpoint}"
        self.quarantine = Bucket(client, settings.s3_quarantine_bucket, url)
        self.documents = Bucket(client, settings.s3_documents_bucket, url)
        self.anchors = Bucket(client, settings.s3_anchor_bucket, url)


async def _in_thread(call: Any, *args: Any, **kwargs: Any) -> Any:
    loop = asyncio.get_running_loop()
    try:
        return await loop.run_in_executor(_THREADS, partial(call, *args, **kwargs))
    except S3Error as error:
        if error.response.status >= 500:
            raise InfrastructureDown(f"the object store answers {error.code}") from error
        raise
    except (ServerError, InvalidResponseError) as error:
        raise InfrastructureDown("what stands before the object store answers in its place") from error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise InfrastructureDown("the object store does not answer") from error
