#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Runs what `make check` has built in the folder $1: the layers, every test program,
# every case on both fronts, and the facts. Ends with "N passed, N failed, N skipped"
# and fails if anything did. A test that skips says why. Two things run at a time: the test
# programs, and beside them what plays cases and asks for the facts; that is told behind them.
set -u
build=$1
passed=0 failed=0 skipped=0
limit=$((170 * ${SLOW:-1}))	# seconds, for each program; SLOW: how much slower an emulator is
# libcheck ends a test after four seconds, which a busy machine can take.
export CK_DEFAULT_TIMEOUT=$((limit / 3))
[[ $build == */cov ]] && limit=600 && export CK_TIMEOUT_MULTIPLIER=3 && harness/coverage.sh begin "$build"
[[ $build == */san-* ]] && limit=1500 && export CK_TIMEOUT_MULTIPLIER=3	# of each test's
# All that is written while we run is in a folder of our own, which goes with us; that of one
# that was killed goes when the next begins. Who runs yet holds the lock of its folder.
tmp=${TMPDIR:-/tmp}
for old in "$tmp"/vfiosim-check-*; do
	[ ! -d "$old" ] || [ -e "/proc/${old##*-}" ] || ! flock -n "$old" true 2>/dev/null || rm -rf "$old" 2>/dev/null
done
work=$tmp/vfiosim-check-$$
mkdir "$work" && mkdir -m 1777 "$work/tmp" || exit 1
exec {lock}<"$work" && flock "$lock"
export TMPDIR=$work/tmp
log=$work/log
running='' beside=''

# What runs is ended with us.
leave() {
	for pid in $running $beside; do
		kill "$pid" 2>/dev/null
	done
	wait
}
trap 'leave; rm -rf "$work"' EXIT
trap 'exit 143' INT TERM

# What was skipped and why, each reason once. `case run` has a column for its verdicts.
reasons() {
	awk '/^skip: / || /^skipped +[^ ]+ .*: / {
		why = $0
		sub(/^[^:]*: ([^:]*: )?/, "", why)
		if (!times[why]++) {
			line[++n] = $0
			reason[n] = why
		}
	}
	END {
		for (i = 1; i <= n; i++)
			print line[i] (times[reason[i]] > 1 ? " (" times[reason[i]] " times)" : "")
	}' "$log"
}

# What failed in the program $1, for the end of all: what libcheck, our scripts, `case run` and
# the facts say of it, the last two on two lines; else the program's last lines.
failures() {
	local lines
	lines=$(grep -E -e '^[^ ]+:[0-9]+:[FE]:|^not ok|^  holds, but' -e '^  expected |^  but got ' \
		-e '^FAILED ' -e '^[^ ]+: step [0-9]+ ' "$log" | head -n 10)
	# shellcheck disable=SC2001  # each line of it
	sed "s|^ *|failed: $1: |" <<<"${lines:-$(tail -n 3 "$log")}" >>"$work/failures"
}

# Lines that want to say that something was skipped, but not as "skip: NAME: WHY".
ill_formed() {
	grep -E '^(skip|skipped)[:,]|^SKIP' "$log" | grep -vE '^skip: [^:]+: .'
}

