// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: kexec_file_load() with KEXEC_FILE_MULTIKERNEL
 *
 * kernel/kexec_file.c hands such a call over, with the function that reads the
 * files and verifies signatures as for any other image.  That asks back before it
 * looks at the signature, so that what can never work is refused.  The image is placed
 * straight into the instance's memory.  The files are kept as well, because a
 * kernel that ran has used up what it was started from.
 */
#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/kexec.h>

#include "../kexec_internal.h"
#include "internal.h"

#define MK_FLAG_ID_SHIFT	16
#define MK_FLAGS_ALLOWED	(KEXEC_FILE_MULTIKERNEL | KEXEC_FILE_UNLOAD | \
				 KEXEC_FILE_NO_INITRAMFS | KEXEC_FILE_DEBUG)

/* The instance that the flags name, with a reference, or an ERR_PTR() */
static struct mk_instance *mk_target(unsigned long flags)
{
	unsigned long id = flags >> MK_FLAG_ID_SHIFT;
	struct mk_instance *inst;

	if (flags & (BIT(MK_FLAG_ID_SHIFT) - 1) & ~MK_FLAGS_ALLOWED) {
		pr_err("load: flags %#lx don't go with KEXEC_FILE_MULTIKERNEL\n",
		       flags & (BIT(MK_FLAG_ID_SHIFT) - 1));
		return ERR_PTR(-EINVAL);
	}
	if (id > MK_ID_MAX) {
		pr_err("load: id %lu is not in 1..%d\n", id, MK_ID_MAX);
		return ERR_PTR(-EINVAL);
	}
	inst = mk_instance_get(id);
	if (!inst) {
		pr_err("load: there is no instance with id %lu\n", id);
		return ERR_PTR(-ENODEV);
	}

	return inst;
}

/* May this instance's image be exchanged now? */
static int mk_image_may_change(struct mk_instance *inst, const char *what)
{
	lockdep_assert_held(&inst->lock);

	if (inst->destroyed) {
		mk_err(inst, "%s: was destroyed meanwhile\n", what);
		return -ENODEV;
	}
	if (mk_state_active(inst->state)) {
		mk_err(inst, "%s: is %s\n", what, mk_state_name(inst->state));
		return -EBUSY;
	}
	/* A CPU that did not leave may still write where the image goes */
	if (!cpumask_empty(&inst->lost)) {
		mk_err(inst, "%s: CPUs %*pbl did not leave the last spawn\n", what,
		       cpumask_pr_args(&inst->lost));
		return -EBUSY;
	}

	return 0;
}

/**
 * multikernel_image_check - can this file be a spawn's kernel?
 * @image: image whose kernel file was read, nothing else
 * @flags: of kexec_file_load(), any
 *
 * Context: process, may sleep.
 * Return: 0, also for an image that is not an instance's; -EINVAL for bad flags;
 * -ENODEV if there is no such instance; -EBUSY if it is active; -ENOEXEC for a
 * file that can't be used, with the reason in the log.
 */
int multikernel_image_check(struct kimage *image, unsigned long flags)
{
	struct mk_instance *inst;
	const char *why;
	int err;

	if (!(flags & KEXEC_FILE_MULTIKERNEL))
		return 0;
	inst = mk_target(flags);
	if (IS_ERR(inst))
		return PTR_ERR(inst);

	mutex_lock(&inst->lock);
	err = mk_image_may_change(inst, "load");
	mutex_unlock(&inst->lock);

	if (!err) {
		err = arch_mk_image_check(image->kernel_buf, image->kernel_buf_len, &why);
		if (err)
			mk_err(inst, "load: %s\n", why);
	}
	mk_instance_put(inst);

	return err;
}

/*
 * Hand a verified image to its instance, which owns it on success.  The old one
 * is kept on failure.
 */
static int mk_image_load(struct mk_instance *inst, struct kimage *image)
{
	struct kimage *old;
	struct mk_image plan;
	struct mk_complaint c;
	int err;

	mutex_lock(&inst->lock);
	err = mk_image_may_change(inst, "load");
	if (err)
		goto out;
	err = arch_mk_image_plan(inst, image, &plan, &c);
	if (err) {
		mk_err(inst, "load: %s\n", c.text);
		goto out;
	}

	/* It is overwritten from here on, also if that fails */
	mk_core_drop(inst);
	old = inst->kimage;
	swap(inst->image, plan);
	inst->kimage = image;
	inst->placed = false;
	err = mk_image_place(inst, &c);
	if (err) {
		mk_err(inst, "load: %s\n", c.text);
		swap(inst->image, plan);
		inst->kimage = old;
		goto out;
	}
	kimage_free(old);
	mk_instance_set_state(inst, MK_LOADED, NULL);
out:
	mutex_unlock(&inst->lock);

	return err;
}

