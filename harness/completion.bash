# SPDX-License-Identifier: MIT
# Completion for vfiosim, in bash. The program itself says what may come: see
# cli_complete() in harness/cli.h.

_vfiosim()
{
	local cur=${COMP_WORDS[COMP_CWORD]} line

	COMPREPLY=()
	while IFS= read -r line; do
		case $line in
		:files)
			compopt -o filenames 2>/dev/null
			while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$cur")
			;;
		":command "*)
			if [ "${line#* }" -lt $((COMP_CWORD - 1)) ] && declare -F _command_offset >/dev/null; then
				_command_offset $((${line#* } + 1))
				return
			fi
			while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -c -- "$cur")
			;;
		*) COMPREPLY+=("$line") ;;
		esac
	done < <(vfiosim complete "$COMP_CWORD" "${COMP_WORDS[@]:1}" 2>/dev/null)
}

complete -F _vfiosim vfiosim
