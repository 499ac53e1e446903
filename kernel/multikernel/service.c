// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: who answers a record
 *
 * The sender of a record is the ring that it came on; what it may ask for
 * depends on which side this kernel is.  A spawn can't ask the host to shut
 * down.
 */
#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/ratelimit.h>
#include <linux/reboot.h>

#include "internal.h"

static void mk_service_echo(struct mk_channel *ch, const struct mk_record *rec,
			    const void *payload)
{
	struct mk_record reply = *rec;

	reply.flags = MK_RECORD_REPLY;
	if (mk_channel_send(ch, &reply, payload))
		ch->stats.unanswered++;
}

static void mk_service_shutdown(struct mk_channel *ch,
				const struct mk_record *rec, const void *payload)
{
	pr_info("the host asks for a poweroff\n");
	orderly_poweroff(true);
}

/**
 * struct mk_service - one entry of the dispatch table
 * @roles: sides that offer it
 * @handle: called with the record copied out of the ring; hard interrupt
 */
struct mk_service {
	unsigned int roles;
	void (*handle)(struct mk_channel *ch, const struct mk_record *rec,
		       const void *payload);
};

static const struct mk_service mk_services[] = {
	[MK_SERVICE_ECHO]	= { MK_ROLE_HOST | MK_ROLE_SPAWN, mk_service_echo },
	[MK_SERVICE_SHUTDOWN]	= { MK_ROLE_SPAWN, mk_service_shutdown },
};

/**
 * mk_service_dispatch - hand a request to its service
 * @ch: where it came from
 * @rec: checked header, private copy
 * @payload: private copy
 *
 * Context: &mk_channel.rx_lock held, interrupts off.
 */
void mk_service_dispatch(struct mk_channel *ch, const struct mk_record *rec,
			 const void *payload)
{
	lockdep_assert_held(&ch->rx_lock);

	if (rec->service < ARRAY_SIZE(mk_services) &&
	    (mk_services[rec->service].roles & ch->role)) {
		mk_services[rec->service].handle(ch, rec, payload);
		return;
	}

	ch->stats.refused++;
	pr_warn_ratelimited("request for service %u refused\n", rec->service);
}
