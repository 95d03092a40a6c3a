#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Proves that folder order is include order, lowest first:
#
#	include < base < topology < machine < iommu < bus < pages < iommufd < vfio < device < abi < front
#	and in front: sysfs < remote < inproc < fuse
#
# that harness sees only include/ and base/, and that in sim/ the kernel's ABI headers are for abi/.
# Tests and benchmarks may look anywhere. An include that still breaks the order is
# named in the list of debts below; one that is listed and gone is an error, too.
#
#	harness/layers.sh [ROOT]
set -eu
cd "${1:-$(dirname "$0")/..}"

debts='
sim/front/remote/remote.c front/fuse/loop.h
sim/front/remote/remote_fds.c front/fuse/loop.h
'

find include sim harness -name '*.[ch]' ! -name '*_test.[ch]' ! -name '*_bench.[ch]' | sort | xargs awk -v debts="$debts" '
BEGIN {
	n = split("base topology machine iommu bus pages iommufd vfio device abi front/sysfs front/remote front/inproc front/fuse", order)
	for (i = 1; i <= n; i++)
		rank[order[i]] = i
	n = split(debts, word)
	for (i = 1; i < n; i += 2)
		debt[word[i] " " word[i + 1]] = 1
}

# The room of a path below sim/ or of a header: one folder, two below front/.
function room(path, part) {
	split(path, part, "/")
	return part[1] == "front" ? part[1] "/" part[2] : part[1]
}

function complain(why) {
	print FILENAME ":" FNR ": " from " includes " header ": " why
	bad = 1
}

/^[ \t]*#[ \t]*include[ \t]*["<]/ {
	header = $0
	sub(/^[^"<]*["<]/, "", header)
	sub(/[">].*/, "", header)
	from = FILENAME
	sub(/^sim\//, "", from)
	from = room(from)
	to = room(header)
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
	else if (from == "harness" && to != "base")
		complain("only include/vfiosim and base/ are for it")
	else if (from == "harness")
		next
	else if (rank[to] > rank[from]) {
		if (FILENAME " " header in debt)
			paid[FILENAME " " header] = 1
		else
			complain("which is above it")
	}
}

END {
	n = split("include base topology machine iommu bus pages iommufd vfio device abi front/sysfs front/remote front/inproc front/fuse harness", rooms)
	for (i = 1; i <= n; i++) {
		if (!seen[rooms[i]]) {
			print "layers: no includes were found in " rooms[i]
			bad = 1
		}
	}
	for (pair in debt) {
		if (!(pair in paid)) {
			print "layers: " pair ": that include is gone: take it off the list"
			bad = 1
		}
	}
	exit bad
}'
