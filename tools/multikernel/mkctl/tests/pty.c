// SPDX-License-Identifier: GPL-2.0
/*
 * pty [-l LINK] COMMAND...: runs it in a terminal of its own, 24 by 80, and does
 * what the lines on stdin say.  LINK becomes a second terminal, "the line".
 *	see TEXT	wait until the command has shown this
 *	key TEXT	type this; \r \n \e and \xNN are known
 *	hear TEXT	wait until the line got this
 *	tell TEXT	the line says this
 *	size R C	another size of the terminal
 *	linesize	wait until the line has the terminal's size
 *	hangup		the line goes
 *	signal N	to the command
 * Then it waits for the end.  It prints what the command showed, "exit N" or
 * "signal N", and whether the terminal's settings are as they were.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MS	5000	/* for a word, of who is silent */
#define WAIT_S	30	/* of who says other things all the time */

struct end {
	int master, slave;
	char text[1 << 18];
	size_t len, seen;
};

static struct end terminal, wire = { .master = -1, .slave = -1 };

static void die(const char *what, const char *arg)
{
	printf("pty: %s '%s'\n", what, arg);
	fwrite(terminal.text, 1, terminal.len, stdout);
	exit(90);
}

static void make(struct end *e)
{
	e->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (e->master < 0 || grantpt(e->master) || unlockpt(e->master))
		die("no terminal", strerror(errno));
	e->slave = open(ptsname(e->master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (e->slave < 0)
		die("no terminal", strerror(errno));
}

static int take(struct end *e)
{
	ssize_t n = read(e->master, e->text + e->len, sizeof(e->text) - 1 - e->len);

	if (n <= 0)
		return 0;
	e->len += n;
	e->text[e->len] = '\0';
	return 1;
}

/* Both are read, so that nobody waits for us */
static int read_both(int ms)
{
	struct pollfd p[2] = { { .fd = terminal.master, .events = POLLIN },
			       { .fd = wire.master, .events = POLLIN } };
	int n = poll(p, 2, ms);

	if (n > 0 && p[0].revents & POLLIN)
		take(&terminal);
	if (n > 0 && p[1].revents & POLLIN)
		take(&wire);
	return n;
}

static void expect(struct end *e, const char *text)
{
	time_t end = time(NULL) + WAIT_S;
	size_t len = strlen(text);
	char *at;

	for (;;) {
		at = memmem(e->text + e->seen, e->len - e->seen, text, len);
		if (at) {
			e->seen = at - e->text + len;
			return;
		}
		if (read_both(WAIT_MS) <= 0 || time(NULL) > end)
			die("waited in vain for", text);
	}
}

static void unescape(char *s)
{
	char *to = s;
	unsigned int v;
	int len;

	for (; *s; s++) {
		len = 0;
		if (*s == '\\' && sscanf(s, "\\x%2x%n", &v, &len) == 1 && len) {
			*to++ = v;
			s += len - 1;
		} else if (*s == '\\' && s[1] && strchr("rne\\", s[1])) {
			s++;
			*to++ = *s == 'r' ? '\r' : *s == 'n' ? '\n' : *s == 'e' ? '\033' : '\\';
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

static void say(struct end *e, char *text)
{
	unescape(text);
	if (write(e->master, text, strlen(text)) < 0)
		die("can't write", text);
}

static void line_size(void)
{
	struct winsize a, b;
	int tries;

	for (tries = 0; tries < WAIT_MS / 10; tries++) {
		ioctl(terminal.slave, TIOCGWINSZ, &a);
		ioctl(wire.slave, TIOCGWINSZ, &b);
		if (a.ws_row == b.ws_row && a.ws_col == b.ws_col)
			return;
		read_both(10);
	}
	die("the line has another size", "");
}

static void run(pid_t pid)
{
	char line[1024];

	while (fgets(line, sizeof(line), stdin)) {
		struct winsize ws = { 0 };
		unsigned int n;

		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, "see ", 4)) {
			unescape(line + 4);
			expect(&terminal, line + 4);
		} else if (!strncmp(line, "key ", 4)) {
			say(&terminal, line + 4);
		} else if (!strncmp(line, "hear ", 5)) {
			unescape(line + 5);
			expect(&wire, line + 5);
		} else if (!strncmp(line, "tell ", 5)) {
			say(&wire, line + 5);
		} else if (sscanf(line, "size %hu %hu", &ws.ws_row, &ws.ws_col) == 2) {
			ioctl(terminal.master, TIOCSWINSZ, &ws);
		} else if (!strcmp(line, "linesize")) {
			line_size();
		} else if (!strcmp(line, "hangup")) {
			close(wire.slave);
			close(wire.master);
			wire.master = -1;
		} else if (sscanf(line, "signal %u", &n) == 1) {
			kill(pid, n);
		} else {
			die("unknown line", line);
		}
	}
}

int main(int argc, char **argv)
{
	struct winsize ws = { .ws_row = 24, .ws_col = 80 };
	struct termios before, after;
	const char *link = NULL;
	int status, waited = 0;
	pid_t pid;

	if (argc > 3 && !strcmp(argv[1], "-l")) {
		link = argv[2];
		argv += 2;
		make(&wire);
		unlink(link);
		if (symlink(ptsname(wire.master), link))
			die("no link", link);
	}
	make(&terminal);
	ioctl(terminal.master, TIOCSWINSZ, &ws);
	memset(&before, 0, sizeof(before));
	memset(&after, 0, sizeof(after));
	tcgetattr(terminal.slave, &before);
	pid = fork();
	if (!pid) {
		setsid();
		ioctl(terminal.slave, TIOCSCTTY, 0);
		dup2(terminal.slave, 0);
		dup2(terminal.slave, 1);
		dup2(terminal.slave, 2);
		execvp(argv[1], argv + 1);
		_exit(127);
	}
	run(pid);
	while (!waitpid(pid, &status, WNOHANG)) {
		waited += 10;
		if (waited > WAIT_MS) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			die("it does not end", argv[1]);
		}
		read_both(10);
	}
	while (read_both(0) > 0)
		;
	tcgetattr(terminal.slave, &after);
	fwrite(terminal.text, 1, terminal.len, stdout);
	if (WIFEXITED(status))
		printf("\nexit %d\n", WEXITSTATUS(status));
	else
		printf("\nsignal %d\n", WTERMSIG(status));
	printf("terminal %s\n", memcmp(&before, &after, sizeof(before)) ? "changed" : "kept");
	if (link)
		unlink(link);
	return 0;
}
