#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Boots a kernel in QEMU on a machine like the topology q35, and runs commands in it.
#
#	boot.sh KERNEL MODULES COMMANDS FOLDER FILE...
#
# KERNEL is what QEMU's -kernel takes, MODULES a folder with modules.dep or "" (all is
# built in), COMMANDS a file as guest/init.c reads it, FILE... the programs that it names and
# init, and modules (X.ko) to load last. FOLDER gets initramfs.cpio, console.txt (what the kernel printed) and results.txt
# (what the commands did). LIMIT=SECONDS, 600 by default. Exit status 0 when all commands
# were run. SUITE=yes: with more memory and another core, and the file system of this computer
# to read.
# shellcheck disable=SC2317  # a trap reaches what looks unreachable
set -u
kernel=$1 modules=$2 commands=$3 folder=$4
shift 4
here=$(dirname "$0")
limit=${LIMIT:-600}
# fuse is for vfiosim itself, e1000e for the siblings that a case or the probe wants with a driver of the host.
wanted='vfio vfio_iommu_type1 vfio-pci iommufd mdev mtty mdpy virtio_pci i2c-i801 e1000e fuse'
[ -z "${SUITE-}" ] || wanted="9pnet_virtio 9p overlay $wanted"

# Modules with what they need, in the order to load them.
in_order() {
	local name line
	for name in $wanted; do
		line=$(grep -E "(^|/)${name//[-_]/[-_]}\.ko(\.xz|\.zst|\.gz)?:" "$modules/modules.dep") ||
			continue	# built in, or not there
		echo "${line#*:}" | tr ' ' '\n' | tac
		echo "${line%%:*}"
	done | awk 'NF && !seen[$0]++'
}

unpacked() {
	case $1 in
	*.xz) xz -dc "$1" ;;
	*.zst) zstd -dcq "$1" ;;
	*.gz) gzip -dc "$1" ;;
	*) cat "$1" ;;
	esac
}

make_initramfs() {
	local root=$folder/initramfs module name
	rm -rf "$root"
	mkdir -p "$root"/{proc,sys,dev,tmp,etc} || return
	echo 'root:x:0:0::/:' >"$root/etc/passwd"	# a file that the probe looks for
	cp "$@" "$root" && cp "$commands" "$root/commands" || return
	cp "$here/devices.txt" "$root/devices"
	: >"$root/modules"
	if [ -n "$modules" ]; then
		for module in $(in_order); do
			name=$(basename "$module")
			name=/${name%.ko*}.ko
			unpacked "$modules/$module" >"$root$name" || return
			echo "$name" >>"$root/modules"
		done
	fi
	for module in "$@"; do
		[[ $module != *.ko ]] || echo "/$(basename "$module")" >>"$root/modules"
	done
	(cd "$root" && find . | cpio --quiet -o -H newc -R 0:0) >"$folder/initramfs.cpio" || return
	rm -rf "$root"
}

# The machine, device by device as in cases/topologies/q35.yaml.
boot() {
	local port accel=tcg root_ports=() cores=1 memory=1G shared=$folder/shared
	for port in 4 5 6 7 8; do
		root_ports+=(-device "pcie-root-port,id=rp$port,bus=pcie.0,addr=$port.0,chassis=$port,slot=$port")
	done
	[ ! -w /dev/kvm ] || accel=kvm
	mkdir -p "$folder/shared"
	[ -z "${SUITE-}" ] || shared=/ cores=2 memory=4G
	timeout --kill-after=5 "$limit" nice qemu-system-x86_64 \
		-machine q35,accel=$accel,kernel-irqchip=split -cpu max -smp "$cores" -m "$memory" \
		-nodefaults -display none -no-reboot \
		-kernel "$kernel" -initrd "$folder/initramfs.cpio" \
		-append 'console=ttyS0 loglevel=5 intel_iommu=on no_timer_check panic=-1' \
		-serial "file:$folder/console.txt" -serial "file:$folder/results.txt" \
		-device isa-debug-exit,iobase=0xf4,iosize=1 \
		-device intel-iommu,intremap=on,caching-mode=on \
		"${root_ports[@]}" \
		-device pxb-pcie,id=pxb,bus=pcie.0,addr=9.0,bus_nr=0x20,bypass_iommu=on \
		-fsdev "local,id=a,path=$shared,security_model=none,readonly=on,multidevs=remap" \
		-device virtio-9p-pci,fsdev=a,mount_tag=a,bus=pcie.0,addr=a.0 \
		-fsdev "local,id=b,path=$folder/shared,security_model=none,readonly=on" \
		-device virtio-9p-pci,fsdev=b,mount_tag=b,bus=pcie.0,addr=b.0 \
		-device pcie-root-port,id=rp20,bus=pxb,addr=0.0,chassis=20,slot=20 \
		-device e1000e,bus=rp4 -device e1000e,bus=rp5 \
		-blockdev driver=null-co,node-name=nothing,read-zeroes=on \
		-device nvme-subsys,id=subsystem \
		-device nvme,bus=rp6,serial=1,subsys=subsystem,sriov_max_vfs=1,sriov_vq_flexible=2,sriov_vi_flexible=1,max_ioqpairs=4,msix_qsize=7 \
		-device e1000e,bus=rp7,addr=0.0,multifunction=on -device e1000e,bus=rp7,addr=0.1 \
		-device pcie-pci-bridge,id=pci,bus=rp8 \
		-device edu,bus=pci,addr=1 -device edu,bus=pci,addr=2 \
		</dev/null 2>"$folder/qemu.txt" &
	child=$!
	wait "$child"
	status=$?
	child=
}

child=
clean_up() {
	[ -z "$child" ] || kill -TERM "$child" 2>/dev/null
	wait
	rm -rf "$folder/initramfs" "$folder/shared"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

folder=$(realpath "$folder")
rm -f "$folder"/{console,results,qemu}.txt
if ! make_initramfs "$@"; then
	echo "boot.sh: no initramfs could be made"
	exit 1
fi
boot
if grep -q '^@done' "$folder/results.txt" 2>/dev/null; then
	exit 0
fi
echo "the virtual machine ended too early (QEMU's status $status):"
grep -v '^qemu-system-x86_64: warning: nic' "$folder/qemu.txt"
tail -n 20 "$folder/console.txt" 2>/dev/null
grep '^@failed' "$folder/results.txt" 2>/dev/null
exit 1
