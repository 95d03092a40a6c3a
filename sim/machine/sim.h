/* SPDX-License-Identifier: MIT */
/*
 * One simulated machine: the root that everything hangs from.
 *
 * Built from a topology, which it borrows. Devices and groups keep their index for
 * the machine's life; an mdev created at run time gets the next one. All of it is
 * guarded by lock, unless said otherwise.
 */
#ifndef SIM_MACHINE_SIM_H
#define SIM_MACHINE_SIM_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include <vfiosim/topology.h>
#include <vfiosim/trace.h>
#include <vfiosim/vfiosim.h>

#include "base/id_map.h"

struct device;
struct iommu_group;
struct container;
struct iommu;
struct iommufd;
struct subsystem;

#define SIM_TRACE_SINKS 4

struct vfiosim {
	pthread_mutex_t lock;		/* taken and released through lock.h */
	atomic_uint waiting;		/* threads that wait for it */
	atomic_uint turns;		/* how often such a thread has taken it */
	const struct vfiosim_topology *topology;
	const struct subsystem *const *subsystems;	/* a NULL ends them; see subsystem.h */

	TAILQ_HEAD(, device_driver) drivers;	/* of all buses */
	struct device **devices;	/* index -> device; never NULL, see device.removed */
	uint32_t n_devices;
	uint64_t last_wait;		/* see device.wait */
	struct iommu_group **groups;	/* index -> group; never NULL, see iommu_group.gone */
	uint32_t n_groups;
	struct iommu *iommus;		/* the topology's, by its index */

	TAILQ_HEAD(, container) containers;
	uint64_t next_container, next_domain;
	TAILQ_HEAD(, iommufd) iommufds;
	uint32_t next_iommufd;
	TAILQ_HEAD(, vfiosim_client) clients;
	STAILQ_HEAD(, call_cleanup) cleanups;	/* of calls that are decided; see call.h */
	STAILQ_HEAD(, dead) dead;	/* see reap.h */
	atomic_bool any_dead;
	TAILQ_HEAD(, user) users;
	uint32_t next_client;

	TAILQ_HEAD(, fault_rule) fault_rules;	/* oldest first; see fault.h */
	struct id_map reached;	/* how often places were, while somebody traced: fault_reached() */
	uint32_t last_fault;
	atomic_bool fault_armed;	/* there are rules; written with the lock held */
	atomic_bool real_time;		/* a front serves programs that a virtual delay cannot delay */

	/* Module parameters, writable through sysfs. */
	uint32_t dma_entry_limit;
	bool allow_unsafe_interrupts;	/* vfio_iommu_type1's parameter ... */
	bool iommufd_unsafe_interrupts;	/* ... and iommufd's of the same name */
	bool noiommu;

	/* Ids that drivers were given through new_id; see bus.c. */
	struct pci_new_id {
		const struct device_driver *driver;
		uint32_t vendor, device, subvendor, subdevice;	/* UINT32_MAX: any */
		uint32_t class_code, class_mask;
	} new_ids[32];
	unsigned n_new_ids;
	bool no_autoprobe[2];		/* by enum bus_type: new devices wait for drivers_probe */
	/* Parameters of modules that change nothing that can be seen here. */
	bool disable_hugepages, disable_idle_d3, nointxmask;

	struct vfiosim_counters counters;	/* but commands, refusals, delayed_ms: */
	atomic_ullong n_commands, n_refusals, delayed_ms;
	uint64_t areas_changed;		/* how often mappings did, or what is pinned of them */
	struct fault_record {		/* what devices were refused, the last 64 */
		uint32_t device;
		uint64_t iova, length;
		bool write;
		char reason[160];
	} faults[64];
	uint64_t n_faults;		/* ever */

	struct {
		pthread_mutex_t lock;	/* taken after the machine's; held while sinks run */
		struct {
			vfiosim_trace_sink *sink;
			void *ctx;
		} sinks[SIM_TRACE_SINKS];
		atomic_uint n;
		struct {
			vfiosim_trace_follower *follower;
			void *ctx;
		} followers[VFIOSIM_FOLLOWERS_MAX];	/* constant while there are clients */
		unsigned n_followers;
		vfiosim_trace_sink *refusals;		/* likewise */
		void *refusals_ctx;
		atomic_bool heard;	/* there are sinks, or followers */
		uint64_t last;		/* number of the last event */
	} trace;
};

/* What vfiosim_create() does, made of @subsystems; vfiosim_destroy() ends it. */
int sim_create(const struct vfiosim_topology *topology, const struct subsystem *const *subsystems,
	       struct vfiosim **ret_sim);

extern const struct subsystem machine_subsystem;	/* what every machine has: the first one */

/* By PCI address or UUID, among those not removed; NULL. */
struct device *sim_device(struct vfiosim *sim, const char *address);

#endif
