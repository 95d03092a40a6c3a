#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Asks the simulated machine q35 what Linux was asked, and compares: facts.sh BUILD
# (a folder with vfiosim and facts-probe). legacy.txt was measured; derived.txt is what
# the kernel's source says. Ends with "N passed, N failed, N skipped".
set -u
here=$(dirname "$0")
build=$1
printed=$(mktemp) expected=$(mktemp)
trap 'rm -f "$printed" "$expected"' EXIT

if [ "$(id -u)" = 0 ]; then
	who=root
else
	who=user
fi
timeout 150 "$build/vfiosim" run --topology q35 -- "$build/facts-probe" >"$printed" </dev/null ||
	echo "the run of the probe ended with status $?"
cat "$here/legacy.txt" "$here/derived.txt" >"$expected"
awk -v "who=$who" -f "$here/compare.awk" "$here/known.txt" "$expected" "$printed"
