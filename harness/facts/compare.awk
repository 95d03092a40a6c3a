# SPDX-License-Identifier: MIT
# What of the expected lines holds in the lines that the probe printed.
#
#	awk -v who='root|user [no-sys-resource]' -f compare.awk KNOWN EXPECTED PRINTED
#
# A line is "case/name: result". Expected lines stand in the order of the probe,
# which prints more than is expected; names may repeat. KNOWN lists differences
# that have a reason: whom they concern ("all", or a word of who), the name (* stands
# for anything), the reason, separated by tabs; a name without a reason is a mistake.
#
# Prints a line for each case and what does not hold, and ends with
# "N passed, N failed, N skipped": skipped are known differences. One named in full
# that holds after all is a failure too, as the list is then wrong.

function name_of(line) { match(line, /.*: /); return substr(line, 1, RLENGTH - 2) }
function case_of(line) { return substr(line, 1, index(line, "/") - 1) }

# The next printed line of this name, from where the last one of the case was found.
function find(c, name,    i) {
	for (i = at[c] + 1; i <= n_printed[c]; i++)
		if (name_of(printed[c, i]) == name)
			return i
	return 0
}

# A name with * as a regular expression for all of it.
function pattern_of(name) {
	gsub(/[][().+?^$|\\{}]/, "\\\\&", name)
	gsub(/\*/, ".*", name)
	return "^" name "$"
}

# The index of the known difference that covers a name, or 0.
function known_as(name,    i) {
	for (i = 1; i <= n_known; i++)
		if (name ~ pattern[i])
			return i
	return 0
}

# A line that holds, though name k of the list says that it cannot.
function overtaken(k) { return k && known[k] !~ /\*/ }

BEGIN { FS = "\t" }
FNR == 1 { file++ }
file == 1 && (/^#/ || /^$/) { next }
file == 1 && NF != 3 { print FILENAME ":" FNR ": expected whom, name, reason"; bad = 1; exit 2 }
file == 1 && $1 != "all" && index(" " who " ", " " $1 " ") == 0 { next }
file == 1 { known[++n_known] = $2; pattern[n_known] = pattern_of($2); reason[n_known] = $3; next }
file == 2 { expected[++n_expected] = $0; next }
{
	c = case_of($0)
	printed[c, ++n_printed[c]] = $0
}

END {
	if (bad)
		exit 2
	for (i = 1; i <= n_expected; i++) {
		line = expected[i]
		c = case_of(line)
		if (!(c in total))
			order[++n_cases] = c
		total[c]++
		j = find(c, name_of(line))
		if (j)
			at[c] = j
		k = known_as(name_of(line))
		if (j && printed[c, j] == line) {
			holds[c]++
			passed += !overtaken(k)
			failed += overtaken(k)
			if (overtaken(k))
				misses[c] = misses[c] "  holds, but is listed as a known difference: " line "\n"
			continue
		}
		got = j ? printed[c, j] : "(no such line)"
		if (k) {
			skipped++
			if (!(reason[k] in skips))
				reasons[++n_reasons] = reason[k]
			skips[reason[k]] = skips[reason[k]] "    " line "\n"
		} else {
			failed++
			misses[c] = misses[c] "  expected  " line "\n  but got   " got "\n"
		}
	}
	for (i = 1; i <= n_cases; i++) {
		c = order[i]
		printf "%-16s %4d of %4d lines hold\n%s", c, holds[c], total[c], misses[c]
	}
	for (i = 1; i <= n_reasons; i++)
		printf "skip: facts: %s\n%s", reasons[i], skips[reasons[i]]
	printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
	exit failed > 0
}
