#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Asks the simulated machine q35 what Linux was asked, and compares: facts.sh BUILD
# (a folder with vfiosim and facts-probe). legacy.txt was measured; derived.txt is what
# the kernel's source says. As root it asks twice, the second time as an ordinary user.
# Ends with "N passed, N failed, N skipped".
set -u
here=$(dirname "$0")
build=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0

# An ordinary user may not reach the folder we are in.
chmod 755 "$work"
cp "$build/vfiosim" "$build/facts-probe" "$work" || exit 1
cat "$here/legacy.txt" "$here/derived.txt" >"$work/expected"

# ask root|user [PREFIX...]: one run of the probe, with PREFIX in front of the command.
ask() {
	who=$1
	shift
	timeout 100 "$@" "$work/vfiosim" run --topology q35 -- "$work/facts-probe" --legacy \
		>"$work/printed" </dev/null
	status=$?
	awk -v "who=$who" -f "$here/compare.awk" "$here/known.txt" "$work/expected" "$work/printed" \
		>"$work/compared"
	sed '$d' "$work/compared"
	counts=$(tail -n 1 "$work/compared")
	echo "as $who: $counts"
	# shellcheck disable=SC2086  # three numbers among words
	set -- $counts
	passed=$((passed + $1)) failed=$((failed + $3)) skipped=$((skipped + $5))
	[ "$status" = 0 ] && return
	echo "the run of the probe ended with status $status"
	failed=$((failed + 1))
}

if [ "$(id -u)" = 0 ]; then
	ask root
	echo
	ask user "$here/../as_user.sh"
else
	ask user
fi
echo
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
