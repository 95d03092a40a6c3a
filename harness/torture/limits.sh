# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# What a run of `make torture` has little of. Each is called in the process that becomes the
# launcher; $TMPDIR is the run's; $amount, a random number, says how little; $before may become a
# command to put before it. What cannot be had here is left out of $limits.
# shellcheck disable=SC2154,SC2329  # $amount is the caller's; called by name

plenty() { :; }

few_descriptors() { ulimit -n $((10 + amount % 40)); }

# The sanitizers need more address space than there is.
little_space() { ulimit -v $((60000 + amount % 400000)); }

few_processes() { ulimit -u $((5 + amount % 40)); }

# Any write to a file ends who makes it, by SIGXFSZ.
no_files() { ulimit -f 0; }

# $TMPDIR has room for some lines.
# shellcheck disable=SC2016,SC2034  # for another shell; read by the caller
full_disk() {
	before=(unshare --mount sh -c 'mount -t tmpfs -o size=16k none "$TMPDIR" && exec "$@"' sh)
}

# Of cgroup v2, or of a v1 controller: the folder to make a group in; nothing.
cgroup_of() {
	local controller=$1 path
	path=$(sed -n "s,^[0-9]*:$controller:\(.*\),/sys/fs/cgroup/$controller\1,p" /proc/self/cgroup)
	if [ -z "$path" ] && grep -qw "$controller" /sys/fs/cgroup/cgroup.controllers 2>/dev/null; then
		path=/sys/fs/cgroup
	fi
	[ -z "$path" ] || [ ! -w "$path" ] || echo "$path"
}

# in_group CONTROLLER FILE... LIMIT: joins a new one with LIMIT in the first FILE that it has.
in_group() {
	local group file limit=${*: -1}
	group=$(cgroup_of "$1")/vfiosim-torture-$$
	mkdir -p "$group" || return
	shift
	for file in "${@:1:$#-1}"; do
		[ ! -e "$group/$file" ] || echo "$limit" >"$group/$file"
	done
	echo "$BASHPID" >"$group/cgroup.procs"
}

little_memory() { in_group memory memory.max memory.limit_in_bytes $((4 + amount % 28))M; }

few_tasks() { in_group pids pids.max $((4 + amount % 40)); }

# The groups of the last round; false: one is still in use.
remove_groups() {
	local group
	for group in "$(cgroup_of memory)" "$(cgroup_of pids)"; do
		group=$group/vfiosim-torture-$$
		[ ! -d "$group" ] || rmdir "$group" || return
	done
}

# choose_limits BUILD: fills $limits.
choose_limits() {
	limits=(plenty plenty plenty few_descriptors no_files)
	case $1 in
	*/san-*) ;;
	*) limits+=(little_space) ;;
	esac
	if [ "$(id -u)" != 0 ]; then
		limits+=(few_processes)
	elif unshare --mount true 2>/dev/null; then
		limits+=(full_disk)
	fi
	[ -z "$(cgroup_of memory)" ] || limits+=(little_memory)
	[ -z "$(cgroup_of pids)" ] || limits+=(few_tasks)
}
