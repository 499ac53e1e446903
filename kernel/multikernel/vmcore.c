// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: the memory of an instance as a core file
 *
 * What a run leaves in memory stays there until the next load, start or
 * destroy.  The file instances/NAME/vmcore shows it in between: headers and
 * notes, made when they are first asked for, then the slot below 1 MiB, then
 * the main memory with the window.  Where the memory begins in the file is the
 * same for all runs of an instance, and so is its size.
 */
#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/elf.h>
#include <linux/elfcore.h>
#include <linux/io.h>
#include <linux/kernfs.h>
#include <linux/mm.h>
#include <linux/security.h>
#include <linux/seq_file.h>
#include <linux/sysfs.h>
#include <linux/vmcore_info.h>

#include "core_elf.h"
#include "internal.h"

/* Most bytes of a VMCOREINFO note that are kept; today's are two and a half KiB */
#define MK_VMCOREINFO_MAX	SZ_8K

static int mk_core_copy(void *to, u64 phys, size_t len)
{
	void *from = mk_map(phys, len);

	if (!from)
		return -ENOMEM;
	memcpy(to, from, len);
	mk_unmap(from);

	return 0;
}

static bool mk_in_memory(const struct mk_instance *inst, u64 phys, u64 size)
{
	return phys >= inst->mem.start && size <= inst->mem.size &&
	       phys - inst->mem.start <= inst->mem.size - size;
}

/* Notes: room for all of them is behind @to */

static size_t mk_core_cpu_notes(struct mk_instance *inst, void *to)
{
	unsigned int bad = 0, i;
	size_t len = 0, note;

	for (i = 0; i < inst->nr_cpus; i++) {
		if (!mk_dumped(inst, i))
			continue;
		memcpy(to + len, inst->window + MK_WINDOW_NOTES + i * MK_NOTE_SIZE,
		       MK_NOTE_SIZE);
		note = mk_core_note(to + len, MK_NOTE_SIZE, CRASH_CORE_NOTE_NAME,
				    NT_PRSTATUS, sizeof(struct elf_prstatus),
				    sizeof(struct elf_prstatus));
		bad += !note;
		len += note;
	}
	if (bad)
		mk_warn(inst, "vmcore: the registers of %u CPUs are no notes, left out\n",
			bad);

	return len;
}

static size_t mk_core_vmcoreinfo(struct mk_instance *inst, void *to)
{
	const struct mk_crash_page *page = mk_crash_page(inst->window);
	u64 phys = READ_ONCE(page->vmcoreinfo);
	u32 size = READ_ONCE(page->vmcoreinfo_size);
	size_t len;

	if (!phys)
		return 0;
	if (size > MK_VMCOREINFO_MAX || !mk_in_memory(inst, phys, size)) {
		mk_warn(inst, "vmcore: VMCOREINFO is not where it says, left out\n");
		return 0;
	}
	if (!size || mk_core_copy(to, phys, size))
		return 0;
	len = mk_core_note(to, size, VMCOREINFO_NOTE_NAME, 0, 1, size);
	if (!len)
		mk_warn(inst, "vmcore: VMCOREINFO is no note, left out\n");

	return len;
}

/* The pieces of memory; the kernel's image first, as in /proc/vmcore */
static unsigned int mk_core_loads(const struct mk_instance *inst,
				  struct mk_core_load *loads)
{
	const struct mk_crash_page *page = mk_crash_page(inst->window);
	u64 main_at = inst->core.head_len + MK_LOW_SLOT_SIZE;
	u64 direct_map = READ_ONCE(page->direct_map);
	struct mk_core_load image = {
		.vaddr = READ_ONCE(page->kernel_virt),
		.paddr = READ_ONCE(page->kernel_phys),
		.size = READ_ONCE(page->kernel_size),
	};
	unsigned int nr = 0;

	if (!mk_core_kernel_address(direct_map, inst->mem.start + inst->mem.size))
		direct_map = 0;

	/* It lies in the main memory, and is in the file only once */
	if (image.size && mk_in_memory(inst, image.paddr, image.size) &&
	    mk_core_kernel_address(image.vaddr, image.size)) {
		image.offset = main_at + image.paddr - inst->mem.start;
		loads[nr++] = image;
	}
	loads[nr++] = (struct mk_core_load) {
		.vaddr = direct_map ? direct_map + inst->low : 0,
		.paddr = inst->low,
		.size = MK_LOW_SLOT_SIZE,
		.offset = inst->core.head_len,
	};
	loads[nr++] = (struct mk_core_load) {
		.vaddr = direct_map ? direct_map + inst->mem.start : 0,
		.paddr = inst->mem.start,
		.size = inst->mem.size,
		.offset = main_at,
	};

	return nr;
}

