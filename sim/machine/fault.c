/* SPDX-License-Identifier: MIT */
/* The rules of a machine's faults, and which of them are met; see fault.h. */
#include "machine/fault.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/client.h"
#include "machine/lock.h"
#include "machine/state.h"
#include "machine/subsystem.h"

struct fault_rule {
	struct vfiosim_fault fault;
	uint32_t id;
	struct vfiosim_fault_count count;	/* by runs that decided */
	struct vfiosim_fault_count run;		/* by the one under way */
	TAILQ_ENTRY(fault_rule) in_sim;
};

/* ---- Sites ---- */

static const int open_errors[] = { EBUSY, ENODEV, EPERM, EACCES, EMFILE, ENFILE, ENOMEM, 0 };
static const int pin_errors[] = { EFAULT, ENOMEM, 0 };
static const int domain_alloc_errors[] = { ENOMEM, ENODEV, EOPNOTSUPP, 0 };
static const int domain_attach_errors[] = { EINVAL, EBUSY, ENODEV, ENOMEM, EPERM, ENOSPC, 0 };
static const int domain_map_errors[] = { ENOMEM, EINVAL, ERANGE, 0 };
static const int install_errors[] = { EMFILE, ENFILE, ENOMEM, 0 };
static const int device_open_errors[] = { EAGAIN, EBUSY, EINVAL, EIO, ENODEV, ENOMEM, 0 };
static const int vector_errors[] = { ENOSPC, EINVAL, ENOMEM, 0 };
static const int no_memory[] = { ENOMEM, 0 };
static const int copy_errors[] = { EFAULT, 0 };

static const struct vfiosim_fault_site_info sites[VFIOSIM_FAULT_SITES] = {
	[VFIOSIM_FAULT_COMMAND] = { .name = "command", .mirrors = "each command" },
	[VFIOSIM_FAULT_OPEN] = { .name = "open", .mirrors = "do_sys_open", .errors = open_errors },
	[VFIOSIM_FAULT_PIN] = { .name = "pin", .mirrors = "pin_user_pages_remote",
				.errors = pin_errors },
	[VFIOSIM_FAULT_CHARGE] = { .name = "charge", .mirrors = "account_locked_vm",
				   .errors = no_memory },
	[VFIOSIM_FAULT_DOMAIN_ALLOC] = { .name = "domain-alloc",
					 .mirrors = "iommu_paging_domain_alloc_flags",
					 .errors = domain_alloc_errors },
	[VFIOSIM_FAULT_DOMAIN_ATTACH] = { .name = "domain-attach", .mirrors = "iommu_attach_group",
					  .errors = domain_attach_errors },
	[VFIOSIM_FAULT_DOMAIN_MAP] = { .name = "domain-map", .mirrors = "iommu_map",
				       .errors = domain_map_errors },
	[VFIOSIM_FAULT_ALLOC] = { .name = "alloc", .mirrors = "kmalloc", .errors = no_memory },
	[VFIOSIM_FAULT_FD_INSTALL] = { .name = "fd-install", .mirrors = "get_unused_fd_flags",
				       .errors = install_errors },
	[VFIOSIM_FAULT_DEVICE_OPEN] = { .name = "device-open",
					.mirrors = "vfio_device_ops.open_device",
					.errors = device_open_errors },
	[VFIOSIM_FAULT_VECTORS] = { .name = "vectors", .mirrors = "pci_alloc_irq_vectors",
				    .errors = vector_errors },
	[VFIOSIM_FAULT_COPY_OUT] = { .name = "copy-out", .mirrors = "copy_to_user",
				     .errors = copy_errors, .from_arguments = true },
};

const struct vfiosim_fault_site_info *vfiosim_fault_site(size_t site)
{
	return site < VFIOSIM_FAULT_SITES ? &sites[site] : NULL;
}

/* ---- As text ---- */

