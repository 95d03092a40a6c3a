#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What a target needs of Debian, and how it comes here.
#
#	harness/deps.sh SET...		build, check, clients, dpdk, browser, linux, kernel, bench, fuzz or lint
#
# Prints nothing and changes nothing when all of it is there. Otherwise prints the
# exact command first, then runs it: as root, or through sudo where that works without
# asking (or somebody is there to be asked). With neither it says what to do, exits 1.
# DEPS=no: it says what is missing, installs nothing, and the build goes on without.
set -eu

packages_of() {
	case $1 in
	build) echo pkg-config libfuse3-dev libyaml-dev libjson-c-dev uthash-dev ;;
	check) echo check ;;
	clients) echo python3 qemu-system-x86 pciutils udev driverctl kmod libvirt-daemon libvirt-clients ;;
	dpdk) echo dpdk ;;
	browser) echo chromium ;;
	linux) echo qemu-system-x86 debian-archive-keyring binutils cpio kmod xz-utils zstd ;;
	kernel) echo bc bison flex gcc libelf-dev make xz-utils ;;
	bench) echo bubblewrap ;;
	fuzz) echo clang libclang-rt-dev ;;
	lint) echo clang-tidy cppcheck ;;
	deb) echo dpkg-dev ;;
	*)
		echo "deps.sh: no such set: $1 (build, check, clients, dpdk, browser, linux, kernel, bench, fuzz, lint)" >&2
		return 2
		;;
	esac
}

# Without dpkg (not Debian) the files themselves are looked for.
present() {
	if command -v dpkg-query >/dev/null 2>&1; then
		case $(dpkg-query -W -f '${Status}\n' "$1" 2>/dev/null || true) in
		*'ok installed'*) return 0 ;;
		esac
	fi
	case $1 in
	pkg-config) command -v pkg-config >/dev/null ;;
	libfuse3-dev) pkg-config --exists fuse3 2>/dev/null ;;
	libyaml-dev) pkg-config --exists yaml-0.1 2>/dev/null ;;
	libjson-c-dev) pkg-config --exists json-c 2>/dev/null ;;
	check) pkg-config --exists check 2>/dev/null ;;
	uthash-dev) [ -e /usr/include/uthash.h ] || [ -e /usr/local/include/uthash.h ] ;;
	python3) command -v python3 >/dev/null ;;
	qemu-system-x86) command -v qemu-system-x86_64 >/dev/null ;;
	dpdk) command -v dpdk-testpmd >/dev/null ;;
	chromium) command -v chromium >/dev/null || command -v google-chrome >/dev/null ;;
	bubblewrap) command -v bwrap >/dev/null ;;
	libclang-rt-dev) echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' |
		clang -fsanitize=fuzzer,address -x c - -o /dev/null 2>/dev/null ;;
	dpkg-dev) command -v dpkg-shlibdeps >/dev/null ;;
	pciutils) command -v lspci >/dev/null ;;
	udev) command -v udevadm >/dev/null ;;
	kmod) command -v depmod >/dev/null ;;
	libvirt-daemon) command -v libvirtd >/dev/null ;;
	libvirt-clients) command -v virsh >/dev/null ;;
	debian-archive-keyring) [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] ;;
	binutils) command -v readelf >/dev/null ;;
	xz-utils) command -v xz >/dev/null ;;
	libelf-dev) pkg-config --exists libelf 2>/dev/null ;;
	bc | bison | flex | gcc | make | clang | clang-tidy | cppcheck | cpio | driverctl | zstd) command -v "$1" >/dev/null ;;
	esac
}

missing=
for set in "$@"; do
	packages=$(packages_of "$set")
	for package in $packages; do
		present "$package" || missing="$missing $package"
	done
done
[ -n "$missing" ] || exit 0
if [ "${DEPS-}" = no ]; then
	echo "vfiosim: missing here:$missing (names of Debian packages); DEPS=no: not installed" >&2
	exit 0
fi

install="apt-get install -y --no-install-recommends$missing"
if ! command -v apt-get >/dev/null 2>&1; then
	echo "vfiosim: missing here:$missing (names of Debian packages); install their like" >&2
	exit 1
elif [ "$(id -u)" = 0 ]; then
	sudo=
elif command -v sudo >/dev/null 2>&1 && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
	sudo='sudo '
else
	echo "vfiosim: missing:$missing" >&2
	echo "vfiosim: neither root nor sudo here; let an administrator run: $install" >&2
	exit 1
fi

# Prints a command and runs it.
run() {
	echo "$sudo$1"
	# shellcheck disable=SC2086  # a list of words
	$sudo $1
}

echo "vfiosim: missing here; this installs it: $sudo$install"
export DEBIAN_FRONTEND=noninteractive

# A machine that never asked has no lists of packages yet.
if [ -z "$(find /var/lib/apt/lists -name '*_Packages*' 2>/dev/null | head -n 1)" ]; then
	run 'apt-get update'
fi
if ! run "$install"; then
	run 'apt-get update'
	run "$install"
fi
