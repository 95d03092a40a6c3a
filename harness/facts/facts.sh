#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Asks the simulated machine q35 what Linux was asked, and compares: facts.sh BUILD
# (a folder with vfiosim and facts-probe). A recording SECTION.txt was measured on Linux
# 7.2, SECTION-VERSION.txt on that version; derived.txt and iommufd_derived.txt are what
# the source of 7.2 says. As root it asks 7.2 twice, the second time as an ordinary user.
# Ends with "N passed, N failed, N skipped".
set -u
here=$(dirname "$0")
build=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 143' INT TERM
passed=0 failed=0 skipped=0

# An ordinary user may not reach the folder we are in.
chmod 755 "$work"
cp "$build/vfiosim" "$build/facts-probe" "$work" || exit 1
cat "$here/legacy.txt" "$here/derived.txt" >"$work/legacy"
cat "$here/iommufd.txt" "$here/iommufd_derived.txt" >"$work/iommufd"

# Containers may take this capability from root.
lacks=
capabilities=0x$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status)
[ $((capabilities >> 24 & 1)) = 1 ] || lacks=no-sys-resource

# What the kernel below the runs cannot do: known.txt says what comes of it.
# shellcheck source=harness/facts/below.sh
. "$here/below.sh"
kernel=$(uname -r)
lacks="$lacks $(below "${kernel%%-*}")"

# machine KEY...: q35 with keys of its file (iommufd: no) replaced or added.
machine() {
	cp "$here/../../cases/topologies/q35.yaml" "$work/machine.yaml" || exit 1
	for key in "$@"; do
		sed -i -e "/^${key%%:*}:/d" -e "1a$key" "$work/machine.yaml"
	done
}

# ask root|user RECORDING WORDS [PREFIX...]: what RECORDING asks, in a run of its own, with
# PREFIX in front of the command. WORDS choose rows of known.txt.
ask() {
	who="$1 $3 $lacks" recording=$2 section=${2%%-*}
	[ "$1" = root ] || who="$1 $3 no-sys-resource $lacks"
	shift 3
	timeout --foreground 60 "$@" "$work/vfiosim" run --topology "$work/machine.yaml" -- \
		"$work/facts-probe" "--$section" >"$work/printed" </dev/null
	status=$?
	awk -v "who=$who" -f "$here/compare.awk" "$here/known.txt" "$work/$recording" \
		"$work/printed" >"$work/compared"
	sed '$d' "$work/compared"
	counts=$(tail -n 1 "$work/compared")
	echo "$recording, as ${who%% *}: $counts of $(grep -c . "$work/$recording") lines"
	echo
	# shellcheck disable=SC2086  # three numbers among words
	set -- $counts
	passed=$((passed + $1)) failed=$((failed + $3)) skipped=$((skipped + $5))
	# The unbind that does not end on 6.1 leaves group A without a node, there as here.
	[ "$status" = 0 ] || [ "$recording" = legacy-6.1 ] && return
	echo "the run of the probe ended with status $status"
	failed=$((failed + 1))
}

# older RECORDING WORD KEY...: what another kernel than 7.2 said, configured by KEY.
older() {
	recording=$1 version=${1#*-} config=$2
	shift 2
	cp "$here/$recording.txt" "$work/$recording"
	machine "kernel: ${version%-*}" "iommufd_test: no" "pci_iov: yes" "$@"
	ask "$me" "$recording" "${version%-*} $version $config"
}

me=user
[ "$(id -u)" != 0 ] || me=root
machine
for section in legacy iommufd; do
	ask "$me" "$section" 7.2
	[ "$me" = user ] || ask user "$section" 7.2 "$here/../as_user.sh"
done
older legacy-6.1 6.1-noiommufd
older legacy-6.12 6.12-iommufd
older iommufd-6.12 6.12-iommufd
older legacy-6.12-noiommufd 6.12-noiommufd "iommufd: no"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