static void put_site(FILE *to, const struct vfiosim_fault *fault)
{
	const char *of = fault->command ? fault->command->name :
			 fault->command_class ? fault->command_class->name : NULL;

	if (fault->site != VFIOSIM_FAULT_COMMAND)
		fputs(sites[fault->site].name, to);
	if (of)
		fprintf(to, "%s%s", fault->site == VFIOSIM_FAULT_COMMAND ? "" : ",command=", of);
}

static void put_when(FILE *to, const struct vfiosim_fault_when *when)
{
	uint64_t first = when->first ? when->first : 1;

	if (!when->first && !when->last && !when->step)
		return;
	fprintf(to, ",when=%" PRIu64, first);
	if (when->last && when->last != first)
		fprintf(to, "..%" PRIu64, when->last);
	if (when->step > 1)
		fprintf(to, "+%" PRIu64, when->step);
	else if (!when->last)
		fputc('+', to);
}

static void put_keys(FILE *to, const struct vfiosim_fault *fault)
{
	if (fault->of & VFIOSIM_FAULT_OF_GROUP)
		fprintf(to, ",group=%u", fault->group);
	if (*fault->device)
		fprintf(to, ",device=%s", fault->device);
	if (fault->of & VFIOSIM_FAULT_OF_CONTAINER)
		fprintf(to, ",container=%u", fault->container);
	if (fault->of & VFIOSIM_FAULT_OF_IOAS)
		fprintf(to, ",ioas=%u", fault->ioas);
	if (fault->of & VFIOSIM_FAULT_OF_CLIENT)
		fprintf(to, ",process=%u", fault->client);
	if (*fault->comm)
		fprintf(to, ",comm=%s", fault->comm);
	if (fault->of & VFIOSIM_FAULT_OF_IOVA)
		fprintf(to, ",iova=0x%" PRIx64 "..0x%" PRIx64, fault->iova_first,
			fault->iova_last);
	put_when(to, &fault->when);
}

static void put_effects(FILE *to, const struct vfiosim_fault *fault)
{
	const char *error = strerrorname_np(fault->error);

	if (fault->page)
		fprintf(to, ",page=%" PRIu64, fault->page);
	if (fault->delay_ms)
		fprintf(to, ",delay=%ums", fault->delay_ms);
	if (fault->signal && sigabbrev_np(fault->signal))
		fprintf(to, ",signal=SIG%s", sigabbrev_np(fault->signal));
	else if (fault->signal)
		fprintf(to, ",signal=%d", fault->signal);
	if (*fault->set_field)
		fprintf(to, ",set.%s=%" PRIu64, fault->set_field, fault->set_value);
	if (fault->returns)
		fprintf(to, ",return=%ld", fault->value);
	if (fault->error && error)
		fprintf(to, ",error=%s", error);
	else if (fault->error)
		fprintf(to, ",error=%d", fault->error);
	if (fault->force)
		fputs(",force", to);
}

void vfiosim_fault_text(const struct vfiosim_fault *fault, char *to, size_t size)
{
	FILE *stream = fmemopen(to, size, "w");

	*to = '\0';
	if (!stream)
		return;
	put_site(stream, fault);
	put_keys(stream, fault);
	put_effects(stream, fault);
	fclose(stream);
}

/* ---- Which are met (lock held) ---- */

/* Whichever knows @key: the place itself, or the command it is part of. NULL: neither. */
static const struct fault_where *knows(const struct call *call, const struct fault_where *where,
				       unsigned key)
{
	if (where && where->known & key)
		return where;
	return call->where && call->where->known & key ? call->where : NULL;
}

static const char *device_at(const struct call *call, const struct fault_where *where)
{
	if (where && where->device)
		return where->device;
	return call->where ? call->where->device : NULL;
}

static bool is_named(const struct vfiosim_fault_class *commands, const char *name)
{
	const char *const *each = commands->commands;

	while (*each && strcmp(*each, name))
		each++;
	return *each;
}

bool fault_names(const struct vfiosim_fault *fault, const struct vfiosim_command *row)
{
	if (fault->command)
		return !strcmp(fault->command->name, row->name);
	return !fault->command_class || is_named(fault->command_class, row->name);
}

