/* SPDX-License-Identifier: MIT */
/* vfiosim topology record: this computer as a topology. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cli.h"
#include "record/record.h"

struct options {
	const char *output, *sysfs;
	bool anonymize;
};

static int write_to(const struct recorded *recorded, const struct record_options *how, const char *path)
{
	FILE *to = path ? fopen(path, "we") : stdout;
	int error;

	if (!to) {
		cli_error("cannot write %s: %s", path, strerror(errno));
		return 2;
	}
	record_write(recorded, how, to);
	if (!path)
		return 0;
	error = cli_flush(to, path);
	fclose(to);
	return error ? 2 : 0;
}

/* A topology without an IOMMU is right, but nothing can be attached in it. */
static void tell_useless(const struct recorded *recorded)
{
	if (recorded->n_iommus)
		return;
	fputs("vfiosim: note: no device here is in a group behind an IOMMU, so programs cannot attach any of\n"
	      "  them in the recorded machine. Switch the IOMMU on and record again: VT-d or AMD-Vi in the\n"
	      "  firmware's setup, and intel_iommu=on on the kernel's command line for Intel's. A guest needs\n"
	      "  a virtual IOMMU (QEMU: -device intel-iommu). `vfiosim topology list` names machines that\n"
	      "  have one.\n", stderr);
}

static int record(void *arg, char **args, size_t n)
{
	const struct options *options = arg;
	const char *root = options->sysfs ? options->sysfs : "/sys";
	struct recorded recorded;
	struct utsname host;
	struct record_options how = { .anonymize = options->anonymize };
	int sysfs = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC), error, status;

	if (sysfs < 0) {
		cli_error("cannot open %s: %s", root, strerror(errno));
		return 2;
	}
	if (!options->sysfs && !uname(&host))
		how.release = host.release;
	error = record_read(sysfs, &recorded);
	close(sysfs);
	if (error) {
		cli_error(error == -ENOENT ? "%s/bus/pci/devices has no devices: nothing to record" :
					     "cannot read %s: no memory", root);
		return 2;
	}
	status = write_to(&recorded, &how, options->output);
	if (!status)
		tell_useless(&recorded);
	record_done(&recorded);
	return status;
}

#define AT(member_) offsetof(struct options, member_)

static const struct cli_option record_options[] = {
	{ "output", 'o', "FILE", "write it to FILE rather than to standard output", CLI_TEXT, AT(output),
	  .files = true },
	{ "sysfs", 0, "FOLDER", "read this tree (/sys)", CLI_TEXT, AT(sysfs), .files = true },
	{ "anonymize", 0, NULL, "leave out what tells computers apart: UUIDs of mdevs, subsystem ids,\n"
	  "the kernel's release", CLI_FLAG, AT(anonymize) },
	{ NULL },
};

const struct cli_verb topology_record_verb = {
	.name = "record",
	.about = "write this computer's groups, reserved regions and PCI devices as a topology",
	.options = record_options,
	.size = sizeof(struct options),
	.more = "Only sysfs is read. What cannot be read becomes a comment with the default that holds;\n"
		"as root there is more to read.\n",
	.run = record,
};
