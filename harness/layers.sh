#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Proves that folder order is include order: include < base < core < device < abi < front,
# that harness sees only include/, and that in sim/ the kernel's ABI headers are for abi/.
# Tests and benchmarks may look anywhere.
#
#	harness/layers.sh [ROOT]
set -eu
cd "${1:-$(dirname "$0")/..}"

find include sim harness -name '*.[ch]' ! -name '*_test.[ch]' ! -name '*_bench.[ch]' | sort | xargs awk '
BEGIN { n = split("base core device abi front", order); for (i = 1; i <= n; i++) rank[order[i]] = i }

function room(path, part) {
	split(path, part, "/")
	return part[1] == "sim" ? part[2] : part[1]
}

function complain(why) {
	print FILENAME ":" FNR ": " from " includes " header ": " why
	bad = 1
}

/^[ \t]*#[ \t]*include[ \t]*["<]/ {
	header = $0
	sub(/^[^"<]*["<]/, "", header)
	sub(/[">].*/, "", header)
	from = room(FILENAME)
	to = header
	sub(/\/.*/, "", to)
	seen[from]++
	if (header ~ /(^|\/)\.\.\//)
		complain("a path upwards")
	else if (header ~ /^(linux\/(vfio|iommufd)|vfiosim\/abi\/.*)\.h$/) {
		if (from in rank && from != "abi")
			complain("the ABI headers are for sim/abi/ only")
	} else if (from == "include") {
		if (header ~ /\// && header !~ /^(vfiosim|sys|linux)\//)
			complain("it stands on the system alone")
	} else if (!(to in rank) || header !~ /\//)
		next
	else if (from == "harness")
		complain("only include/vfiosim is for it")
	else if (rank[to] > rank[from])
		complain("which is above it")
}

END {
	n = split("include base core device abi front harness", rooms)
	for (i = 1; i <= n; i++) {
		if (!seen[rooms[i]]) {
			print "layers: no includes were found in " rooms[i]
			bad = 1
		}
	}
	exit bad
}'
