"""A program of its own: looks into one untrusted file under tight limits and says what it found, as one line
of JSON.

`python -I inspector.py PATH CONTENT_TYPE` -> `{"reason": null | code, "pages": int | null}`. It imports
nothing of
ours, gets no environment, and may be killed at any time: whatever a file does to its parser ends here.
"""

import json
import resource
import sys
import zipfile
from pathlib import Path

MEMORY_BYTES = 768 * 1024 * 1024
CPU_SECONDS = 10
MOST_OBJECTS = 200_000
MOST_PAGES = 2_000
MOST_ENTRIES = 2_000
MOST_UNPACKED_BYTES = 200 * 1024 * 1024
HIGHEST_RATIO = 200

ACTIVE_KEYS = {"/JS", "/JavaScript", "/AA", "/XFA", "/EF", "/EmbeddedFiles", "/RichMediaContent"}
ACTIVE_ACTIONS = {
    "/JavaScript",
    "/Launch",
    "/SubmitForm",
    "/ImportData",
    "/GoToE",
    "/Rendition",
    "/RichMediaExecute",
}
OFFICE = {
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "word/",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xl/",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "ppt/",
}
IMAGES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}


class Refusal(Exception):
    """The file is refused; the text is the reason's code."""


def look(path: Path, content_type: str) -> dict[str, object]:
    """What is wrong with the file, and how many pages it has."""
    try:
        if content_type == "application/pdf":
            return {"reason": None, "pages": look_into_pdf(path)}
        if content_type in OFFICE:
            look_into_zip(path, OFFICE[content_type])
        elif content_type in IMAGES:
            with path.open("rb") as file:
                if not file.read(16).startswith(IMAGES[content_type]):
                    raise Refusal("wrong_type")
            if zipfile.is_zipfile(path):
                raise Refusal("wrong_type")
        else:
            raise Refusal("wrong_type")
    except Refusal as refusal:
        return {"reason": str(refusal), "pages": None}
    except MemoryError:
        return {"reason": "too_large", "pages": None}
    return {"reason": None, "pages": None}


def look_into_pdf(path: Path) -> int:
    """The number of pages of a PDF that is one from its first byte to its last and holds nothing that
    acts."""
    import pikepdf

    with path.open("rb") as file:
        if not file.read(5).startswith(b"%PDF-"):
            raise Refusal("wrong_type")
    if zipfile.is_zipfile(path):
        raise Refusal("wrong_type")  # a file that is two things is neither
    try:
        with pikepdf.open(path) as pdf:
            pages = len(pdf.pages)
            if pages == 0:
                raise Refusal("unreadable")
            if pages > MOST_PAGES:
                raise Refusal("too_large")
            refuse_active(pikepdf, [*pdf.objects, pdf.trailer])
            return pages
    except pikepdf.PasswordError:
        raise Refusal("unreadable") from None
    except pikepdf.PdfError:
        raise Refusal("unreadable") from None


def refuse_active(pikepdf, roots) -> None:  # type: ignore[no-untyped-def]  # the module is imported late
    """Refuse scripts, launches, forms that send themselves, and files inside the file, wherever they hang.

    Names come decoded, and objects out of compressed streams, so that no spelling hides one.
    """
    seen = 0
    waiting = list(roots)
    while waiting:
        part = waiting.pop()
        seen += 1
        if seen > MOST_OBJECTS:
            raise Refusal("too_large")
        if isinstance(part, pikepdf.Dictionary | pikepdf.Stream):
            for name in part.keys():
                if name in ACTIVE_KEYS:
                    raise Refusal("active_content")
                value = part[name]
                if name == "/S" and isinstance(value, pikepdf.Name) and str(value) in ACTIVE_ACTIONS:
                    raise Refusal("active_content")
                if name == "/Type" and isinstance(value, pikepdf.Name) and str(value) == "/EmbeddedFile":
                    raise Refusal("active_content")
                if is_inline(pikepdf, value):
                    waiting.append(value)
        elif isinstance(part, pikepdf.Array):
            waiting += [value for value in part if is_inline(pikepdf, value)]


def is_inline(pikepdf, value) -> bool:  # type: ignore[no-untyped-def]
    """Indirect objects are met on their own, so only what is written in place is followed."""
    return isinstance(value, pikepdf.Dictionary | pikepdf.Array) and not value.is_indirect


def look_into_zip(path: Path, folder: str) -> None:
    """Refuse bombs, ways out of the folder, macros, and anything that is not the office document it says it
    is."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        raise Refusal("unreadable") from None
    if len(entries) > MOST_ENTRIES or sum(entry.file_size for entry in entries) > MOST_UNPACKED_BYTES:
        raise Refusal("too_large")
    names = {entry.filename for entry in entries}
    for entry in entries:
        if entry.file_size > HIGHEST_RATIO * max(entry.compress_size, 1024):
            raise Refusal("too_large")
        if entry.flag_bits & 0x1:
            raise Refusal("unreadable")
        parts = entry.filename.replace("\\", "/").split("/")
        if entry.filename.startswith("/") or ".." in parts or (entry.external_attr >> 28) == 0xA:
            raise Refusal("wrong_type")
        if parts[-1].lower() in ("vbaproject.bin", "vbadata.xml") or "/embeddings/" in entry.filename:
            raise Refusal("active_content")
        if entry.filename.lower().endswith((".zip", ".docx", ".xlsx", ".pptx", ".jar")):
            raise Refusal("active_content")
    if "[Content_Types].xml" not in names or not any(name.startswith(folder) for name in names):
        raise Refusal("wrong_type")


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.stdout.write(json.dumps(look(Path(sys.argv[1]), sys.argv[2])))


if __name__ == "__main__":
    main()
