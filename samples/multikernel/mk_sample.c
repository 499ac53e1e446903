// SPDX-License-Identifier: GPL-2.0
/*
 * mk_sample: how two kernels talk to each other
 *
 * Load this module in a host and in its spawns.  Where it is loaded at both
 * ends, the two say hello, and each can ask the other to add numbers up:
 *
 *	# insmod mk_sample.ko
 *	# cd /sys/module/mk_sample/parameters
 *	# echo 1 2 39 >ask
 *	# cat ask
 *	web: sum 42, up for 5 s, was asked 1 times
 *	# cat heard
 *	web: hello from the spawn
 *
 * A spawn that is started, or that loads the module later, is simply there the
 * next time; one that died or unloaded the module is not.  See
 * include/linux/multikernel.h and Documentation/multikernel/messages.rst.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ctype.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/multikernel.h>
#include <linux/multikernel_abi.h>
#include <linux/mutex.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/srcu.h>

/* Any number from MK_SERVICE_PRIVATE on that both sides agree on */
#define SAMPLE_SERVICE	(MK_SERVICE_PRIVATE + 1)

#define SAMPLE_TIMEOUT	(2 * HZ)
#define SAMPLE_NUMBERS	16
#define SAMPLE_HELLO	40

/*
 * What crosses.  The other kernel may be another build: fixed widths, no
 * pointers, no padding, no enums.  A message is text, up to SAMPLE_HELLO bytes;
 * a request is up to SAMPLE_NUMBERS numbers of this type; this is the answer:
 */
struct sample_answer {
	__u64 sum;
	__u64 uptime_ms;
	__u64 asked;
};

/* One for each endpoint, as long as it is open */
struct sample_peer {
	struct list_head node;
	struct mk_endpoint *ep;
	u64 asked;
	char hello[SAMPLE_HELLO + 1];
};

/*
 * sample_lock keeps those apart who change the list.  Who walks it, and who uses
 * an endpoint that was found there, is inside sample_srcu: close() waits for it.
 * A lock would not do: whoever waits for an answer may find himself running
 * receive(), so nobody may ask with a lock that receive() takes.
 */
static LIST_HEAD(sample_peers);
static DEFINE_MUTEX(sample_lock);
DEFINE_STATIC_SRCU(sample_srcu);

/* Answers to the last question, one line each */
static DEFINE_MUTEX(sample_ask_lock);
static char sample_answers[PAGE_SIZE];

/* --- what the messaging layer calls ------------------------------------- */

/*
 * Both sides offer the service, and it is usable from here on, also within
 * this function: there is nobody yet who would ask, but we can say something.
 */
static int sample_open(struct mk_endpoint *ep)
{
	const char *hello = mk_endpoint_role(ep) == MK_ROLE_HOST ?
			    "hello from the host" : "hello from the spawn";
	struct sample_peer *peer;

	peer = kzalloc(sizeof(*peer), GFP_KERNEL);
	if (!peer)
		return -ENOMEM;
	peer->ep = ep;
	ep->priv = peer;

	mutex_lock(&sample_lock);
	list_add_tail_rcu(&peer->node, &sample_peers);
	mutex_unlock(&sample_lock);

	/*
	 * Callbacks must not wait for room: with a time-out of 0 a full ring is
	 * -EAGAIN, and .writable would tell when to try again.  This greeting is
	 * not worth it.
	 */
	if (mk_send(ep, hello, strlen(hello), 0))
		pr_info("%s: no room to say hello\n", mk_endpoint_peer_name(ep));

	return 0;
}

/* The peer is gone, or does not offer the service any more */
static void sample_close(struct mk_endpoint *ep)
{
	struct sample_peer *peer = ep->priv;

	mutex_lock(&sample_lock);
	list_del_rcu(&peer->node);
	mutex_unlock(&sample_lock);

	/* Who is still asking has an error by now, and comes back */
	synchronize_srcu(&sample_srcu);
	kfree(peer);
}

/*
 * A message, or a request.  It lies in memory that the other kernel can change
 * while we look: copy first, then check the copy, then use it.  Its length is in
 * our own memory and was checked against the ring, but not against what we expect.
 */
static int sample_receive(struct mk_endpoint *ep, const struct mk_message *msg)
{
	struct sample_peer *peer = ep->priv;
	struct sample_answer answer = { };
	u64 numbers[SAMPLE_NUMBERS];
	char hello[SAMPLE_HELLO + 1] = "";
	int i;

	if (!msg->request) {
		/*
		 * -EPROTO in answer to a message would end the instance, if
		 * this is the host: right for what no honest peer can send.
		 */
		if (msg->len > SAMPLE_HELLO)
			return -EPROTO;
		memcpy(hello, msg->data, msg->len);
		/* It goes to our log and to user space: text, and no more */
		for (i = 0; hello[i]; i++)
			if (!isascii(hello[i]) || !isprint(hello[i]))
				hello[i] = '?';
		memcpy(peer->hello, hello, sizeof(peer->hello));
		return 0;
	}

	/* For a request an error is the answer, and mk_request() returns it */
	if (msg->len > sizeof(numbers) || msg->len % sizeof(numbers[0]))
		return -EINVAL;
	memcpy(numbers, msg->data, msg->len);
	for (i = 0; i < msg->len / sizeof(numbers[0]); i++)
		answer.sum += numbers[i];
	answer.uptime_ms = ktime_to_ms(ktime_get_boottime());
	/* Callbacks of one peer run one at a time */
	WRITE_ONCE(peer->asked, peer->asked + 1);
	answer.asked = peer->asked;

	return mk_reply(ep, msg->request, &answer, sizeof(answer));
}

