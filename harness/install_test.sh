#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What `make install` gives to others: harness/install_test.sh BUILD. Installs below a
# throwaway DESTDIR, moves that, and uses what lies there with pkg-config alone.
set -u
build=$1
passed=0 failed=0 skipped=0
temporary=$(mktemp -d) || exit 1
trap 'rm -rf "$temporary"' EXIT
trap 'exit 143' INT TERM
root=$temporary/moved
log=$temporary/log
cc=${CC:-cc} pkg_config=${PKG_CONFIG:-pkg-config}
export LC_ALL=C

# check NAME COMMAND...: one test, with what it printed when it fails.
check() {
	local name=$1
	shift
	if "$@" >"$log" 2>&1; then
		passed=$((passed + 1))
	else
		echo "not ok: $name"
		sed 's/^/    /' "$log"
		failed=$((failed + 1))
	fi
}

# With folders of our own, whatever the caller's environment says.
make_with() {
	make --no-print-directory -s DEPS=no prefix=/usr exec_prefix=/usr bindir=/usr/bin \
		libdir=/usr/lib/here includedir=/usr/include datadir=/usr/share \
		mandir=/usr/share/man sysconfdir=/etc "$@"
}

installs_below_destdir() {
	make_with install DESTDIR="$temporary/first" && mv "$temporary/first" "$root" &&
	test -x "$root/usr/bin/vfiosim" && test -f "$root/usr/share/man/man1/vfiosim.1" &&
	test -f "$root/usr/share/man/man5/vfiosim-case.5" &&
	test -f "$root/usr/share/vfiosim/schemas/trace.schema.json" &&
	test -f "$root/etc/apparmor.d/vfiosim" && test -f "$root/usr/include/vfiosim/inproc.h"
}

# Not the folder alone: in /vfiosim that is a part of include/vfiosim/. The program as well: its libraries would contain the paths of the build.
names_no_folder_of_the_build() {
	! grep -rlF -e "$temporary" -e "$PWD/sim/" -e "$PWD/harness/" -e "$PWD/include/" \
		-e "$PWD/build/" "$root"
}

program_runs() {
	"$root/usr/bin/vfiosim" case run mdev-hotadd --target inproc
}

# public_symbols FILE NM-OPTION...: without the version's own name.
public_symbols() {
	local file=$1
	shift
	nm "$@" --defined-only "$file" | awk 'NF == 3 && $2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort
}

mapped_symbols() {
	sed -n 's/^\t\(vfiosim_.*\);/\1/p' include/libvfiosim.map
}

map_is_sorted() { mapped_symbols | sort -cu; }
shared_exports_the_map() { diff <(mapped_symbols) <(public_symbols "$root/usr/lib/here/$soname" -D); }
static_exports_the_map() { diff <(mapped_symbols) <(public_symbols "$root/usr/lib/here/libvfiosim.a" -g); }
has_its_soname() { readelf -d "$root/usr/lib/here/libvfiosim.so" | grep -F "soname: [$soname]"; }

header_alone() {
	printf '#include <%s>\n' "$1" |
		$2 -std="$3" -Wall -Wextra -Werror -pedantic-errors -I "$root/usr/include" -fsyntax-only -
}

# Each function that the library exports, from C++: a header without extern "C" does not link.
links_from_cxx() {
	{
		for header in "$root"/usr/include/vfiosim/*.h; do
			printf '#include <vfiosim/%s>\n' "${header##*/}"
		done
		echo 'int main() {'
		mapped_symbols | sed 's/.*/	{ void *volatile at = reinterpret_cast<void *>(\&&); (void)at; }/'
		echo '}'
	} >"$temporary/all.cc"
	g++ -std=c++11 -Wno-address -I "$root/usr/include" "$temporary/all.cc" \
		"$root/usr/lib/here/libvfiosim.so" -o "$temporary/all"
}

from_root() {
	PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_PATH=$root/usr/lib/here/pkgconfig $pkg_config "$@"
}

# shellcheck disable=SC2046  # lists of words
example_with_pkg_config() {
	$cc -Werror harness/examples/library/map_fails.c $(from_root --cflags --libs vfiosim) \
		$($pkg_config --libs check) -o "$temporary/shared" &&
	LD_LIBRARY_PATH=$root/usr/lib/here "$temporary/shared"
}

# shellcheck disable=SC2046  # lists of words
example_with_static_library() {
	$cc -Werror harness/examples/library/map_fails.c $(from_root --cflags vfiosim) \
		"$root/usr/lib/here/libvfiosim.a" $($pkg_config --libs fuse3 yaml-0.1 check) \
		-o "$temporary/static" && "$temporary/static"
}

uninstalls_all() {
	make_with uninstall DESTDIR="$root" && ! find "$root" ! -type d | grep .
}

case $build in
*/san-* | */cov)
	echo 'skip: install: a library with sanitizers or counters is for nobody else'
	echo '0 passed, 0 failed, 1 skipped'
	exit 0
	;;
esac

soname=$(readlink "$build/lib/libvfiosim.so")
check 'make install DESTDIR=...' installs_below_destdir
check 'no file names a folder of the build' names_no_folder_of_the_build
check 'the program runs' program_runs
check 'libvfiosim.map is in order' map_is_sorted
check 'libvfiosim.so exports what libvfiosim.map says' shared_exports_the_map
check 'libvfiosim.a exports what libvfiosim.map says' static_exports_the_map
check 'libvfiosim.so has its soname' has_its_soname
for header in "$root"/usr/include/vfiosim/*.h "$root"/usr/include/vfiosim/abi/*.h; do
	header=${header#"$root"/usr/include/}
	check "<$header> alone, in C" header_alone "$header" "$cc -x c" c11
	if command -v g++ >/dev/null; then
		check "<$header> alone, in C++" header_alone "$header" 'g++ -x c++' c++11
	fi
done
if command -v g++ >/dev/null; then
	check 'each function, from C++' links_from_cxx
else
	echo 'skip: headers in C++: no g++ here'
	skipped=$((skipped + 1))
fi
check 'the example, by pkg-config' example_with_pkg_config
check 'the example, with libvfiosim.a' example_with_static_library
check 'make uninstall' uninstalls_all

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
