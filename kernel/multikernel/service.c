// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: which services there are, and who gets a record
 *
 * The sender of a record is the ring that it came on; what it may ask for
 * depends on which side this kernel is.  A spawn can't ask the host to shut
 * down.
 *
 * Each end says with a record what it offers, and of which offer of the peer it
 * has read.  An offer has a number, anew for each time that the service is
 * registered: an endpoint opens once the peer has said that it read of the
 * present one, as what it sent before may be for the one before.  What the peer
 * was to be told, and there was no room for it, it is told when there is some:
 * how it stands by then, not what happened in between.
 *
 * Opened and closed by the reader, or who registers, under the channel's rx_lock.
 */
#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/export.h>
#include <linux/ratelimit.h>
#include <linux/rculist.h>
#include <linux/reboot.h>

#include "internal.h"
#include "trace.h"

/*
 * Opening an endpoint may make a device, and tell user space.  A peer may have
 * that so often in so many jiffies, far more than modules come and go.
 */
#define MK_OFFERS_MAX	1000
#define MK_OFFERS_TIME	(10 * HZ)

/* Services and channels; never taken by a reader */
static DEFINE_MUTEX(mk_service_lock);
static LIST_HEAD(mk_services);
static LIST_HEAD(mk_service_channels);

/* Endpoints */

static struct mk_service *mk_service_find(u16 id, enum mk_role role)
{
	struct mk_service *service;

	list_for_each_entry_rcu(service, &mk_services, node,
				lockdep_is_held(&mk_service_lock))
		if (service->id == id && (service->roles & role))
			return service;

	return NULL;
}

static void mk_endpoint_set_open(struct mk_endpoint *ep, bool open)
{
	unsigned long flags;

	/* With the lock: no sender is in the ring for it after this */
	raw_spin_lock_irqsave(&ep->ch->tx_lock, flags);
	WRITE_ONCE(ep->open, open);
	ep->starved = false;
	raw_spin_unlock_irqrestore(&ep->ch->tx_lock, flags);
}

/* Tell the peer whether this end offers the service; later, if there is no room */
static void mk_endpoint_tell(struct mk_endpoint *ep)
{
	struct mk_record rec = { .service = ep->id, .flags = MK_RECORD_WITHDRAW };
	struct mk_channel *ch = ep->ch;

	lockdep_assert_held(&ch->rx_lock);

	if (ep->offering) {
		rec.flags = MK_RECORD_OFFER;
		rec.id = MK_OFFER_ID(ep->session, ep->peer_session);
	}
	ep->due = mk_send_record(ch, NULL, &rec, NULL, 0) == -EAGAIN;
	/* Seen by mk_channel_wanted() */
	if (ep->due)
		WRITE_ONCE(ch->due, true);
}

static void mk_endpoint_withdraw(struct mk_endpoint *ep)
{
	ep->offering = false;
	ep->confirmed = false;
	mk_endpoint_tell(ep);
}

/*
 * Opens if both ends offer the service, and know that; its list entry can't go
 * away here.  Not before the peer was told: what @open sends would come before
 * that, and be refused.
 */
static void mk_endpoint_try_open(struct mk_endpoint *ep)
{
	struct mk_service *service;
	int err;

	lockdep_assert_held(&ep->ch->rx_lock);

	rcu_read_lock();
	service = mk_service_find(ep->id, ep->ch->role);
	rcu_read_unlock();
	if (ep->open || !ep->confirmed || ep->due || !service || !mk_channel_is_open(ep->ch))
		return;

	ep->service = service;
	ep->priv = NULL;
	mk_endpoint_set_open(ep, true);
	err = service->open ? service->open(ep) : 0;
	if (!err)
		return;
	mk_endpoint_set_open(ep, false);
	ep->service = NULL;
	/* The peer may have opened its end */
	mk_endpoint_withdraw(ep);
	/* A service that has nothing for this peer is no failure */
	if (err != -ENODEV)
		pr_warn_ratelimited("%s: service %s not opened: %pe\n",
				    ep->ch->peer_name, service->name, ERR_PTR(err));
}

static void mk_endpoint_close(struct mk_endpoint *ep, int err)
{
	lockdep_assert_held(&ep->ch->rx_lock);

	if (!ep->open)
		return;
	mk_endpoint_set_open(ep, false);
	mk_requests_fail(ep->ch, ep, err);
	/* Who waits for room, or for a turn to ask, finds it closed */
	wake_up_all(&ep->ch->room_wait);
	wake_up_all(&ep->ch->request_wait);
	if (ep->service->close)
		ep->service->close(ep);
	ep->service = NULL;
	ep->priv = NULL;
}

