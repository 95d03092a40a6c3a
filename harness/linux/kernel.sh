#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Fetches a stock kernel of Debian or makes one that can be asked more, takes the ELF file out
# of a bzImage, makes the mdevs' driver.
#
#	kernel.sh fetch VERSION FOLDER	VERSION: 6.1 or 6.12; leaves FOLDER/root, the unpacked packages
#	kernel.sh build SOURCES FOLDER	SOURCES: Linux 6.7 or later, a folder or a tar file; leaves FOLDER/vmlinux and lib/modules
#	kernel.sh elf BZIMAGE FILE	FILE: what QEMU starts at once (PVH), without unpacking itself
#	kernel.sh module HEADERS FOLDER	makes FOLDER/simdev.ko; HEADERS: a kernel's, /lib/modules/VERSION/build
#
# "build" configures Linux as the file "config" says.
#
# Changes nothing outside FOLDER: apt is given lists, a cache and sources of its own there.
set -eu
here=$(realpath "$(dirname "$0")")

# Where the newest kernel of that version is: archives and suites, the first that has it. The
# backports are made for the compiler and the library of an older Debian.
suites_of() {
	case $1 in
	6.1) echo debian-security bookworm-security ;;
	6.12) echo debian bookworm-backports debian-security trixie-security ;;
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
		[ -e "$modules/kernel" ] || continue
		base=${modules%/lib/modules/*}
		depmod -b "$base" "${modules##*/}"
	done
}

# package_in FOLDER ARCHIVE SUITE VERSION: the newest kernel's package, or nothing.
package_in() {
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/$2 $3 main" \
		>"$1/sources.list"
	apt "$1" apt-get update &&
		apt "$1" apt-cache show linux-image-amd64 |
		sed -n "s/^Depends: \\(linux-image-${4//./\\.}\\.[^ ,]*\\).*/\\1/p" | head -n 1
}

# The packages that a kernel's headers are in.
headers_of() {
	echo "$1"
	apt "$folder/apt" apt-cache depends "$1" |
		grep -Eo '(linux-headers-[^ ]*-common|linux-kbuild-[^ ]*)$' | sort -u
}

fetch() {
	local version=$1 package='' suites folder file
	folder=$(realpath -m "$2")
	[ ! -e "$folder/package" ] || return 0	# kept from an earlier run
	suites=$(suites_of "$version")
	mkdir -p "$folder/apt/state/lists/partial" "$folder/apt/cache/archives/partial"
	# shellcheck disable=SC2086  # a list of words
	set -- $suites
	while [ -z "$package" ] && [ $# -gt 0 ]; do
		package=$(package_in "$folder/apt" "$1" "$2" "$version")
		[ -z "$package" ] || echo "fetching $package of $2"
		shift 2
	done
	[ -n "$package" ] || return 1
	rm -rf "$folder/root" "$folder"/apt/*.deb
	# shellcheck disable=SC2046  # names of packages
	(cd "$folder/apt" && apt "$folder/apt" apt-get download "$package" \
		$(headers_of "${package/image/headers}"))
	for file in "$folder"/apt/*.deb; do
		dpkg-deb -x "$file" "$folder/root"
	done
	rm -f "$folder"/apt/*.deb
	index "$folder/root"
	# Debian's headers find each other by paths of an installed system.
	sed -i "s, /usr/src/, $folder/root/usr/src/," "$folder"/root/usr/src/linux-headers-*-amd64/Makefile
	echo "$package" >"$folder/package"
}

# Says what CONFIG_... of the file "config" this Linux does not have, or not on those terms.
tell_missing() {
	local line
	grep '^CONFIG_' "$here/config" | while read -r line; do
		grep -qxF "$line" "$1" || echo "not in this Linux: $line"
	done
}

# unpack TARFILE FOLDER: FOLDER is there once all of it is.
unpack() {
	rm -rf "$2.part"
	mkdir -p "$2.part"
	tar -C "$2.part" --strip-components=1 -xf "$1"
	mv "$2.part" "$2"
}

# An interrupted build goes on where it was. The sources, which it leaves clean, and what was built
# are some 2 GB: once all is there, only the headers are kept.
build() {
	local sources=$1 folder objects release
	"$here/../deps.sh" kernel
	folder=$(realpath -m "$2")
	objects=$folder/objects
	rm -rf "$folder"/lib/modules
	mkdir -p "$objects"
	if [ ! -d "$sources" ]; then
		[ -e "$folder/sources" ] || unpack "$sources" "$folder/sources"
		sources=$folder/sources
	fi
	set -- make -s -C "$sources" "O=$objects" "-j$(nproc)"
	KCONFIG_ALLCONFIG=$here/config "$@" allnoconfig >"$folder/log" 2>&1
	tell_missing "$objects/.config"
	echo "building Linux $("$@" kernelrelease) ($folder/log)"
	if ! nice "$@" vmlinux modules >>"$folder/log" 2>&1 ||
	   ! "$@" "INSTALL_MOD_PATH=$folder" modules_install >>"$folder/log" 2>&1; then
		tail "$folder/log"
		return 1
	fi
	cp "$objects/vmlinux" "$folder"
	release=$("$@" kernelrelease)
	rm -f "$folder/lib/modules/$release/build"
	"$@" run-command "KBUILD_RUN_COMMAND=\$(srctree)/scripts/package/install-extmod-build $folder/lib/modules/$release/build"
	rm -rf "$folder"/{objects,sources}
}

# The type information (BTF) of a module needs a program that nothing else here needs, and an
# older compiler lacks an option that a newer one was found to have.
module() {
	local headers=$1 folder
	folder=$(realpath "$2")
	mkdir -p "$folder/simdev"
	cp "$here"/guest/simdev/* "$here/../../include/vfiosim/engine.h" "$folder/simdev"
	make -s -C "$headers" "M=$folder/simdev" CC=gcc CONFIG_DEBUG_INFO_BTF_MODULES= \
		CONFIG_CC_HAS_MIN_FUNCTION_ALIGNMENT= modules >"$folder/simdev/log" 2>&1
	cp "$folder/simdev/simdev.ko" "$folder"
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
fetch | build | elf | module)
	[ $# -eq 3 ] || exit 2
	"$@"
	;;
*)
	sed -n 's/^#\t/usage: /p' "$0" >&2
	exit 2
	;;
esac
