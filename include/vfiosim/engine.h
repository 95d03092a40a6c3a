/* SPDX-License-Identifier: MIT */
/*
 * The engine: the register model behind a BAR whose topology says
 * `registers: engine`. The one thing a simulated device can do by itself: reach
 * memory by DMA, and say so by an interrupt.
 *
 * A physical device reaches memory through the domain its group is attached to.
 * An mdev has none: it reads and writes through its container, as vendor drivers
 * do, and can pin pages to keep them.
 *
 * Programming it, by pread and pwrite of the BAR (little-endian; accesses of any
 * size and alignment; a register counts as written when its last byte was):
 *
 *	1. write SOURCE, DESTINATION, LENGTH, CONTROL
 *	2. write COMMAND: the doorbell. STATUS becomes BUSY.
 *	3. after the write was answered the engine moves the data, then STATUS
 *	   becomes DONE or FAULT, and if CONTROL asks for it the vector is raised
 *
 * A fault leaves ERROR (an errno) and FAULT (the iova) behind; the transfer up to
 * there may have happened. A COMMAND while BUSY is ignored. PIN, UNPIN, INTERRUPT
 * and RESET are finished when the write is answered.
 *
 * Pins: PIN fails as the kernel's vfio_pin_pages would (EINVAL nothing mapped,
 * EPERM, EFAULT, ENOMEM), all pages or none, and is remembered as one range; with
 * ENOSPC when the engine would hold more than 4096 ranges or 1 GiB.
 * UNPIN drops every remembered range that touches SOURCE..LENGTH, whole; so does
 * the unmapping of any part of it. Ranges may overlap.
 *
 * Bus mastering need not be enabled. Closing the device resets the engine.
 */
#ifndef VFIOSIM_ENGINE_H
#define VFIOSIM_ENGINE_H

#define VFIOSIM_ENGINE_MAGIC 0x4d495356u	/* "VSIM" */

/* Offsets in the BAR; width in bits. What is not named reads as 0. */
enum {
	VFIOSIM_ENGINE_ID = 0x000,		/* 32, read-only: the magic */
	VFIOSIM_ENGINE_VERSION = 0x004,		/* 32, read-only: 1 */
	VFIOSIM_ENGINE_COMMAND = 0x008,		/* 32: the doorbell, reads as the last command */
	VFIOSIM_ENGINE_STATUS = 0x00c,		/* 32, read-only */
	VFIOSIM_ENGINE_SOURCE = 0x010,		/* 64: iova */
	VFIOSIM_ENGINE_DESTINATION = 0x018,	/* 64: iova */
	VFIOSIM_ENGINE_LENGTH = 0x020,		/* 64: bytes */
	VFIOSIM_ENGINE_CONTROL = 0x028,		/* 32 */
	VFIOSIM_ENGINE_ERROR = 0x02c,		/* 32, read-only: positive errno of the last fault */
	VFIOSIM_ENGINE_FAULT = 0x030,		/* 64, read-only: iova of the last fault */
	VFIOSIM_ENGINE_COMPLETED = 0x038,	/* 64, read-only: commands finished, faults included */
	VFIOSIM_ENGINE_PINNED = 0x040,		/* 64, read-only: pages in remembered pins */
	VFIOSIM_ENGINE_WINDOW = 0x800,		/* bytes for READ and WRITE, up to the page's end */
	VFIOSIM_ENGINE_SIZE = 0x1000,		/* the registers; the BAR beyond is plain memory */
};

#define VFIOSIM_ENGINE_WINDOW_SIZE (VFIOSIM_ENGINE_SIZE - VFIOSIM_ENGINE_WINDOW)
#define VFIOSIM_ENGINE_COPY_MAX (1u << 20)	/* bytes of one COPY */

enum {						/* COMMAND */
	VFIOSIM_ENGINE_COPY = 1,		/* LENGTH bytes from SOURCE to DESTINATION */
	VFIOSIM_ENGINE_READ = 2,		/* LENGTH bytes from SOURCE into the window */
	VFIOSIM_ENGINE_WRITE = 3,		/* LENGTH bytes of the window to DESTINATION */
	VFIOSIM_ENGINE_PIN = 4,			/* mdev: whole pages at SOURCE */
	VFIOSIM_ENGINE_UNPIN = 5,		/* mdev: pins that touch LENGTH bytes at SOURCE */
	VFIOSIM_ENGINE_INTERRUPT = 6,		/* raise the vector of CONTROL */
	VFIOSIM_ENGINE_RESET = 7,		/* registers and window to zero, pins dropped */
};

enum {						/* STATUS */
	VFIOSIM_ENGINE_IDLE = 0,
	VFIOSIM_ENGINE_BUSY = 1,
	VFIOSIM_ENGINE_DONE = 2,
	VFIOSIM_ENGINE_FAULTED = 3,
};

enum {						/* CONTROL */
	VFIOSIM_ENGINE_RAISE = 1u << 0,		/* interrupt when a command is finished */
	VFIOSIM_ENGINE_PIN_WRITE = 1u << 1,	/* PIN for reading and writing, else for reading */
	VFIOSIM_ENGINE_VECTOR_SHIFT = 8,	/* bits 8..18: the MSI or MSI-X vector */
};

#endif