/**
 * mk_endpoint_offer - offer a service to one peer
 * @ep: closed endpoint
 *
 * Context: &mk_channel.rx_lock held.
 */
void mk_endpoint_offer(struct mk_endpoint *ep)
{
	lockdep_assert_held(&ep->ch->rx_lock);

	/* 0 is none */
	if (!++ep->session)
		ep->session++;
	ep->offering = true;
	ep->confirmed = false;
	mk_endpoint_tell(ep);
}

/* Registering */

/**
 * mk_service_register - offer a service to all peers, present and future
 * @service: stays with the caller, until mk_service_unregister() returns
 *
 * Context: process, may sleep; not called by a service.
 * Return: 0; -EINVAL for an id out of range; -EEXIST if it is taken.
 */
int mk_service_register(struct mk_service *service)
{
	struct mk_channel *ch;
	int err = -EEXIST;

	if (!service->id || service->id > MK_SERVICE_MAX || !service->name)
		return -EINVAL;

	mutex_lock(&mk_service_lock);
	if (mk_service_find(service->id, service->roles))
		goto out;
	list_add_tail_rcu(&service->node, &mk_services);
	list_for_each_entry(ch, &mk_service_channels, service_node) {
		if (!(service->roles & ch->role))
			continue;
		mk_rx_lock(ch);
		mk_endpoint_offer(&ch->endpoints[service->id]);
		mk_rx_unlock(ch);
	}
	err = 0;
out:
	mutex_unlock(&mk_service_lock);
	return err;
}
EXPORT_SYMBOL_GPL(mk_service_register);

/**
 * mk_service_unregister - offer it no more
 * @service: a registered one
 *
 * All its endpoints are closed on return, and none of its functions runs.
 *
 * Context: process, may sleep; not called by a service.
 */
void mk_service_unregister(struct mk_service *service)
{
	struct mk_endpoint *ep;
	struct mk_channel *ch;

	mutex_lock(&mk_service_lock);
	list_del_rcu(&service->node);
	synchronize_rcu();
	list_for_each_entry(ch, &mk_service_channels, service_node) {
		if (!(service->roles & ch->role))
			continue;
		ep = &ch->endpoints[service->id];
		/* Who opens has found it before, and holds this lock */
		mk_rx_lock(ch);
		mk_endpoint_close(ep, -ENOTCONN);
		if (ep->offering)
			mk_endpoint_withdraw(ep);
		mk_rx_unlock(ch);
	}
	mutex_unlock(&mk_service_lock);
}
EXPORT_SYMBOL_GPL(mk_service_unregister);

/**
 * mk_services_attach - a channel was opened
 * @ch: channel, nobody reads yet
 *
 * Context: process.
 */
void mk_services_attach(struct mk_channel *ch)
{
	struct mk_service *service;

	mutex_lock(&mk_service_lock);
	list_add_tail(&ch->service_node, &mk_service_channels);
	mk_rx_lock(ch);
	list_for_each_entry(service, &mk_services, node)
		if (service->roles & ch->role)
			mk_endpoint_offer(&ch->endpoints[service->id]);
	mk_rx_unlock(ch);
	mutex_unlock(&mk_service_lock);
}

/**
 * mk_services_detach - a channel is being closed
 * @ch: channel, nobody reads any more
 *
 * Context: process.
 */
void mk_services_detach(struct mk_channel *ch)
{
	struct mk_endpoint *ep;
	int i;

	mutex_lock(&mk_service_lock);
	list_del_init(&ch->service_node);
	mk_rx_lock(ch);
	for (i = 0; i < ARRAY_SIZE(ch->endpoints); i++) {
		ep = &ch->endpoints[i];
		mk_endpoint_close(ep, -EPIPE);
		ep->peer_session = 0;
		ep->offering = false;
		ep->confirmed = false;
		ep->due = false;
	}
	WRITE_ONCE(ch->due, false);
	WRITE_ONCE(ch->unsent, false);
	mk_rx_unlock(ch);
	mutex_unlock(&mk_service_lock);
}

