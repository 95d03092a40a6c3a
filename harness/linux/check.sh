#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Asks real kernels what the cases and the facts ask, and compares: check.sh BUILD [VERSION...]
# With ITSELF=yes it runs vfiosim there instead: on each kernel `vfiosim doctor`, the cases in
# process and over FUSE, and the facts of 7.2 under `vfiosim run`. ITSELF=suite: all that
# `make check` runs, which takes half an hour where QEMU has no KVM.
#
# BUILD is a folder with a static vfiosim, facts-probe and linux-init. Each VERSION (6.1, 6.12)
# is Debian's stock kernel, fetched below build/linux. KERNEL=FILE is another one (a bzImage,
# or a vmlinux with CONFIG_PVH), with MODULES=DIR its folder with modules.dep; KERNEL=FOLDER is
# one that `kernel.sh build` made. Each is booted in QEMU, on the machine of boot.sh. What it
# answered stays in build/linux/NAME.
#
# Prints for each kernel which plays agree, differ, or were not run and why, and how many
# recorded facts hold. A difference that known-plays.txt or known-facts.txt does not name fails.
# Ends with "N passed, N failed, N skipped".
set -u
build=$1
shift
here=$(dirname "$0")
# shellcheck source=harness/facts/below.sh
. "$here/../facts/below.sh"
passed=0 failed=0 skipped=0

