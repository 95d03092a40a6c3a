/* SPDX-License-Identifier: MIT */
#include "fuzz/check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/span.h"

/* ---- Counters ----------------------------------------------------------- */

static uint64_t counter(const char *text, const char *name)
{
	char key[32];
	const char *at;

	snprintf(key, sizeof(key), "\"%s\": ", name);
	at = strstr(text, key);
	return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

struct machine_counters check_counters(const char *text)
{
	return (struct machine_counters){
		.commands = counter(text, "commands"),
		.refusals = counter(text, "refusals"),
		.mappings = counter(text, "mappings"),
		.pinned_pages = counter(text, "pinned_pages"),
	};
}

/* What the mappings of all spaces come to. */
struct sums {
	uint64_t mappings;
	double pinned;		/* each page once: an area has its share of what it shares */
};

/* ---- One space: a container or an ioas ---------------------------------- */

static struct span span_of(json_object *object)
{
	return (struct span){ json_u64(object, "first"), json_u64(object, "last") };
}

static const char *name_of(json_object *object)
{
	return json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN);
}

static bool within(json_object *ranges, struct span span)
{
	for (size_t i = 0; i < json_length(ranges); i++)
		if (span_contains(span_of(json_at(ranges, i)), span))
			return true;
	return false;
}

/* @domain: the space has one, so that everything in it is pinned. */
static void check_mapping(const struct world *world, json_object *mapping, bool domain)
{
	struct span span = span_of(mapping);
	uint64_t pages = (span.last - span.first) / PAGE + 2;
	bool pinned = json_true(mapping, "pinned");
	uint64_t charged = json_u64(mapping, "charged_pages");
	uint64_t accessed = json_u64(mapping, "mdev_pinned_pages");
	bool shared = json_has(mapping, "shared_by");

	if (span.first > span.last)
		world_broken(world, "a mapping ends before it begins: %s", name_of(mapping));
	if (pinned != domain)
		world_broken(world, "%s: %s", pinned ? "pinned without a domain" :
						       "in a domain, but not pinned",
			     name_of(mapping));
	if (charged && !pinned && !accessed && !shared)
		world_broken(world, "charged, but pinned by nobody: %s", name_of(mapping));
	if (!shared && (charged > pages || accessed > charged))
		world_broken(world, "more is pinned than there is: %s", name_of(mapping));
}

static void check_mappings(const struct world *world, json_object *space, bool domain,
			   struct sums *sums)
{
	json_object *mappings = json_list(space, "mappings");
	struct span before = { 0, 0 };

	for (size_t i = 0; i < json_length(mappings); i++) {
		json_object *mapping = json_at(mappings, i);
		uint64_t sharers = json_u64(mapping, "shared_by");

		check_mapping(world, mapping, domain);
		if (i && json_u64(mapping, "first") <= before.last)
			world_broken(world, "mappings overlap: %s", name_of(mapping));
		before = span_of(mapping);
		sums->mappings++;
		sums->pinned += (double)json_u64(mapping, "charged_pages") /
				(double)(sharers ? sharers : 1);
	}
}

/* ---- What is left of the iovas ------------------------------------------ */

#define SPANS_MAX 128

struct spans {
	struct span items[SPANS_MAX];
	size_t n;
};

static void spans_add(struct spans *spans, struct span span)
{
	if (spans->n < SPANS_MAX)
		spans->items[spans->n++] = span;
}

/* What lies outside of @span. */
static void spans_add_outside(struct spans *spans, struct span span)
{
	if (span.first)
		spans_add(spans, (struct span){ 0, span.first - 1 });
	if (span.last < UINT64_MAX)
		spans_add(spans, (struct span){ span.last + 1, UINT64_MAX });
}