/**
 * mk_services_tell - there is room for what the peer was not told
 * @ch: channel
 *
 * Context: process; not within a request, as endpoints may open.
 */
void mk_services_tell(struct mk_channel *ch)
{
	struct mk_endpoint *ep;
	int i;

	lockdep_assert_held(&ch->rx_lock);

	if (!ch->due)
		return;
	WRITE_ONCE(ch->due, false);
	for (i = 0; i < ARRAY_SIZE(ch->endpoints); i++) {
		ep = &ch->endpoints[i];
		if (!ep->due)
			continue;
		mk_endpoint_tell(ep);
		mk_endpoint_try_open(ep);
	}
}

static void mk_endpoint_writable(struct mk_endpoint *ep)
{
	unsigned long flags;
	bool starved;

	raw_spin_lock_irqsave(&ep->ch->tx_lock, flags);
	starved = ep->open && ep->starved;
	ep->starved = false;
	raw_spin_unlock_irqrestore(&ep->ch->tx_lock, flags);
	if (!starved || !ep->service->writable || !ep->service->writable(ep))
		return;

	/* As if it had found no room, and there were some by now */
	raw_spin_lock_irqsave(&ep->ch->tx_lock, flags);
	ep->starved = true;
	raw_spin_unlock_irqrestore(&ep->ch->tx_lock, flags);
	/* Seen by mk_channel_wanted() */
	WRITE_ONCE(ep->ch->unsent, true);
}

/**
 * mk_services_writable - there is room again
 * @ch: channel
 *
 * Each service that found none gets one turn; &mk_channel.unsent is set if that was not
 * enough for all.
 *
 * Context: process.
 */
void mk_services_writable(struct mk_channel *ch)
{
	int i;

	lockdep_assert_held(&ch->rx_lock);

	WRITE_ONCE(ch->unsent, false);
	for (i = 0; i < ARRAY_SIZE(ch->endpoints); i++)
		mk_endpoint_writable(&ch->endpoints[i]);
}

/* Records */

static void mk_refuse(struct mk_channel *ch, const struct mk_record *rec)
{
	mk_count(ch->stats.refused, 1);
	pr_warn_ratelimited("%s: %s for service %u refused\n", ch->peer_name,
			    rec->flags == MK_RECORD_REQUEST ? "request" : "message",
			    rec->service);
}

static int mk_receive(struct mk_channel *ch, struct mk_endpoint *ep,
		      const struct mk_record *rec, const void *payload)
{
	const struct mk_message msg = {
		.data = payload, .len = rec->len, .request = rec->id,
	};
	int err;

	if (ep->open && ep->service->receive) {
		err = ep->service->receive(ep, &msg);
	} else {
		mk_refuse(ch, rec);
		err = rec->id ? -EOPNOTSUPP : 0;
	}
	if (err < 0 && rec->id)
		mk_reply_error(ep, rec->id, err);

	return !rec->id && err == -EPROTO ? -EPROTO : 0;
}

static int mk_offered(struct mk_channel *ch, struct mk_endpoint *ep, u64 id)
{
	u32 theirs = MK_OFFER_MINE(id), ours = MK_OFFER_YOURS(id);
	bool news = theirs != ep->peer_session;

	if (!ch->nr_offers || time_after(jiffies, ch->offers_since + MK_OFFERS_TIME)) {
		ch->offers_since = jiffies;
		ch->nr_offers = 0;
	}
	if (!theirs || ++ch->nr_offers > MK_OFFERS_MAX)
		return -EPROTO;

	/* Without the present one's number it is for an offer of before */
	ep->confirmed = ep->offering && ours == ep->session;
	if (news || !ep->confirmed)
		mk_endpoint_close(ep, -ENOTCONN);
	ep->peer_session = theirs;
	if (news && ep->offering)
		mk_endpoint_tell(ep);
	mk_endpoint_try_open(ep);

	return 0;
}

/**
 * mk_dispatch_is_atomic - can it be handed on without a process?
 * @ch: where it came from
 * @rec: header with a possible length, private copy
 *
 * Context: any; reading the channel.
 * Return: true if mk_dispatch() of it will not sleep.
 */
