#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Runs a command as an ordinary user on a machine where only root is at hand:
#
#	harness/as_user.sh COMMAND [ARGUMENT...]
#
# Where /dev/fuse or /dev/kvm is closed to others (distributions open them, bare
# machines may not), the command sees a private open one; the machine's own stays
# as it is.
# Run as an ordinary user already, it only executes the command.
set -eu

user=${SUDO_UID:-65534}
group=${SUDO_GID:-65534}

if [ "$(id -u)" != 0 ]; then
	exec "$@"
fi
if [ "${1-}" != --with-nodes ]; then
	exec unshare --mount --propagation private "$0" --with-nodes "$@"
fi
shift

# NAME MINOR
open_node() {
	[ -e "/dev/$1" ] && [ "$(stat -c %a "/dev/$1")" != 666 ] || return 0
	node=$(mktemp -d)
	mount -t tmpfs -o mode=755 vfiosim-node "$node"
	mknod -m 666 "$node/$1" c 10 "$2"
	mount --bind "$node/$1" "/dev/$1"
	umount -l "$node"
	rmdir "$node"
}
open_node fuse 229
open_node kvm 232

exec setpriv --reuid="$user" --regid="$group" --clear-groups --inh-caps=-all --bounding-set=-all \
	env HOME=/ "$@"
