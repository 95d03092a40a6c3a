#!/bin/sh
# SPDX-License-Identifier: MIT
#
# `make fuzz`: builds the fuzz targets with sanitizers, and runs each for a while.
#
#	harness/fuzz/fuzz.sh SECONDS [TARGET...]
#
# With clang, libFuzzer makes the inputs (not those of `fuse`), and its corpus grows in build/fuzz/corpus/TARGET
# from one run to the next. Without it the inputs are random ones, from a new seed each time.
# Ends with status 1 at the first input that fails.
set -eu
seconds=$1
shift
export UBSAN_OPTIONS=print_stacktrace=1

has_libfuzzer() {
	echo 'int LLVMFuzzerTestOneInput(const char *data, unsigned long size) { return 0; }' |
		clang -fsanitize=fuzzer,address -x c - -o /dev/null 2>/dev/null
}

# build FOLDER TARGET VARIABLE...
build() {
	program=$1/harness/fuzz/${2}_fuzz
	shift 2
	flock Makefile make --no-print-directory -s SAN=address,undefined "$@" "$program"
}

# From its corpus and the inputs that are kept in the project.
with_libfuzzer() {
	corpus=build/fuzz/corpus/$1 log=build/fuzz/$1.log
	build build/fuzz/san-address-undefined/clang "$1" FUZZ=1 CC=clang
	mkdir -p "$corpus"
	[ ! -d "harness/fuzz/seeds/$1" ] || cp -- "harness/fuzz/seeds/$1"/* "$corpus"
	echo "$1: $seconds seconds, from $(find "$corpus" -type f | wc -l) inputs"
	if ! "$program" -max_total_time="$seconds" -max_len=4096 -timeout=60 -rss_limit_mb=4096 \
		-print_final_stats=1 -artifact_prefix="build/fuzz/$1-" "$corpus" >"$log" 2>&1; then
		tail -n 40 "$log"
		cat <<-END

		Above is what failed, and the file of its input. The same in words, with what steps it needs:
		    make everything && build/harness/fuzz/${1}_fuzz --shrink FILE
		Where only a sanitizer sees it, the same with SAN=address,undefined in build/san-address-undefined.
		END
		return 1
	fi
	sed -n '/^stat::number_of_executed_units\|^stat::average_exec/p; /^[0-9]* inputs, /,$p' "$log" | grep -v '^$'
}

without_libfuzzer() {
	build build/san-address-undefined "$1"
	echo "$1: $seconds seconds of random inputs"
	"$program" --seed "$(date +%s)" --seconds "$seconds"
}

[ $# -gt 0 ] || set -- harness/fuzz/*_fuzz.c
for target; do
	target=$(basename "$target" _fuzz.c)
	# What a run of its own does, libFuzzer cannot see.
	if [ "$target" != fuse ] && has_libfuzzer; then
		with_libfuzzer "$target"
	else
		without_libfuzzer "$target"
	fi
done
