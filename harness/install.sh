#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What `make install` copies, and `make uninstall` removes:
#
#	harness/install.sh install|uninstall BUILD
#
# The folders come as variables, by their GNU names (prefix, bindir, ...), from the
# Makefile, which also exports VERSION, SONAME and DESTDIR. Nothing that is installed
# contains DESTDIR, so what lies below it can be moved to /.
set -eu
what=$1 build=$2
library=libvfiosim.so.$VERSION

# MODE SOURCE DESTINATION, a line each. Of a link SOURCE is the text; a pattern ends in /.
files() {
	cat <<-END
	755 $build/vfiosim $bindir/vfiosim
	644 $build/lib/libvfiosim.a $libdir/libvfiosim.a
	644 $build/lib/$SONAME $libdir/$library
	link $library $libdir/$SONAME
	link $SONAME $libdir/libvfiosim.so
	644 $build/vfiosim.pc $libdir/pkgconfig/vfiosim.pc
	644 $build/vfiosim.apparmor $sysconfdir/apparmor.d/vfiosim
	644 harness/completion.bash $datadir/bash-completion/completions/vfiosim
	644 harness/completion.zsh $datadir/zsh/site-functions/_vfiosim
	644 harness/completion.fish $datadir/fish/vendor_completions.d/vfiosim.fish
	END
	for header in include/vfiosim/*.h include/vfiosim/abi/*.h; do
		echo "644 $header $includedir/${header#include/}"
	done
	for page in harness/*.[1-8] "$build"/*.[1-8]; do
		echo "644 $page $mandir/man${page##*.}/${page##*/}"
	done
	for example in harness/expect/examples/*.yaml; do
		echo "644 $example $datadir/vfiosim/expect/${example##*/}"
	done
	for schema in harness/schemas/*.json; do
		echo "644 $schema $datadir/vfiosim/schemas/${schema##*/}"
	done
}

# The files that depend on where things go.
configure() {
	sed "s|@prefix@|$prefix|; s|@exec_prefix@|$exec_prefix|; s|@libdir@|$libdir|
		s|@includedir@|$includedir|; s|@version@|$VERSION|" \
		include/vfiosim.pc.in >"$build/vfiosim.pc"
	sed "s|@bindir@|$bindir|" harness/vfiosim.apparmor >"$build/vfiosim.apparmor"
}

install_files() {
	files | while read -r mode source destination; do
		echo "$DESTDIR$destination"
		if [ "$mode" = link ]; then
			mkdir -p "$DESTDIR${destination%/*}"
			ln -sf "$source" "$DESTDIR$destination"
		else
			install -D -m "$mode" "$source" "$DESTDIR$destination"
		fi
	done
}

# Folders of our own go as well, those that others may use stay.
uninstall_files() {
	files | while read -r mode source destination; do
		rm -f "$DESTDIR$destination"
	done
	for folder in "$datadir/vfiosim/expect" "$datadir/vfiosim/schemas" "$datadir/vfiosim" \
			"$includedir/vfiosim/abi" "$includedir/vfiosim"; do
		rmdir "$DESTDIR$folder" 2>/dev/null || :
	done
}

case $what in
install)
	configure
	install_files
	;;
uninstall) uninstall_files ;;
*)
	echo "install.sh: install or uninstall, not $what" >&2
	exit 2
	;;
esac
