# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# What .ci/release and .ci/arm64 share: a throwaway root of a Debian release. Sourced.
#
# A script calls outside(), which runs it again, with --inside, in a mount and a PID
# namespace. That calls make_and_enter(), after which / is the root. Every mount and every
# process of the root is in the namespaces and ends with them; the outer run removes the files.
# shellcheck disable=SC2317  # traps reach what looks unreachable

# It cannot be tried here.
skip() {
	echo "skip: $release: $1"
	exit 77
}

# What apt of this machine uses for Debian itself.
mirror_of_apt() {
	# shellcheck disable=SC2016  # $(REPO_URI) is apt's
	apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Label: Debian' 2>/dev/null |
		head -n 1
}

# ---- Inside: in namespaces of our own, / still the machine's ----

# The tracked files, and the new ones that are not ignored, as they are now.
copy_checkout() {
	mkdir "$root/vfiosim" &&
	git -c safe.directory='*' ls-files -z --cached --others --exclude-standard |
		while IFS= read -r -d '' path; do
			[ ! -e "$path" ] && [ ! -L "$path" ] || printf '%s\0' "$path"
		done | tar -c --null -T - | tar -x --no-same-owner -C "$root/vfiosim"
}

make_root() {
	mkdir "$root" || return
	if ! debootstrap --variant=minbase --include="$packages" \
			"$release" "$root" "$mirror" >"$root.log" 2>&1; then
		tail -n 20 "$root.log"
		return 1
	fi
	# Packages are asked for as this machine asks: its proxy, its clock.
	apt-config dump 2>/dev/null |
		grep -E '^Acquire::(https?::|Check-|Retries)' >"$root/etc/apt/apt.conf.d/90machine"
	cp /etc/resolv.conf "$root/etc/resolv.conf"
	copy_checkout
}

# The root becomes /: user namespaces are not to be had in a chroot.
enter_root() {
	mount --bind "$root" "$root" &&
	mount -t proc proc "$root/proc" &&
	mount --rbind /sys "$root/sys" &&
	mount --rbind /dev "$root/dev" &&
	cd "$root" && mkdir -p .old && pivot_root . .old && cd / &&
	umount -l /.old && rmdir /.old
}

# make_and_enter PACKAGE,... RELEASE MIRROR ROOT; where it cannot, it says so and counts a failure.
make_and_enter() {
	packages=$1 release=$2 mirror=$3 root=$4
	if ! mount -t proc proc /proc || ! make_root || ! enter_root; then
		echo "cannot make a root of $release from $mirror"
		echo '0 passed, 1 failed, 0 skipped'
		return 1
	fi
}

# ---- Outside ----

child=
clean_up() {
	trap '' INT TERM HUP
	[ -z "$child" ] || kill -KILL "$child" 2>/dev/null	# --kill-child: its init, so all
	wait 2>/dev/null
	rm -rf --one-file-system "$folder"
}

# outside RELEASE [MIRROR], in the checkout: the script runs inside; exits as it did.
outside() {
	local self=$PWD/.ci/${0##*/} status

	release=$1
	mirror=${2-$(mirror_of_apt)}
	mirror=${mirror:-http://deb.debian.org/debian}
	mirror=${mirror%/}
	[ "$(id -u)" -eq 0 ] || skip 'a root of a release needs root'
	command -v debootstrap >/dev/null || skip 'debootstrap is not installed here'
	wget -q --tries=1 --timeout=20 --spider "$mirror/dists/$release/InRelease" ||
		skip "$mirror does not answer, or has no such release"

	umask 022
	folder=$(mktemp -d "${TMPDIR:-/var/tmp}/vfiosim-${0##*/}-$release.XXXXXX") || exit 1
	trap clean_up EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	trap 'exit 129' HUP
	unshare --mount --pid --fork --kill-child --propagation private \
		"$self" --inside "$release" "$mirror" "$folder/root" </dev/null &
	child=$!
	wait "$child"
	status=$?
	child=
	exit "$status"
}
