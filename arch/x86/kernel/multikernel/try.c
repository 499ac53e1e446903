// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: tries what is forbidden, for tests
 *
 * Only with CONFIG_MULTIKERNEL_FAULT_INJECTION.  What is allowed is done: an
 * INIT to an own CPU is an INIT.
 */
#include <linux/debugfs.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/smp.h>
#include <linux/uaccess.h>

#include <asm/apic.h>

#include "x86.h"

static DEFINE_MUTEX(mk_try_lock);
static const char *mk_try_result = "nothing";

/* By the driver's callbacks, as every other sender; true if one was refused */
static bool mk_try_icr(u32 icr, u32 id)
{
	unsigned long before = mk_denied_count(MK_DENIED_IPI), flags;

	local_irq_save(flags);
	apic_icr_write(icr, id);
	safe_apic_wait_icr_idle();
	local_irq_restore(flags);

	return mk_denied_count(MK_DENIED_IPI) != before;
}

static bool mk_try_cpu(u32 cpu, int vector)
{
	unsigned long before = mk_denied_count(MK_DENIED_IPI);

	preempt_disable();
	__apic_send_IPI(cpu, vector);
	__apic_send_IPI_mask(cpumask_of(cpu), vector);
	preempt_enable();

	return mk_denied_count(MK_DENIED_IPI) != before;
}

/* By the callbacks for several CPUs; the first two mean those that are online here */
static bool mk_try_many(const char *whom, int vector)
{
	unsigned long before = mk_denied_count(MK_DENIED_IPI);

	preempt_disable();
	if (!strcmp(whom, "all"))
		__apic_send_IPI_all(vector);
	else if (!strcmp(whom, "others"))
		__apic_send_IPI_allbutself(vector);
	else
		__apic_send_IPI_mask_allbutself(cpu_present_mask, vector);
	preempt_enable();

	return mk_denied_count(MK_DENIED_IPI) != before;
}

static bool mk_try_ioremap(u64 at, u64 size)
{
	void __iomem *p = ioremap(at, size);

	if (!p)
		return true;
	iounmap(p);

	return false;
}

static bool mk_try_memremap(u64 at, u64 size)
{
	void *p = memremap(at, size, MEMREMAP_WB);

	if (!p)
		return true;
	memunmap(p);

	return false;
}

/* By the direct map, where a stray pointer would go */
static bool mk_try_touch(u64 at)
{
	u64 was;

	return copy_from_kernel_nofault(&was, __va(at), sizeof(was));
}

static ssize_t try_write(struct file *file, const char __user *ubuf, size_t len,
			 loff_t *pos)
{
	char buf[64], what[16], word[16] = "";
	u64 a = 0, b = 0;
	bool denied;
	int n;

	if (len >= sizeof(buf))
		return -EINVAL;
	if (copy_from_user(buf, ubuf, len))
		return -EFAULT;
	buf[len] = 0;

	n = sscanf(buf, "%15s %lli %lli", what, &a, &b);
	if (n == 1)
		n = sscanf(buf, "%15s %15s", what, word);

	mutex_lock(&mk_try_lock);
	if (n == 3 && !strcmp(what, "ipi") && b < NR_VECTORS)
		denied = mk_try_icr(APIC_DM_FIXED | b, a);
	else if (n == 3 && !strcmp(what, "lowest") && b < NR_VECTORS)
		denied = mk_try_icr(APIC_DM_LOWEST | b, a);
	else if (n == 3 && !strcmp(what, "logical") && b < NR_VECTORS)
		denied = mk_try_icr(APIC_DM_FIXED | APIC_DEST_LOGICAL | b, a);
	else if (n == 2 && !strcmp(what, "nmi"))
		denied = mk_try_icr(APIC_DM_NMI, a);
	else if (n == 2 && !strcmp(what, "init"))
		denied = mk_try_icr(APIC_INT_LEVELTRIG | APIC_INT_ASSERT | APIC_DM_INIT, a);
	else if (n == 3 && !strcmp(what, "sipi") && b < NR_VECTORS)
		denied = mk_try_icr(APIC_DM_STARTUP | b, a);
	else if (n == 2 && !strcmp(what, "shorthand") && !strcmp(word, "all"))
		denied = mk_try_icr(APIC_DEST_ALLINC | APIC_DM_NMI, 0);
	else if (n == 2 && !strcmp(what, "shorthand") && !strcmp(word, "others"))
		denied = mk_try_icr(APIC_DEST_ALLBUT | APIC_DM_NMI, 0);
	else if (n == 3 && !strcmp(what, "cpu") && a < nr_cpu_ids && b < NR_VECTORS)
		denied = mk_try_cpu(a, b);
	else if (n == 2 && a < NR_VECTORS && (!strcmp(what, "all") || !strcmp(what, "others") ||
					      !strcmp(what, "present")))
		denied = mk_try_many(what, a);
	else if (n == 3 && !strcmp(what, "door"))
		denied = !mk_ipi_foreign(b, a);
	else if (n == 3 && !strcmp(what, "ioremap"))
		denied = mk_try_ioremap(a, b);
	else if (n == 3 && !strcmp(what, "memremap"))
		denied = mk_try_memremap(a, b);
	else if (n == 2 && !strcmp(what, "touch"))
		denied = mk_try_touch(a);
	else
		len = -EINVAL;
	if ((ssize_t)len > 0)
		mk_try_result = denied ? "denied" : "done";
	mutex_unlock(&mk_try_lock);

	return len;
}

static int try_show(struct seq_file *m, void *v)
{
	mutex_lock(&mk_try_lock);
	seq_printf(m, "%s\n", mk_try_result);
	mutex_unlock(&mk_try_lock);

	return 0;
}

DEFINE_SHOW_STORE_ATTRIBUTE(try);

static int __init mk_try_init(void)
{
	struct dentry *root = debugfs_lookup("multikernel", NULL);

	debugfs_create_file("try", 0600, root, NULL, &try_fops);
	dput(root);

	return 0;
}
late_initcall(mk_try_init);
