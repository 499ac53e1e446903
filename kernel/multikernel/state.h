/* SPDX-License-Identifier: GPL-2.0 */
/*
 * multikernel: states of an instance and which may follow which
 */
#ifndef _MK_STATE_H
#define _MK_STATE_H

#include <linux/types.h>

/**
 * enum mk_state - life of an instance
 * @MK_EMPTY:		has CPUs and memory, no image
 * @MK_LOADED:		an image is loaded and was not started yet
 * @MK_BOOTING:		started, has not reported READY
 * @MK_RUNNING:		its init runs
 * @MK_STOPPING:	was asked to power off
 * @MK_STOPPED:		ended in order, or was killed; can be started again
 * @MK_CRASHED:		ended otherwise; can be started again
 * @MK_NR_STATES:	not a state
 *
 * ::
 *
 *	create --> EMPTY <--load/unload--> LOADED
 *	                                     | start
 *	          +--------------------------v
 *	          |        +------------- BOOTING --------------+
 *	          |        | off, kill       | READY            | panic,
 *	    start |        |                 v                  | time-out
 *	          |        +------------- RUNNING --------------+
 *	          |        |                 | stop             |
 *	          |        |                 v                  |
 *	          |        +------------- STOPPING -------------+
 *	          |        v                                    v
 *	          +---- STOPPED                              CRASHED --> start
 *
 * STOPPED, CRASHED and LOADED go to LOADED by a new load and to EMPTY by an
 * unload.  BOOTING goes to STOPPING as well: the spawn is asked once it can be.
 */
enum mk_state {
	MK_EMPTY,
	MK_LOADED,
	MK_BOOTING,
	MK_RUNNING,
	MK_STOPPING,
	MK_STOPPED,
	MK_CRASHED,
	MK_NR_STATES
};

bool mk_state_may_follow(enum mk_state from, enum mk_state to);
bool mk_state_active(enum mk_state state);
const char *mk_state_name(enum mk_state state);

#endif /* _MK_STATE_H */
