#!/bin/sh
# SPDX-License-Identifier: MIT
#
# harness/schemas/check.sh BUILD: check.py, which says what it does, where there is a Python.
if ! command -v python3 >/dev/null; then
	echo 'skip: JSON schemas: python3 and python3-jsonschema are not installed'
	echo '0 passed, 0 failed, 1 skipped'
	exit 0
fi
exec python3 "$(dirname "$0")/check.py" "$1"
