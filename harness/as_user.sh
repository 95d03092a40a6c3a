#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Runs a command as an ordinary user on a machine where only root is at hand:
#
#	harness/as_user.sh COMMAND [ARGUMENT...]
#
# Where /dev/fuse is closed to others (distributions open it, bare machines may
# not), the command sees a private open one; the machine's own stays as it is.
# Run as an ordinary user already, it only executes the command.
set -eu

user=${SUDO_UID:-65534}
group=${SUDO_GID:-65534}

if [ "$(id -u)" != 0 ]; then
	exec "$@"
fi
if [ "${1-}" != --with-fuse ]; then
	exec unshare --mount --propagation private "$0" --with-fuse "$@"
fi
shift
if [ "$(stat -c %a /dev/fuse)" != 666 ]; then
	node=$(mktemp -d)
	mount -t tmpfs -o mode=755 vfiosim-fuse "$node"
	mknod -m 666 "$node/fuse" c 10 229
	mount --bind "$node/fuse" /dev/fuse
	umount -l "$node"
	rmdir "$node"
fi
exec setpriv --reuid="$user" --regid="$group" --clear-groups --inh-caps=-all --bounding-set=-all \
	env HOME=/ "$@"
