# SPDX-License-Identifier: MIT
# Completion for vfiosim, in bash. Names come from the program itself.

_vfiosim_topologies()
{
	vfiosim topology list 2>/dev/null | awk '{ print $1 }'
}

_vfiosim_cases()
{
	vfiosim case list 2>/dev/null | awk '{ print $1 }'
}

# Words, or files where $2 is "files" as well.
_vfiosim_offer()
{
	COMPREPLY=($(compgen -W "$1" -- "$cur"))
	if [ "$2" = files ]; then
		compopt -o filenames 2>/dev/null
		COMPREPLY+=($(compgen -f -- "$cur"))
	fi
}

# The index of the command `vfiosim run` is to run, or nothing.
_vfiosim_run_command()
{
	local i

	for ((i = 2; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--) echo $((i + 1)) && return ;;
		-t | --topology | --trace | -o | --output | --memlock | --fake-chardev) ((i++)) ;;
		-*) ;;
		*) echo $i && return ;;
		esac
	done
}

_vfiosim_run()
{
	local command=$(_vfiosim_run_command)

	if [ -n "$command" ] && declare -F _command_offset >/dev/null; then
		_command_offset "$command"
		return
	fi
	case $prev in
	-t | --topology) _vfiosim_offer "$(_vfiosim_topologies)" files ;;
	--trace | -o | --output) _vfiosim_offer "" files ;;
	--memlock) _vfiosim_offer "unlimited client" ;;
	--fake-chardev) _vfiosim_offer "auto yes no" ;;
	--) COMPREPLY=($(compgen -c -- "$cur")) ;;
	*)
		case $cur in
		-*) _vfiosim_offer "--topology --explain --trace --output --memlock --fake-chardev --help --" ;;
		*) COMPREPLY=($(compgen -c -- "$cur")) ;;
		esac
		;;
	esac
}

_vfiosim_topology()
{
	if [ "$COMP_CWORD" = 2 ]; then
		_vfiosim_offer "list show check --help"
	else
		_vfiosim_offer "$(_vfiosim_topologies)" files
	fi
}

_vfiosim_case()
{
	if [ "$COMP_CWORD" = 2 ]; then
		_vfiosim_offer "list show verbs run --help"
		return
	fi
	case $prev in
	--target) _vfiosim_offer "inproc fuse host" ;;
	--mode) _vfiosim_offer "legacy iommufd" ;;
	--policy) _vfiosim_offer "qemu-legacy cloud-hypervisor dpdk libvfn qemu-iommufd single-ioas none" ;;
	--junit) _vfiosim_offer "" files ;;
	*)
		case $cur in
		-*) _vfiosim_offer "--target --mode --policy --variant --explain --log --trace --tap --junit --device --help" ;;
		*) _vfiosim_offer "$(_vfiosim_cases)" files ;;
		esac
		;;
	esac
}

_vfiosim()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}

	COMPREPLY=()
	if [ "$COMP_CWORD" = 1 ]; then
		_vfiosim_offer "run topology case --help --version"
		return
	fi
	case ${COMP_WORDS[1]} in
	run) _vfiosim_run ;;
	topology) _vfiosim_topology ;;
	case) _vfiosim_case ;;
	esac
}

complete -F _vfiosim vfiosim