static int mk_core_build(struct mk_instance *inst)
{
	struct mk_core_load loads[MK_CORE_LOADS_MAX];
	struct mk_core *core = &inst->core;
	unsigned int nr = mk_core_loads(inst, loads);
	size_t at = mk_core_headers_size(nr), len;

	core->head = kvzalloc(core->head_len, GFP_KERNEL);
	if (!core->head)
		return -ENOMEM;

	len = mk_core_cpu_notes(inst, core->head + at);
	len += mk_core_vmcoreinfo(inst, core->head + at + len);
	mk_core_headers(core->head, core->head_len, len, loads, nr);
	/* A note that was left out may have left its bytes behind */
	memset(core->head + at + len, 0, core->head_len - at - len);

	return 0;
}

/*
 * What an open file reads is of one run.  kernfs keeps @priv for whoever is
 * behind the file, and sysfs has no use for it: here it is the number of the
 * start, which is never 0 once there was one.
 */
static bool mk_core_same_run(struct file *file, u32 epoch)
{
	struct kernfs_open_file *of = ((struct seq_file *)file->private_data)->private;

	if (!of->priv)
		of->priv = (void *)(unsigned long)epoch;

	return of->priv == (void *)(unsigned long)epoch;
}

static int mk_core_ready(struct mk_instance *inst, struct file *file)
{
	lockdep_assert_held(&inst->lock);

	if (mk_state_active(inst->state)) {
		mk_err(inst, "vmcore: is %s, kill it first\n",
		       mk_state_name(inst->state));
		return -EBUSY;
	}
	/* A load has put the next kernel there, or begun to; or a start has */
	if (!inst->core.valid || (inst->state != MK_STOPPED && inst->state != MK_CRASHED))
		return -ENODATA;
	if (!mk_core_same_run(file, inst->epoch))
		return -ESTALE;

	return inst->core.head ? 0 : mk_core_build(inst);
}

/* At most to the end of the piece that @off is in */
static ssize_t mk_core_read_piece(struct mk_instance *inst, char *buf, u64 off,
				  size_t count)
{
	const struct mk_core *core = &inst->core;
	int err;

	if (off < core->head_len) {
		count = min_t(u64, count, core->head_len - off);
		memcpy(buf, core->head + off, count);
		return count;
	}
	off -= core->head_len;
	if (off < MK_LOW_SLOT_SIZE) {
		count = min_t(u64, count, MK_LOW_SLOT_SIZE - off);
		/* Below 1 MiB the host has it mapped */
		memcpy(buf, phys_to_virt(inst->low + off), count);
		return count;
	}
	off -= MK_LOW_SLOT_SIZE;
	if (off >= inst->mem.size)
		return 0;
	count = min_t(u64, count, inst->mem.size - off);
	err = mk_core_copy(buf, inst->mem.start + off, count);

	return err ?: count;
}

static ssize_t vmcore_read(struct file *file, struct kobject *kobj,
			   struct bin_attribute *attr, char *buf, loff_t off, size_t count)
{
	struct mk_instance *inst = mk_to_instance(kobj);
	ssize_t done = 0, got = 0;
	int err;

	if (!capable(CAP_SYS_BOOT))
		return -EPERM;
	/* Where a kernel's own memory is nobody's to read, so is a spawn's */
	err = security_locked_down(LOCKDOWN_KCORE);
	if (err)
		return err;

	mutex_lock(&inst->lock);
	err = mk_core_ready(inst, file);
	while (!err && done < count) {
		got = mk_core_read_piece(inst, buf + done, off + done, count - done);
		if (got <= 0)
			break;
		done += got;
	}
	mutex_unlock(&inst->lock);

	return err ?: done ?: got;
}

/**
 * mk_core_add - make the file of an instance
 * @inst: instance whose folder was made
 *
 * It goes with the folder.
 *
 * Context: process.
 * Return: 0 or a negative errno.
 */
int mk_core_add(struct mk_instance *inst)
{
	struct mk_core *core = &inst->core;

	core->head_len = PAGE_ALIGN(mk_core_headers_size(MK_CORE_LOADS_MAX) +
				    inst->nr_cpus * MK_NOTE_SIZE + MK_VMCOREINFO_MAX);

	sysfs_bin_attr_init(&core->attr);
	core->attr.attr.name = "vmcore";
	core->attr.attr.mode = 0400;
	core->attr.read = vmcore_read;
	core->attr.size = core->head_len + MK_LOW_SLOT_SIZE + inst->mem.size;

	return sysfs_create_bin_file(&inst->kobj, &core->attr);
}

/**
 * mk_core_drop - forget the headers: what they describe goes, or is gone
 * @inst: instance whose lock is held, or to which nobody else has access
 *
 * Context: process.
 */
void mk_core_drop(struct mk_instance *inst)
{
	kvfree(inst->core.head);
	inst->core.head = NULL;
	inst->core.valid = false;
}
