"""Archives of a module: sound ones, damaged ones, and hostile ones, by what is wrong with them."""

import bz2
import gzip
import io
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib

GRAPH = ("m/saved_model.pb", b"graph")


def tar_of(*members, kind=tarfile.GNU_FORMAT, ending=True):
    """The bytes of a `.tar` of `(name, contents)` or `TarInfo`s, or `(TarInfo, contents)`."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=kind) as archive:
        for member in members:
            info, contents = (member, b"") if isinstance(member, tarfile.TarInfo) else member
            if isinstance(info, str):
                info = tarfile.TarInfo(info)
            if info.isreg():
                info.size = len(contents)
            archive.addfile(info, io.BytesIO(contents))
        length = archive.offset
    return file.getvalue() if ending else file.getvalue()[:length]


def info(name, kind=tarfile.REGTYPE, target="", **headers):
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.pax_headers = kind, target, headers
    return member


def raw_header(name, size, kind=b"0"):
    """A header of a `.tar` with any size, and no contents."""
    member = tarfile.TarInfo(name)
    member.type = kind
    member.size = size
    return member.tobuf(tarfile.GNU_FORMAT)


def gz(data):
    return gzip.compress(data, 1, mtime=0)


def zip_of(*members, method=zipfile.ZIP_DEFLATED):
    """The bytes of a `.zip` of `(name or ZipInfo, contents)`."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, contents in members:
            archive.writestr(name, contents)
    return file.getvalue()


def zip_info(name, mode=stat.S_IFREG | 0o644, **fields):
    member = zipfile.ZipInfo(name)
    member.external_attr = mode << 16
    for field, value in fields.items():
        setattr(member, field, value)
    return member


def _zeros(mib):
    """So many MiB of zeros, compressed by gzip without making them."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, 31)
    data = [compressor.compress(bytes(1 << 20)) for _ in range(mib)]
    return b"".join([*data, compressor.flush()])


def _tar_bomb(mib):
    """A file of zeros in a `.tar.gz`, of a thousandth of its size."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, 31)
    data = [compressor.compress(tar_of(GRAPH, ending=False))]
    data.append(compressor.compress(raw_header("m/zeros", mib << 20)))
    data += [compressor.compress(bytes(1 << 20)) for _ in range(mib)]
    return b"".join([*data, compressor.compress(bytes(1024)), compressor.flush()])


def _zip_bomb(mib):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(*GRAPH)
        with archive.open("m/zeros", "w", force_zip64=True) as member:
            for _ in range(mib):
                member.write(bytes(1 << 20))
    return file.getvalue()


def _overlapping_zip():
    """Two entries of the directory for one member."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("m/saved_model.pb", bytes(9999))
        first = archive.infolist()[0]
        for name in ("m/b", "m/c", "m/d"):
            copy = zipfile.ZipInfo(name)
            copy.header_offset, copy.CRC = first.header_offset, first.CRC
            copy.compress_size, copy.file_size = first.compress_size, first.file_size
            archive.filelist.append(copy)
    return file.getvalue()


def _flipped(data, position):
    return data[:position] + bytes([data[position] ^ 0xFF]) + data[position + 1 :]


def _lying_zip(size):
    """A member whose directory entry names another size."""
    data = bytearray(zip_of(("m/saved_model.pb", b"graph" * 20)))
    at = data.index(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", size)
    return bytes(data)


def _encrypted_zip():
    data = bytearray(zip_of(GRAPH))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + at] |= 1
    return bytes(data)


def _large_directory():
    """A `.zip` whose directory alone takes more memory than a module's."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(*GRAPH)
        archive.infolist()[0].comment = bytes(60000)
        archive.filelist += [archive.infolist()[0]] * 80
    return file.getvalue()


def _sparse_of_gnu():
    """The oldest of the four forms of sparse files: a type of its own."""
    header = bytearray(raw_header("m/hole", 512, b"S"))
    header[386:398] = b"00000000000\0"
    header[398:410] = b"00000001000\0"
    header[483:495] = b"77777777777\0"
    header[148:156] = b"        "
    header[148:156] = b"%06o\0 " % sum(header)
    return tar_of(GRAPH, ending=False) + bytes(header) + bytes(512) + bytes(1024)


