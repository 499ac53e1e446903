// SPDX-License-Identifier: GPL-2.0
/*
 * console: the terminal of an instance.  Keys go there as they are, but for an
 * escape at the beginning of a line, as ssh has it: ~. leaves.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "mkctl.h"

#define QUIET_MS	1000	/* input ended: wait for so long a pause in the answers */

/*
 * A spawn may leave the terminal in any mode: alternate screen, colours, mouse,
 * bracketed paste, no cursor, application keys, another character set.
 */
static const char sane[] = "\033[?1049l\033[?1000l\033[?1002l\033[?1003l\033[?1006l"
			   "\033[?2004l\033[?1l\033>\033[?25h\033[0m\033(B\017\r\n";

static volatile sig_atomic_t resized;

static void on_resize(int sig)
{
	(void)sig;
	resized = 1;
}

static void pass_size(int tty)
{
	struct winsize ws;

	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) && ws.ws_row)
		ioctl(tty, TIOCSWINSZ, &ws);
}

/* The escapes.  @at_start is kept between calls: 1 behind a newline, 2 behind its ~ */
struct keys {
	char out[8192];
	size_t len;
	int at_start;
	bool leave;
};

static void say_keys(void)
{
	static const char text[] = "\r\n~.  leave\r\n~~  send ~\r\n~?  this\r\n";

	if (write(STDOUT_FILENO, text, sizeof(text) - 1) < 0)
		interrupted = SIGPIPE;
}

static void take_key(struct keys *k, char c)
{
	if (k->at_start == 2) {
		k->at_start = 0;
		if (c == '.') {
			k->leave = true;
			return;
		}
		if (c == '?') {
			say_keys();
			k->at_start = 1;
			return;
		}
		if (c != '~')
			k->out[k->len++] = '~';
	} else if (k->at_start == 1 && c == '~') {
		k->at_start = 2;
		return;
	}
	k->out[k->len++] = c;
	k->at_start = c == '\r' || c == '\n';
}

static void take_keys(struct keys *k, bool escapes)
{
	char in[512];
	ssize_t n = read(STDIN_FILENO, in, sizeof(in)), i;

	if (n <= 0) {
		k->leave = n == 0 || errno != EINTR;
		return;
	}
	for (i = 0; i < n && !k->leave; i++) {
		if (escapes)
			take_key(k, in[i]);
		else
			k->out[k->len++] = in[i];
	}
}

/* The other end may take its time: what it does not take stays */
static int pass_keys(struct keys *k, int tty)
{
	ssize_t n = write(tty, k->out, k->len);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	memmove(k->out, k->out + n, k->len - n);
	k->len -= n;
	return 0;
}

static int pass_text(int tty)
{
	char text[4096], *p = text;
	ssize_t n = read(tty, text, sizeof(text)), done;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (!n)
		return -EIO;
	while (n && !interrupted) {
		done = write(STDOUT_FILENO, p, n);
		if (done < 0 && errno != EINTR && errno != EAGAIN)
			return -EPIPE;
		if (done < 0)
			continue;
		p += done;
		n -= done;
	}
	return 0;
}

/* Until ~., the end of the input, a signal (0), or the line is hung up (-EIO) */
static int attach(int tty, bool terminal)
{
	struct keys k = { .at_start = 1 };
	struct pollfd p[2] = { { .fd = tty }, { .fd = STDIN_FILENO } };
	int n, err;

	for (;;) {
		if (interrupted)
			return 0;
		if (resized) {
			resized = 0;
			pass_size(tty);
		}
		p[0].events = POLLIN | (k.len ? POLLOUT : 0);
		p[1].events = k.len < sizeof(k.out) / 2 ? POLLIN : 0;
		/* A leave by ~. is at once; the end of a file waits for the answers */
		if (k.leave && terminal)
			return 0;
		if (k.leave)
			p[1].fd = -1;
		n = poll(p, 2, k.leave && !k.len ? QUIET_MS : -1);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n < 0)
			continue;
		if (!n)
			return 0;
		if (p[0].revents & (POLLIN | POLLHUP | POLLERR)) {
			err = pass_text(tty);
			if (err)
				return err;
		}
		if (p[1].fd >= 0 && p[1].revents)
			take_keys(&k, terminal);
		if (k.len) {
			err = pass_keys(&k, tty);
			if (err)
				return err;
		}
	}
}

/* The line is gone: say what became of the instance */
static int hung_up(const char *name)
{
	char state[MK_TEXT], reason[MK_TEXT];

	/* The line goes before the state changes; reading the reason waits for that */
	mk_read(name, "reason", reason);
	if (mk_read(name, "state", state) < 0)
		return complain(RC_NOT_THERE, "%s: console: the instance was destroyed", name);
	fprintf(stderr, "mkctl: %s: console: the line was hung up, it is %s", name, state);
	if (*reason) {
		fprintf(stderr, ": ");
		clean_print(stderr, reason, strlen(reason));
	}
	fprintf(stderr, "\n");
	return strcmp(state, "crashed") ? RC_OK : RC_ENDED;
}

static int open_tty(const char *name, int *tty)
{
	char file[MK_TEXT], path[PATH_MAX];
	struct termios raw;

	if (mk_read(name, "tty", file) <= 0)
		return complain(RC_NO_HOST,
				"%s: console: this kernel has no terminals for instances, it takes CONFIG_HVC_MULTIKERNEL; 'mkctl log -f %s' shows the log",
				name, name);
	snprintf(path, sizeof(path), "/dev/%.255s", file);
	*tty = sys_open(path, O_RDWR | O_NOCTTY | O_NONBLOCK);
	if (*tty < 0)
		return complain(*tty == -EACCES ? RC_PERMISSION : RC_FAILED,
				"%s: console: %s: %s; %s",
				name, path, strerror(-*tty),
				*tty == -EACCES ? "it takes root" : "'mkctl show' has its state");
	if (!tcgetattr(*tty, &raw)) {
		cfmakeraw(&raw);
		tcsetattr(*tty, TCSANOW, &raw);
	}
	return RC_OK;
}

int cmd_console(const struct opts *o, int argc, char **argv)
{
	bool terminal = isatty(STDIN_FILENO);
	struct sigaction sa = { .sa_handler = on_resize };
	const char *name = argv[0];
	char state[MK_TEXT];
	int rc = need_instance(name), tty = -1, err;

	(void)o;
	(void)argc;
	if (!rc)
		rc = open_tty(name, &tty);
	if (rc)
		return rc;
	catch_signals();
	inst_state(name, state);
	if (terminal) {
		sigaction(SIGWINCH, &sa, NULL);
		term_on_leave(isatty(STDOUT_FILENO) ? sane : NULL);
		if (!term_raw(false)) {
			close(tty);
			return complain(RC_FAILED,
					"%s: console: the terminal can't be set: %s",
					name,
					strerror(errno));
		}
		/* Whoever reads this may type */
		fprintf(stderr, "%s is %s; Enter ~. leaves\r\n", name, state);
		pass_size(tty);
	}
	err = attach(tty, terminal);
	term_restore();
	close(tty);
	if (err == -EIO)
		return hung_up(name);
	if (err && err != -EPIPE)
		return complain(RC_FAILED, "%s: console: %s", name, strerror(-err));
	return interrupted ? RC_INTERRUPTED : RC_OK;
}
