# SPDX-License-Identifier: MIT
# What Linux and the simulator answered to the same cases, step by step.
#
#	awk -v who='6.1 no-iommufd' -f compare.awk KNOWN LINUX SIMULATOR
#
# LINUX and SIMULATOR are what `vfiosim case run --log` printed on the host target and in
# process. A play that Linux ran agrees if all its steps were answered alike, whatever the
# case expects. KNOWN lists differences that have a reason: whom they concern ("all", or a word
# of who), the play (* stands for anything), the reason, separated by tabs. A play that is
# named in full and agrees after all is a failure too, as the list is then wrong.
#
# Prints what differs, both answers side by side, what was not run and why, and ends with
# "N passed, N failed, N skipped": skipped are known differences and plays not run.

function pattern_of(name) {
	gsub(/[][().+?^$|\\{}]/, "\\\\&", name)
	gsub(/\*/, ".*", name)
	return "^" name "$"
}

# The index of the known difference that covers a play, or 0.
function known_as(play,    i) {
	for (i = 1; i <= n_known; i++)
		if (play ~ pattern[i])
			return i
	return 0
}

# A step without the simulator's reason, which Linux never gives: "2 map: EFAULT pin-region".
function answer_of(line) {
	if (match(line, /: E[A-Z0-9]+ [^ =]+$/))
		sub(/ [^ ]+$/, "", line)
	return line
}

# Why a play was not run, without the place that differs from play to play.
function reason_of(text) {
	sub(/^step [0-9]+ \([^)]*\): /, "", text)
	sub(/: --device .*/, "", text)
	return text
}

function begin_play(line) {
	verdict = line
	sub(/ .*/, "", verdict)
	sub(/^[^ ]+ +/, "", line)
	play = line
	if (verdict == "skipped") {
		sub(/: .*/, "", play)
		sub(/^[^:]*: /, "", line)
		not_run[side, play] = reason_of(line)
	}
	if (side == 1)
		order[++n_plays] = play
	seen[side, play] = 1
}

function print_difference(play,    i, n, one, other) {
	n = count[1, play] > count[2, play] ? count[1, play] : count[2, play]
	for (i = 1; i <= n; i++) {
		one = i <= count[1, play] ? steps[1, play, i] : "(the play has ended)"
		other = i <= count[2, play] ? steps[2, play, i] : "(the play has ended)"
		if (one != other)
			printf "    Linux    %s\n    vfiosim  %s\n", one, other
		if (i > count[1, play] || i > count[2, play])
			return
	}
}

function differ(play,    i) {
	if (!((2, play) in seen) || count[1, play] != count[2, play])
		return 1
	for (i = 1; i <= count[1, play]; i++)
		if (steps[1, play, i] != steps[2, play, i])
			return 1
	return 0
}

BEGIN { FS = "\t" }
FNR == 1 { play = "" }
{ side = FILENAME == ARGV[1] ? 0 : FILENAME == ARGV[2] ? 1 : 2 }
!side && (/^#/ || /^$/) { next }
!side && NF != 3 { print FILENAME ":" FNR ": expected whom, play, reason"; bad = 1; exit 2 }
!side && $1 != "all" && index(" " who " ", " " $1 " ") == 0 { next }
!side { known[++n_known] = $2; pattern[n_known] = pattern_of($2); reason[n_known] = $3; next }
/^(ok|FAILED|skipped) +[^ ]/ { begin_play($0); next }
play != "" && /^([0-9]+ [a-z0-9_]+|policy|outcome): / { steps[side, play, ++count[side, play]] = answer_of($0) }

END {
	if (bad)
		exit 2
	for (i = 1; i <= n_plays; i++) {
		play = order[i]
		if ((1, play) in not_run) {
			skipped++
			if (!times[not_run[1, play]]++)
				reasons[++n_reasons] = not_run[1, play]
			continue
		}
		k = known_as(play)
		if (!differ(play)) {
			agree++
			if (k && known[k] !~ /\*/) {
				wrong++
				printf "agrees, but is listed as a known difference: %s\n", play
			}
		} else if (k) {
			named++
			printf "known difference: %s: %s\n", play, reason[k]
			print_difference(play)
		} else {
			wrong++
			printf "differs: %s\n", play
			print_difference(play)
		}
	}
	for (i = 1; i <= n_reasons; i++)
		printf "not run, %3d plays: %s\n", times[reasons[i]], reasons[i]
	printf "plays: %d agree, %d differ, %d differ for a known reason, %d were not run\n",
		agree, wrong, named, skipped
	printf "%d passed, %d failed, %d skipped\n", agree, wrong, named + skipped
	exit wrong > 0 || !agree
}
