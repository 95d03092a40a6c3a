#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Debian packages of what `make install` installs, in build/dist: `make deb`.
#
#	vfiosim		the program, man pages, completion, AppArmor profile
#	libvfiosim0	the shared library
#	libvfiosim-dev	headers, the static library, vfiosim.pc, an example
#
# Needs dpkg-dev; the folders of `make install` come from there. Everything in the packages
# has the time of the last commit, or $SOURCE_DATE_EPOCH; its author is the maintainer unless
# $DEBFULLNAME and $DEBEMAIL say who is.
set -eu
build=$1
author=$(git log -1 --format='%an|%ae' 2>/dev/null || echo 'vfiosim maintainers|vfiosim@vfiosim.example')
maintainer="${DEBFULLNAME:-${author%|*}} <${DEBEMAIL:-${author#*|}}>"
architecture=$(dpkg --print-architecture)
version=$VERSION-0local1
library=usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH)
work=$build/deb
staged=$PWD/$work/staged

export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
umask 022
rm -rf "$work"
mkdir -p "$work/debian" build/dist

# move PACKAGE PATH...: from what was installed into a package.
move() {
	local to=$work/$1 path
	shift
	for path in "$@"; do
		mkdir -p "$to/${path%/*}"
		mv "$staged"/$path "$to/${path%/*}/"
	done
}

stage() {
	make --no-print-directory -s DEPS=no SHARED=1 DESTDIR="$staged" prefix=/usr exec_prefix=/usr \
		bindir=/usr/bin libdir="/$library" includedir=/usr/include datadir=/usr/share \
		mandir=/usr/share/man sysconfdir=/etc install >/dev/null
	mkdir -p "$staged/usr/share/zsh/vendor-completions"
	mv "$staged/usr/share/zsh/site-functions/_vfiosim" "$staged/usr/share/zsh/vendor-completions/"
	rm -r "$staged/usr/share/zsh/site-functions"
	find "$staged/usr/share/man" -type f -exec gzip -9n {} +
	strip --remove-section=.comment --remove-section=.note "$staged/usr/bin/vfiosim"
	strip --strip-unneeded --remove-section=.comment --remove-section=.note "$staged/$library/libvfiosim.so.$VERSION"
	strip --strip-debug "$staged/$library/libvfiosim.a"
	chmod 644 "$staged/$library/libvfiosim.so.$VERSION"
}

split() {
	move libvfiosim0 "$library/$SONAME" "$library/libvfiosim.so.$VERSION"
	move libvfiosim-dev "$library/libvfiosim.so" "$library/libvfiosim.a" "$library/pkgconfig" usr/include/vfiosim
	mkdir -p "$work/libvfiosim-dev/usr/share/doc/libvfiosim-dev/examples"
	install -m 644 harness/examples/library/*.c "$work/libvfiosim-dev/usr/share/doc/libvfiosim-dev/examples/"
	move vfiosim usr/bin/vfiosim usr/share/man usr/share/bash-completion usr/share/zsh usr/share/fish \
		usr/share/vfiosim etc/apparmor.d
}

# What dpkg-shlibdeps and lintian look for in each package.
documents() {
	local folder=$work/$1/usr/share/doc/$1
	mkdir -p "$folder"
	{
		echo 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/'
		echo 'Upstream-Name: vfiosim'
		echo
		echo 'Files: *'
		sed -n 's/^Copyright (c) /Copyright: /p' LICENSE
		echo 'License: Expat'
		sed -n '/^Permission/,$ s/^/ /p' LICENSE | sed 's/^ $/ ./'
	} >"$folder/copyright"
	printf 'vfiosim (%s) unstable; urgency=medium\n\n  * Version %s.\n\n -- %s  %s\n' "$version" "$VERSION" \
		"$maintainer" "$(date -u -R -d "@$SOURCE_DATE_EPOCH")" | gzip -9n >"$folder/changelog.Debian.gz"
}

# control PACKAGE SECTION DEPENDS SUMMARY: its long description on stdin.
control() {
	local package=$1 folder=$work/$1
	mkdir -p "$folder/DEBIAN"
	{
		printf 'Package: %s\nSource: vfiosim\nVersion: %s\nArchitecture: %s\n' "$package" "$version" "$architecture"
		printf 'Maintainer: %s\nSection: %s\nPriority: optional\n' "$maintainer" "$2"
		printf 'Installed-Size: %s\n' "$(du -k -s --apparent-size --exclude=DEBIAN "$folder" | cut -f 1)"
		[ -z "$3" ] || printf 'Depends: %s\n' "$3"
		[ "$package" = vfiosim ] || echo 'Multi-Arch: same'
		printf 'Description: %s\n' "$4"
		sed 's/^$/./; s/^/ /'
	} >"$folder/DEBIAN/control"
	(cd "$folder" && find . -type f ! -path './DEBIAN/*' -printf '%P\n' | LC_ALL=C sort | xargs md5sum) >"$folder/DEBIAN/md5sums"
	(cd "$folder" && find etc -type f -printf '/%p\n' 2>/dev/null || :) >"$folder/DEBIAN/conffiles"
	[ -s "$folder/DEBIAN/conffiles" ] || rm "$folder/DEBIAN/conffiles"
	find "$folder" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
	dpkg-deb --root-owner-group --uniform-compression -Zxz --build "$folder" build/dist >/dev/null
	echo "build/dist/${package}_${version}_$architecture.deb"
}

# What a program or library of a package is linked with.
libraries_of() {
	printf 'Source: vfiosim\n\nPackage: vfiosim\nArchitecture: any\n' >"$work/debian/control"
	(cd "$work" && dpkg-shlibdeps -O --ignore-missing-info "$@" 2>/dev/null) | sed -n 's/^shlibs:Depends=//p'
}

stage
split
for package in vfiosim libvfiosim0 libvfiosim-dev; do
	documents "$package"
done
mkdir -p "$work/libvfiosim0/DEBIAN"
echo "libvfiosim 0 libvfiosim0 (>= $version)" >"$work/libvfiosim0/DEBIAN/shlibs"
echo 'activate-noawait ldconfig' >"$work/libvfiosim0/DEBIAN/triggers"
rmdir -p --ignore-fail-on-non-empty "$staged/$library" "$staged/usr/include" 2>/dev/null || :

control vfiosim devel "$(libraries_of -evfiosim/usr/bin/vfiosim)" 'run VFIO programs against a simulated machine' <<-END
	vfiosim is the kernel side of Linux VFIO in userspace. It gives an
	unmodified program a /dev/vfio, a /dev/iommu and the sysfs that goes with
	them, backed by a simulated IOMMU, and says why each command was refused.
END
control libvfiosim0 libs "$(libraries_of -elibvfiosim0/"$library/libvfiosim.so.$VERSION")" 'simulated VFIO machine, shared library' <<-END
	vfiosim is the kernel side of Linux VFIO in userspace. This package has the
	library that makes such a machine in a program of one's own.
END
control libvfiosim-dev libdevel \
	"libvfiosim0 (= $version), libfuse3-dev, libyaml-dev" 'simulated VFIO machine, for C tests' <<-END
	vfiosim is the kernel side of Linux VFIO in userspace. This package has the
	headers and the static library for tests that make a machine in their own
	process, let commands fail, and assert what their own code does then.
END
