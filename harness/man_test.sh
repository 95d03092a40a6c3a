#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The manual pages: harness/man_test.sh BUILD. Every key that a table of a parser has is in
# the page of its format, every site and class of faults in vfiosim-faults(7); and each
# page is roff without mistakes.
set -u
build=$1
passed=0 failed=0 skipped=0

# result NAME COMPLAINTS: none is a pass.
result() {
	if [ -z "$2" ]; then
		passed=$((passed + 1))
	else
		echo "not ok: $1"
		printf '%s\n' "$2" | sed 's/^/    /'
		failed=$((failed + 1))
	fi
}

# The first words of a table's rows. $1: a pattern of its first line; the rest: files.
rows() {
	local first=$1
	shift
	awk -v first="$first" '
	$0 ~ first { inside = 1; next }
	inside && /^};/ || inside && /^} .*;/ { inside = 0 }
	inside && match($0, /\{ "[^"]+"/) { print substr($0, RSTART + 3, RLENGTH - 4) }' "$@" | sort -u
}

# The lists of words that check_keys() holds a map against.
known_words() {
	tr '\n' ' ' <"$1" | grep -oE 'char \*const known\[\] = \{[^}]*\}' | grep -oE '"[^"]+"' | tr -d '"' | sort -u
}

# Which of the words on stdin are not in page $1? None on stdin is a complaint too.
missing_in() {
	local word text n=0
	text=$(sed 's/\\-/-/g; s/\\f[BIPR]//g' "$1")
	while IFS= read -r word; do
		n=$((n + 1))
		grep -qE "(^|[^A-Za-z0-9_])$word([^A-Za-z0-9_]|$)" <<<"$text" || echo "$word is not in $1"
	done
	[ "$n" -gt 4 ] || echo "only $n words for $1: has its table moved?"
}

fault_words() {
	rows '^} keys\[\] = \{' sim/abi/fault_parse.c
	rows 'struct vfiosim_fault_class .*\[\] = \{' sim/abi/fault.c
	grep -oE '^[[:space:]]+\[VFIOSIM_FAULT_[A-Z_]+\] = \{ "[a-z-]+"' sim/machine/fault.c | cut -d '"' -f 2 | grep -vx command
}

topology_words() { rows 'static const struct field .*\[\] = \{' sim/topology/*.c; }
case_words() { rows '^} head_keys\[\] = \{' harness/case/case.c; known_words harness/case/case.c; }
verb_words() { "$build/vfiosim" case verbs | sed -n 's/^\([a-z]*\):.*/\1/p'; }

result 'vfiosim-topology(5) has the keys of sim/topology/' \
	"$(topology_words | missing_in "$build/vfiosim-topology.5")"
result 'vfiosim-case(5) has the keys of harness/case/case.c' \
	"$(case_words | missing_in "$build/vfiosim-case.5")"
result 'vfiosim-case(5) has all verbs' "$(verb_words | missing_in "$build/vfiosim-case.5")"
result 'vfiosim-faults(7) has keys, classes and sites' \
	"$(fault_words | missing_in harness/vfiosim-faults.7)"

# README quotes a step of the story, and names the machines.
missing_of_story() {
	local line n=0
	while IFS= read -r line; do
		n=$((n + 1))
		grep -qxF -e "$line" <<<"$1" || echo "the story does not say: $line"
	done < <(sed -n '/^    4  QEMU attaches nic0/,/^$/s/^    //p' README.md)
	[ "$n" -gt 5 ] || echo "only $n lines in README: has the story moved?"
}

missing_machines() {
	local name
	for name in $("$build/vfiosim" topology list | cut -d ' ' -f 1); do
		grep -qF "\`$name\`" README.md || echo "$name is not in README"
	done
}

result "README's step of the story is as it is printed" \
	"$(missing_of_story "$("$build/vfiosim" case run mdev-hotadd --explain)")"
result 'README names each machine' "$(missing_machines)"

for page in harness/*.[1-8] "$build"/*.[1-8]; do
	if command -v groff >/dev/null; then
		result "$page is roff" "$(groff -man -Tutf8 -ww -z "$page" 2>&1)"
	else
		echo "skip: $page: no groff here"
		skipped=$((skipped + 1))
	fi
done

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
