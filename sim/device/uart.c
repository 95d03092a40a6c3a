/* SPDX-License-Identifier: MIT */
/* A 16550A in loopback. */
#include "device/uart.h"

#include <string.h>

enum { DATA, IER, IIR_FCR, LCR, MCR, LSR, MSR, SCR };

enum { IER_RECEIVED = 1, IER_EMPTY = 2, IER_LINE = 4, IER_MODEM = 8 };
enum { IIR_MODEM = 0, IIR_NONE = 1, IIR_EMPTY = 2, IIR_RECEIVED = 4, IIR_LINE = 6 };
enum { IIR_16550A = 0xc0 };
enum { FCR_ENABLE = 1, FCR_CLEAR = 6 };
enum { LCR_DIVISOR = 0x80 };
enum { MCR_DTR = 1, MCR_RTS = 2, MCR_OUT2 = 8, MCR_FLOW = 0x20 };
enum { LSR_READY = 1, LSR_OVERRUN = 2, LSR_EMPTY = 0x60 };
enum { MSR_CTS = 0x11, MSR_PRESENT = 0xa2 };	/* CTS and its change; DSR and its change, DCD */

void uart_init(struct uart *uart)
{
	memset(uart, 0, sizeof(*uart));
	uart->depth = UART_FIFO_SIZE;
}

static bool divisor_latched(const struct uart *uart)
{
	return uart->line & LCR_DIVISOR;
}

/* ---- Writing ---- */

static void transmit(struct uart *uart, uint8_t value, bool *ret_interrupt)
{
	uart->overrun = uart->count >= uart->depth;
	if (uart->overrun) {
		*ret_interrupt = uart->interrupts & IER_LINE;
		return;
	}
	uart->fifo[(uart->head + uart->count) % UART_FIFO_SIZE] = value;
	uart->count++;
	*ret_interrupt = uart->interrupts & IER_RECEIVED && uart->count == 1;
}

static void write_ier(struct uart *uart, uint8_t value, bool *ret_interrupt)
{
	uart->interrupts = value & 0x0f;
	*ret_interrupt = value & IER_EMPTY && !uart->count;
}

static void write_fcr(struct uart *uart, uint8_t value)
{
	if (value & FCR_CLEAR)
		uart->head = uart->count = 0;
	uart->depth = value & FCR_ENABLE ? UART_FIFO_SIZE : 1;
}

static void write_lcr(struct uart *uart, uint8_t value)
{
	if (value & LCR_DIVISOR && !divisor_latched(uart))
		uart->divisor = 0;
	uart->line = value;
}

void uart_write(struct uart *uart, unsigned reg, uint8_t value, bool *ret_interrupt)
{
	switch (reg) {
	case DATA:
		if (divisor_latched(uart))
			uart->divisor |= value;
		else
			transmit(uart, value, ret_interrupt);
		break;
	case IER:
		if (divisor_latched(uart))
			uart->divisor |= (uint16_t)(value << 8);
		else
			write_ier(uart, value, ret_interrupt);
		break;
	case IIR_FCR:
		write_fcr(uart, value);
		break;
	case LCR:
		write_lcr(uart, value);
		break;
	case MCR:
		uart->modem = value;
		*ret_interrupt = uart->interrupts & IER_MODEM &&
				 value & (MCR_OUT2 | MCR_RTS | MCR_DTR);
		break;
	case SCR:
		uart->scratch = value;
		break;
	default:
		break;
	}
}

/* ---- Reading ---- */

static uint8_t receive(struct uart *uart, bool *ret_interrupt)
{
	uint8_t value = 0;

	if (uart->count) {
		value = uart->fifo[uart->head];
		uart->head = (uint8_t)((uart->head + 1) % UART_FIFO_SIZE);
		uart->count--;
	}
	*ret_interrupt = !uart->count && uart->interrupts & IER_EMPTY;
	return value;
}

static uint8_t read_iir(const struct uart *uart)
{
	uint8_t pending = 0, ier = uart->interrupts;

	if (ier & IER_LINE && uart->overrun)
		pending |= IIR_LINE;
	if (ier & IER_RECEIVED && uart->count)
		pending |= IIR_RECEIVED;
	if (ier & IER_EMPTY && !uart->count)
		pending |= IIR_EMPTY;
	if (ier & IER_MODEM && uart->modem & (MCR_RTS | MCR_DTR))
		pending |= IIR_MODEM;
	return IIR_16550A | (pending ? pending : IIR_NONE);
}

static uint8_t read_lsr(const struct uart *uart)
{
	return (uint8_t)((uart->count ? LSR_READY : LSR_EMPTY) | (uart->overrun ? LSR_OVERRUN : 0));
}

/* With automatic flow control the port is clear to send while the FIFO has room. */
static uint8_t read_msr(const struct uart *uart)
{
	bool clear = !(uart->modem & MCR_FLOW) || uart->count < uart->depth;

	return (uint8_t)(MSR_PRESENT | (clear ? MSR_CTS : 0));
}

uint8_t uart_read(struct uart *uart, unsigned reg, bool *ret_interrupt)
{
	switch (reg) {
	case DATA:
		return divisor_latched(uart) ? (uint8_t)uart->divisor
					     : receive(uart, ret_interrupt);
	case IER:
		return divisor_latched(uart) ? (uint8_t)(uart->divisor >> 8) : uart->interrupts;
	case IIR_FCR:
		return read_iir(uart);
	case LCR:
		return uart->line;
	case MCR:
		return uart->modem;
	case LSR:
		return read_lsr(uart);
	case MSR:
		return read_msr(uart);
	case SCR:
		return uart->scratch;
	default:
		return 0;
	}
}