bool mk_dispatch_is_atomic(const struct mk_channel *ch, const struct mk_record *rec)
{
	const struct mk_endpoint *ep;

	mk_assert_reads(ch);

	/* A copy of more takes longer than to wake who makes it */
	if (rec->len > MK_SOFT_LEN)
		return false;

	switch (rec->flags) {
	case MK_RECORD_REPLY:
	case MK_RECORD_ERROR:
		return true;
	case 0:
	case MK_RECORD_REQUEST:
		if (!rec->service || rec->service > MK_SERVICE_MAX)
			return false;
		ep = &ch->endpoints[rec->service];
		return ep->open && ep->service->atomic;
	default:
		return false;
	}
}

/**
 * mk_dispatch - hand a record to whom it is for
 * @ch: where it came from
 * @rec: header with a possible length, private copy
 * @payload: in the ring
 *
 * Context: process, or softirq if mk_dispatch_is_atomic(); reading the channel.
 * Return: 0; -EPROTO if it is against the rules.
 */
int mk_dispatch(struct mk_channel *ch, const struct mk_record *rec, const void *payload)
{
	struct mk_endpoint *ep;

	mk_assert_reads(ch);

	trace_multikernel_receive(ch->peer_id, rec);
	if (!rec->service || rec->service > MK_SERVICE_MAX)
		return -EPROTO;
	ep = &ch->endpoints[rec->service];

	switch (rec->flags) {
	case 0:
		return rec->id ? -EPROTO : mk_receive(ch, ep, rec, payload);
	case MK_RECORD_REQUEST:
		return rec->id ? mk_receive(ch, ep, rec, payload) : -EPROTO;
	case MK_RECORD_REPLY:
	case MK_RECORD_ERROR:
		return mk_answer(ch, rec, payload);
	case MK_RECORD_OFFER:
		return mk_offered(ch, ep, rec->id);
	case MK_RECORD_WITHDRAW:
		if (rec->id)
			return -EPROTO;
		ep->peer_session = 0;
		ep->confirmed = false;
		mk_endpoint_close(ep, -ENOTCONN);
		return 0;
	default:
		return -EPROTO;
	}
}

/* What a service may ask about its endpoint */

/**
 * mk_endpoint_peer_id - who is at the other end?
 * @ep: endpoint
 *
 * Return: instance id, 0 for the host.
 */
u32 mk_endpoint_peer_id(const struct mk_endpoint *ep)
{
	return ep->ch->peer_id;
}
EXPORT_SYMBOL_GPL(mk_endpoint_peer_id);

/**
 * mk_endpoint_peer_name - who is at the other end?
 * @ep: endpoint
 *
 * Return: instance name, "host" for the host; valid as long as @ep is open.
 */
const char *mk_endpoint_peer_name(const struct mk_endpoint *ep)
{
	return ep->ch->peer_name;
}
EXPORT_SYMBOL_GPL(mk_endpoint_peer_name);

/**
 * mk_endpoint_role - which side is this kernel?
 * @ep: endpoint
 *
 * Return: MK_ROLE_HOST or MK_ROLE_SPAWN.
 */
enum mk_role mk_endpoint_role(const struct mk_endpoint *ep)
{
	return ep->ch->role;
}
EXPORT_SYMBOL_GPL(mk_endpoint_role);

/* Those that every kernel has */

static int mk_echo(struct mk_endpoint *ep, const struct mk_message *msg)
{
	/* A plain message ends here: who floods us is counted */
	if (msg->request)
		mk_reply(ep, msg->request, msg->data, msg->len);

	return 0;
}

static int mk_shutdown(struct mk_endpoint *ep, const struct mk_message *msg)
{
	pr_info("the host asks for a poweroff\n");
	orderly_poweroff(true);

	return 0;
}

static struct mk_service mk_builtin[] = {
	{
		.id = MK_SERVICE_ECHO,
		.name = "echo",
		.roles = MK_ROLE_HOST | MK_ROLE_SPAWN,
		.receive = mk_echo,
		.atomic = true,
	}, {
		.id = MK_SERVICE_SHUTDOWN,
		.name = "shutdown",
		.roles = MK_ROLE_SPAWN,
		.receive = mk_shutdown,
	}, {
		/* A host asks, and is not asked */
		.id = MK_SERVICE_SHUTDOWN,
		.name = "shutdown",
		.roles = MK_ROLE_HOST,
	},
};

static int __init mk_builtin_init(void)
{
	int i, err = 0;

	for (i = 0; i < ARRAY_SIZE(mk_builtin) && !err; i++)
		err = mk_service_register(&mk_builtin[i]);

	return err;
}
pure_initcall(mk_builtin_init);
