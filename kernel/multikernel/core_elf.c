// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: headers of a core file, and notes in it
 *
 * The form is that of /proc/vmcore, which makedumpfile, crash and drgn read: an
 * ELF file with a note segment that describes the kernel, and the physical
 * address of each piece of memory.
 */
#include <linux/align.h>
#include <linux/elf.h>
#include <linux/bits.h>
#include <linux/overflow.h>
#include <linux/string.h>

#include "core_elf.h"

/**
 * mk_core_headers_size - what stands before the notes
 * @nr_loads: pieces of memory
 *
 * Return: bytes.
 */
size_t mk_core_headers_size(unsigned int nr_loads)
{
	return sizeof(struct elf64_hdr) + (nr_loads + 1) * sizeof(struct elf64_phdr);
}

/**
 * mk_core_headers - write the headers; the notes are to follow
 * @buf: gets them
 * @room: its bytes
 * @notes_len: bytes of the notes
 * @loads: the memory, in the order in which a reader is to look there
 * @nr_loads: how many
 *
 * Context: any.
 * Return: bytes written: mk_core_headers_size(); 0 if there is no room.
 */
size_t mk_core_headers(void *buf, size_t room, size_t notes_len,
		       const struct mk_core_load *loads, unsigned int nr_loads)
{
	size_t size = mk_core_headers_size(nr_loads);
	struct elf64_hdr *ehdr = buf;
	struct elf64_phdr *phdr = buf + sizeof(*ehdr);
	unsigned int i;

	if (nr_loads > MK_CORE_LOADS_MAX || room < size)
		return 0;

	memset(buf, 0, size);
	memcpy(ehdr->e_ident, ELFMAG, SELFMAG);
	ehdr->e_ident[EI_CLASS] = ELFCLASS64;
	ehdr->e_ident[EI_DATA] = ELFDATA2LSB;
	ehdr->e_ident[EI_VERSION] = EV_CURRENT;
	ehdr->e_ident[EI_OSABI] = ELFOSABI_NONE;
	ehdr->e_type = ET_CORE;
	ehdr->e_machine = ELF_ARCH;
	ehdr->e_version = EV_CURRENT;
	ehdr->e_phoff = sizeof(*ehdr);
	ehdr->e_ehsize = sizeof(*ehdr);
	ehdr->e_phentsize = sizeof(*phdr);
	ehdr->e_phnum = nr_loads + 1;

	phdr->p_type = PT_NOTE;
	phdr->p_offset = size;
	phdr->p_filesz = notes_len;
	phdr->p_memsz = notes_len;

	for (i = 0; i < nr_loads; i++) {
		phdr++;
		phdr->p_type = PT_LOAD;
		phdr->p_flags = PF_R | PF_W | PF_X;
		phdr->p_offset = loads[i].offset;
		phdr->p_vaddr = loads[i].vaddr;
		phdr->p_paddr = loads[i].paddr;
		phdr->p_filesz = loads[i].size;
		phdr->p_memsz = loads[i].size;
	}

	return size;
}

/**
 * mk_core_note - is this a note of that kind, whole?
 * @note: a copy of what the spawn wrote, aligned to 4 bytes
 * @room: its bytes
 * @name: of the note
 * @type: of the note
 * @desc_min: fewest bytes that it may hold
 * @desc_max: most
 *
 * Context: any.
 * Return: bytes of the note with its padding, at most @room; 0 if it is not.
 */
size_t mk_core_note(const void *note, size_t room, const char *name, u32 type,
		    size_t desc_min, size_t desc_max)
{
	size_t name_len = strlen(name) + 1;
	size_t head = sizeof(struct elf64_note) + ALIGN(name_len, 4);
	const struct elf64_note *nhdr = note;
	size_t desc;

	if (room < head)
		return 0;
	desc = nhdr->n_descsz;
	if (nhdr->n_namesz != name_len || nhdr->n_type != type ||
	    memcmp(note + sizeof(*nhdr), name, name_len))
		return 0;
	if (desc < desc_min || desc > desc_max || ALIGN(desc, 4) > room - head)
		return 0;

	return head + ALIGN(desc, 4);
}

/**
 * mk_core_kernel_address - can a kernel have something mapped there?
 * @vaddr: first byte
 * @size: bytes
 *
 * Context: any.
 * Return: true if it is in the upper half of the address space, which has 57
 * bits at most, and does not reach around its end.
 */
bool mk_core_kernel_address(u64 vaddr, u64 size)
{
	u64 end;

	return vaddr >= GENMASK_ULL(63, 56) && !check_add_overflow(vaddr, size, &end);
}