static struct mk_service sample_service = {
	.id		= SAMPLE_SERVICE,
	.name		= "sample",
	.roles		= MK_ROLE_HOST | MK_ROLE_SPAWN,
	.open		= sample_open,
	.close		= sample_close,
	.receive	= sample_receive,
};

/* --- asking, by module parameters --------------------------------------- */

static int sample_parse(const char *text, u64 *numbers)
{
	char *copy = kstrdup(text, GFP_KERNEL), *rest, *word;
	int n = 0, err = 0;

	if (!copy)
		return -ENOMEM;
	rest = strim(copy);
	while (!err && (word = strsep(&rest, " "))) {
		if (!*word)
			continue;
		if (n == SAMPLE_NUMBERS)
			err = -E2BIG;
		else
			err = kstrtou64(word, 0, &numbers[n++]);
	}
	kfree(copy);

	return err ?: n;
}

static int sample_ask_one(struct mk_endpoint *ep, const u64 *numbers, int n,
			  char *buf, size_t size)
{
	const char *name = mk_endpoint_peer_name(ep);
	struct sample_answer answer;
	ssize_t len;

	len = mk_request(ep, numbers, n * sizeof(*numbers), &answer, sizeof(answer),
			 SAMPLE_TIMEOUT);
	if (len < 0)
		return scnprintf(buf, size, "%s: %pe\n", name, ERR_PTR(len));
	if (len != sizeof(answer))
		return scnprintf(buf, size, "%s: an answer of %zd bytes\n", name, len);

	return scnprintf(buf, size, "%s: sum %llu, up for %llu s, was asked %llu times\n",
			 name, answer.sum, answer.uptime_ms / MSEC_PER_SEC, answer.asked);
}

/* echo 1 2 3 >ask: each peer, one after the other */
static int sample_ask_set(const char *text, const struct kernel_param *kp)
{
	u64 numbers[SAMPLE_NUMBERS];
	struct sample_peer *peer;
	int n, idx, used = 0;

	n = sample_parse(text, numbers);
	if (n < 0)
		return n;
	/* Parameters outlive sample_exit(), what is read here does not */
	if (!try_module_get(THIS_MODULE))
		return -ENODEV;

	mutex_lock(&sample_ask_lock);
	sample_answers[0] = 0;
	idx = srcu_read_lock(&sample_srcu);
	list_for_each_entry_srcu(peer, &sample_peers, node,
				 srcu_read_lock_held(&sample_srcu))
		used += sample_ask_one(peer->ep, numbers, n, sample_answers + used,
				       sizeof(sample_answers) - used);
	srcu_read_unlock(&sample_srcu, idx);
	mutex_unlock(&sample_ask_lock);
	module_put(THIS_MODULE);

	return 0;
}

static int sample_ask_get(char *buf, const struct kernel_param *kp)
{
	int len;

	mutex_lock(&sample_ask_lock);
	len = sysfs_emit(buf, "%s", sample_answers);
	mutex_unlock(&sample_ask_lock);

	return len;
}

static const struct kernel_param_ops sample_ask_ops = {
	.set = sample_ask_set,
	.get = sample_ask_get,
};
module_param_cb(ask, &sample_ask_ops, NULL, 0600);
MODULE_PARM_DESC(ask, "Numbers for each peer to add up; read: the answers");

/* cat heard: what each peer said last */
static int sample_heard_get(char *buf, const struct kernel_param *kp)
{
	struct sample_peer *peer;
	int idx, len = 0;

	/* As in sample_ask_set() */
	if (!try_module_get(THIS_MODULE))
		return -ENODEV;

	idx = srcu_read_lock(&sample_srcu);
	list_for_each_entry_srcu(peer, &sample_peers, node,
				 srcu_read_lock_held(&sample_srcu))
		len += sysfs_emit_at(buf, len, "%s: %.*s\n",
				     mk_endpoint_peer_name(peer->ep),
				     SAMPLE_HELLO, peer->hello);
	srcu_read_unlock(&sample_srcu, idx);
	module_put(THIS_MODULE);

	return len;
}

static const struct kernel_param_ops sample_heard_ops = {
	.get = sample_heard_get,
};
module_param_cb(heard, &sample_heard_ops, NULL, 0400);
MODULE_PARM_DESC(heard, "What each peer said");

static int __init sample_init(void)
{
	/* Endpoints may open before this returns */
	return mk_service_register(&sample_service);
}
module_init(sample_init);

static void __exit sample_exit(void)
{
	/* All endpoints are closed when this returns, and nothing is called any more */
	mk_service_unregister(&sample_service);
}
module_exit(sample_exit);

MODULE_DESCRIPTION("Sample of messages between kernels of one machine");
MODULE_LICENSE("GPL");
