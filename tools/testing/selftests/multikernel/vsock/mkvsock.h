/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mkvsock: what its files share
 */
#ifndef _SELFTEST_MKVSOCK_H
#define _SELFTEST_MKVSOCK_H

#include "../mk.h"

#include <stdint.h>
#include <sys/socket.h>

#define LIMIT_S		120
#define PIECE_MAX	(256 << 10)
#define SEED_UP		0x1234567ull
#define SEED_DOWN	0x89abcdeull

/* The first message of a connection: what it is for */
struct order {
	char mode;
	char text[247];
	uint64_t bytes;
};

struct result {
	uint64_t bytes;
	uint64_t bad;		/* offset of the first wrong byte + 1 */
};

/* Sockets and data, sock.c */
extern int type;		/* of all sockets that are made */
extern int connect_s;		/* time-out of a connect, 0 is the kernel's own */
/* Much credit: as much as the smaller of the buffers at both ends */
extern bool big;
extern char piece[PIECE_MAX], want[PIECE_MAX];

int say_errno(const char *what, int err);
void pattern(char *buf, uint64_t at, size_t len, uint64_t seed);
unsigned int message_len(unsigned int i);
int dial(const char *addr, unsigned int port);
int listen_on(const char *addr, unsigned int port);
int put_all(int fd, const void *buf, size_t len);
int get_all(int fd, void *buf, size_t len);
int give_order(int fd, char mode, uint64_t bytes, const char *text);
int send_pattern(int fd, uint64_t from, uint64_t bytes, size_t size, uint64_t seed);
int receive_pattern(int fd, uint64_t bytes, bool compare, uint64_t seed, struct result *res);
pid_t fork_along(void);

/* Who answers, server.c */
int cmd_server(const char *addr, unsigned int port);
int cmd_deaf(unsigned int port);
pid_t fork_server(const char *addr, unsigned int port);

/* Readers that keep the socket's lock, stall.c */
int cmd_stall(unsigned int port, const char *file);
int cmd_drip(unsigned int port);

/* Who asks, ask.c */
int finish(int fd, uint64_t bytes, int err);
int cmd_run(int fd, const char *command);
int cmd_both(int fd, uint64_t bytes, size_t size);
int cmd_fill(int fd, uint64_t bytes, const char *file);
int cmd_hold(int fd);
int cmd_seq(int fd, unsigned int count);
int cmd_shrink(int fd, uint64_t bytes);
int cmd_pour(int fd, uint64_t bytes);

/* Figures, speed.c */
int cmd_rtt(int fd, const char *addr, unsigned int count, size_t size);
int cmd_tput(int fd, const char *addr, uint64_t bytes, size_t size);

#endif
