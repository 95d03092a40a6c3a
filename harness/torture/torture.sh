#!/bin/bash
# SPDX-License-Identifier: MIT
#
# `make torture`: runs whose processes are killed, stopped and starved at random moments.
#
#	harness/torture/torture.sh BUILD [ROUNDS [SEED]]
#
# In each round a run begins: of many short clients one after another, of a crowd of them at the
# same time, or of QEMU, which attaches two devices (CLIENTS="few crowd qemu": only these). Some
# have little of something (limits.sh). After a random while something is done to one or two of:
# the client's shell, one of its processes, the server, the launcher. Afterwards nothing of the
# run may be left: no process, no mount, no file, no cgroup. Every tenth round an untouched run
# must work as ever.
#
# The same SEED gives the same choices, at about the same moments. Ends at the first round
# that leaves something, and says how to have it again.
set -u
build=$(cd "$1" && pwd) rounds=${2:-1000} seed=${3:-$RANDOM}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/vfiosim-torture-XXXXXX") || exit 1
mkdir "$work/tmp" && chmod 1777 "$work/tmp"
launcher='' server='' limit='' amount=0 told='' client=''
# shellcheck source=harness/torture/limits.sh
. "$here/limits.sh"

# What a run's processes are known by: the environment survives all they do.
mark=$$.$seed

name_of() {
	cat "/proc/$1/comm" 2>/dev/null
}

# Its environment went with its first thread; another may hang.
server_hangs() {
	[ "$(name_of "$server")" = vfiosim-server ] &&
		grep -qsv '^State:.Z' <(grep -hs '^State' "/proc/$server"/task/*/status)
}

# All of the run that are there, zombies not.
ours() {
	grep -lszx "ROUND_OF=$mark.$round" /proc/[0-9]*/environ | sed 's,[^0-9]*\([0-9]*\).*,\1,'
	[ -z "$server" ] || ! server_hangs || echo "$server"
}

leave() {
	local pid
	for pid in $(ours); do
		kill -KILL "$pid" 2>/dev/null
	done
	sleep 0.1
	remove_groups 2>/dev/null
	rm -rf "$work"
}
round=0
trap leave EXIT
trap 'exit 143' INT TERM

# ---- Clients: each a command for sh, which ends by signals only ----

# $0: attach2. It attaches two devices and detaches them again.
# shellcheck disable=SC2016
again='one() { while :; do "$0" >/dev/null 2>&1 || sleep 0.01; done; }'
# shellcheck disable=SC2034  # chosen by name, as all of them
few="$again; one & one & one"
# shellcheck disable=SC2034
crowd="$again; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do one & done; one"
# shellcheck disable=SC2016,SC2034
qemu='while :; do "$1" legacy qemu-system-x86_64 >/dev/null 2>&1 || sleep 0.1; done'

if [ -z "${CLIENTS-}" ]; then
	CLIENTS='few few crowd'
	! command -v qemu-system-x86_64 >/dev/null || CLIENTS="$CLIENTS qemu"
fi
read -ra clients <<<"$CLIENTS"

# ---- Deeds ----

victims=(launcher server shell client)
deeds=(kill kill kill term stop_go stop_kill)

do_to() {
	case $1 in
	kill) kill -KILL "$2" ;;
	term) kill -TERM "$2" ;;
	stop_go) kill -STOP "$2" && sleep 0.1 && kill -CONT "$2" ;;
	stop_kill) kill -STOP "$2" && sleep 0.1 && kill -KILL "$2" ;;
	esac 2>/dev/null
}

# One of: launcher, server, shell, client. Nothing where it is not there (yet).
victim() {
	local pid
	case $1 in
	launcher) echo "$launcher" ;;
	*)
		for pid in $(ours); do
			case $1.$(name_of "$pid") in
			server.vfiosim-server | shell.sh | client.attach2 | client.qemu-system*)
				echo "$pid" && return
				;;
			esac
		done
		;;
	esac
}

# ---- A round ----

