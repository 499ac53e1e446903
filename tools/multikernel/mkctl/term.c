// SPDX-License-Identifier: GPL-2.0
/*
 * The terminal.  It is left as it was found, however we end: by return, exit,
 * a signal that asks us to, or a fault of our own.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "mkctl.h"

volatile sig_atomic_t interrupted;

static struct termios before;
static volatile sig_atomic_t changed;
static const char *leave;

/* What the terminal is told when it is left */
void term_on_leave(const char *text)
{
	leave = text;
}

/* Nothing but what a signal handler may do */
void term_restore(void)
{
	int err = errno;

	if (!changed)
		return;
	changed = 0;
	if (leave && write(STDOUT_FILENO, leave, strlen(leave)) < 0)
		errno = err;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	errno = err;
}

static void on_signal(int sig)
{
	interrupted = sig;
}

static void on_fault(int sig)
{
	term_restore();
	signal(sig, SIG_DFL);
	raise(sig);
}

/* From now on a signal that asks us to end sets interrupted, and ends a wait */
void catch_signals(void)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };
	struct sigaction sa = { .sa_handler = on_signal }, old;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ends); i++)
		if (!sigaction(ends[i], NULL, &old) && old.sa_handler != SIG_IGN)
			sigaction(ends[i], &sa, NULL);
	sa.sa_handler = on_fault;
	for (i = 0; i < ARRAY_SIZE(faults); i++)
		sigaction(faults[i], &sa, NULL);
	/* A reader that went away is seen as an error of the write */
	signal(SIGPIPE, SIG_IGN);
}

/* Keys come one by one and are not shown; without @keep_signals ^C is a key, too */
bool term_raw(bool keep_signals)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &before))
		return false;
	raw = before;
	if (keep_signals) {
		raw.c_lflag &= ~(ICANON | ECHO);
		raw.c_cc[VMIN] = 1;
		raw.c_cc[VTIME] = 0;
		/* Stopped, we would leave the shell with this terminal */
		raw.c_cc[VSUSP] = _POSIX_VDISABLE;
	} else {
		cfmakeraw(&raw);
	}
	atexit(term_restore);
	changed = 1;
	if (!tcsetattr(STDIN_FILENO, TCSADRAIN, &raw))
		return true;
	changed = 0;
	return false;
}

void term_size(int *rows, int *cols)
{
	struct winsize ws;

	*rows = 24;
	*cols = 80;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) || !ws.ws_row || !ws.ws_col)
		return;
	*rows = ws.ws_row;
	*cols = ws.ws_col;
}
