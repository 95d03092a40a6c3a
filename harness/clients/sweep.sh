#!/bin/sh
# SPDX-License-Identifier: MIT
#
# make sweep-clients: every failure in turn that QEMU and DPDK can meet.
#
#	sweep.sh VFIOSIM FOLDER
#
# Tables, reports and pages go into FOLDER, with the trace and repro.sh of each defect. The
# reports that are kept beside this file are baselines: then only what differs counts. What
# is not here is skipped, and said so.
set -u
vfiosim=$1 folder=$2
here=$(cd "$(dirname "$0")" && pwd)
failed=0
mkdir -p "$folder"

# NAME OPTION... -- COMMAND...
sweep() {
	name=$1
	shift
	baseline=$here/sweeps/$name.jsonl
	[ ! -e "$baseline" ] || set -- --baseline "$baseline" "$@"
	echo "== $name"
	"$vfiosim" sweep -j "$(nproc)" -t hotadd --max-unstable 1000 --json "$folder/$name.jsonl" \
		--html "$folder/$name.html" --defects "$folder/$name" "$@" >"$folder/$name.txt"
	status=$?
	tail -n 3 "$folder/$name.txt"
	case $status in
	0) ;;
	1) [ ! -e "$baseline" ] || failed=1 ;;	# without a baseline defects are news, not failures
	*) failed=1 ;;
	esac
}

if command -v qemu-system-x86_64 >/dev/null; then
	sweep qemu-legacy -- "$here/qemu_sweep.sh" legacy qemu-system-x86_64
else
	echo 'skipped: there is no qemu-system-x86_64 here'
fi
if newer=$(python3 "$here/newer_qemu.py" "$(dirname "$folder")/clients/qemu-backports" | tail -n 1); then
	for back_end in legacy iommufd; do
		# shellcheck disable=SC2086 # it is a command with arguments
		sweep "qemu-newer-$back_end" -- "$here/qemu_sweep.sh" "$back_end" $newer
	done
else
	echo 'skipped: there is no QEMU that knows iommufd here'
fi
if command -v dpdk-testpmd >/dev/null; then
	sweep dpdk -- "$here/dpdk_sweep.sh"
else
	echo 'skipped: there is no dpdk-testpmd here'
fi
exit $failed
