#!/usr/bin/env bash
# Installs the command `slipway` of a release: install.sh FOLDER
#
#   SLIPWAY_RELEASES  the address of the releases, such as https://github.com/OWNER/slipway/releases/download
#   SLIPWAY_VERSION   the version, 0.1.0; without it, the one that this file belongs to
#   SLIPWAY_SHA256    the SHA-256 of the archive for this machine; without it, SHA256SUMS of the release counts
#
# Nothing is unpacked before its SHA-256 is right. It needs bash 3.2, curl and tar, and sha256sum or shasum.
set -euo pipefail

fail() {
    # GitHub Actions shows such a line as an error of the step. A line break would begin another one.
    printf '::error title=Slipway::%s\n' "${1//$'\n'/ }" >&2
    exit 69
}

# The platform, as the archives' names have it.
platform() {
    case "$(uname -s) $(uname -m)" in
        'Linux x86_64') echo x86_64-unknown-linux-gnu ;;
        'Linux aarch64') echo aarch64-unknown-linux-gnu ;;
        'Darwin x86_64') echo x86_64-apple-darwin ;;
        'Darwin arm64') echo aarch64-apple-darwin ;;
        *) fail "there is no slipway for $(uname -s) on $(uname -m); it runs on Linux and macOS, on x86_64 and arm64" ;;
    esac
}

# download NAME: gets a file of the release.
download() {
    curl --fail --silent --show-error --location --retry 3 --output "$work/$1" "$SLIPWAY_RELEASES/v$version/$1" ||
        fail "cannot download $SLIPWAY_RELEASES/v$version/$1; is there a release $version?"
}

sum() {
    if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum --algorithm 256 "$1"; fi | cut -d ' ' -f 1
}

folder=$1
: "${SLIPWAY_RELEASES:?}"
version=${SLIPWAY_VERSION:-$(sed -n 's/^version = "\(.*\)"$/\1/p' "$(dirname "$0")/../../Cargo.toml")}
version=${version#v}
archive=slipway-$version-$(platform).tar.gz
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

download "$archive"
expected=${SLIPWAY_SHA256:-}
if [ -z "$expected" ]; then
    download SHA256SUMS
    expected=$(awk -v name="$archive" '$2 == name { print $1 }' "$work/SHA256SUMS")
    [ -n "$expected" ] || fail "SHA256SUMS of the release $version does not name $archive"
fi
# As GitHub shows it, sha256:…, or as sha256sum does.
expected=${expected#sha256:}
found=$(sum "$work/$archive")
[ "$found" = "$expected" ] || fail "$archive has the SHA-256 $found instead of $expected, so it is not used"
mkdir -p "$folder"
tar -xzf "$work/$archive" -C "$folder" slipway
"$folder/slipway" --version
