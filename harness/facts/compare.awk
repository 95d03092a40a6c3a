# SPDX-License-Identifier: MIT
# What of the expected lines holds in the lines that the probe printed.
#
#	awk -f compare.awk EXPECTED PRINTED
#
# A line is "case/name: result". Expected lines stand in the order of the probe,
# which prints more than is expected; names may repeat. Prints a line for each
# case, those of its lines that do not hold, and the sum; exits 1 if the cases
# that must hold do not all hold (MUST="container group ...", none by default).

function name_of(line) { match(line, /.*: /); return substr(line, 1, RLENGTH - 2) }
function case_of(line) { return substr(line, 1, index(line, "/") - 1) }

FNR == 1 { file++ }
file == 1 { expected[++n_expected] = $0; next }
{
	c = case_of($0)
	printed[c, ++n_printed[c]] = $0
}

# The next printed line of this name, from where the last one of the case was found.
function find(c, name,    i) {
	for (i = at[c] + 1; i <= n_printed[c]; i++)
		if (name_of(printed[c, i]) == name)
			return i
	return 0
}

END {
	for (i = 1; i <= n_expected; i++) {
		line = expected[i]
		c = case_of(line)
		if (!(c in total))
			order[++n_cases] = c
		total[c]++
		j = find(c, name_of(line))
		if (j)
			at[c] = j
		if (j && printed[c, j] == line)
			holds[c]++
		else
			misses[c] = misses[c] "  expected  " line "\n  but got   " \
				(j ? printed[c, j] : "(no such line)") "\n"
	}
	n = split(MUST, must, " ")
	for (i = 1; i <= n; i++)
		required[must[i]] = 1
	for (i = 1; i <= n_cases; i++) {
		c = order[i]
		printf "%-16s %4d of %4d lines hold\n%s", c, holds[c], total[c], misses[c]
		sum += holds[c]
		all += total[c]
		if (required[c] && holds[c] < total[c])
			failed = 1
	}
	printf "%-16s %4d of %4d lines hold\n", "all", sum, all
	exit failed
}
