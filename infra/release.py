#!/usr/bin/env python3
"""Makes a release, for one architecture. Its parts are chosen by what is given:

    infra/release.py --architecture x86_64 --functions target/lambda --out target/release-folder
    infra/release.py --architecture x86_64 --functions target/lambda --out target/release-folder \\
        --command target/command/slipway --assets target/release-assets

The folder --out is what Slipway is installed from without Rust: the functions' zips, the template that names them,
forward.yaml, the schemas, and SHA256SUMS. The folder --assets gets what a release on GitHub offers for download, each with the
version and the platform in its name: the folder and the command, as archives. The same inputs give the same bytes.
It needs Python 3.10, and for the functions zopfli, as tests/requirements/build.txt pins it.
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

ROOT = pathlib.Path(__file__).resolve().parent.parent
FUNCTIONS = ["deploy", "track", "slack"]
# A platform as the command's archive names it, by what it is built for.
PLATFORMS = {
    ("Linux", "x86_64"): "x86_64-unknown-linux-gnu",
    ("Linux", "arm64"): "aarch64-unknown-linux-gnu",
    ("macOS", "x86_64"): "x86_64-apple-darwin",
    ("macOS", "arm64"): "aarch64-apple-darwin",
}
ARCHITECTURES = ["x86_64", "arm64"]
# The architectures' numbers in ELF: https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html
ELF = {62: "x86_64", 183: "arm64"}
# And in Mach-O: mach/machine.h of macOS.
MACH_O = {0x0100_0007: "x86_64", 0x0100_000C: "arm64"}
# What only an unwinder reads. The functions abort on a panic, so nothing does.
UNWINDING = {b".eh_frame", b".eh_frame_hdr", b".gcc_except_table"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--architecture", choices=ARCHITECTURES, required=True, help="what all was built for")
    parser.add_argument("--functions", type=pathlib.Path, metavar="DIR", help="cargo-lambda's target/lambda")
    parser.add_argument("--out", type=pathlib.Path, metavar="DIR", help="the folder, which is made anew")
    parser.add_argument("--command", type=pathlib.Path, metavar="FILE", help="the built command")
    parser.add_argument("--assets", type=pathlib.Path, metavar="DIR", help="gets the archives, beside others that are there")
    options = parser.parse_args()
    if not (options.functions or options.command):
        parser.error("there is nothing to do: give --functions or --command")
    if bool(options.functions) != bool(options.out):
        parser.error("--functions and --out belong together")
    if options.command and not options.assets:
        parser.error("--command needs --assets")
    if options.functions:
        folder(options.functions, options.architecture, options.out)
    if options.assets:
        assets(options)


def folder(functions, architecture, out):
    """The folder from which Slipway is installed."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    template = (ROOT / "infra/template.yaml").read_text()
    for function in FUNCTIONS:
        packed = zipped("bootstrap", without_unwinding(lambda_program(functions / function / "bootstrap", architecture)))
        # A name of its content: an update of the stack sees which functions changed.
        name = f"{function}-{hashlib.sha256(packed).hexdigest()[:16]}.zip"
        write(out / name, packed)
        template = replaced(template, f"CodeUri: ../target/lambda/{function}/", f"CodeUri: {name}")
    template = replaced(template, "    Default: arm64\n", f"    Default: {architecture}\n")
    (out / "template.yaml").write_text(template)
    for name in ["forward.yaml", "slipway.schema.json", "notice.schema.json", "answer.schema.json"]:
        shutil.copyfile(ROOT / "infra" / name, out / name)
    shutil.copyfile(ROOT / "LICENSE", out / "LICENSE")
    sums = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in sorted(out.iterdir())]
    (out / "SHA256SUMS").write_text("".join(sums))


def assets(options):
    """What a release on GitHub offers for this architecture."""
    options.assets.mkdir(parents=True, exist_ok=True)
    if options.out:
        name = f"slipway-functions-{version()}-{options.architecture}"
        entries = [(f"{name}/{file.name}", file.read_bytes(), 0o644) for file in sorted(options.out.iterdir())]
        write(options.assets / f"{name}.tar.gz", archived(entries))
    if options.command:
        program, system = read(options.command, options.architecture)
        entries = [("slipway", program, 0o755), ("LICENSE", (ROOT / "LICENSE").read_bytes(), 0o644)]
        name = f"slipway-{version()}-{PLATFORMS[system, options.architecture]}.tar.gz"
        write(options.assets / name, archived(entries))


def write(file, content):
    file.write_bytes(content)
    print(f"{len(content):>9} bytes  {file.name}")


def read(file, architecture):
    """A program, built for this architecture, and for which system."""
    try:
        program = file.read_bytes()
    except OSError as error:
        sys.exit(f"{file}: {error.strerror}; build it first, see the README")
    system, found = platform(program)
    if found != architecture:
        sys.exit(f"{file}: is no program for {architecture}; build it for that, or give another --architecture")
    return program, system


def lambda_program(file, architecture):
    """A function, which Lambda runs on Linux."""
    program, system = read(file, architecture)
    if system != "Linux":
        sys.exit(f"{file}: is no program for Linux; build it by cargo-lambda, see the README")
    return program


def platform(program):
    """The system and the architecture that a program's first bytes name."""
    if program[:6] == b"\x7fELF\x02\x01":
        return "Linux", ELF.get(*struct.unpack_from("<H", program, 18))
    if program[:4] == b"\xcf\xfa\xed\xfe":
        return "macOS", MACH_O.get(*struct.unpack_from("<I", program, 4))
    return None, None


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
    try:
        import zopfli.zlib
    except ImportError:
        sys.exit("zopfli is missing, which makes the zips small: pip install zopfli")
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


def archived(entries):
    """A tar.gz of these files: a name, the content, and the mode of each."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=9, mtime=0) as stream:
        with tarfile.open(fileobj=stream, mode="w") as archive:
            for name, content, mode in entries:
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode = len(content), mode
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
