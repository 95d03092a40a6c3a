# shellcheck shell=sh
# SPDX-License-Identifier: MIT

# below VERSION: words of known.txt for what a kernel of VERSION cannot do, whoever runs on it.
below() {
	for limit in 6.6 6.9; do
		[ "$(printf '%s\n' "$limit" "$1" | sort -V | head -n 1)" = "$limit" ] ||
			printf 'below-%s ' "$limit"
	done
}
