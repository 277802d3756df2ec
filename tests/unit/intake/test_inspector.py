"""The child process that looks into untrusted files: what passes, what is refused, what it survives."""

import io
import time
import zipfile
from pathlib import Path

import pikepdf
import pytest

from services.intake.cleaning.job import inspect

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def pdf(change: str = "", pages: int = 1) -> bytes:
    document = pikepdf.new()
    for _ in range(pages):
        document.add_blank_page()
    script = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS=pikepdf.String("app.alert(1)"))
    if change == "open_action":
        document.Root.OpenAction = document.make_indirect(script)
    if change == "go_to":
        document.Root.OpenAction = pikepdf.Array([document.pages[0].obj, pikepdf.Name.Fit])
    if change == "page_action":
        document.pages[0].obj.AA = pikepdf.Dictionary(O=script)
    if change == "page_action_without_script":
        go = pikepdf.Dictionary(
            S=pikepdf.Name.GoTo, D=pikepdf.Array([document.pages[0].obj, pikepdf.Name.Fit])
        )
        document.pages[0].obj.AA = pikepdf.Dictionary(O=go)
    if change == "names_tree":
        names = pikepdf.Array([pikepdf.String("a"), document.make_indirect(script)])
        document.Root.Names = pikepdf.Dictionary(JavaScript=pikepdf.Dictionary(Names=names))
    if change == "launch":
        action = pikepdf.Dictionary(S=pikepdf.Name.Launch, F=pikepdf.String("cmd.exe"))
        document.pages[0].obj.Annots = pikepdf.Array(
            [pikepdf.Dictionary(Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Link, A=action)]
        )
    if change == "form":
        document.Root.AcroForm = pikepdf.Dictionary(XFA=pikepdf.Stream(document, b"<xdp/>"))
    if change == "embedded":
        document.attachments["a.exe"] = b"MZ"
    if change == "title":
        document.docinfo["/Title"] = "Om /JavaScript og /Launch i helsetjenesten"
    buffer = io.BytesIO()
    if change == "password":
        document.save(buffer, encryption=pikepdf.Encryption(owner="a", user="b"))
    else:
        document.save(buffer, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return buffer.getvalue()


def archive(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return buffer.getvalue()


def word(**more: bytes) -> bytes:
    return archive({"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<w/>", **more})


async def judge(tmp_path: Path, content: bytes, content_type: str = "application/pdf") -> str | None:
    path = tmp_path / "file"
    path.write_bytes(content)
    return (await inspect(path, content_type)).reason


@pytest.mark.parametrize("change", ["", "go_to", "title"])
async def test_an_ordinary_pdf_passes(tmp_path: Path, change: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(pdf(change, pages=3))
    verdict = await inspect(path, "application/pdf")
    assert (verdict.reason, verdict.pages) == (None, 3)


@pytest.mark.parametrize(
    "change",
    ["open_action", "page_action", "page_action_without_script", "names_tree", "launch", "form", "embedded"],
)
async def test_whatever_acts_is_refused(tmp_path: Path, change: str) -> None:
    assert await judge(tmp_path, pdf(change)) == "active_content"


async def test_a_name_that_is_spelled_in_hexadecimal_is_still_that_name(tmp_path: Path) -> None:
    plain = pikepdf.new()
    plain.add_blank_page()
    plain.Root.OpenAction = plain.make_indirect(
        pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS=pikepdf.String("1"))
    )
    buffer = io.BytesIO()
    plain.save(buffer, object_stream_mode=pikepdf.ObjectStreamMode.disable, compress_streams=False)
    content = buffer.getvalue().replace(b"/JavaScript", b"/J#61vaScript").replace(b"/JS", b"/J#53")
    assert b"/JS" not in content
    assert await judge(tmp_path, content) == "active_content"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<html>%PDF-1.7</html>", "wrong_type"),
        (b"%PDF-1.7 and nothing more", "unreadable"),
        (b"", "wrong_type"),
        (pdf() + archive({"a.txt": b"a"}), "wrong_type"),
        (pdf("password"), "unreadable"),
    ],
)
async def test_what_is_no_pdf_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    assert await judge(tmp_path, content) == reason


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (word(), None),
        (word(**{"word/vbaProject.bin": b"x"}), "active_content"),
        (word(**{"word/embeddings/a.bin": b"x"}), "active_content"),
        (word(**{"inner.zip": b"x"}), "active_content"),
        (word(**{"../../etc/passwd": b"x"}), "wrong_type"),
        (archive({"a.txt": b"a"}), "wrong_type"),
        (word(**{"word/bomb.xml": bytes(30_000_000)}), "too_large"),
        (word(**{f"word/{n}": b"" for n in range(2_001)}), "too_large"),
        (b"PK\x03\x04 nothing", "unreadable"),
    ],
)
async def test_office_documents(tmp_path: Path, content: bytes, reason: str | None) -> None:
    assert await judge(tmp_path, content, DOCX) == reason


async def test_a_pdf_of_endless_objects_is_refused_in_time(tmp_path: Path) -> None:
    document = pikepdf.new()
    document.add_blank_page()
    document.Root.Bomb = pikepdf.Object.parse(b"[" + b"[]" * 250_000 + b"]")
    buffer = io.BytesIO()
    document.save(buffer, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    assert len(buffer.getvalue()) < 10_000, "small on the outside"
    started = time.monotonic()
    assert await judge(tmp_path, buffer.getvalue()) == "too_large"
    assert time.monotonic() - started < 20


async def test_an_unknown_type_is_refused(tmp_path: Path) -> None:
    assert await judge(tmp_path, b"#!/bin/sh", "application/x-sh") == "wrong_type"
