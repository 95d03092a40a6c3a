# SPDX-License-Identifier: MIT
#
# A manual page of a README, so that both say the same:
#
#	awk -v name=vfiosim-case -v section=5 -v about="one line" -f harness/man.awk README.md
#
# Knows what our READMEs use: headings, paragraphs, tables, code between ``` or indented
# by 4, lists of "- "; `code`, **bold**, [links](to). A paragraph that begins with
# **Words.** becomes a section of that name. The first heading is the page's name: left out.
# A table's rows become tagged paragraphs; its heading, a section, and names for the third
# and later columns.

# Characters that roff would take for its own.
function escaped(text) {
	gsub(/\\/, "\\e", text)
	gsub(/-/, "\\-", text)
	return text
}

# Fonts and links of a piece of running text; what is between backquotes stays as it is.
function inline(text,    result, n, parts, i) {
	n = split(text, parts, "`")
	for (i = 1; i <= n; i++) {
		parts[i] = escaped(parts[i])
		if (i % 2 == 0) {
			result = result "\\fB" parts[i] "\\fP"
			continue
		}
		while (match(parts[i], /\*\*[^*]+\*\*/))
			parts[i] = substr(parts[i], 1, RSTART - 1) "\\fB" \
				substr(parts[i], RSTART + 2, RLENGTH - 4) "\\fP" substr(parts[i], RSTART + RLENGTH)
		while (match(parts[i], /\[[^]]+\]\([^)]+\)/))
			parts[i] = link(parts[i], RSTART, RLENGTH)
		result = result parts[i]
	}
	return result
}

# The same with the link at first.. told by its words alone.
function link(text, first, length_,    words) {
	words = substr(text, first + 1, length_ - 1)
	sub(/\].*/, "", words)
	return substr(text, 1, first - 1) words substr(text, first + length_)
}

# A line that begins with . or ' would be a request.
function put(text) {
	if (text ~ /^[.']/)
		text = "\\&" text
	print text
}

function section_of(text) {
	gsub(/[*`.:]/, "", text)
	print ".SS " escaped(toupper(substr(text, 1, 1)) substr(text, 2))
	quiet = 1
}

# One paragraph, gathered line by line.
function flush() {
	if (paragraph == "")
		return
	if (match(paragraph, /^\*\*[^*]+\.\*\* /)) {
		section_of(substr(paragraph, 1, RLENGTH - 1))
		paragraph = substr(paragraph, RLENGTH + 1)
	}
	if (!quiet)
		print ".PP"
	put(inline(paragraph))
	paragraph = ""
	quiet = 0
}

function end_code() {
	if (code)
		print ".fi\n.RE"
	code = 0
}

function begin_code() {
	flush()
	if (!code)
		print ".PP\n.RS 2\n.nf"
	code = 1
	quiet = 0
}

# The cells of a row into cell[1..n].
function split_row(row,    n, i) {
	gsub(/\\\|/, "\001", row)
	sub(/^\|/, "", row)
	sub(/\|[ \t]*$/, "", row)
	n = split(row, cell, "|")
	for (i = 1; i <= n; i++) {
		gsub(/^[ \t]+|[ \t]+$/, "", cell[i])
		gsub(/\001/, "|", cell[i])
	}
	return n
}

function table_row(row,    n, i, text) {
	n = split_row(row)
	if (!in_table) {
		for (i = 1; i <= n; i++)
			title[i] = cell[i]
		if (title[1] != "")
			section_of(title[1])
		in_table = 1
		return
	}
	if (row ~ /^[|: -]+$/)
		return
	print ".TP"
	put(inline(cell[1]))
	text = cell[2]
	for (i = 3; i <= n; i++)
		if (cell[i] != "")
			text = text " (" title[i] ": " cell[i] ")"
	put(text == "" ? "\\&" : inline(text))
	quiet = 0
}

BEGIN {
	printf ".\\\" SPDX-License-Identifier: MIT\n.\\\" Made by harness/man.awk.\n"
	printf ".TH %s %s \"\" vfiosim\n.SH NAME\n%s \\- %s\n.SH DESCRIPTION\n", \
		escaped(toupper(name)), section, escaped(name), escaped(about)
	quiet = 1
}

/^```/ {
	if (fenced) {
		end_code()
		fenced = 0
	} else {
		begin_code()
		fenced = 1
	}
	next
}
fenced { put(escaped($0)); next }
/^    / && paragraph == "" { begin_code(); put(escaped(substr($0, 5))); next }
code && /^$/ { held = 1; next }
code { end_code() }
!/^\|/ { in_table = 0 }
/^# / { next }
/^##/ {
	flush()
	text = $0
	sub(/^#+ /, "", text)
	section_of(text)
	next
}
/^\|/ { flush(); table_row($0); next }
/^- / { flush(); print ".IP \\(bu 2"; quiet = 1; paragraph = substr($0, 3); next }
/^$/ { flush(); next }
{
	line = $0
	sub(/^ +/, "", line)
	paragraph = paragraph (paragraph == "" ? "" : " ") line
}

END {
	flush()
	end_code()
}
