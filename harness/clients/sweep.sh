#!/bin/sh
# SPDX-License-Identifier: MIT
#
# make sweep-clients: every failure in turn that QEMU and DPDK can meet.
#
#	sweep.sh VFIOSIM FOLDER [OPTION...]
#
# For each program FOLDER gets its table (NAME.txt), report (NAME.jsonl) and page (NAME.html),
# and a folder for each defect, with its trace and repro.sh. NAME holds the program's version.
# The reports kept in sweeps/ beside this file are baselines: what differs from them is printed,
# and only a defect that they do not have counts. RECORD=1 in the environment makes them anew.
# OPTIONs are `vfiosim sweep`'s: `--shallow 20` tests 20 points of each program.
# What is not here is skipped, and said so.
set -u
vfiosim=$1 folder=$2
shift 2
options=$*
here=$(cd "$(dirname "$0")" && pwd)
failed=0 swept=' '
mkdir -p "$folder"

# The version in what a program says: 7.2 of "QEMU emulator version 7.2.22 (Debian ...)".
version() {
	sed -n 's/.*[ v]\([0-9][0-9]*\.[0-9][0-9]*\)\.[0-9].*/\1/p' | head -n 1
}

# NAME COMMAND...
sweep() {
	name=$1 baseline=$here/sweeps/$1.jsonl
	shift
	case $swept in
	*" $name "*) return ;;	# this machine's own QEMU is the newer one
	esac
	swept="$swept$name "
	echo "== $name"
	set -- -- "$@"
	if [ -n "${RECORD-}" ]; then
		set -- --record-baseline "$baseline" "$@"
	elif [ -e "$baseline" ]; then
		set -- --baseline "$baseline" "$@"
	fi
	# shellcheck disable=SC2086 # a list of words
	"$vfiosim" sweep -j "$(nproc)" -t hotadd --max-unstable 1000 --json "$folder/$name.jsonl" \
		--html "$folder/$name.html" --defects "$folder/$name" $options "$@" \
		>"$folder/$name.new" </dev/null
	status=$?
	if [ "$1" = --baseline ]; then
		cat "$folder/$name.new"
		[ $status = 0 ] || failed=1
	else	# defects are news then, not failures
		tail -n 3 "$folder/$name.new"
		[ $status -le 1 ] || failed=1
	fi
	rm "$folder/$name.new"
	[ $status -gt 1 ] || "$vfiosim" sweep merge "$folder/$name.jsonl" >"$folder/$name.txt"
}

# QEMU...: over each back end that it has.
sweep_qemu() {
	qemu=qemu-$("$@" --version | version)
	sweep "$qemu-legacy" "$here/qemu_sweep.sh" legacy "$@"
	if "$@" -object help | grep -q '^ *iommufd$'; then
		sweep "$qemu-iommufd" "$here/qemu_sweep.sh" iommufd "$@"
	fi
}

if command -v qemu-system-x86_64 >/dev/null; then
	sweep_qemu qemu-system-x86_64
else
	echo 'skip: qemu: there is no qemu-system-x86_64 here'
fi
newer=$(python3 "$here/newer_qemu.py" "$(dirname "$folder")/clients/qemu-backports" | tail -n 1)
if [ -n "$newer" ]; then
	# shellcheck disable=SC2086 # it is a command with arguments
	sweep_qemu $newer
else	# it has said why
	echo 'skip: newer qemu: there is no QEMU that knows iommufd here'
fi
if command -v dpdk-testpmd >/dev/null; then
	sweep "dpdk-$(dpdk-testpmd -v -h 2>&1 | version)" "$here/dpdk_sweep.sh"
else
	echo 'skip: dpdk: there is no dpdk-testpmd here'
fi
exit $failed