# Adds the counts of a program's last line to ours, or libcheck's; without either it counts as one
# test. A test of libcheck's can print counts as well, of something else.
# libcheck knows no skipped tests: it calls passed what says "skip: NAME: WHY" and returns.
run() {
	local name=$1 status counts started=$SECONDS before=$failed
	shift
	timeout --kill-after=10 "$limit" "$@" </dev/null >"$log" 2>&1 &
	running=$!
	wait "$running"
	status=$?
	running=''
	counts=$(tail -n 1 "$log" | grep -Ex '[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped')
	if [[ $counts =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]; then
		passed=$((passed + BASH_REMATCH[1]))
		failed=$((failed + BASH_REMATCH[2]))
		skipped=$((skipped + BASH_REMATCH[3]))
		[ "$status" -eq 0 ] || [ "${BASH_REMATCH[2]}" -gt 0 ] || failed=$((failed + 1))
	elif [[ $(tail -n 30 "$log") =~ Checks:\ ([0-9]+),\ Failures:\ ([0-9]+),\ Errors:\ ([0-9]+) ]]; then
		local bad=$((BASH_REMATCH[2] + BASH_REMATCH[3])) good idle
		idle=$(grep -cE '^skip: [^:]+: .' "$log")
		good=$((BASH_REMATCH[1] - bad - idle))
		passed=$((passed + good))
		failed=$((failed + bad))
		skipped=$((skipped + idle))
		[ "$status" -eq 0 ] || [ "$bad" -gt 0 ] || failed=$((failed + 1))
		counts="$good passed, $bad failed"
		[ "$idle" -eq 0 ] || counts="$counts, $idle skipped"
	elif [ "$status" -eq 0 ]; then
		passed=$((passed + 1))
		counts=passed
	else
		failed=$((failed + 1))
		counts="failed with status $status"
	fi
	if ill_formed; then
		counts="$counts; what it skipped is not told as 'skip: NAME: WHY'"
		failed=$((failed + 1))
	fi
	printf '%-34s %s (%d s)\n' "$name" "$counts" $((SECONDS - started))
	reasons
	[ "$status" -eq 0 ] || sed 's/^/    /' "$log"
	[ "$failed" -eq "$before" ] || failures "$name"
}

# Why no FUSE file system can be mounted here, as in a package builder's chroot. Asks the
# system, not vfiosim, whose defects are failures.
no_fuse=
{ [ -c /dev/fuse ] && : <>/dev/fuse; } 2>/dev/null || no_fuse='/dev/fuse cannot be opened here'
[ "$(id -u)" -eq 0 ] || user=--map-root-user
# shellcheck disable=SC2086  # nothing, or one word
unshare --mount ${user-} true 2>/dev/null || no_fuse=${no_fuse:-no mount namespace can be made here}
# What emulates another machine's system calls has no listeners of seccomp's, which each run needs.
[ -z "${RUN-}" ] || no_fuse="no run under $RUN: it has no seccomp notification"

# The same for what cannot do without.
run_with_fuse() {
	if [ -z "$no_fuse" ]; then
		run "$@"
	else
		skipped=$((skipped + 1))
		printf 'skip: %s: %s\n' "$1" "$no_fuse"
	fi
}

test_programs() {
	run layers harness/layers.sh "$build"
	for test in "$build"/sim/*/*_test "$build"/sim/*/*/*_test "$build"/harness/*_test "$build"/harness/*/*_test; do
		[ -x "$test" ] || continue
		case ${test#"$build"/} in
		harness/case/cases_test) ;;	# the longest one: beside the others
		sim/front/fuse/* | sim/front/remote/remote_test) run_with_fuse "${test#"$build"/}" "$test" ;;
		*) run "${test#"$build"/}" "$test" ;;
		esac
	done
}

others() {
	# What was found once, and a few random inputs, always the same.
	# Over FUSE a program may die of what a device writes into its memory, which is not told
	# from a failure yet: that target is for `make fuzz`.
	for fuzzer in "$build"/harness/fuzz/{calls,texts}_fuzz; do
		[ -x "$fuzzer" ] || continue
		kept=(harness/fuzz/seeds/"$(basename "$fuzzer" _fuzz)"/*)
		[ ! -e "${kept[0]}" ] || run "${fuzzer#"$build"/}, kept inputs" "$fuzzer" "${kept[@]}"
		run "${fuzzer#"$build"/}" "$fuzzer"
	done
	run harness/case/cases_test "$build/harness/case/cases_test"
	run 'cases, in process' "$build/vfiosim" case run --target inproc
	run_with_fuse 'cases, over FUSE' "$build/vfiosim" case run --target fuse
	run_with_fuse facts harness/facts/facts.sh "$build"
	run 'completion, in zsh and fish' harness/completion_test.sh "$build"
	# Always the same choices. The other clients are for `make torture`: they take longer.
	run_with_fuse 'torture, 30 rounds' env CLIENTS=few harness/torture/torture.sh "$build" 30 1
	run_with_fuse labs harness/labs/check.sh "$build"
	run_with_fuse 'JSON schemas' harness/schemas/check.sh "$build"
	run 'manual pages' harness/man_test.sh "$build"
	run 'cases on this computer' harness/host_test.sh "$build"
	run install harness/install_test.sh "$build"
}

# In a process of its own, whose counts are in a file.
(
	log=$work/log.beside running='' beside=''
	trap leave EXIT
	trap 'exit 143' INT TERM
	others
	echo "$passed $failed $skipped" >"$work/counts"
) >"$work/told" 2>&1 &
beside=$!
test_programs
wait "$beside"
beside=''
cat "$work/told"
if read -r more_passed more_failed more_skipped <"$work/counts"; then
	passed=$((passed + more_passed)) failed=$((failed + more_failed))
	skipped=$((skipped + more_skipped))
else
	failed=$((failed + 1))
fi
# What was not reached says something only where all of it ran.
if [[ $build == */cov ]] && [ -n "$no_fuse" ]; then
	skipped=$((skipped + 1))
	echo "skip: coverage: $no_fuse"
elif [[ $build == */cov ]]; then
	echo
	harness/coverage.sh end "$build" | tee "$log"
	if [[ $(tail -n 1 "$log") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]; then
		passed=$((passed + BASH_REMATCH[1]))
		failed=$((failed + BASH_REMATCH[2]))
		skipped=$((skipped + BASH_REMATCH[3]))
	else
		failed=$((failed + 1))
	fi
fi

echo
[ ! -e "$work/failures" ] || cat "$work/failures"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
