#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Files as a C table, for what is built into the program:
#
#	harness/embed.sh [-f] HEADER STRUCT FUNCTION FILE...
#
# Prints C that includes HEADER, which declares struct STRUCT { name, text, length },
# and defines const struct STRUCT *FUNCTION(size_t index), NULL past the end. A name
# is the file's, without folder and ending. With -f the struct is { name, folder, text,
# length }, and folder the last part of it alone.
set -eu
folders=
[ "$1" != -f ] || { folders=yes; shift; }
header=$1 struct=$2 function=$3
shift 3

echo "#include <stddef.h>"
echo "#include <$header>"
n=0
for file in "$@"; do
	echo "static const unsigned char text_$n[] = {"
	od -An -v -tx1 "$file" | sed 's/ \(..\)/0x\1,/g'
	echo "0 };"
	n=$((n + 1))
done
echo "static const struct $struct rows[] = {"
n=0
for file in "$@"; do
	folder=${folders:+"\"$(basename "$(dirname "$file")")\", "}
	echo "{ \"$(basename "$file" .yaml)\", $folder(const char *)text_$n, sizeof(text_$n) - 1 },"
	n=$((n + 1))
done
echo "{ NULL${folders:+, NULL}, NULL, 0 } };"
echo "const struct $struct *$function(size_t index)"
echo "{ return index < $n ? &rows[index] : NULL; }"
