#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Fetches a stock kernel of Debian, and takes the ELF file out of a bzImage.
#
#	kernel.sh fetch VERSION FOLDER	VERSION: 6.1 or 6.12; leaves FOLDER/root, the unpacked package
#	kernel.sh elf BZIMAGE FILE	FILE: what QEMU starts at once (PVH), without unpacking itself
#
# Changes nothing outside FOLDER: apt is given lists, a cache and sources of its own there.
set -eu

# Where the newest kernel of that version is, in a list of packages that is small.
suite_of() {
	case $1 in
	6.1) echo bookworm-security ;;
	6.12) echo trixie-security ;;
	*)
		echo "kernel.sh: no stable Debian has Linux $1: give a kernel, KERNEL=FILE" >&2
		return 1
		;;
	esac
}

# apt FOLDER PROGRAM ARGUMENT...: apt-get or apt-cache, with everything below FOLDER.
apt() {
	local folder=$1 program=$2
	shift 2
	"$program" -qq -o "Dir::Etc::SourceList=$folder/sources.list" -o Dir::Etc::SourceParts=/dev/null \
		-o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
		-o "Dir::State=$folder/state" -o Dir::State::Status=/dev/null -o "Dir::Cache=$folder/cache" \
		-o APT::Architecture=amd64 -o APT::Architectures=amd64 -o APT::Sandbox::User=root "$@"
}

# modules.dep, which Debian makes when the package is installed.
index() {
	local modules base
	for modules in "$1"/lib/modules/* "$1"/usr/lib/modules/*; do
		[ -d "$modules" ] || continue
		base=${modules%/lib/modules/*}
		depmod -b "$base" "${modules##*/}"
	done
}

fetch() {
	local version=$1 folder suite package keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	folder=$(realpath -m "$2")
	[ ! -e "$folder/package" ] || return 0	# kept from an earlier run
	suite=$(suite_of "$version")
	mkdir -p "$folder/apt/state/lists/partial" "$folder/apt/cache/archives/partial"
	echo "deb [signed-by=$keyring] http://deb.debian.org/debian-security $suite main" \
		>"$folder/apt/sources.list"
	apt "$folder/apt" apt-get update
	package=$(apt "$folder/apt" apt-cache show linux-image-amd64 |
		sed -n 's/^Depends: \(linux-image-[^ ,]*\).*/\1/p' | head -n 1)
	[ -n "$package" ] || return 1
	echo "fetching $package of $suite"
	rm -rf "$folder/root" "$folder"/apt/*.deb
	(cd "$folder/apt" && apt "$folder/apt" apt-get download "$package")
	dpkg-deb -x "$folder"/apt/*.deb "$folder/root"
	rm -f "$folder"/apt/*.deb
	index "$folder/root"
	echo "$package" >"$folder/package"
}

# number FILE OFFSET BYTES: of the header of a bzImage (Documentation/arch/x86/boot.rst).
number() {
	od -An -v --endian=little -t "u$3" -j "$2" -N "$3" "$1" | tr -d ' '
}

# The payload, whose last four bytes tell its size unpacked.
payload() {
	local setup
	setup=$(number "$1" 0x1f1 1)
	tail -c "+$(((setup + 1) * 512 + $(number "$1" 0x248 4) + 1))" "$1" |
		head -c "$(($(number "$1" 0x24c 4) - 4))"
}

elf() {
	local from=$1 to=$2 unpack
	if [ "$(od -An -c -j 0x202 -N 4 "$from" | tr -d ' ')" != HdrS ]; then
		cp "$from" "$to"	# no bzImage: an ELF file already
		return
	fi
	case $(payload "$from" | head -c 2 | od -An -t x1 | tr -d ' ') in
	fd37) unpack='xz -dc' ;;
	28b5) unpack='zstd -dcq' ;;
	1f8b) unpack='gzip -dc' ;;
	*) unpack=false ;;
	esac
	payload "$from" | $unpack >"$to" 2>/dev/null || true
	# Without CONFIG_PVH (a note of type 0x12) QEMU takes the bzImage only.
	readelf --notes "$to" 2>/dev/null | grep -q 0x00000012 || cp "$from" "$to"
}

case ${1-} in
fetch | elf)
	[ $# -eq 3 ] || exit 2
	"$@"
	;;
*)
	sed -n 's/^#\t/usage: /p' "$0" >&2
	exit 2
	;;
esac
