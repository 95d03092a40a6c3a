/* SPDX-License-Identifier: MIT */
/*
 * What only topologies have: ranges, ids, addresses. As base/value.h: every function
 * takes the whole text and returns false, its output untouched, when there is
 * anything else in it.
 */
#ifndef SIM_TOPOLOGY_VALUE_H
#define SIM_TOPOLOGY_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vfiosim/topology.h>

/* FIRST..LAST, inclusive; may be reversed (that deserves a message of its own). */
bool value_range(const char *text, struct vfiosim_range *ret_range);
/* 8086:10d3 */
bool value_ids(const char *text, uint16_t *ret_first, uint16_t *ret_second);
/* 0000:01:00.0, lower case as the kernel prints it. */
bool value_pci_address(const char *text);
/* The parts of an address that is well formed. */
unsigned pci_address_domain(const char *address);
uint8_t pci_address_bus(const char *address);
uint8_t pci_address_devfn(const char *address);
#define UUID_LENGTH 36	/* characters */
/* 36 characters, either case. */
bool value_uuid(const char *text);
/* Do the first 36 characters of @text make a UUID, whatever follows? */
bool value_begins_with_uuid(const char *text);

#endif
