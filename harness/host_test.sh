#!/bin/bash
# SPDX-License-Identifier: MIT
#
# `case run --target host`: harness/host_test.sh BUILD. "This computer" is one inside
# `vfiosim run`, so what is asked, set and put back are the simulated machine's /dev/vfio
# and /sys. Ends with "N passed, N failed, N skipped".
set -u
build=$(realpath "$1") || exit 1
passed=0 failed=0 skipped=0
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT

# on TOPOLOGY SCRIPT: what SCRIPT prints there; $cases is the command.
on() {
	marker=$folder/$1.xml cases="$build/vfiosim case run --target host --junit $folder/$1.xml" \
		timeout 100 "$build/vfiosim" run --topology "$1" -- sh -c "$2" \
		>"$folder/printed" 2>&1 </dev/null
}

# says NAME LINE: is LINE, a basic regular expression, among what was printed?
says() {
	if grep -q "^$2\$" "$folder/printed"; then
		passed=$((passed + 1))
	else
		echo "not ok: $1: no line '$2' in"
		sed 's/^/    /' "$folder/printed"
		failed=$((failed + 1))
	fi
}

if ! on q35 true; then
	echo "skip: host_test.sh: no run can be started here"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
fi

# shellcheck disable=SC2016  # $cases is for the shell inside
on q35 '$cases dma-avail-exhausted unbind-while-open wrap interrupt-vectors \
	--device nic0=0000:01:00.0 --device A=0000:01:00.0 --device vectors0=0000:02:00.0'
says 'a parameter is not touched' 'skipped dma-avail-exhausted legacy: .*dma_entry_limit: --allow-sysfs writes it'
says 'nor is sysfs' 'skipped unbind-while-open legacy: .*/unbind is this computer.s own: --allow-sysfs writes it'
says 'another kernel' 'skipped wrap/until legacy: the case is about Linux 6.17, this computer runs .*'
says 'another device' "skipped interrupt-vectors legacy: .*requires a device with 4 msi interrupts for 'vectors0'.*"

# shellcheck disable=SC2016
on q35 '$cases dma-avail-exhausted unbind-while-open bind unset-busy-mmap settings --allow-sysfs \
	--device nic0=0000:01:00.0 --device A=0000:01:00.0 --device rp4=0000:00:04.0
cd /sys/bus/pci/devices/0000:01:00.0
echo limit $(cat /sys/module/vfio_iommu_type1/parameters/dma_entry_limit)
echo driver $(basename $(readlink driver)) $(cat driver_override)
echo port $(basename $(readlink /sys/bus/pci/devices/0000:00:04.0/driver))
echo workers $(cat /proc/[0-9]*/cmdline | tr "\0" "\n" | grep -c "^$marker")'
says 'a parameter is set' 'ok      dma-avail-exhausted legacy'
says 'and put back' 'limit 65535'
says 'a device is unbound while open' 'ok      unbind-while-open legacy'
says 'and with iommufd' 'ok      unbind-while-open iommufd'
says 'then there is no worker that holds it' 'ok      unset-busy-mmap legacy'
says 'drivers are bound' 'ok      bind legacy'
says 'and put back' 'driver vfio-pci vfio-pci'
says 'of a bridge, too' 'port pcieport'
says 'no process is left' 'workers 0'
says 'what is not about a device stays' 'skipped settings legacy: .*/msi_bus is not about a device that was named'

cat >"$folder/removed.yaml" <<-END
	about: both devices are removed
	topology: hotadd
	steps:
	  - sysfs: {file: "/sys/bus/mdev/devices/{mdev0}/remove", write: 1}
	  - sysfs: {file: "/sys/bus/pci/devices/{nic0}/remove", write: 1}
END
cat >"$folder/there.yaml" <<-END
	about: both devices are there again
	topology: hotadd
	steps:
	  - attach: {device: mdev0, to: first}
	  - attach: {device: nic0, to: first}
END
# shellcheck disable=SC2016
on hotadd '$cases '"$folder/removed.yaml $folder/there.yaml"' --allow-sysfs \
	--device nic0=0000:01:00.0 --device mdev0=83b8f4f2-509f-382f-3c1e-e6bfe0fa1001'
says 'devices are removed' 'ok      removed legacy'
says 'and put back, in a group of which the next case knows' 'ok      there legacy'

# shellcheck disable=SC2016
on q35-noiommu '$cases noiommu --device X=0000:21:00.0 --device A=0000:01:00.0'
says 'a group without an IOMMU can be named' 'ok      noiommu legacy'
# shellcheck disable=SC2016
on q35 '$cases extensions-noiommu --device X=0000:01:00.0'
says 'what the machine of a case says of such groups is a parameter, too' \
	'skipped extensions-noiommu legacy: .*enable_unsafe_noiommu_mode: --allow-sysfs writes it'

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
