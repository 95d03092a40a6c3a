#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Asks the simulated machine q35 what Linux was asked, and compares: facts.sh BUILD
# (a folder with vfiosim and facts-probe). legacy.txt and iommufd.txt were measured,
# derived.txt and iommufd_derived.txt are what the kernel's source says. As root it asks
# twice, the second time as an ordinary user. Ends with "N passed, N failed, N skipped".
set -u
here=$(dirname "$0")
build=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
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

# ask root|user legacy|iommufd [PREFIX...]: one section of the probe in a run of its own,
# with PREFIX in front of the command.
ask() {
	who="$1 $lacks" section=$2
	[ "$1" = root ] || who="$1 no-sys-resource"
	shift 2
	timeout 60 "$@" "$work/vfiosim" run --topology q35 -- "$work/facts-probe" "--$section" \
		>"$work/printed" </dev/null
	status=$?
	awk -v "who=$who" -f "$here/compare.awk" "$here/known.txt" "$work/$section" "$work/printed" \
		>"$work/compared"
	sed '$d' "$work/compared"
	counts=$(tail -n 1 "$work/compared")
	echo "$section, as ${who%% *}: $counts"
	# shellcheck disable=SC2086  # three numbers among words
	set -- $counts
	passed=$((passed + $1)) failed=$((failed + $3)) skipped=$((skipped + $5))
	[ "$status" = 0 ] && return
	echo "the run of the probe ended with status $status"
	failed=$((failed + 1))
}

for section in legacy iommufd; do
	if [ "$(id -u)" = 0 ]; then
		ask root "$section"
		echo
		ask user "$section" "$here/../as_user.sh"
	else
		ask user "$section"
	fi
	echo
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