static int by_first(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

/* In order, and those that touch as one. */
static void spans_merge(struct spans *spans)
{
	size_t n = 0;

	qsort(spans->items, spans->n, sizeof(spans->items[0]), by_first);
	for (size_t i = 0; i < spans->n; i++) {
		struct span next = spans->items[i], *last = n ? &spans->items[n - 1] : NULL;

		if (!last || (last->last < UINT64_MAX && next.first > last->last + 1))
			spans->items[n++] = next;
		else if (next.last > last->last)
			last->last = next.last;
	}
	spans->n = n;
}

static bool spans_equal(const struct spans *a, const struct spans *b)
{
	return a->n == b->n && !memcmp(a->items, b->items, a->n * sizeof(a->items[0]));
}

static void add_regions(struct spans *spans, const struct vfiosim_resv *resv, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (resv[i].type != VFIOSIM_RESV_DIRECT_RELAXABLE)
			spans_add(spans, (struct span){ resv[i].range.first, resv[i].range.last });
}

/* Nothing maps what a device needs for itself, its group, or its IOMMU. */
static void add_reserved(const struct world *world, struct spans *spans,
			 const struct vfiosim_topo_device *device)
{
	const struct vfiosim_topology *topology = world->topology;
	const struct vfiosim_topo_group *group;

	add_regions(spans, device->resv, device->n_resv);
	if (device->group < 0)
		return;
	group = &topology->groups[device->group];
	add_regions(spans, group->resv, group->n_resv);
	if (group->iommu >= 0)
		add_regions(spans, topology->iommus[group->iommu].resv,
			    topology->iommus[group->iommu].n_resv);
}

static void add_outside_aperture(const struct world *world, struct spans *spans, const char *iommu)
{
	const struct vfiosim_topology *topology = world->topology;

	for (size_t i = 0; i < topology->n_iommus; i++)
		if (!strcmp(topology->iommus[i].name, iommu))
			spans_add_outside(spans, (struct span){ topology->iommus[i].aperture.first,
								topology->iommus[i].aperture.last });
}

/* ---- Containers --------------------------------------------------------- */

static void add_reserved_of_group(const struct world *world, struct spans *spans, uint64_t number)
{
	const struct vfiosim_topology *topology = world->topology;

	for (size_t i = 0; i < topology->n_devices; i++) {
		const struct vfiosim_topo_device *device = &topology->devices[i];

		if (device->group >= 0 && !topology->groups[device->group].noiommu &&
		    topology->groups[device->group].number == number)
			add_reserved(world, spans, device);
	}
}

/* The apertures of all domains, without what the groups in them reserve. */
static void check_ranges(const struct world *world, json_object *container)
{
	json_object *domains = json_list(container, "domains");
	json_object *ranges = json_list(container, "iova_ranges");
	struct spans expected = { .n = 0 }, told = { .n = 0 };
	struct span before = { 0, 0 };

	for (size_t i = 0; i < json_length(domains); i++) {
		json_object *groups = json_list(json_at(domains, i), "groups");

		add_outside_aperture(world, &expected, json_text(json_at(domains, i), "iommu"));
		for (size_t j = 0; j < json_length(groups); j++)
			add_reserved_of_group(world, &expected,
					      json_object_get_uint64(json_at(groups, j)));
	}
	for (size_t i = 0; i < json_length(ranges); i++) {
		struct span range = span_of(json_at(ranges, i));

		if (range.first > (i ? before.last + 1 : 0))
			spans_add(&told, (struct span){ i ? before.last + 1 : 0, range.first - 1 });
		before = range;
	}
	if (before.last < UINT64_MAX)
		spans_add(&told, (struct span){ before.last + 1, UINT64_MAX });
	spans_merge(&expected);
	if (!spans_equal(&expected, &told))
		world_broken(world, "the ranges are not the apertures less the reserved regions: %s",
			     name_of(container));
}

/* Does group @number know that it is in @container? With noiommu two can have that number. */
static bool knows(const struct world *world, uint64_t number, uint64_t container)
{
	json_object *groups = json_list(world->picture, "groups");

	for (size_t i = 0; i < json_length(groups); i++)
		if (json_u64(json_at(groups, i), "number") == number &&
		    json_u64(json_at(groups, i), "container") == container)
			return true;
	return false;
}

static void check_container(const struct world *world, json_object *container, struct sums *sums)
{
	json_object *mappings = json_list(container, "mappings");
	json_object *groups = json_list(container, "groups");
	bool domain = json_length(json_list(container, "domains"));

	check_mappings(world, container, domain, sums);
	if (json_length(mappings) && !json_length(groups))
		world_broken(world, "mappings without a group: %s", name_of(container));
	if (domain)
		check_ranges(world, container);
	for (size_t i = 0; domain && i < json_length(mappings); i++)
		if (!within(json_list(container, "iova_ranges"), span_of(json_at(mappings, i))))
			world_broken(world, "a mapping lies outside the ranges: %s",
				     name_of(json_at(mappings, i)));
	for (size_t i = 0; i < json_length(groups); i++)
		if (!knows(world, json_object_get_uint64(json_at(groups, i)),
			   json_u64(container, "number")))
			world_broken(world, "a group does not know that it is in it: %s",
				     name_of(container));
}

/* ---- Iommufds ----------------------------------------------------------- */

static bool is_type(json_object *object, const char *type)
{
	return !strcmp(json_text(object, "type"), type);
}

static const struct vfiosim_topo_device *topo_device(const struct world *world, const char *address)
{
	for (size_t i = 0; i < world->topology->n_devices; i++)
		if (!strcmp(world->topology->devices[i].address, address))
			return &world->topology->devices[i];
	return NULL;
}

/* What each page table cannot hold, and what each attached device reserves. */
static bool expect_reserved(const struct world *world, json_object *objects, uint64_t ioas,
			    struct spans *expected)
{
	bool domain = false;

	for (size_t i = 0; i < json_length(objects); i++) {
		json_object *object = json_at(objects, i), *hwpt;
		const struct vfiosim_topo_device *device;

		if (is_type(object, "hwpt") && json_u64(object, "ioas") == ioas) {
			add_outside_aperture(world, expected, json_text(object, "iommu"));
			domain = true;
		}
		if (!is_type(object, "device") || !json_true(object, "attached"))
			continue;
		hwpt = json_find(objects, "id", json_u64(object, "hwpt"));
		device = topo_device(world, json_text(object, "device"));
		if (device && json_u64(hwpt, "ioas") == ioas)
			add_reserved(world, expected, device);
	}
	return domain;
}

static void check_ioas(const struct world *world, json_object *objects, json_object *ioas,
		       struct sums *sums)
{
	json_object *reserved = json_list(ioas, "reserved"), *mappings = json_list(ioas, "mappings");
	struct spans expected = { .n = 0 }, told = { .n = 0 };
	bool domain = expect_reserved(world, objects, json_u64(ioas, "id"), &expected);

	for (size_t i = 0; i < json_length(reserved); i++)
		spans_add(&told, span_of(json_at(reserved, i)));
	spans_merge(&expected);
	spans_merge(&told);
	if (!spans_equal(&expected, &told))
		world_broken(world, "it reserves something else than its devices and page tables: %s",
			     name_of(ioas));
	check_mappings(world, ioas, domain, sums);
	for (size_t i = 0; i < json_length(mappings); i++)
		for (size_t j = 0; j < told.n; j++)
			if (span_overlaps(span_of(json_at(mappings, i)), told.items[j]))
				world_broken(world, "a mapping lies in what is reserved: %s",
					     name_of(json_at(mappings, i)));
}

static void check_iommufd(const struct world *world, json_object *iommufd, struct sums *sums)
{
	json_object *objects = json_list(iommufd, "objects");

	for (size_t i = 0; i < json_length(objects); i++) {
		json_object *object = json_at(objects, i);

		if (is_type(object, "ioas"))
			check_ioas(world, objects, object, sums);
		if (json_has(object, "hwpt") &&
		    !is_type(json_find(objects, "id", json_u64(object, "hwpt")), "hwpt"))
			world_broken(world, "attached to what is no hwpt: %s", name_of(object));
		if (json_has(object, "ioas") &&
		    !is_type(json_find(objects, "id", json_u64(object, "ioas")), "ioas"))
			world_broken(world, "on what is no ioas: %s", name_of(object));
	}
}

/* ---- All of it ---------------------------------------------------------- */

static void check_list(const struct world *world, const char *key,
		       void (*check)(const struct world *world, json_object *one, struct sums *sums),
		       struct sums *sums)
{
	json_object *list = json_list(world->picture, key);

	for (size_t i = 0; i < json_length(list); i++)
		check(world, json_at(list, i), sums);
}

/* A file that somebody holds is still there, and what it is of. */
static void check_held(const struct world *world, const struct opened *file)
{
	const char *key = file->kind == VFIOSIM_CONTAINER ? "containers" :
			  file->kind == VFIOSIM_IOMMUFD	  ? "iommufds" :
							    NULL;

	if (key && file->number && !json_find(json_list(world->picture, key), "number", file->number))
		world_broken(world, "%.*s %ju is gone, but somebody holds it", (int)strlen(key) - 1,
			     key, (uintmax_t)file->number);
}

static void check_groups(const struct world *world)
{
	json_object *groups = json_list(world->picture, "groups");

	for (size_t i = 0; i < json_length(groups); i++) {
		json_object *group = json_at(groups, i);

		if (json_has(group, "container") &&
		    !json_find(json_list(world->picture, "containers"), "number",
			       json_u64(group, "container")))
			world_broken(world, "in a container that is gone: %s", name_of(group));
		if (json_has(group, "iommufd") &&
		    !json_find(json_list(world->picture, "iommufds"), "number",
			       json_u64(group, "iommufd")))
			world_broken(world, "in an iommufd that is gone: %s", name_of(group));
	}
}

static void check_sums(const struct world *world, const struct machine_counters *counters,
		       const struct sums *sums)
{
	json_object *clients = json_list(world->picture, "clients");
	double off = sums->pinned - (double)counters->pinned_pages;
	uint64_t locked = 0;

	if (sums->mappings != counters->mappings)
		world_broken(world, "%ju mappings, but the counter says %ju",
			     (uintmax_t)sums->mappings, (uintmax_t)counters->mappings);
	if (off > 0.01 || off < -0.01)
		world_broken(world, "%.2f pages pinned, but the counter says %ju", sums->pinned,
			     (uintmax_t)counters->pinned_pages);
	for (size_t i = 0; i < json_length(clients); i++)
		locked += json_u64(json_at(clients, i), "locked_pages");
	if (locked > counters->pinned_pages)
		world_broken(world, "clients pay for %ju pages, but %ju are pinned", (uintmax_t)locked,
			     (uintmax_t)counters->pinned_pages);
}

void check_world(struct world *world, const struct machine_counters *counters)
{
	const struct watch *watch = &world->watch;
	struct sums sums = { 0 };

	check_list(world, "containers", check_container, &sums);
	check_list(world, "iommufds", check_iommufd, &sums);
	check_groups(world);
	check_sums(world, counters, &sums);
	if (world->shared)
		return;
	for (unsigned i = 0; i < PROGRAMS_MAX; i++)
		for (unsigned j = 0; j < world->programs[i].n_held; j++)
			check_held(world, world->programs[i].held[j].file);
	if (watch->events && (counters->commands != watch->commands ||
			      counters->refusals != watch->refusals))
		world_broken(world, "%ju commands, %ju refused, but the counters say %ju and %ju",
			     (uintmax_t)watch->commands, (uintmax_t)watch->refusals,
			     (uintmax_t)counters->commands, (uintmax_t)counters->refusals);
}

void check_nothing_left(const struct world *world)
{
	/* Over FUSE a client that is gone is forgotten when the next one comes. */
	static const char *const lists[] = { "containers", "iommufds", "clients" };
	const size_t n_lists = world->shared ? 2 : 3;
	json_object *groups = json_list(world->picture, "groups");
	json_object *devices = json_list(world->picture, "devices");

	for (size_t i = 0; i < n_lists; i++)
		if (json_length(json_list(world->picture, lists[i])))
			world_broken(world, "everybody has ended, %s are left: %s", lists[i],
				     name_of(json_list(world->picture, lists[i])));
	if (json_u64(json_list(world->picture, "counters"), "domains"))
		world_broken(world, "everybody has ended, a domain is left");
	for (size_t i = 0; i < json_length(groups); i++)
		if (json_true(json_at(groups, i), "open") || json_has(json_at(groups, i), "container") ||
		    json_has(json_at(groups, i), "iommufd"))
			world_broken(world, "everybody has ended, a group is in use: %s",
				     name_of(json_at(groups, i)));
	for (size_t i = 0; i < json_length(devices); i++)
		if (json_u64(json_at(devices, i), "open"))
			world_broken(world, "everybody has ended, a device is open: %s",
				     name_of(json_at(devices, i)));
}

/* ---- Refused half way ---------------------------------------------------- */

static const struct half {
	const char *command;
	unsigned kinds;
	const char *rule;	/* NULL: whichever */
} halves[] = {
	/* iopt_unmap_iova_range: what lies before the one that would be cut is gone. */
	{ "IOMMU_IOAS_UNMAP", VFIOSIM_IOMMUFD, "area-bisected" },
	/* The same; and a cut that was made at one end stays. */
	{ "VFIO_IOMMU_UNMAP_DMA", VFIOSIM_IOMMUFD, NULL },
};

/* Done, then its answer could not be written: iommufd_ucmd_respond, copy_to_user. */
static const struct half untold[] = {
	{ "IOMMU_IOAS_MAP", VFIOSIM_IOMMUFD, "bad-address" },
	{ "IOMMU_IOAS_MAP_FILE", VFIOSIM_IOMMUFD, "bad-address" },
	{ "IOMMU_IOAS_COPY", VFIOSIM_IOMMUFD, "bad-address" },
	{ "IOMMU_IOAS_UNMAP", VFIOSIM_IOMMUFD, "bad-address" },
	{ "VFIO_IOMMU_UNMAP_DMA", VFIOSIM_CONTAINER, "bad-address" },
};

static bool is_among(const struct half *rows, size_t n, const struct watch *watch)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].kinds & watch->command->kinds &&
		    !strcmp(rows[i].command, watch->command->name) &&
		    (!rows[i].rule || !strcmp(rows[i].rule, watch->rule->id)))
			return true;
	return false;
}

bool check_may_change(const struct world *world)
{
	return is_among(halves, sizeof(halves) / sizeof(halves[0]), &world->watch) ||
	       (world->elsewhere &&
		is_among(untold, sizeof(untold) / sizeof(untold[0]), &world->watch));
}
