# SPDX-License-Identifier: MIT
# Tells what gcov counted, and holds it against unreached.txt; see coverage.sh.

BEGIN {
	order = "base topology machine iommu bus pages iommufd vfio device abi" \
		" front/sysfs front/loop front/remote front/inproc front/fuse"
	by_line["pages"] = by_line["iommufd"] = by_line["vfio"] = 1
	read_names()
}

# "sim/ROOM/file" is in ROOM; below front/ there are rooms as well.
function room_of(path, part) {
	split(path, part, "/")
	return part[2] == "front" ? part[2] "/" part[3] : part[2]
}

# A line's text has no tab, which is between the columns of unreached.txt.
function trimmed(text) {
	gsub(/[ \t]+/, " ", text)
	gsub(/^ | $/, "", text)
	return text
}

# Reasons in brackets; below each, what it is the reason of.
function read_names(line, column, reason) {
	while ((getline line <names) > 0) {
		if (line ~ /^#/ || line == "")
			continue
		if (line ~ /^\[.*\]/) {
			reason = line
			sub(/\].*/, "]", reason)
			continue
		}
		if (split(line, column, "\t") < 2 || reason == "") {
			complain("unreached.txt: not FILE, FUNCTION and perhaps LINE, below a reason: " line)
			continue
		}
		key = column[1] SUBSEP column[2] SUBSEP column[3]
		if (key in reason_of)
			complain("unreached.txt: named twice: " line)
		reason_of[key] = reason
		name[++nnames] = key
	}
	close(names)
}

function complain(what) {
	complaint[++ncomplaints] = what
}

# --- What gcov says: "Source:", "function NAME called N ...", "COUNT: LINE:TEXT" ---

/^ *-: *0:Source:/ {
	file = $0
	sub(/.*:Source:(\.\/)?/, "", file)
	counts = file ~ /^sim\/.*\.[ch]$/ && file !~ /_(test|bench)\.[ch]$/
	if (counts && !(file in seen)) {
		seen[file] = 1
		files[++nfiles] = file
	}
	next
}

!counts {
	next
}

# An inline function of a header is told with each object that has it.
/^function / {
	calls = $4
	here = $2
	if (!((file, here) in called))
		functions[file, ++nfunctions[file]] = here
	called[file, here] += calls
	next
}

/^ *([0-9]+\*?|#####|=====): *[0-9]+:/ {
	match($0, /^[^:]*:[^:]*:/)
	split(substr($0, 1, RLENGTH), head, ":")
	n = head[2] + 0
	if (!((file, n) in text)) {
		lines[file, ++nlines[file]] = n
		text[file, n] = trimmed(substr($0, RLENGTH + 1))
		of[file, n] = here
	}
	if (head[1] ~ /[0-9]/)
		reached[file, n] = 1
	there[file, here, text[file, n]] = 1
}

# --- What is told ---

function named(file, function_name, line) {
	return (file SUBSEP function_name SUBSEP line) in reason_of
}

# Counts what a name stands for.
function use(file, function_name, line) {
	used[file, function_name, line] = 1
	times[reason_of[file, function_name, line]]++
}

function tell_function(file, function_name) {
	if (named(file, function_name, ""))
		use(file, function_name, "")
	else
		complain(file ": " function_name "() is not reached")
}

# A stretch of lines that follow each other, first to last of lines[]. A name holds from its line
# to the next that has one, or to the end of the stretch.
function tell_stretch(file, first, last, i, n, line, is_named, from) {
	if (named(file, of[file, lines[file, first]], "")) {
		use(file, of[file, lines[file, first]], "")
		return
	}
	for (i = first; i <= last; i++) {
		n = lines[file, i]
		line = text[file, n]
		if (named(file, of[file, n], line)) {
			use(file, of[file, n], line)
			is_named = 1
		}
		if (!is_named)
			complain(file ":" n ": " of[file, n] "(): " line)
	}
}

function tell_lines(file, i, n, first) {
	for (i = 1; i <= nlines[file] + 1; i++) {
		n = i <= nlines[file] ? lines[file, i] : 0
		if (first && (!n || (file, n) in reached || of[file, n] != of[file, lines[file, first]])) {
			tell_stretch(file, first, i - 1)
			first = 0
		}
		if (n && !first && !((file, n) in reached) && called[file, of[file, n]])
			first = i
	}
}

function tell_file(file, room, i, function_name) {
	room = room_of(file)
	for (i = 1; i <= nfunctions[file]; i++) {
		function_name = functions[file, i]
		room_functions[room]++
		if (called[file, function_name])
			room_called[room]++
		else
			tell_function(file, function_name)
	}
	for (i = 1; i <= nlines[file]; i++) {
		room_lines[room]++
		room_reached[room] += (file, lines[file, i]) in reached
	}
	if (room in by_line)
		tell_lines(file)
}

function table_row(room, nlines, nreached, nfunctions, ncalled) {
	printf "%-14s %7d %7d %6.1f %%   %5d %5d %6.1f %%\n", room, nlines, nreached,
		nlines ? 100 * nreached / nlines : 100, nfunctions, ncalled,
		nfunctions ? 100 * ncalled / nfunctions : 100
}

function table(n, room, i, sum) {
	printf "%-14s %7s %7s %8s   %5s %5s\n", "room of sim/", "lines", "reached", "", "funcs", "reached"
	n = split(order, room, " ")
	for (i = 1; i <= n; i++) {
		table_row(room[i], room_lines[room[i]], room_reached[room[i]], room_functions[room[i]],
			room_called[room[i]])
		sum["lines"] += room_lines[room[i]]
		sum["reached"] += room_reached[room[i]]
		sum["functions"] += room_functions[room[i]]
		sum["called"] += room_called[room[i]]
	}
	table_row("all", sum["lines"], sum["reached"], sum["functions"], sum["called"])
}

# A reason that ends with "?" holds for what is reached now and then.
function tell_unused(i, part, key) {
	for (i = 1; i <= nnames; i++) {
		key = name[i]
		if (key in used)
			continue
		split(key, part, SUBSEP)
		if (!((part[1], part[2]) in called))
			complain("unreached.txt: no such function: " part[1] ": " part[2] "()")
		else if (part[3] != "" && !((part[1], part[2], part[3]) in there))
			complain("unreached.txt: no such line: " part[1] ": " part[2] "(): " part[3])
		else if (reason_of[key] !~ /\?\]$/)
			complain("unreached.txt: reached now: " part[1] ": " part[2] "()" \
				(part[3] == "" ? "" : ": " part[3]))
	}
}

END {
	for (i = 1; i <= nfiles; i++)
		tell_file(files[i])
	tell_unused()
	table()
	for (reason in times)
		named_all += times[reason]
	print ""
	printf "Not reached, and named in harness/unreached.txt: %d\n", named_all
	for (reason in times)
		printf "%7d %s\n", times[reason], reason | "sort -k 2"
	close("sort -k 2")
	for (i = 1; i <= ncomplaints; i++)
		print complaint[i]
	printf "%d passed, %d failed, 0 skipped\n", !ncomplaints, ncomplaints
	exit ncomplaints > 0
}
