#!/bin/sh
# SPDX-License-Identifier: MIT
# make check-clients: unmodified programs under `vfiosim run`. Argument: the vfiosim to run.
set -eu
exec python3 "$(dirname "$0")/check.py" "$1"