def _pax(name, **headers):
    return tar_of(GRAPH, (info(name, **headers), b"x"), kind=tarfile.PAX_FORMAT)


_PLAIN = tar_of(GRAPH, ("m/variables/v", bytes(range(256)) * 40))
_ZIP = zip_of(GRAPH, ("m/variables/v", bytes(range(256)) * 40))
_LINK, _HARD, _CHAR, _BLOCK, _FIFO = b"2", b"1", b"3", b"4", b"6"

# Each is made when it is needed: name -> (name of the file, function, words of the error).
HOSTILE = {
    # Out of the directory.
    "tar_parent": ("a.tar.gz", lambda: gz(tar_of(GRAPH, ("../evil", b"x"))), "lies outside"),
    "tar_parent_inside": ("a.tar", lambda: tar_of(GRAPH, ("m/../../evil", b"x")), "lies outside"),
    "tar_absolute": ("a.tar", lambda: tar_of(GRAPH, ("/tmp/evil", b"x")), "lies outside"),
    "tar_parent_folder": ("a.tar", lambda: tar_of(GRAPH, info("../evil", b"5")), "lies outside"),
    "tar_parent_by_pax": ("a.tar", lambda: _pax("m/a", path="../evil"), "lies outside"),
    "tar_backslash": ("a.tar", lambda: tar_of(GRAPH, ("m\\..\\evil", b"x")), "a backslash"),
    "tar_drive": ("a.tar", lambda: tar_of(GRAPH, ("C:evil", b"x")), "a drive"),
    "zip_parent": ("a.zip", lambda: zip_of(GRAPH, ("../evil", b"x")), "lies outside"),
    "zip_absolute": ("a.zip", lambda: zip_of(GRAPH, (zip_info("/evil"), b"x")), "lies outside"),
    "zip_backslash": ("a.zip", lambda: zip_of(GRAPH, ("..\\evil", b"x")), "a backslash"),
    "zip_parent_folder": ("a.zip", lambda: zip_of(GRAPH, ("m/../../evil/", b"")), "lies outside"),
    # Links and devices.
    "tar_link": ("a.tar", lambda: tar_of(GRAPH, info("m/l", _LINK, "/etc")), "neither a file"),
    "tar_link_then_file": (
        "a.tar",
        lambda: tar_of(GRAPH, info("m/l", _LINK, "/tmp"), ("m/l/evil", b"x")),
        "neither a file",
    ),
    "tar_link_inside": ("a.tar", lambda: tar_of(GRAPH, info("m/l", _LINK, "a")), "neither a file"),
    "tar_hard_link": (
        "a.tar",
        lambda: tar_of(GRAPH, info("m/l", _HARD, "/etc/passwd")),
        "neither a file",
    ),
    "tar_link_of_the_root": ("a.tar", lambda: tar_of(info("m", _LINK, "/tmp"), GRAPH), "neither"),
    "tar_character_device": ("a.tar", lambda: tar_of(GRAPH, info("m/d", _CHAR)), "neither a file"),
    "tar_block_device": ("a.tar", lambda: tar_of(GRAPH, info("m/d", _BLOCK)), "neither a file"),
    "tar_pipe": ("a.tar", lambda: tar_of(GRAPH, info("m/p", _FIFO)), "neither a file"),
    "zip_link": (
        "a.zip",
        lambda: zip_of(GRAPH, (zip_info("m/l", stat.S_IFLNK | 0o777), b"/etc")),
        "a link or a device",
    ),
    "zip_device": (
        "a.zip",
        lambda: zip_of(GRAPH, (zip_info("m/d", stat.S_IFCHR), b"")),
        "a link or a device",
    ),
    # Two members in one place.
    "tar_twice": ("a.tar", lambda: tar_of(GRAPH, GRAPH), "two members"),
    "tar_twice_otherwise_spelled": (
        "a.tar",
        lambda: tar_of(GRAPH, ("./m//saved_model.pb", b"x")),
        "two members",
    ),
    "tar_case": (
        "a.tar",
        lambda: tar_of(GRAPH, ("m/Saved_Model.pb", b"x")),
        "the same name on some",
    ),
    "tar_case_of_a_folder": (
        "a.tar",
        lambda: tar_of(GRAPH, ("m/A/x", b"x"), ("m/a/y", b"x")),
        "the same name on some",
    ),
    "tar_accent": (
        "a.tar",
        lambda: tar_of(GRAPH, ("m/e\u0301", b"x"), ("m/\u00e9", b"x")),
        "the same name on some",
    ),
    "tar_file_then_folder": (
        "a.tar",
        lambda: tar_of(GRAPH, ("m/a", b"x"), ("m/a/b", b"x")),
        "both a file and a folder",
    ),
    "tar_folder_then_file": (
        "a.tar",
        lambda: tar_of(GRAPH, ("m/a/b", b"x"), ("m/a", b"x")),
        "two members",
    ),
    "tar_file_then_a_folder_of_its_name": (
        "a.tar",
        lambda: tar_of(GRAPH, ("m/a", b"x"), info("m/a", b"5")),
        "two members",
    ),
    "zip_twice": (
        "a.zip",
        lambda: zip_of(GRAPH, ("m/saved_model_pb", b"x")).replace(
            b"saved_model_pb", b"saved_model.pb"
        ),
        "two members",
    ),
    "zip_case": ("a.zip", lambda: zip_of(GRAPH, ("M/x", b"x")), "the same name on some"),
    # Names that no module has.
    "tar_deep": ("a.tar", lambda: tar_of(GRAPH, ("d/" * 1500 + "f", b"")), "more than 64 folders"),
    "tar_long": ("a.tar", lambda: tar_of(GRAPH, ("a" * 256, b"")), "more than 255 bytes"),
    "tar_not_utf8": ("a.tar", lambda: tar_of(GRAPH, ("a\udcff", b"")), "is not UTF-8"),
    "zip_nul": (
        "a.zip",
        lambda: zip_of(GRAPH, ("m/aXevil", b"")).replace(b"m/aXevil", b"m/a\0evil"),
        "NUL character",
    ),
    "tar_many_members": (
        "a.tar.gz",
        lambda: gz(tar_of(*((f"m/{n}", b"") for n in range(10_001)))),
        "10,000 members",
    ),
    # Bombs.
    "tar_bomb": ("a.tar.gz", lambda: _tar_bomb(300), "would unpack to more than"),
    "gzip_bomb_after_the_end": (
        "a.tar.gz",
        lambda: gz(_PLAIN) + _zeros(300),
        "would unpack to more than",
    ),
    "tar_declared_size": (
        "a.tar",
        lambda: tar_of(GRAPH, ending=False) + raw_header("m/a", 1 << 40) + bytes(2048),
        "would unpack to more than",
    ),
    "tar_negative_size": (
        "a.tar",
        lambda: tar_of(GRAPH, ending=False) + raw_header("m/a", -1 << 40) + bytes(2048),
        "a.tar: ",
    ),
    "tar_long_name_bomb": (
        "a.tar.gz",
        lambda: gz(raw_header("x", 1 << 33, b"L") + bytes(1 << 22)),
        "a header of more",
    ),
    "tar_pax_bomb": (
        "a.tar.gz",
        lambda: gz(raw_header("x", 1 << 33, b"x") + bytes(1 << 22)),
        "a header of more",
    ),
    "tar_headers_of_headers": (
        "a.tar.gz",
        lambda: gz((raw_header("x", 1, b"L") + b"a".ljust(512, b"\0")) * 5000),
        "is damaged",
    ),
    "tar_sparse_0_1": (
        "a.tar",
        lambda: _pax("m/h", **{"GNU.sparse.map": "0,1", "GNU.sparse.size": str(1 << 40)}),
        "sparse file",
    ),
    "tar_sparse_1_0": (
        "a.tar",
        lambda: tar_of(
            GRAPH,
            (
                info(
                    "m/h",
                    **{
                        "GNU.sparse.major": "1",
                        "GNU.sparse.minor": "0",
                        "GNU.sparse.name": "m/h",
                        "GNU.sparse.realsize": str(1 << 40),
                    },
                ),
                b"0\n".ljust(512, b"\0"),
            ),
            kind=tarfile.PAX_FORMAT,
        ),
        "sparse file",
    ),
    "tar_sparse_unknown": ("a.tar", lambda: _pax("m/h", **{"GNU.sparse.major": "9"}), "sparse"),
    "tar_sparse_gnu": ("a.tar", _sparse_of_gnu, "sparse file"),
    "zip_bomb": ("a.zip", lambda: _zip_bomb(300), "would unpack to more than"),
    "zip_overlap": ("a.zip", _overlapping_zip, "share bytes"),
    "zip_directory": ("a.zip", _large_directory, "list of members has more than"),
    # Damage.
    "tar_cut_in_a_member": ("a.tar", lambda: _PLAIN[:3000], "expected 10,240"),
    "tar_cut_in_a_header": ("a.tar", lambda: _PLAIN[:1200], "is damaged"),
    "tar_cut_between_members": ("a.tar", lambda: tar_of(GRAPH, ending=False), "has no end"),
    "tar_damaged_header": ("a.tar", lambda: _flipped(_PLAIN, 1030), "has no end"),
    "tar_damaged_first_header": ("a.tar", lambda: _flipped(_PLAIN, 3), "is damaged"),
    "tar_data_after_the_end": ("a.tar", lambda: _PLAIN + _PLAIN, "other data follow it"),
    "gzip_cut": ("a.tar.gz", lambda: gz(_PLAIN)[:-4], "is cut off"),
    "gzip_cut_in_its_middle": ("a.tar.gz", lambda: gz(_PLAIN)[:200], "is cut off"),
    "gzip_checksum": ("a.tar.gz", lambda: _flipped(gz(_PLAIN), -6), "is damaged"),
    "gzip_flipped": ("a.tar.gz", lambda: _flipped(gz(_PLAIN), 60), "a.tar.gz"),
    "gzip_garbage_after_the_end": ("a.tar.gz", lambda: gz(_PLAIN) + b"\0junk", "other data"),
    "gzip_of_nothing": ("a.tar.gz", lambda: gz(b""), "it is an empty file"),
    "gzip_of_a_page": ("a.tar.gz", lambda: gz(b"<!DOCTYPE html>\n<p>"), "it is an HTML page"),
    "gzip_of_a_graph": ("a.tar.gz", lambda: gz(b"\x0a\x05graph"), "it is neither a directory nor"),
    "zip_cut": ("a.zip", lambda: _ZIP[:-30], "is damaged"),
    "zip_checksum": ("a.zip", lambda: _flipped(_ZIP, 49), "is damaged"),
    "zip_smaller_than_it_says": ("a.zip", lambda: _lying_zip(1 << 20), "a.zip: "),
    "zip_larger_than_it_says": ("a.zip", lambda: _lying_zip(10), "is damaged"),
    "zip_encrypted": ("a.zip", _encrypted_zip, "is encrypted"),
    "zip_of_bzip2": ("a.zip", lambda: zip_of(GRAPH, method=zipfile.ZIP_BZIP2), "is encrypted, or"),
    # Something else.
    "empty": ("a.tar.gz", lambda: b"", "it is an empty file"),
    "page": ("a.tar.gz", lambda: b"\n<!DOCTYPE html><html>", "it is an HTML page"),
    "page_without_type": ("a.tgz", lambda: b"\xef\xbb\xbf<HTML><body>", "it is an HTML page"),
    "xml": ("a.tar.gz", lambda: b"<?xml version='1.0'?><Error><Code>", "it is an XML document"),
    "json": ("a.zip", lambda: b'{"error": 404}', "it is a JSON document"),
    "lfs": ("a.tar.gz", lambda: b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
    "bzip2": ("a.tar.bz2", lambda: bz2.compress(_PLAIN), "compressed by bzip2"),
    "xz": ("a.tar.xz", lambda: lzma.compress(_PLAIN), "compressed by xz"),
    "no_members": ("a.tar", lambda: tar_of(), "holds no model"),
    "no_members_zip": ("a.zip", lambda: zip_of(), "holds no model"),
    "no_model": ("a.tar.gz", lambda: gz(tar_of(("a/words.txt", b"x"))), "holds no model"),
    "two_models": (
        "a.zip",
        lambda: zip_of(GRAPH, ("n/saved_model.pb", b"x")),
        "holds 2 models",
    ),
    "links_to_archives": (
        "a.tar.gz",
        lambda: gz(tar_of(info("saved_model.pb", _LINK, "x"))),
        "neither a file",
    ),
}