# Everything of the round is gone within 20 seconds.
gone() {
	local i
	for ((i = 0; i < 200; i++)); do
		[ -n "$(ours)" ] || return 0
		sleep 0.1
	done
	return 1
}

complain() {
	local pid
	echo "round $round: $1"
	for pid in $(ours); do
		echo "    $pid $(name_of "$pid") $(awk '/^State/ { print $2 }' "/proc/$pid/status" 2>/dev/null)"
	done
	echo "    $client; $limit;$told"
	echo "again: CLIENTS='$CLIENTS' harness/torture/torture.sh $build $rounds $seed"
	exit 1
}

works() {
	TMPDIR=$work/tmp timeout 60 "$build/vfiosim" run -t hotadd -- "$build/examples/attach2" >/dev/null 2>&1
}

# In a process of its own, which becomes the launcher.
start() {
	local before=()
	export ROUND_OF="$mark.$round" TMPDIR="$work/tmp"
	"$limit" || exit
	# shellcheck disable=SC2086
	exec "${before[@]}" "$build/vfiosim" run $1 -t hotadd --trace "$TMPDIR/trace" -- sh -c "${!client}" \
		"$build/examples/attach2" "$here/../clients/qemu_sweep.sh"
}

# Ended as a user would: by a signal, and once more with patience.
end_launcher() {
	local persistent i
	for persistent in 1 2 3; do
		kill -TERM "$launcher" 2>/dev/null || break
		kill -CONT "$launcher" 2>/dev/null	# it stops with its command
		for ((i = 0; i < 50 * persistent; i++)); do
			kill -0 "$launcher" 2>/dev/null || break 2
			sleep 0.1
		done
	done
	! kill -0 "$launcher" 2>/dev/null || complain 'the launcher does not end'
}

nothing_is_left() {
	gone || complain 'processes are left'
	! grep -q fuse.vfiosim /proc/self/mountinfo || complain 'a mount is left'
	remove_groups || complain 'a cgroup is in use'
	rm -f "$work/out" "$work/tmp/trace"
	[ -z "$(ls -A "$work/tmp")" ] || complain "files are left: $(ls -A "$work/tmp")"
}

one_round() {
	local i deed pid chosen n=$((1 + RANDOM % 2)) moment=$((RANDOM % 300)) options=''
	limit=${limits[RANDOM % ${#limits[@]}]} amount=$((RANDOM << 15 | RANDOM)) client=${clients[RANDOM % ${#clients[@]}]} told=''
	chosen=("${victims[RANDOM % ${#victims[@]}]}" "${victims[RANDOM % ${#victims[@]}]}")
	# With both the launcher and the server gone, only this ends the command; see vfiosim(1). The
	# kernel takes either where memory is short.
	((RANDOM % 4)) && [[ "${chosen[*]}" != @("launcher server"|"server launcher") ]] &&
		[ "$limit" != little_memory ] || options=--pidns
	start "$options" >"$work/out" 2>&1 &
	launcher=$! server=''
	disown	# the shell need not say how it ended
	sleep "0.$(printf %03d "$moment")"
	for ((i = 0; i < n; i++)); do
		deed=${deeds[RANDOM % ${#deeds[@]}]}
		told="$told $deed ${chosen[i]}"
		[ -n "$server" ] || server=$(victim server)
		pid=$(victim "${chosen[i]}")
		[ -z "$pid" ] || do_to "$deed" "$pid"
	done
	end_launcher
	nothing_is_left
}

RANDOM=$seed
choose_limits "$build"
works || { echo "torture: an untouched run does not work here; vfiosim doctor says why" && exit 1; }
for ((round = 1; round <= rounds; round++)); do
	one_round
	if ((round % 10 == 0)); then
		works || complain 'the next run does not work'
		[ ! -t 1 ] || printf '\r%d of %d rounds' "$round" "$rounds"
	fi
done
[ ! -t 1 ] || printf '\r'
echo "$rounds rounds, seed $seed, of $CLIENTS, with ${limits[*]:2}: nothing was left"