static bool is_of_command(const struct vfiosim_fault *fault, const struct call *call)
{
	if (!fault->command && !fault->command_class)
		return true;
	return call->where && call->where->row && fault_names(fault, call->where->row);
}

/* What is done to a group is done to each of its devices. */
static bool is_of_device(const struct vfiosim_fault *fault, const struct call *call,
			 const struct fault_where *where)
{
	const char *device = device_at(call, where);
	const struct fault_where *at = knows(call, where, VFIOSIM_FAULT_OF_GROUP);

	if (!*fault->device)
		return true;
	if (device)
		return !strcmp(device, fault->device);
	if (!at && call->where && call->where->holds_device)
		return call->where->holds_device(call->where->holder, fault->device);
	return at && at->has_device && at->has_device(at->group_object, fault->device);
}

static bool is_of_client(const struct vfiosim_fault *fault, const struct call *call)
{
	const struct vfiosim_client *client = call->caller->client;
	const char *comm = call->where ? call->where->comm : NULL;

	if (*fault->comm && (!comm || strcmp(fault->comm, comm)))
		return false;
	return !(fault->of & VFIOSIM_FAULT_OF_CLIENT) ||
	       (client && client->number == fault->client);
}

static bool is_of_group(const struct vfiosim_fault *fault, const struct call *call,
			const struct fault_where *where)
{
	const struct fault_where *at = knows(call, where, VFIOSIM_FAULT_OF_GROUP);

	if (at)
		return at->group == fault->group;
	return call->where && call->where->holds_group &&
	       call->where->holds_group(call->where->holder, fault->group);
}

static bool is_of_object(const struct vfiosim_fault *fault, const struct call *call,
			 const struct fault_where *where)
{
	const struct fault_where *at;

	if (!is_of_device(fault, call, where))
		return false;
	if (fault->of & VFIOSIM_FAULT_OF_GROUP && !is_of_group(fault, call, where))
		return false;
	at = knows(call, where, VFIOSIM_FAULT_OF_CONTAINER);
	if (fault->of & VFIOSIM_FAULT_OF_CONTAINER && !(at && at->container == fault->container))
		return false;
	at = knows(call, where, VFIOSIM_FAULT_OF_IOAS);
	return !(fault->of & VFIOSIM_FAULT_OF_IOAS) || (at && at->ioas == fault->ioas);
}

static bool is_of_iova(const struct vfiosim_fault *fault, const struct call *call,
		       const struct fault_where *where)
{
	const struct span range = { fault->iova_first, fault->iova_last };
	const struct fault_where *at = knows(call, where, VFIOSIM_FAULT_OF_IOVA);

	return !(fault->of & VFIOSIM_FAULT_OF_IOVA) || (at && span_overlaps(at->iova, range));
}

bool fault_lists(const int *errors, int error)
{
	while (errors && *errors && *errors != error)
		errors++;
	return errors && *errors;
}

static bool lists_value(const long *values, long value)
{
	while (values && *values >= 0 && *values != value)
		values++;
	return values && *values >= 0;
}

static bool lists_name(const char *const *names, const char *name)
{
	while (names && *names && strcmp(*names, name))
		names++;
	return names && *names;
}

bool fault_row_can(const struct vfiosim_command *row, const struct vfiosim_fault *fault)
{
	if (fault->error && !fault_lists(row->errors, fault->error))
		return false;
	if (*fault->set_field && !lists_name(row->sets, fault->set_field))
		return false;
	return !fault->returns || lists_value(row->returns, fault->value);
}

/* Is what it wants to happen possible here? */
static bool is_possible(const struct vfiosim_fault *fault, const struct call *call,
			const struct fault_where *where, bool values)
{
	if (fault->returns && !values)
		return false;
	switch (fault->site) {
	case VFIOSIM_FAULT_COMMAND:
		return fault->force || fault_row_can(where->row, fault);
	case VFIOSIM_FAULT_PIN:
		return fault->page < where->n;
	case VFIOSIM_FAULT_VECTORS:
		return !fault->returns || (uint64_t)fault->value < where->n;
	default:
		return true;
	}
}

