#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Proves that the order of rooms is the order in which they may use each other, lowest
# first:
#
#	include < base < topology < machine < iommu < bus < pages < iommufd < vfio < device < abi < front
#	and in front: sysfs < loop < remote < inproc < fuse
#
# - No file includes a header of a room above its own; harness sees only include/ and
#   base/, and in sim/ the kernel's ABI headers are for abi/.
# - No object of the build folder, if one is given, calls a function of a room above its
#   own by name, whoever declares it.
#
# Besides: what include/ declares is what include/libvfiosim.map exports.
#
# Tests and benchmarks may look anywhere.
#
#	harness/layers.sh [BUILD]
set -eu
cd "$(dirname "$0")/.."

order='base topology machine iommu bus pages iommufd vfio device abi front/sysfs front/loop front/remote front/inproc front/fuse'

# The room of a path below sim/ or of a header: one folder, two below front/.
functions='
BEGIN {
	n = split(order, rooms)
	for (i = 1; i <= n; i++)
		rank[rooms[i]] = i
}
function room(path, part) {
	split(path, part, "/")
	return part[1] == "front" ? part[1] "/" part[2] : part[1]
}
'

includes() {
	find include sim harness -name '*.[ch]' ! -name '*_test.[ch]' ! -name '*_bench.[ch]' | sort |
		xargs awk -v order="$order" "$functions"'
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
	else if (from != "harness" && rank[to] > rank[from])
		complain("which is above it")
}

END {
	n = split("include harness " order, rooms)
	for (i = 1; i <= n; i++) {
		if (!seen[rooms[i]]) {
			print "layers: no includes were found in " rooms[i]
			bad = 1
		}
	}
	exit bad
}'
}

# "FILE ROOM-RELATIVE-PATH" of each object whose source is still there.
objects() {
	find sim -name '*.c' ! -name '*_test.c' ! -name '*_bench.c' | sort |
		while read -r source; do
			[ ! -f "$1/${source%.c}.o" ] || echo "$1/${source%.c}.o"
		done
}

calls() {
	objects "$1" | xargs nm -A --extern-only | awk -v order="$order" -v build="$1/sim/" "$functions"'
{
	path = substr($1, length(build) + 1)
	sub(/:.*/, "", path)
	symbol = $NF
	if ($(NF - 1) == "U") {
		n_uses++
		users[n_uses] = path
		used[n_uses] = symbol
	} else {
		home[symbol] = room(path)
	}
}

END {
	for (i = 1; i <= n_uses; i++) {
		if (!(used[i] in home))
			continue
		known++
		from = room(users[i])
		to = home[used[i]]
		if (rank[to] > rank[from]) {
			print "sim/" users[i] ": calls " used[i] "(), which is defined in " to ", above it"
			bad = 1
		}
	}
	if (!known) {
		print "layers: no calls were found in the objects of " build
		bad = 1
	}
	exit bad
}'
}

# Declared and not exported, or the other way round. Names before a bracket, but for types.
exports() {
	declared=$(cd include && printf '#include <%s>\n' vfiosim/*.h vfiosim/abi/*.h |
		${CC:-cc} -D_GNU_SOURCE -I. -x c -E -P - | tr '\n' ' ' | tr ';{}' '\n\n\n' |
		grep -v typedef | grep -oE '\bvfiosim_[a-z0-9_]+ *\(' | tr -d ' (' | sort -u)
	exported=$(sed -n 's/^\t\(vfiosim_.*\);/\1/p' include/libvfiosim.map)
	odd=$(printf '%s\n' "$declared" "$exported" | sort | uniq -u)
	[ -z "$odd" ] || {
		echo "include/libvfiosim.map: not both declared and exported:" $odd
		return 1
	}
}

includes
exports
[ $# -eq 0 ] || calls "$1"
