#!/bin/bash
# SPDX-License-Identifier: MIT
#
# `make torture`: runs whose processes are killed, stopped and starved at random moments.
#
#	harness/torture.sh BUILD [ROUNDS [SEED]]
#
# In each round a run of many short clients begins, some with little memory, few descriptors
# or few processes, and after a random while something is done to one or two of: the client's
# shell, one of its processes, the server, the launcher. Afterwards nothing of the run may be
# left: no process, no mount, no file. Every tenth round an untouched run must work as ever.
#
# The same SEED gives the same choices, at about the same moments. Ends at the first round
# that leaves something, and says how to have it again.
set -u
build=$(cd "$1" && pwd) rounds=${2:-1000} seed=${3:-$RANDOM}
work=$(mktemp -d "${TMPDIR:-/tmp}/vfiosim-torture-XXXXXX") || exit 1
launcher='' limit='' told=''

# What a run's processes are known by: the environment survives all they do.
mark=$$.$seed

# All of the run that are there, zombies not.
ours() {
	grep -lszx "ROUND_OF=$mark.$round" /proc/[0-9]*/environ | sed 's,[^0-9]*\([0-9]*\).*,\1,'
}

name_of() {
	cat "/proc/$1/comm" 2>/dev/null
}

leave() {
	local pid
	for pid in $(ours); do
		kill -KILL "$pid" 2>/dev/null
	done
	rm -rf "$work"
}
round=0
trap leave EXIT
trap 'exit 143' INT TERM

# The client: attaches and detaches again and again, in two processes side by side.
# shellcheck disable=SC2016
client='one() { while :; do "$0" >/dev/null 2>&1 || sleep 0.01; done; }; one & one & one'

# shellcheck disable=SC2329  # called by name
plenty() { :; }
# shellcheck disable=SC2329
few_descriptors() { ulimit -n $((10 + RANDOM % 40)); }
# shellcheck disable=SC2329
little_memory() { ulimit -v $((60000 + RANDOM % 400000)); }
# shellcheck disable=SC2329
few_processes() { [ "$(id -u)" = 0 ] || ulimit -u $((5 + RANDOM % 40)); }
limits=(plenty plenty plenty few_descriptors little_memory few_processes)
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
			server.vfiosim-server | shell.sh | client.attach2) echo "$pid" && return ;;
			esac
		done
		;;
	esac
}

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
	echo "    $limit;$told"
	echo "again: harness/torture.sh $build $rounds $seed"
	exit 1
}

works() {
	timeout 60 "$build/vfiosim" run -t hotadd -- "$build/examples/attach2" >/dev/null 2>&1
}

one_round() {
	local i deed pid chosen n=$((1 + RANDOM % 2)) persistent moment=$((RANDOM % 300)) options=''
	limit=${limits[RANDOM % ${#limits[@]}]} told=''
	chosen=("${victims[RANDOM % ${#victims[@]}]}" "${victims[RANDOM % ${#victims[@]}]}")
	# With both the launcher and the server gone, only this ends the command; see vfiosim(1).
	((RANDOM % 4)) && [[ "${chosen[*]}" != @("launcher server"|"server launcher") ]] ||
		options=--pidns
	(
		"$limit"
		export ROUND_OF="$mark.$round" TMPDIR="$work"
		# shellcheck disable=SC2086
		exec "$build/vfiosim" run $options -t hotadd -- sh -c "$client" \
			"$build/examples/attach2"
	) >"$work/out" 2>&1 &
	launcher=$!
	sleep "0.$(printf %03d "$moment")"
	for ((i = 0; i < n; i++)); do
		deed=${deeds[RANDOM % ${#deeds[@]}]}
		told="$told $deed ${chosen[i]}"
		pid=$(victim "${chosen[i]}")
		[ -z "$pid" ] || do_to "$deed" "$pid"
	done
	# What still runs is ended as a user would: by a signal to the launcher.
	for persistent in 1 2 3; do
		kill -TERM "$launcher" 2>/dev/null || break
		kill -CONT "$launcher" 2>/dev/null	# it stops with its command
		for ((i = 0; i < 50 * persistent; i++)); do
			kill -0 "$launcher" 2>/dev/null || break 2
			sleep 0.1
		done
	done
	! kill -0 "$launcher" 2>/dev/null || complain 'the launcher does not end'
	{ wait "$launcher"; } 2>/dev/null
	gone || complain 'processes are left'
	! grep -q fuse.vfiosim /proc/self/mountinfo || complain 'a mount is left'
	rm -f "$work/out"
	[ -z "$(ls -A "$work")" ] || complain "files are left: $(ls -A "$work")"
}

RANDOM=$seed
works || { echo "torture: an untouched run does not work here" && exit 1; }
for ((round = 1; round <= rounds; round++)); do
	one_round
	if ((round % 10 == 0)); then
		works || complain 'the next run does not work'
		[ ! -t 1 ] || printf '\r%d of %d rounds' "$round" "$rounds"
	fi
done
[ ! -t 1 ] || printf '\r'
echo "$rounds rounds, seed $seed: nothing was left"