static bool is_met(const struct fault_rule *rule, const struct call *call,
		   enum vfiosim_fault_site site, const struct fault_where *where, bool values)
{
	const struct vfiosim_fault *fault = &rule->fault;

	return fault->site == site && is_of_command(fault, call) && is_of_client(fault, call) &&
	       is_of_object(fault, call, where) && is_of_iova(fault, call, where) &&
	       is_possible(fault, call, where, values);
}

static bool is_time(const struct vfiosim_fault_when *when, uint64_t n)
{
	uint64_t first = when->first ? when->first : 1;

	if (n < first || (when->last && n > when->last))
		return false;
	return when->step <= 1 || (n - first) % when->step == 0;
}

/* Counts; is it the time? */
static bool fires(struct fault_rule *rule)
{
	rule->run.met++;
	if (!is_time(&rule->fault.when, rule->count.met + rule->run.met))
		return false;
	rule->run.fired++;
	return true;
}

static int refuse_injected(struct call *call, const struct fault_rule *rule, const char *text)
{
	call->result.injected = refuse(call, RULE_INJECTED, V("error", rule->fault.error),
				       V("fault", rule->id), VS("text", text),
				       V("n", rule->count.met + rule->run.met));
	return call->result.injected;
}

/* What happens besides an answer: it is noted, and done when no lock is held. */
static void happen(struct call *call, const struct fault_rule *rule, struct fault_where *where)
{
	const struct vfiosim_fault *fault = &rule->fault;
	char text[VFIOSIM_FAULT_TEXT_MAX];

	if (!fault->delay_ms && !fault->signal && !*fault->set_field)
		return;
	vfiosim_fault_text(fault, text, sizeof(text));
	changed(call, "met by fault {fault:d}: {text} (time {n:d})", V("fault", rule->id),
		VS("text", text), V("n", rule->count.met + rule->run.met));
	if (!where)
		return;
	where->delay_ms += fault->delay_ms;
	if (fault->signal)
		where->signal = fault->signal;
	if (*fault->set_field) {
		memcpy(where->set_field, fault->set_field, sizeof(where->set_field));
		where->set_value = fault->set_value;
	}
}

bool fault_sets(const struct call *call, const char *field, uint64_t *ret_value)
{
	const struct fault_where *where = call->where;

	if (!where || strcmp(where->set_field, field))
		return false;
	*ret_value = where->set_value;
	return true;
}

int fault_met(struct call *call, enum vfiosim_fault_site site, const struct fault_where *where,
	      long *ret_value)
{
	const struct fault_rule *first = NULL;
	char text[VFIOSIM_FAULT_TEXT_MAX];
	struct fault_rule *rule;

	if (call->releasing)
		return 0;
	TAILQ_FOREACH(rule, &call->sim->fault_rules, in_sim) {
		if (!is_met(rule, call, site, where, ret_value) || !fires(rule))
			continue;
		happen(call, rule, site == VFIOSIM_FAULT_COMMAND ? call->where : NULL);
		if (!first && (rule->fault.error || rule->fault.returns))
			first = rule;
	}
	if (!first)
		return 0;
	vfiosim_fault_text(&first->fault, text, sizeof(text));
	if (first->fault.error)
		return refuse_injected(call, first, text);
	*ret_value = first->fault.value;
	changed(call, "injected by fault {fault:d}: {text} (time {n:d})", V("fault", first->id),
		VS("text", text), V("n", first->count.met + first->run.met));
	return 1;
}

void *fault_zalloc(struct call *call, size_t size)
{
	return fault_alloc(call) ? NULL : calloc(1, size);
}

void fault_run_end(struct vfiosim *sim, bool decided)
{
	struct fault_rule *rule;

	TAILQ_FOREACH(rule, &sim->fault_rules, in_sim) {
		if (decided) {
			rule->count.met += rule->run.met;
			rule->count.fired += rule->run.fired;
		}
		rule->run = (struct vfiosim_fault_count){ 0 };
	}
}

