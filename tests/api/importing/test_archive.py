"""An upload that is not what it says is refused before anything is read."""

import io
import stat
import zipfile
from pathlib import Path

import pytest

from api.importing.archive import Archive
from api.importing.faults import DumpFault, FileFault
from tests.api.importing.dumps import kept, zipped


def entry(
    name: str, mode: int = 0, data: bytes = b"x", method: int = zipfile.ZIP_DEFLATED
) -> bytes:
    """A zip of one entry that is described by hand."""
    info = zipfile.ZipInfo(name)
    info.filename = name
    info.external_attr, info.compress_type, info.create_system = mode << 16, method, 3
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(info, data)
    return made.getvalue()


LINK = entry("data/x.csv", stat.S_IFLNK | 0o777, b"/etc/passwd")
DEVICE = entry("data/x.csv", stat.S_IFCHR | 0o666)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (entry("../../etc/x.csv"), "leads out of the folder"),
        (entry("data/../../x.csv"), "leads out of the folder"),
        (entry("/etc/x.csv"), "leads out of the folder"),
        (entry("C:/x.csv"), "leads out of the folder"),
        (entry("..\\x.csv"), "leads out of the folder"),
        (LINK, "is a link or a device"),
        (DEVICE, "is a link or a device"),
        (zipped({"more.zip": zipped({"x.csv": "1"})}), "archive inside of the archive"),
        (zipped({"more.csv.gz": b"x"}), "archive inside of the archive"),
        (zipped({"x.csv": bytes(50 * 2**20)}), "would unpack to 52,428,800 bytes"),
        (entry("x.csv", method=zipfile.ZIP_LZMA), "packed in a way"),
        (b"\x1f\x8bxxxx", "only zip is read"),
        (b"7z\xbc\xaf\x27\x1c", "only zip is read"),
        (zipped({"x.csv": "1,2,3\n" * 99})[:-40], "did not come whole"),
        (b"PK\x03\x04 and nothing that follows", "did not come whole"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_export_is_refused(tmp_path: Path, data: bytes, says: str) -> None:
    with pytest.raises(DumpFault, match=says):
        Archive(kept(tmp_path, data), "upload")


def test_files_that_lie_over_one_another_are_refused(tmp_path: Path) -> None:
    data = bytearray(zipped({"a.csv": bytes(range(200)), "b.csv": bytes(range(200))}))
    directory = data.index(b"PK\x01\x02")
    # The sizes that the directory gives, larger than the whole archive.
    for place in (directory, data.index(b"PK\x01\x02", directory + 4)):
        data[place + 20 : place + 24] = (10**6).to_bytes(4, "little")
        data[place + 24 : place + 28] = (10**6).to_bytes(4, "little")
    with pytest.raises(DumpFault, match="lie over one another"):
        Archive(kept(tmp_path, bytes(data)), "upload")


def test_a_name_that_comes_twice_is_refused(tmp_path: Path) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("x.csv", "1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("x.csv", "2")
    with pytest.raises(DumpFault, match="twice"):
        Archive(kept(tmp_path, made.getvalue()), "upload")


def test_a_file_that_is_damaged_or_an_archive_in_disguise_is_named(tmp_path: Path) -> None:
    data = zipped({"a.csv": b"\x1f\x8b\x08", "b.csv": bytes(range(250)) * 9})
    spoiled = bytearray(data)
    spoiled[data.index(b"b.csv") + 30] ^= 255
    with Archive(kept(tmp_path, bytes(spoiled)), "upload") as archive:
        assert archive.names == ["a.csv", "b.csv"]
        with pytest.raises(FileFault, match="an archive itself"):
            archive.read("a.csv")
        with pytest.raises(FileFault, match="damaged"):
            archive.read("b.csv")


def test_a_plain_file_is_an_archive_of_one(tmp_path: Path) -> None:
    with Archive(kept(tmp_path, b"time,timestamp\n"), "a.csv") as archive:
        assert archive.names == ["a.csv"]
        assert archive.read("a.csv", 4) == b"time"
