#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Completion in zsh and fish: harness/completion_test.sh BUILD. Each shell must offer what
# `vfiosim complete` does, files where it says so, and a command's own words behind it.
# (bash: harness/cli_test.c.)
set -u
build=$(realpath "$1") || exit 1
passed=0 failed=0 skipped=0
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
trap 'exit 143' INT TERM
mkdir "$folder/empty"
export PATH=$build:$PATH HOME=$folder XDG_CONFIG_HOME=$folder XDG_DATA_HOME=$folder
export LC_ALL=C

# expect NAME WANTED GOT
expect() {
	if [ "$2" = "$3" ]; then
		passed=$((passed + 1))
	else
		echo "not ok: $1"
		diff <(echo "$2") <(echo "$3") | sed 's/^/    /'
		failed=$((failed + 1))
	fi
}

# What the program offers for the last of WORD..., which may be empty.
offers() { vfiosim complete $# "$@" | sort; }

# in_fish LINE [COMMAND]: the words without their descriptions; after COMMAND.
in_fish() {
	fish --no-config -c "source $PWD/harness/completion.fish; ${2-}"'
		complete --do-complete=$argv[1]' -- "$1" | cut -f 1 | sort
}

# in_zsh LINE: types it into a shell at a terminal, then a tab; prints what the line is then.
in_zsh() {
	rm -f "$folder/line"
	timeout --foreground 60 zsh -f -c '
		zmodload zsh/zpty
		zpty shell zsh -f -i
		zpty -w shell "PS1= PS2=; fpath=(\$fpath $2); autoload -Uz compinit; compinit -u -D"
		zpty -w shell "tell() { print -r -- \"\$BUFFER\" >$2/new; mv $2/new $2/line; BUFFER= }"
		zpty -w shell "zle -N tell; bindkey \"^X\" tell; bindkey \"^I\" complete-word"
		zpty -w -n shell "$1"$'\''\t\x18'\''
		until [[ -e $2/line ]]; do zpty -r -t shell >/dev/null; sleep 0.05; done
		zpty -d shell' zsh "$1" "$folder"
	cat "$folder/line"
}

if command -v fish >/dev/null; then
	for line in 'vfiosim ' 'vfiosim run -' 'vfiosim sweep --' 'vfiosim case ' 'vfiosim run --topology ' \
			'vfiosim case run --policy ' 'vfiosim explain --list ' 'vfiosim topology show q'; do
		read -ra words <<<"${line#vfiosim}"
		[[ $line != *' ' ]] || words+=('')
		expect "fish: $line" "$(offers "${words[@]}" | grep -v '^:')" "$(in_fish "$line" "cd $folder/empty")"
	done
	expect 'fish: files' cases/tour/ "$(in_fish 'vfiosim case run cases/tou')"
	expect 'fish: a command that takes folders alone' '' "$(in_fish 'vfiosim run -t q35 -- cd Mak')"
	expect 'fish: a command' "$(in_fish 'ls -l Mak')" "$(in_fish 'vfiosim run -t q35 -- ls -l Mak')"
	expect 'fish: the name of a command' "$(in_fish 'vfiosi')" "$(in_fish 'vfiosim run vfiosi')"
else
	echo 'skip: completion in fish: no fish here'
	skipped=$((skipped + 1))
fi

if command -v zsh >/dev/null && zsh -f -c 'zmodload zsh/zpty' 2>/dev/null; then
	cp harness/completion.zsh "$folder/_vfiosim"
	expect 'zsh: a verb' 'vfiosim explain ' "$(in_zsh 'vfiosim expl')"
	expect 'zsh: an option' 'vfiosim run --topology ' "$(in_zsh 'vfiosim run --topo')"
	expect 'zsh: a value' 'vfiosim run --topology reserved ' "$(in_zsh 'vfiosim run --topology reserv')"
	expect 'zsh: a verb of a verb' 'vfiosim case matrix ' "$(in_zsh 'vfiosim case mat')"
	expect 'zsh: files' 'vfiosim case run cases/tour/' "$(in_zsh 'vfiosim case run cases/tou')"
	expect 'zsh: a command that takes folders alone' 'vfiosim run -- cd Mak' "$(in_zsh 'vfiosim run -- cd Mak')"
	expect 'zsh: a command' 'vfiosim run -t q35 -- cd cases/' "$(in_zsh 'vfiosim run -t q35 -- cd cas')"
	expect 'zsh: the name of a command' "vfiosim run $(in_zsh vfiosi)" "$(in_zsh 'vfiosim run vfiosi')"
else
	echo 'skip: completion in zsh: no zsh with zpty here'
	skipped=$((skipped + 1))
fi

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