/* ---- What would provoke the same ---- */

struct reached {
	uint64_t n;
};

/* The most telling that is known. */
static void name_place(const struct fault_where *where, struct vfiosim_fault *fault)
{
	if (where->known & VFIOSIM_FAULT_OF_GROUP) {
		fault->of = VFIOSIM_FAULT_OF_GROUP;
		fault->group = where->group;
	} else if (where->known & VFIOSIM_FAULT_OF_CONTAINER) {
		fault->of = VFIOSIM_FAULT_OF_CONTAINER;
		fault->container = where->container;
	} else if (where->known & VFIOSIM_FAULT_OF_IOAS) {
		fault->of = VFIOSIM_FAULT_OF_IOAS;
		fault->ioas = where->ioas;
	} else if (where->device) {
		snprintf(fault->device, sizeof(fault->device), "%s", where->device);
	}
}

/* FNV-1a. */
static uint32_t hash(const char *text)
{
	uint32_t value = 2166136261u;

	while (*text)
		value = (value ^ (unsigned char)*text++) * 16777619u;
	return value;
}

/* One number for each command on each object. Rows are told apart by their number and kinds. */
static uint64_t place_id(const struct vfiosim_command *row, const struct vfiosim_fault *fault)
{
	uint64_t id = row ? (uint64_t)(row->number & 0xffff) << 8 | (row->kinds & 0xff) : 1;
	uint32_t object = fault->group | fault->container | fault->ioas;

	if (*fault->device)
		object = hash(fault->device);
	return (id << 8 | fault->of << 1 | !!*fault->device) << 32 | object;
}

/* One more at @id; how many then. 0: no memory. */
static uint64_t count_at(struct id_map *map, uint64_t id)
{
	struct reached *reached = id_map_find(map, id);

	if (!reached) {
		reached = calloc(1, sizeof(*reached));
		if (!reached || id_map_insert(map, id, reached)) {
			free(reached);
			return 0;
		}
	}
	return ++reached->n;
}

void fault_reached(struct call *call, const struct vfiosim_command *row,
		   const struct fault_where *where, struct provoke *provoke)
{
	struct id_map *map = &call->sim->reached;
	struct vfiosim_fault *fault = &provoke->fault;
	uint64_t everywhere, here;

	*fault = (struct vfiosim_fault){
		.site = row ? VFIOSIM_FAULT_COMMAND : VFIOSIM_FAULT_OPEN, .command = row
	};
	/* A fault that names no object counts all of them. */
	everywhere = here = count_at(map, place_id(row, fault));
	name_place(where, fault);
	if (fault->of || *fault->device)
		here = count_at(map, place_id(row, fault));
	fault->when = (struct vfiosim_fault_when){ .first = here, .last = here };
	provoke->reached = everywhere && here;	/* else memory ran out */
}

bool fault_provokes(struct provoke *provoke, const struct call *call, long result)
{
	struct vfiosim_fault *fault = &provoke->fault;

	if (!provoke->reached || result >= 0 || call->result.injected)
		return false;
	fault->error = (int)-result;
	if (fault->command)
		return fault_row_can(fault->command, fault);
	return fault_lists(sites[fault->site].errors, fault->error);
}

static void free_reached(void *ctx, uint64_t id, void *item)
{
	(void)ctx;
	(void)id;
	free(item);
}

/* ---- Rules ---- */

static bool wants_comm(struct vfiosim *sim)
{
	const struct fault_rule *rule;
	bool wants = false;

	lock_take(sim);
	TAILQ_FOREACH(rule, &sim->fault_rules, in_sim)
		wants |= *rule->fault.comm;
	lock_release(sim);
	return wants;
}

void fault_fetch_comm(struct call *call, char *to, size_t size)
{
	const struct vfiosim_client *client = call->caller->client;

	if (!call->where || !client || !client->ops->comm || !wants_comm(call->sim))
		return;
	client->ops->comm(call->caller, to, size);
	call->where->comm = to;
}

