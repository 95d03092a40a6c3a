#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Asks the simulated machine q35 what Linux was asked, and compares: facts.sh BUILD
# (a folder with vfiosim and facts-probe). Ends with "N passed, N failed, N skipped".
set -u
here=$(dirname "$0")
build=$1
printed=$(mktemp)
trap 'rm -f "$printed"' EXIT

if [ "$(id -u)" = 0 ]; then
	who=root
else
	who=user
fi
timeout 150 "$build/vfiosim" run --topology q35 -- "$build/facts-probe" >"$printed" </dev/null ||
	echo "the run of the probe ended with status $?"
awk -v "who=$who" -f "$here/compare.awk" "$here/known.txt" "$here/legacy.txt" "$printed"
