#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What `make sweep-clients` sweeps of QEMU: a hot-add, without a firmware's timing.
#
#	qemu_sweep.sh legacy|iommufd QEMU...
#
# The guest's processors never start, so what QEMU asks of the kernel is the same each time.
# mdev0 is there from the start, nic0 is hot-added, and QEMU ends. A hot-add that QEMU
# refuses is no failure: the guest goes on without nic0. The status is QEMU's.
set -eu
nic=0000:01:00.0
mdev=/sys/bus/mdev/devices/83b8f4f2-509f-382f-3c1e-e6bfe0fa1001
ulimit -c 0
object='' key='' json=''
if [ "$1" = iommufd ]; then
	object='-object iommufd,id=iommufd0'
	key=,iommufd=iommufd0
	json=', "iommufd": "iommufd0"'
fi
shift
# shellcheck disable=SC2086 # $object is two words, or none
exec "$@" -S -machine q35,accel=tcg -nodefaults -no-user-config -m 128M -display none -qmp stdio \
	-device pcie-root-port,id=rp1,chassis=1,slot=1,addr=0x10 \
	-device pcie-root-port,id=rp2,chassis=2,slot=2,addr=0x11 \
	$object -device "vfio-pci,id=mdev0,bus=rp1,sysfsdev=$mdev$key" <<EOF
{"execute": "qmp_capabilities"}
{"execute": "device_add", "arguments": {"driver": "vfio-pci", "id": "nic0", "bus": "rp2", "host": "$nic"$json}}
{"execute": "query-status"}
{"execute": "quit"}
EOF
