#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Proves that folder order is include order: base < core < device < abi < front, and
# that harness sees only include/. Tests and benchmarks may look anywhere.
set -eu
cd "$(dirname "$0")/.."

find sim harness -name '*.[ch]' ! -name '*_test.[ch]' ! -name '*_bench.[ch]' | sort | xargs awk '
BEGIN { n = split("base core device abi front", order); for (i = 1; i <= n; i++) rank[order[i]] = i }
function where(path, part) { split(path, part, "/"); return part[1] == "sim" ? part[2] : "harness" }
/^#include "/ {
	split($2, part, /["\/]/)
	from = where(FILENAME)
	if (!(part[2] in rank))
		next
	if (from == "harness") {
		print FILENAME ":" FNR ": harness includes " $2 ": only include/vfiosim is for it"
		bad = 1
	} else if (rank[part[2]] > rank[from]) {
		print FILENAME ":" FNR ": " from " includes " $2 ", which is above it"
		bad = 1
	}
}
/^#include <linux\/(vfio|iommufd)\.h>/ && where(FILENAME) != "abi" && where(FILENAME) != "harness" {
	print FILENAME ":" FNR ": the ABI headers are for sim/abi/ only"
	bad = 1
}
END { exit bad }'