int fault_add(struct vfiosim *sim, const struct vfiosim_fault *fault, uint32_t *ret_id)
{
	struct fault_rule *rule = calloc(1, sizeof(*rule));

	if (!rule)
		return -ENOMEM;
	rule->fault = *fault;
	lock_take(sim);
	*ret_id = rule->id = ++sim->last_fault;
	TAILQ_INSERT_TAIL(&sim->fault_rules, rule, in_sim);
	atomic_store_explicit(&sim->fault_armed, true, memory_order_relaxed);
	lock_release(sim);
	return 0;
}

/* Lock held; NULL: there is none. */
static struct fault_rule *find(struct vfiosim *sim, uint32_t id)
{
	struct fault_rule *rule;

	TAILQ_FOREACH(rule, &sim->fault_rules, in_sim)
		if (rule->id == id)
			break;
	return rule;
}

static void drop(struct vfiosim *sim, struct fault_rule *rule)
{
	TAILQ_REMOVE(&sim->fault_rules, rule, in_sim);
	free(rule);
}

int vfiosim_fault_remove(struct vfiosim *sim, uint32_t id)
{
	struct fault_rule *rule;

	lock_take(sim);
	rule = find(sim, id);
	if (rule)
		drop(sim, rule);
	atomic_store_explicit(&sim->fault_armed, !TAILQ_EMPTY(&sim->fault_rules),
			      memory_order_relaxed);
	lock_release(sim);
	return rule ? 0 : -ENOENT;
}

int vfiosim_fault_count(struct vfiosim *sim, uint32_t id, struct vfiosim_fault_count *ret_count)
{
	const struct fault_rule *rule;

	lock_take(sim);
	rule = find(sim, id);
	if (rule)
		*ret_count = rule->count;
	lock_release(sim);
	return rule ? 0 : -ENOENT;
}

int vfiosim_fault_at(struct vfiosim *sim, size_t index, uint32_t *ret_id,
		     struct vfiosim_fault *ret_fault, struct vfiosim_fault_count *ret_count)
{
	const struct fault_rule *rule;

	lock_take(sim);
	rule = TAILQ_FIRST(&sim->fault_rules);
	while (rule && index--)
		rule = TAILQ_NEXT(rule, in_sim);
	if (rule) {
		*ret_id = rule->id;
		*ret_fault = rule->fault;
		*ret_count = rule->count;
	}
	lock_release(sim);
	return rule ? 0 : -ENOENT;
}

/* ---- With the machine ---- */

static int init(struct vfiosim *sim)
{
	TAILQ_INIT(&sim->fault_rules);
	id_map_init(&sim->reached);
	return 0;
}

static void done(struct vfiosim *sim)
{
	struct fault_rule *rule;

	while ((rule = TAILQ_FIRST(&sim->fault_rules)))
		drop(sim, rule);
	id_map_visit(&sim->reached, free_reached, NULL);
	id_map_done(&sim->reached);
}

static void show_rule(struct json *json, const struct fault_rule *rule)
{
	char text[VFIOSIM_FAULT_TEXT_MAX];

	vfiosim_fault_text(&rule->fault, text, sizeof(text));
	json_object(json);
	json_put_unsigned(json, "number", rule->id);
	json_put_string(json, "fault", text);
	json_put_unsigned(json, "met", rule->count.met);
	json_put_unsigned(json, "fired", rule->count.fired);
	json_object_end(json);
}

static void show(struct state *state)
{
	const struct fault_rule *rule;

	if (TAILQ_EMPTY(&state->sim->fault_rules))
		return;
	json_key(&state->json, "injected");
	json_array(&state->json);
	TAILQ_FOREACH(rule, &state->sim->fault_rules, in_sim)
		show_rule(&state->json, rule);
	json_array_end(&state->json);
}

const struct subsystem fault_subsystem = { .init = init, .done = done, .show = show };
