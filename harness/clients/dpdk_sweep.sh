#!/bin/sh
# SPDX-License-Identifier: MIT
# What `make sweep-clients` sweeps of DPDK: the start of testpmd, whose status is 0; see dpdk_story.py.
ulimit -c 0
RUNTIME_DIRECTORY=$TMPDIR
export RUNTIME_DIRECTORY
exec dpdk-testpmd --no-huge -m 64 -a 0000:01:00.0 --iova-mode=va --no-telemetry -- \
	--total-num-mbufs=2048
