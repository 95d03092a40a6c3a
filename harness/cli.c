/* SPDX-License-Identifier: MIT */
/* What the verbs say on stderr: see cli.h. */
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <vfiosim/topology.h>

#include "cli.h"

bool cli_utf8(void)
{
	setlocale(LC_CTYPE, "");
	return !strcmp(nl_langinfo(CODESET), "UTF-8");
}

bool cli_colours(FILE *stream)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return !(no && *no) && !(term && !strcmp(term, "dumb")) && isatty(fileno(stream));
}

void cli_error(const char *format, ...)
{
	bool colours = cli_colours(stderr);
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	/* One write: launcher, server and command share the stream. */
	fprintf(stderr, "vfiosim: %serror:%s %s\n", colours ? "\033[1;31m" : "",
		colours ? "\033[0m" : "", text);
}

/* Of an earlier write only the fact is known: what would be said of one now. Nothing is written. */
static int why_lost(int fd)
{
	struct pollfd pipe = { .fd = fd };
	struct statvfs disk;
	struct rlimit most;
	struct stat file;

	if (fd < 0 || write(fd, "", 0) < 0)
		return fd < 0 ? EIO : errno;
	if (poll(&pipe, 1, 0) == 1 && pipe.revents & POLLERR)
		return EPIPE;
	if (fstat(fd, &file) || !S_ISREG(file.st_mode))
		return EIO;
	if (!getrlimit(RLIMIT_FSIZE, &most) && (rlim_t)file.st_size >= most.rlim_cur)
		return EFBIG;
	return !fstatvfs(fd, &disk) && !disk.f_bavail ? ENOSPC : EIO;
}

int cli_stream_error(FILE *stream)
{
	errno = 0;
	if (!fflush(stream) && !ferror(stream))
		return 0;
	return errno ? -errno : -why_lost(fileno(stream));
}

int cli_flush(FILE *stream, const char *name)
{
	static const FILE *told;
	int error = cli_stream_error(stream);

	if (error && told != stream)
		cli_error("cannot write %s: %s", name, strerror(-error));
	told = error ? stream : told;
	return error;
}

int cli_finish(int status)
{
	return cli_flush(stdout, "standard output") && !status ? 2 : status;
}

static void put_error(const struct vfiosim_error *error)
{
	if (!error->file[0])
		cli_error("%s", error->message);
	else if (!error->line)
		cli_error("%s: %s", error->file, error->message);
	else
		cli_error("%s:%u:%u: %s", error->file, error->line, error->column, error->message);
}

void cli_file_errors(const struct vfiosim_errors *errors)
{
	for (size_t i = 0; i < errors->n; i++)
		put_error(&errors->list[i]);
	if (!errors->n)
		cli_error("out of memory");
	if (errors->more)
		cli_error("%s: and more", errors->list[0].file);
}

void cli_put_word(const char *word, FILE *to)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";

	if (*word && !word[strspn(word, plain)]) {
		fputs(word, to);
		return;
	}
	putc('\'', to);
	for (; *word; word++)
		fputs(*word == '\'' ? "'\\''" : (char[]){ *word, '\0' }, to);
	putc('\'', to);
}
