#compdef vfiosim
# SPDX-License-Identifier: MIT
# Completion for vfiosim, in zsh. The program itself says what may come: see
# cli_complete() in harness/cli.h.

_vfiosim()
{
	local line
	local -a offers

	# As the program is asked: what stands before the cursor, without quotes.
	for line in ${(f)"$(vfiosim complete $((CURRENT - 1)) "${(@Q)words[2,CURRENT]}" 2>/dev/null)"}; do
		case $line in
		(:files) _files ;;
		(':command '*)
			# A command of its own, whose first word is this one of ours, from 0.
			shift $((${line#* } + 1)) words
			((CURRENT -= ${line#* } + 1))
			_normal
			;;
		(*) offers+=("$line") ;;
		esac
	done
	((! $#offers)) || compadd -Q -- "${offers[@]}"
}

_vfiosim "$@"
