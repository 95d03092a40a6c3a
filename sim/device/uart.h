/* SPDX-License-Identifier: MIT */
/*
 * A 16550A with its transmitter wired to its receiver: what one port of an mtty
 * is. Bytes written come back when read, in order, up to the depth of the FIFO.
 *
 * Not locked; belongs to whoever holds the struct.
 * Mirrors handle_bar_read, handle_bar_write (samples/vfio-mdev/mtty.c, 7.2).
 */
#ifndef SIM_DEVICE_UART_H
#define SIM_DEVICE_UART_H

#include <stdbool.h>
#include <stdint.h>

#define UART_FIFO_SIZE 16u

struct uart {
	uint8_t interrupts;	/* IER */
	uint8_t line, modem, scratch;	/* LCR, MCR, SCR */
	uint16_t divisor;
	uint8_t fifo[UART_FIFO_SIZE];
	uint8_t head, count;	/* oldest byte, and how many */
	uint8_t depth;		/* 1 or UART_FIFO_SIZE */
	bool overrun;
};

void uart_init(struct uart *uart);
/* @reg: 0..7. @ret_interrupt is set when the access raises the interrupt. */
uint8_t uart_read(struct uart *uart, unsigned reg, bool *ret_interrupt);
void uart_write(struct uart *uart, unsigned reg, uint8_t value, bool *ret_interrupt);

#endif