# add COUNTS: "N passed, N failed, N skipped".
add() {
	if [[ $1 =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]; then
		passed=$((passed + BASH_REMATCH[1]))
		failed=$((failed + BASH_REMATCH[2]))
		skipped=$((skipped + BASH_REMATCH[3]))
	else
		failed=$((failed + 1))
	fi
}

# What the command NAME printed in the virtual machine.
printed() {
	awk -v "name=$1" '$1 == "@begin" { on = $2 == name; next } $1 == "@end" { on = 0 } on' \
		"$folder/results.txt"
}

# The commands of guest/init.c. A process that unbinds a device which it has open itself cannot
# be ended on Linux: the topic lifetime leaves sysfs alone. The viability test of 6.1 leaves such
# a process behind: it comes last.
write_commands() {
	local topics
	topics=$("$build/vfiosim" case list | sed -n 's/^\([a-z]*\): .*/\1/p' | grep -vx lifetime | tr '\n' ' ')
	cat >"$folder/commands" <<-END
	cases 400 /vfiosim case run --target host --allow-sysfs --log @devices $topics
	lifetime 100 /vfiosim case run --target host --log @devices lifetime
	legacy 150 /facts-probe --legacy -viability
	iommufd 150 ?/dev/iommu /facts-probe --iommufd
	viability 45 /facts-probe --legacy viability
	END
}

# vfiosim on that kernel; facts/known.txt says "below-" of what the kernel below it decides.
write_own_commands() {
	cat >"$folder/commands" <<-END
	doctor 30 /vfiosim doctor
	inproc 300 /vfiosim case run --target inproc
	legacy 200 /vfiosim run --topology q35 -- /facts-probe --legacy
	iommufd 200 /vfiosim run --topology q35 -- /facts-probe --iommufd
	fuse 1500 /vfiosim case run --target fuse
	END
}

# Where its /tmp and /run are empty, nothing of ours is.
write_suite_command() {
	case $PWD/ in
	/tmp/* | /run/*)
		echo "ITSELF=suite: the virtual machine cannot see $PWD: use a folder outside /tmp and /run"
		return 1
		;;
	esac
	cat >"$folder/commands" <<-END
	doctor 60 /vfiosim doctor
	suite 20000 @host $PWD /usr/bin/env SLOW=20 harness/check.sh build
	END
}

compare_own_facts() {
	local section=$1 derived=derived
	[ "$section" = legacy ] || derived=iommufd_derived
	printed "$section" >"$folder/own-$section.txt"
	cat "$here/../facts/$section.txt" "$here/../facts/$derived.txt" >"$folder/recorded"
	awk -v "who=root 7.2 $(below "$version")" -f "$here/../facts/compare.awk" "$here/../facts/known.txt" \
		"$folder/recorded" "$folder/own-$section.txt" >"$folder/own-$section.compared"
	grep -E '^  (expected|but got)|^  holds' "$folder/own-$section.compared"
	echo "facts, $section: $(tail -n 1 "$folder/own-$section.compared")"
	add "$(tail -n 1 "$folder/own-$section.compared")"
}

tell_suite() {
	printed suite >"$folder/suite.txt"
	grep -A 40 -E ' [1-9][0-9]* failed|failed with status' "$folder/suite.txt"
	echo "make check: $(tail -n 1 "$folder/suite.txt") ($folder/suite.txt)"
	add "$(tail -n 1 "$folder/suite.txt")"
}

tell_itself() {
	local front
	printed doctor
	if [ "$ITSELF" = suite ]; then
		tell_suite
		return
	fi
	for front in inproc fuse; do
		printed "$front" >"$folder/own-$front.txt"
		grep -A 12 '^FAILED' "$folder/own-$front.txt"
		echo "cases, $front: $(tail -n 1 "$folder/own-$front.txt")"
		add "$(tail -n 1 "$folder/own-$front.txt")"
	done
	compare_own_facts legacy
	compare_own_facts iommufd
	echo
}

# Which files of ../facts a kernel's answers to a section are compared with; empty: none. What
# was derived from the source of 7.2 can be asked as well.
recordings_of() {
	case $1-$version in
	legacy-6.1) echo legacy-6.1 ;;
	legacy-6.12) [ "$iommufd" = yes ] && echo legacy-6.12 || echo legacy-6.12-noiommufd ;;
	iommufd-6.12) echo iommufd-6.12 ;;
	legacy-7.2) echo legacy derived ;;
	iommufd-7.2) echo iommufd iommufd_derived ;;
	esac
}

compare_facts() {
	local section=$1 recordings recording
	{ printed "$section"; [ "$section" != legacy ] || printed viability; } >"$folder/$section-$version.txt"
	recordings=$(recordings_of "$section")
	if [ -z "$recordings" ]; then
		echo "facts, $section: no recorded answers of Linux $version; $folder/$section-$version.txt is what they would be"
		return
	fi
	for recording in $recordings; do
		cat "$here/../facts/$recording.txt"
	done >"$folder/recorded"
	awk -v "who=$who" -f "$here/../facts/compare.awk" "$here/known-facts.txt" "$folder/recorded" \
		"$folder/$section-$version.txt" >"$folder/$section.compared"
	grep -E '^  (expected|but got)|^  holds' "$folder/$section.compared"
	echo "facts, $recordings: $(tail -n 1 "$folder/$section.compared") ($folder/$section-$version.txt)"
	add "$(tail -n 1 "$folder/$section.compared")"
}

compare_plays() {
	{ printed cases && printed lifetime; } >"$folder/linux.txt"
	"$build/vfiosim" case run --target inproc --kernel "$version" --log >"$folder/vfiosim.txt" 2>&1
	awk -v "who=$who" -f "$here/compare.awk" "$here/known-plays.txt" "$folder/linux.txt" \
		"$folder/vfiosim.txt" >"$folder/plays.compared"
	sed '$d' "$folder/plays.compared"
	add "$(tail -n 1 "$folder/plays.compared")"
}

# ask KERNEL MODULES HEADERS: boots it, compares. HEADERS: to make the driver of mdevs with.
ask() {
	local started release driver=$folder/simdev.ko
	case ${ITSELF-} in
	'') write_commands ;;
	suite)
		if ! write_suite_command; then
			failed=$((failed + 1))
			return
		fi
		export SUITE=yes LIMIT=21000
		;;
	*) write_own_commands && export LIMIT=1800 ;;
	esac
	rm -f "$driver"
	if [ -n "$3" ] && ! "$here/kernel.sh" module "$3" "$folder"; then
		echo "without mdevs of ours: their driver cannot be built here ($folder/simdev/log)"
	fi
	[ -e "$driver" ] || driver=
	started=$SECONDS
	# shellcheck disable=SC2086  # one word or none
	if ! "$here/boot.sh" "$1" "$2" "$folder/commands" "$folder" "$folder/vfiosim" \
			"$folder/init" "$build/facts-probe" $driver; then
		failed=$((failed + 1))
		return
	fi
	release=$(sed -n 's/^@linux //p' "$folder/results.txt")
	version=$(echo "$release" | grep -Eo '^[0-9]+\.[0-9]+')
	iommufd=no who="$version linux linux-$version"
	grep -q '^@has iommufd' "$folder/results.txt" && iommufd=yes || who="$who no-iommufd"
	grep -q '^@has mtty' "$folder/results.txt" || who="$who no-samples"
	grep -Eq '^@has (mtty|simdev)' "$folder/results.txt" || who="$who no-mdev"
	echo "Linux $release ($((SECONDS - started)) s)"
	if [ -n "${ITSELF-}" ]; then
		tell_itself
		return
	fi
	compare_plays
	compare_facts legacy
	[ "$iommufd" = no ] || compare_facts iommufd
	echo
}

begin() {
	folder=build/linux/$1
	mkdir -p "$folder"
	strip -o "$folder/vfiosim" "$build/vfiosim"
	cp "$build/linux-init" "$folder/init"
}

# The first of some paths that exists; nothing if none does.
first_of() {
	local path
	for path in "$@"; do
		[ ! -e "$path" ] || { echo "$path"; return; }
	done
}

ask_given() {
	local image=$KERNEL modules=${MODULES-}
	if [ -d "$KERNEL" ]; then
		image=$KERNEL/vmlinux
		modules=${modules:-$(first_of "$KERNEL"/lib/modules/*)}
	fi
	begin "$(basename "$KERNEL")"
	if "$here/kernel.sh" elf "$image" "$folder/vmlinux"; then
		ask "$folder/vmlinux" "$modules" "${modules:+$(first_of "$modules/build")}"
	else
		failed=$((failed + 1))
	fi
}

ask_stock() {
	begin "$1"
	if "$here/kernel.sh" fetch "$1" "$folder" &&
	   "$here/kernel.sh" elf "$folder"/root/boot/vmlinuz-* "$folder/vmlinux"; then
		ask "$folder/vmlinux" "$(dirname "$(first_of "$folder"/root/{,usr/}lib/modules/*/kernel)")" \
			"$(first_of "$folder"/root/usr/src/linux-headers-*-amd64)"
	else
		echo "Debian's kernel $1 could not be had"
		failed=$((failed + 1))
	fi
}

if [ -n "${KERNEL-}" ]; then
	ask_given
else
	for version in "$@"; do
		ask_stock "$version"
	done
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
