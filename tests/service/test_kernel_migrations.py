"""Migrations: kernel first, each once, all or nothing, harmless when run twice at the same time."""

import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from services.common.migrate import KERNEL, migrate


@pytest.fixture
def folder(tmp_path):
    sql = (
        "create table thing (id int primary key, name text); insert into thing values (1, 'a 100 %; \"$1\"');"
    )
    (tmp_path / "0001_things.sql").write_text(sql)
    return tmp_path


async def versions(conn):
    return {row["version_num"] for row in await conn.fetch("select version_num from schema_version")}


async def test_files_are_applied_once_and_new_ones_later(settings, folder, as_role):
    assert migrate(settings, "review", folder) == ["0001_things.sql"]
    assert migrate(settings, "review", folder) == []
    (folder / "0002_more.sql").write_text("alter table thing add column colour text;")
    assert migrate(settings, "review", folder) == ["0002_more.sql"]
    app = await as_role("review", "app")
    assert tuple(await app.fetchrow("select id, name, colour from thing")) == (1, 'a 100 %; "$1"', None)
    await app.execute("insert into thing values (2, 'b', 'red')")
    inspector = await as_role("review", "inspector")
    assert await inspector.fetchval("select count(*) from thing") == 2
    assert await versions(inspector) == {"review_0002"}  # which came after kernel_0001
    other = await as_role("intake", "inspector")
    assert await versions(other) == {"kernel_0001"}


async def test_a_file_that_fails_leaves_nothing_of_any(settings, folder, as_role):
    (folder / "0002_wrong.sql").write_text("create table other (x int); select nonsense;")
    with pytest.raises(Exception, match="nonsense"):
        migrate(settings, "review", folder)
    owner = await as_role("review", "owner")
    left = await owner.fetchval(
        "select count(*) from pg_tables where schemaname = 'review' and tablename in ('thing', 'other')"
    )
    assert left == 0
    assert await versions(owner) == {"kernel_0001"}
    (folder / "0002_wrong.sql").write_text("create table other (x int);")
    assert migrate(settings, "review", folder) == ["0001_things.sql", "0002_wrong.sql"]


async def test_several_at_once_apply_each_file_once(settings, folder):
    with ThreadPoolExecutor(4) as pool:
        applied = list(pool.map(lambda _: migrate(settings, "review", folder), range(4)))
    assert sorted(applied) == [[], [], [], ["0001_things.sql"]]


async def test_the_kernel_may_change_after_a_service_has_its_tables(
    settings, folder, as_role, monkeypatch, tmp_path_factory
):
    assert migrate(settings, "review", folder) == ["0001_things.sql"]
    kernel = tmp_path_factory.mktemp("kernel")
    shutil.copy(KERNEL / "0001_kernel.sql", kernel)
    (kernel / "0002_note.sql").write_text("alter table parked add column note_by text;")
    monkeypatch.setattr("services.common.migrate.KERNEL", kernel)
    assert migrate(settings, "review", folder) == ["0002_note.sql"]
    assert migrate(settings, "review", folder) == []
    assert await versions(await as_role("review", "inspector")) == {"review_0001", "kernel_0002"}
