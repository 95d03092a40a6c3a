/* SPDX-License-Identifier: MIT */
/* What the machine tells while the fuzzer works: counted, checked, and told in words. */
#include <errno.h>
#include <string.h>

#include "fuzz/world.h"

/* ---- The same calls, the same events ------------------------------------ */

static void hash_bytes(struct watch *watch, const void *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		watch->hash = (watch->hash ^ ((const uint8_t *)bytes)[i]) * 0x100000001b3;
}

static void hash_text(struct watch *watch, const char *text)
{
	if (text)
		hash_bytes(watch, text, strlen(text) + 1);
}

static void hash_event(struct watch *watch, const struct vfiosim_event *event)
{
	hash_bytes(watch, &event->client, sizeof(event->client));
	hash_bytes(watch, &event->arg, sizeof(event->arg));
	hash_bytes(watch, &event->result, sizeof(event->result));
	hash_bytes(watch, event->in, event->in_size);
	hash_bytes(watch, event->out, event->out_size);
	hash_text(watch, event->object);
	hash_text(watch, event->verb);
	hash_text(watch, event->text);
	hash_text(watch, event->reason);
	for (size_t i = 0; i < event->n_changes; i++)
		hash_text(watch, event->changes[i]);
}

/* ---- Why it was refused -------------------------------------------------- */

static bool listed(const int *errors, int error)
{
	while (errors && *errors && *errors != error)
		errors++;
	return errors && *errors;
}

/* A {value} of the rule's sentence that nobody gave stands in the reason as it was. */
static void check_sentence(const struct world *world, const struct vfiosim_event *event)
{
	for (const char *at = event->rule->sentence; (at = strchr(at, '{')); at++) {
		char name[64];

		snprintf(name, sizeof(name), "%.*s", (int)strcspn(at, "}") + 1, at);
		if (strstr(event->reason, name))
			world_broken(world, "%s is missing in the reason '%s'", name, event->reason);
	}
}

static void check_refusal(const struct world *world, const struct vfiosim_event *event)
{
	int error = (int)-event->result;

	if (!event->rule || !event->reason || !event->reason[0])
		world_broken(world, "%s %s answers %s without a rule", event->object, event->verb,
			     strerrorname_np(error));
	/* Some were others before Linux 7. */
	if (event->rule->error && event->rule->error != error && world->topology->kernel.major >= 7)
		world_broken(world, "%s %s answers %s, but its rule %s stands for %s", event->object,
			     event->verb, strerrorname_np(error), event->rule->id,
			     strerrorname_np(event->rule->error));
	if (event->command && !listed(event->command->errors, error))
		world_broken(world, "%s %s answers %s (rule %s), which its row does not list",
			     event->object, event->verb, strerrorname_np(error), event->rule->id);
	check_sentence(world, event);
}

static void check_event(const struct world *world, const struct vfiosim_event *event)
{
	if (event->number != world->watch.events && !world->shared)
		world_broken(world, "event %ju is numbered %ju", (uintmax_t)world->watch.events,
			     (uintmax_t)event->number);
	if (event->result < 0)
		check_refusal(world, event);
	else if (event->rule)
		world_broken(world, "%s %s succeeded, but has the rule %s", event->object,
			     event->verb, event->rule->id);
}

/* ---- In words ------------------------------------------------------------ */

static void tell_event(const struct world *world, const struct vfiosim_event *event)
{
	char args[512];

	vfiosim_event_args(event, args, sizeof(args));
	fprintf(world->tell, "    client %u, %s: %s %s", event->client, event->object, event->verb,
		args);
	if (event->result < 0)
		fprintf(world->tell, " = %s (%s: %s)\n", strerrorname_np((int)-event->result),
			event->rule ? event->rule->id : "no rule",
			event->reason ? event->reason : "no reason");
	else
		fprintf(world->tell, " = %ld\n", event->result);
	for (size_t i = 0; i < event->n_changes; i++)
		fprintf(world->tell, "        %s\n", event->changes[i]);
}

static bool is_ioctl(const struct vfiosim_event *event)
{
	return event->command || !strncmp(event->verb, "ioctl ", 6);
}

void world_watch(void *ctx, const struct vfiosim_event *event)
{
	struct world *world = ctx;
	struct watch *watch = &world->watch;

	watch->events++;
	watch->step_events++;
	watch->result = event->result;
	watch->command = event->command;
	watch->rule = event->rule;
	watch->commands += is_ioctl(event);
	watch->refusals += is_ioctl(event) && event->result < 0;
	hash_event(watch, event);
	if (world->tally)
		tally_event(world->tally, event);
	if (world->tell)
		tell_event(world, event);
	check_event(world, event);
}
