/* SPDX-License-Identifier: MIT */
/*
 * An ioctl number that a program used: the command it is, or what is wrong with it.
 *
 * VFIO and iommufd make their numbers with _IO(';', nr): no direction and no size, whatever
 * the structure is. Their structures say their own size.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include <vfiosim/command.h>

#include "learn/subject.h"
#include "report/lines.h"
#include "report/words.h"

#define VFIO_LETTER ';'
#define BARE_FIRST 100	/* VFIO's first; below it a number is an errno */

/* Whose letter it is: Documentation/userspace-api/ioctl/ioctl-number.rst. */
static const struct {
	unsigned letter;
	const char *whose;
} letters[] = {
	{ 0x12, "block devices" }, { 'A', "ALSA" }, { 'E', "input devices (evdev)" },
	{ 'H', "HID, ALSA" }, { 'N', "NVMe" }, { 'P', "PCI endpoints" }, { 'T', "terminals, tun" },
	{ 'U', "USB, uinput" }, { 'V', "video (V4L2)" }, { 'b', "dma-buf" }, { 'd', "DRM (graphics)" },
	{ 'f', "file systems" }, { 'v', "file systems" }, { '!', "seccomp" }, { 0xae, "KVM" },
	{ 0xaf, "vhost" }, { 0xe5, "FUSE" },
};

static bool has_command(unsigned nr)
{
	for (size_t i = 0; vfiosim_command(i); i++)
		if ((vfiosim_command(i)->number & 0xff) == nr)
			return true;
	return false;
}

/* The commands with the low byte @nr: kinds of files share numbers. */
static void tell_commands(FILE *to, unsigned nr)
{
	const struct vfiosim_command *row;

	for (size_t i = 0; (row = vfiosim_command(i)); i++) {
		if ((row->number & 0xff) != nr || subject_command_row(row->name) != row)
			continue;
		lines_putf(to, 4, "", "0x%x %s: %s", row->number, row->name,
			   words_for_verb(row->name) ? words_for_verb(row->name) : "a command");
	}
}

/* No command has @nr: the nearest that one has. */
static void tell_nearest(FILE *to, unsigned nr)
{
	const struct vfiosim_command *row;
	unsigned nearest = 0, distance = 256;

	for (size_t i = 0; (row = vfiosim_command(i)); i++) {
		unsigned number = row->number & 0xff, away = number > nr ? number - nr : nr - number;

		if (away >= distance)
			continue;
		distance = away;
		nearest = number;
	}
	fprintf(to, "  no command of VFIO or iommufd is number %u. The nearest, %u:\n", nr, nearest);
	tell_commands(to, nearest);
}

/* The commands of number @nr behind @lead, or the nearest. */
static void tell_meant(FILE *to, unsigned nr, const char *lead)
{
	if (!has_command(nr)) {
		tell_nearest(to, nr);
		return;
	}
	fputs(lead, to);
	tell_commands(to, nr);
}

static const char *whose(unsigned letter)
{
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		if (letters[i].letter == letter)
			return letters[i].whose;
	return NULL;
}

static void put_encoding(FILE *to, uint32_t number)
{
	static const char *const macros[] = { [_IOC_NONE] = "_IO", [_IOC_READ] = "_IOR",
					      [_IOC_WRITE] = "_IOW", [_IOC_READ | _IOC_WRITE] = "_IOWR" };
	unsigned letter = _IOC_TYPE(number);

	fprintf(to, "0x%x is %s(", number, macros[_IOC_DIR(number)]);
	if (letter > ' ' && letter < 0x7f)
		fprintf(to, "'%c', %u", letter, _IOC_NR(number));
	else
		fprintf(to, "0x%x, %u", letter, _IOC_NR(number));
	if (_IOC_SIZE(number))
		fprintf(to, ", %u bytes", _IOC_SIZE(number));
	fputs(")\n", to);
}

static void tell_other_driver(FILE *to, uint32_t number)
{
	const char *driver = whose(_IOC_TYPE(number));

	if (driver)
		fprintf(to, "  another driver's: the letter is that of %s.\n", driver);
	else
		fputs("  another driver's: the letter is not ';', which VFIO and iommufd share.\n", to);
	fputs("  A VFIO file answers ENOTTY.\n", to);
	tell_meant(to, _IOC_NR(number), "  If VFIO was meant:\n");
}

static void tell_vfio(FILE *to, uint32_t number)
{
	if (number >> 16)
		fprintf(to, "  wrong encoding: VFIO and iommufd use _IO(';', %u), without direction or size, "
			"even\n  where a structure is passed (it says its own size). A VFIO file answers "
			"ENOTTY.\n", _IOC_NR(number));
	tell_meant(to, _IOC_NR(number), number >> 16 ? "  Perhaps this was meant:\n" : "");
}

/* 113 for 0x3b71: the letter is missing. */
static void tell_bare(FILE *to, uint32_t number)
{
	fprintf(to, "%u lacks the letter of an ioctl: VFIO and iommufd use _IO(';', %u), which is 0x%x\n",
		number, number, (unsigned)_IO(VFIO_LETTER, number));
	tell_meant(to, number, "");
}

bool subject_tell_number(struct subject_context *context, const char *word)
{
	char *end;
	unsigned long long value = strtoull(word, &end, 0);
	uint32_t number = (uint32_t)value;	/* the kernel, too, looks at no more */

	if (end == word || *end || *word == '-' || value < BARE_FIRST)
		return false;
	if (value >> 32)
		fprintf(context->to, "0x%llx: the kernel takes the lower 32 bits alone\n", value);
	if (number <= 0xff) {
		tell_bare(context->to, number);
		return true;
	}
	put_encoding(context->to, number);
	if (_IOC_TYPE(number) == VFIO_LETTER)
		tell_vfio(context->to, number);
	else
		tell_other_driver(context->to, number);
	return true;
}
