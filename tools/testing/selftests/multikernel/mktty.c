// SPDX-License-Identifier: GPL-2.0
/*
 * mktty [-t MS] TTY STEP... - what a terminal program does with a tty, step by step
 *
 *	-s TEXT		send it, and a carriage return
 *	-w TEXT		read on until it comes, and say "seen TEXT"
 *	-f FILE		send the file as it is, reading meanwhile
 *	-r BYTES FILE	what is read next goes to the file: so many bytes
 *	-z ROWSxCOLS	set the window size
 *	-d		from now on read slowly: 64 bytes a millisecond
 *	-n		do not read, until SIGTERM
 *	-h		read until the line is hung up; SIGHUP has to come, too
 *
 * The tty is the controlling one.  What was read and not looked at goes to the
 * next step.  Each step may take MS milliseconds (60000); exit 1 when that is
 * over, with the end of what was read on stderr.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/ioctl.h>
#include "mk.h"

#define MAX_BYTES	(4 * 1024 * 1024)
#define SHOWN_BYTES	1500

static char in[MAX_BYTES];
static size_t in_len, in_pos;
static volatile sig_atomic_t hups;
static int fd, timeout_ms = 60000;
static bool slow, hung;

static void on_hup(int sig)
{
	(void)sig;
	hups++;
}

static void die(const char *step, const char *what)
{
	size_t from = in_len > SHOWN_BYTES ? in_len - SHOWN_BYTES : 0;

	fprintf(stderr, "mktty: %s: %s; read, at its end:\n", step, what);
	fwrite(in + from, 1, in_len - from, stderr);
	fprintf(stderr, "\n");
	exit(1);
}

/* Read what is there; wait until something is, or until out has room */
static void step_io(const char *step, unsigned long long deadline, const char **out,
		    size_t *left)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	unsigned long long now = mk_now_ns();
	size_t room = sizeof(in) - in_len;
	ssize_t n;

	if (now >= deadline)
		die(step, "the time is over");
	if (*left)
		pfd.events |= POLLOUT;
	if (!room)
		die(step, "too much came");
	poll(&pfd, 1, (deadline - now) / 1000000 + 1);

	if (pfd.revents & (POLLIN | POLLHUP | POLLERR)) {
		if (slow) {
			usleep(1000);
			room = room < 64 ? room : 64;
		}
		n = read(fd, in + in_len, room);
		if (!n || (n < 0 && errno == EIO))
			hung = true;
		else if (n > 0)
			in_len += n;
		else if (errno != EAGAIN && errno != EINTR)
			die(step, mk_errname(errno));
	}
	if (pfd.revents & POLLOUT && *left) {
		n = write(fd, *out, *left);
		if (n > 0) {
			*out += n;
			*left -= n;
		} else if (errno != EAGAIN && errno != EINTR) {
			die(step, mk_errname(errno));
		}
	}
	if (hung && strcmp(step, "-h"))
		die(step, "the line was hung up");
}

static unsigned long long deadline(void)
{
	return mk_now_ns() + timeout_ms * 1000000ull;
}

static void send_bytes(const char *step, const char *out, size_t left)
{
	unsigned long long end = deadline();

	while (left)
		step_io(step, end, &out, &left);
}

static void send_line(const char *text)
{
	send_bytes("-s", text, strlen(text));
	send_bytes("-s", "\r", 1);
}

static void send_file(const char *path)
{
	static char buf[MAX_BYTES];
	int file = open(path, O_RDONLY);
	ssize_t n;

	if (file < 0)
		die(path, mk_errname(errno));
	n = read(file, buf, sizeof(buf));
	close(file);
	send_bytes("-f", buf, n > 0 ? n : 0);
}

static void wait_text(const char *text)
{
	unsigned long long end = deadline();
	size_t none = 0;
	const char *p;

	while (!(p = memmem(in + in_pos, in_len - in_pos, text, strlen(text))))
		step_io("-w", end, NULL, &none);
	in_pos = p - in + strlen(text);
	printf("seen %s\n", text);
	fflush(stdout);
}

static void take_bytes(size_t count, const char *path)
{
	unsigned long long end = deadline();
	size_t none = 0;
	int err;

	while (in_len - in_pos < count)
		step_io("-r", end, NULL, &none);
	close(open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600));
	err = mk_write(path, in + in_pos, count);
	if (err)
		die(path, mk_errname(err));
	in_pos += count;
}

static void set_window(const char *size)
{
	struct winsize ws = { };

	if (sscanf(size, "%hux%hu", &ws.ws_row, &ws.ws_col) != 2 || ioctl(fd, TIOCSWINSZ, &ws))
		die("-z", mk_errname(errno));
}

static void wait_hangup(void)
{
	unsigned long long end = deadline();
	size_t none = 0;

	while (!hung)
		step_io("-h", end, NULL, &none);
	while (!hups) {
		if (mk_now_ns() >= end)
			die("-h", "no SIGHUP");
		usleep(1000);
	}
}

static void run_steps(char **step)
{
	for (; *step; step++) {
		if (!strcmp(*step, "-d"))
			slow = true;
		else if (!strcmp(*step, "-n"))
			for (;;)
				pause();
		else if (!strcmp(*step, "-h"))
			wait_hangup();
		else if (!step[1])
			die(*step, "unknown step, or nothing follows it");
		else if (!strcmp(*step, "-s"))
			send_line(*++step);
		else if (!strcmp(*step, "-w"))
			wait_text(*++step);
		else if (!strcmp(*step, "-f"))
			send_file(*++step);
		else if (!strcmp(*step, "-z"))
			set_window(*++step);
		else if (!strcmp(*step, "-r") && step[2])
			take_bytes(atol(step[1]), step[2]), step += 2;
		else
			die(*step, "unknown step");
	}
}

int main(int argc, char **argv)
{
	struct sigaction hup = { .sa_handler = on_hup };

	if (argc > 3 && !strcmp(argv[1], "-t")) {
		timeout_ms = atoi(argv[2]);
		argv += 2;
		argc -= 2;
	}
	if (argc < 3) {
		fprintf(stderr, "usage: mktty [-t MS] TTY STEP...\n");
		return 2;
	}

	/* Run it from a script: there it leads no group of processes yet */
	if (setsid() < 0)
		return mk_fail("mktty: setsid", errno);
	sigaction(SIGHUP, &hup, NULL);

	fd = open(argv[1], O_RDWR | O_NONBLOCK);
	if (fd < 0)
		return mk_fail(argv[1], errno);
	ioctl(fd, TIOCSCTTY, 0);
	run_steps(argv + 2);
	return 0;
}
