#!/usr/bin/env python3
"""Makes a release: one folder from which Slipway is installed without Rust.

    infra/release.py --functions target/lambda --command target/release/slipway --architecture x86_64 --out target/release-folder

The folder has the functions' zips, the templates, the schemas, the command's archive, and SHA256SUMS. The same inputs give
the same bytes. It needs Python 3.10 and zopfli, as tests/requirements/build.txt pins it.
"""

import argparse
import gzip
import hashlib
import io
import pathlib
import re
import shutil
import struct
import sys
import tarfile
import zipfile
import zlib

try:
    import zopfli.zlib
except ImportError:
    sys.exit("zopfli is missing, which makes the zips small: pip install zopfli")

ROOT = pathlib.Path(__file__).resolve().parent.parent
FUNCTIONS = ["deploy", "track", "slack"]
TARGETS = {"x86_64": "x86_64-unknown-linux-gnu", "arm64": "aarch64-unknown-linux-gnu"}
# ELF's numbers for them: https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html
MACHINES = {"x86_64": 62, "arm64": 183}
# What only an unwinder reads. The functions abort on a panic, so nothing does.
UNWINDING = {b".eh_frame", b".eh_frame_hdr", b".gcc_except_table"}


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--functions", type=pathlib.Path, required=True, metavar="DIR", help="cargo-lambda's target/lambda")
    options.add_argument("--command", type=pathlib.Path, metavar="FILE", help="the built command; without it the folder has none")
    options.add_argument("--architecture", choices=TARGETS, required=True, help="what both were built for")
    options.add_argument("--out", type=pathlib.Path, required=True, metavar="DIR", help="the folder, which is made anew")
    make(options.parse_args())


def make(options):
    out = options.out
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    template = (ROOT / "infra/template.yaml").read_text()
    for function in FUNCTIONS:
        binary = read(options.functions / function / "bootstrap", options.architecture)
        packed = zipped("bootstrap", without_unwinding(binary))
        # A name of its content: an update of the stack sees which functions changed.
        name = f"{function}-{hashlib.sha256(packed).hexdigest()[:16]}.zip"
        (out / name).write_bytes(packed)
        template = replaced(template, f"CodeUri: ../target/lambda/{function}/", f"CodeUri: {name}")
        print(f"{len(packed):>9} bytes  {name}")
    template = replaced(template, "    Default: arm64\n", f"    Default: {options.architecture}\n")
    (out / "template.yaml").write_text(template)
    for name in ["forward.yaml", "slipway.schema.json", "notice.schema.json", "answer.schema.json"]:
        shutil.copyfile(ROOT / "infra" / name, out / name)
    shutil.copyfile(ROOT / "LICENSE", out / "LICENSE")
    if options.command:
        name = f"slipway-{version()}-{TARGETS[options.architecture]}.tar.gz"
        packed = archived("slipway", read(options.command, options.architecture))
        (out / name).write_bytes(packed)
        print(f"{len(packed):>9} bytes  {name}")
    sums = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in sorted(out.iterdir())]
    (out / "SHA256SUMS").write_text("".join(sums))


def read(file, architecture):
    """A program, built for this architecture."""
    try:
        program = file.read_bytes()
    except OSError as error:
        sys.exit(f"{file}: {error.strerror}; build it first, see the README")
    if program[:6] != b"\x7fELF\x02\x01" or struct.unpack_from("<H", program, 18)[0] != MACHINES[architecture]:
        sys.exit(f"{file}: is no program for Linux on {architecture}; build it for that, or give another --architecture")
    return program


def without_unwinding(program):
    """The same program with zeros in what only an unwinder reads: a twelfth of its zip. Nothing else moves.

    Shapes: https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.sheader.html
    """
    program = bytearray(program)
    (headers,) = struct.unpack_from("<Q", program, 0x28)
    size, count, names = struct.unpack_from("<HHH", program, 0x3A)
    sections = [struct.unpack_from("<IIQQQQ", program, headers + size * place) for place in range(count)]
    texts = sections[names][4]
    found = 0
    for name, _, _, _, offset, length in sections:
        end = program.index(b"\0", texts + name)
        if bytes(program[texts + name : end]) in UNWINDING:
            program[offset : offset + length] = bytes(length)
            found += 1
    if not found:
        print("a function has nothing for an unwinder, so it stays as it is", file=sys.stderr)
    return bytes(program)


def zipped(name, content):
    """A zip with one program, compressed as far as the format allows: Lambda loads it at every cold start.

    Written here, because zipfile takes no stream that another program compressed.
    Shapes: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.7, 4.3.12 and 4.3.16
    """
    name, deflated, version = name.encode(), zopfli.zlib.compress(content, numiterations=1)[2:-4], 20
    # No flags, deflated, at midnight of the first day that zip files know.
    common = struct.pack("<HHHHHIII", version, 0, 8, 0, 33, zlib.crc32(content), len(deflated), len(content))
    local = b"PK\3\4" + common + struct.pack("<HH", len(name), 0) + name + deflated
    # Lambda has to be allowed to run it: mode 755 of a regular file, as Unix (3) has it.
    directory = b"PK\1\2" + struct.pack("<H", 3 << 8 | version) + common
    directory += struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0o100755 << 16, 0) + name
    packed = local + directory + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(directory), len(local), 0)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.testzip() is None and archive.read(name.decode()) == content
    return packed


def archived(name, content):
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=9, mtime=0) as stream:
        with tarfile.open(fileobj=stream, mode="w") as archive:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def replaced(template, old, new):
    if template.count(old) != 1:
        sys.exit(f"infra/template.yaml: has not exactly one {old.strip()!r}; make infra/release.py know its new form")
    return template.replace(old, new)


def version():
    return re.search(r'^version = "(.+)"$', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]


if __name__ == "__main__":
    main()