/* Forget an instance's image, if there is one */
static int mk_image_unload(struct mk_instance *inst)
{
	int err;

	mutex_lock(&inst->lock);
	err = mk_image_may_change(inst, "unload");
	if (!err && inst->kimage) {
		mk_image_drop(inst);
		mk_instance_set_state(inst, MK_EMPTY, NULL);
	}
	mutex_unlock(&inst->lock);

	return err;
}

/**
 * multikernel_file_load - kexec_file_load() with KEXEC_FILE_MULTIKERNEL
 * @read: reads and verifies
 * @kernel_fd: file with the kernel
 * @initrd_fd: file with the initrd, unless the flags say that there is none
 * @cmdline_ptr: command line, with a 0 at its end
 * @cmdline_len: its bytes
 * @flags: which instance, and whether its image is to be unloaded;
 *	%KEXEC_FILE_DEBUG is as good as none, since the switch for what it prints is
 *	under kexec's lock
 *
 * Context: process, may sleep.
 * Return: 0; -EPERM if the caller may not; -EINVAL for bad flags or a command
 * line that is too long; -ENODEV if there is no such instance, or it was
 * destroyed meanwhile; -EBUSY if it is active; -ENOEXEC for a file that can't be
 * used; -ENOMEM if the image does not fit or can't be placed; what reading and
 * verifying ended with.  The old image is kept on failure.
 */
int multikernel_file_load(mk_read_image_fn read, int kernel_fd, int initrd_fd,
			  const char __user *cmdline_ptr, unsigned long cmdline_len,
			  unsigned long flags)
{
	struct mk_instance *inst;
	struct kimage *image;
	int err;

	if (!kexec_load_permitted(KEXEC_TYPE_MULTIKERNEL))
		return -EPERM;
	/* Before a file is read, and the same one to the end: its id may be given anew */
	inst = mk_target(flags);
	if (IS_ERR(inst))
		return PTR_ERR(inst);
	if (flags & KEXEC_FILE_UNLOAD) {
		err = mk_image_unload(inst);
		goto out;
	}

	image = do_kimage_alloc_init();
	if (!image) {
		err = -ENOMEM;
		goto out;
	}
	image->file_mode = 1;
	image->type = KEXEC_TYPE_MULTIKERNEL;

	err = read(image, kernel_fd, initrd_fd, cmdline_ptr, cmdline_len, flags);
	if (!err)
		err = mk_image_load(inst, image);
	if (err)
		kimage_free(image);
out:
	mk_instance_put(inst);

	return err;
}

/**
 * mk_image_drop - free the loaded image, if there is one
 * @inst: instance whose kernel does not run
 *
 * Context: process; &mk_instance.lock held.
 */
void mk_image_drop(struct mk_instance *inst)
{
	lockdep_assert_held(&inst->lock);

	kimage_free(inst->kimage);
	inst->kimage = NULL;
	inst->placed = false;
}

static int mk_place(u64 at, const void *from, size_t len)
{
	void *to;

	if (!len)
		return 0;
	to = mk_map(at, len);
	if (!to)
		return -ENOMEM;
	memcpy(to, from, len);
	mk_unmap(to);

	return 0;
}

/**
 * mk_image_place - copy kernel and initrd to where they start from
 * @inst: instance with an image, whose kernel does not run
 * @c: gets what is wrong
 *
 * Does nothing if they are there untouched.
 *
 * Context: process; &mk_instance.lock held.
 * Return: 0 or -ENOMEM.
 */
int mk_image_place(struct mk_instance *inst, struct mk_complaint *c)
{
	const struct mk_image *image = &inst->image;
	const struct kimage *kimage = inst->kimage;
	int err;

	lockdep_assert_held(&inst->lock);
	if (inst->placed)
		return 0;

	err = mk_place(image->load, image->kernel, image->kernel_len);
	if (!err)
		err = mk_place(image->initrd, kimage->initrd_buf, kimage->initrd_buf_len);
	if (err) {
		mk_complain(c, "image can't be placed: %pe", ERR_PTR(err));
		return err;
	}
	inst->placed = true;

	return 0;
}
