// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: tests of the headers of a core file, and of notes that lie
 *
 * A note is what the dead kernel wrote.  Whatever its fields say, nothing
 * beyond the copy is looked at, and the length that comes out lies within it.
 */
#include <kunit/test.h>
#include <linux/align.h>
#include <linux/elf.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/prandom.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "../core_elf.h"
#include "guarded.h"

#define NAME	"CORE"
#define DESC	40
#define WHOLE	(sizeof(struct elf64_note) + 8 + DESC)

static const struct mk_core_load loads[] = {
	{ 0xffffffff9a000000, 0x41000000, 0x2600000, 0x1012000 },
	{ 0xffff888000010000, 0x10000, 0x10000, 0x2000 },
	{ 0xffff888040000000, 0x40000000, 0x8000000, 0x12000 },
	{ 0, U64_MAX, U64_MAX, U64_MAX },
};

static void mk_core_headers_read_back(struct kunit *test)
{
	const size_t size = sizeof(struct elf64_hdr) + 4 * sizeof(struct elf64_phdr);
	u8 *buf = mk_guarded(test, size);
	struct elf64_hdr *ehdr = (struct elf64_hdr *)buf;
	struct elf64_phdr *phdr = (struct elf64_phdr *)(ehdr + 1);
	int i;

	KUNIT_EXPECT_EQ(test, mk_core_headers_size(3), size);
	KUNIT_ASSERT_EQ(test, mk_core_headers(buf, size, 1234, loads, 3), size);

	KUNIT_EXPECT_EQ(test, memcmp(ehdr->e_ident, ELFMAG, SELFMAG), 0);
	KUNIT_EXPECT_EQ(test, ehdr->e_ident[EI_CLASS], ELFCLASS64);
	KUNIT_EXPECT_EQ(test, ehdr->e_ident[EI_DATA], ELFDATA2LSB);
	KUNIT_EXPECT_EQ(test, ehdr->e_type, ET_CORE);
	KUNIT_EXPECT_EQ(test, ehdr->e_machine, EM_X86_64);
	KUNIT_EXPECT_EQ(test, ehdr->e_phoff, sizeof(*ehdr));
	KUNIT_EXPECT_EQ(test, ehdr->e_phentsize, sizeof(*phdr));
	KUNIT_EXPECT_EQ(test, ehdr->e_phnum, 4);
	KUNIT_EXPECT_EQ(test, ehdr->e_shnum, 0);

	KUNIT_EXPECT_EQ(test, phdr[0].p_type, PT_NOTE);
	KUNIT_EXPECT_EQ(test, phdr[0].p_offset, size);
	KUNIT_EXPECT_EQ(test, phdr[0].p_filesz, 1234);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, phdr[i + 1].p_type, PT_LOAD);
		KUNIT_EXPECT_EQ(test, phdr[i + 1].p_vaddr, loads[i].vaddr);
		KUNIT_EXPECT_EQ(test, phdr[i + 1].p_paddr, loads[i].paddr);
		KUNIT_EXPECT_EQ(test, phdr[i + 1].p_filesz, loads[i].size);
		KUNIT_EXPECT_EQ(test, phdr[i + 1].p_memsz, loads[i].size);
		KUNIT_EXPECT_EQ(test, phdr[i + 1].p_offset, loads[i].offset);
	}
}

static void mk_core_headers_need_room(struct kunit *test)
{
	size_t size = mk_core_headers_size(ARRAY_SIZE(loads)), room;
	u8 *end = mk_guarded(test, size) + size;

	for (room = 0; room < size; room++) {
		KUNIT_ASSERT_EQ(test, mk_core_headers(end - room, room, 1, loads,
						      ARRAY_SIZE(loads)), 0);
		KUNIT_ASSERT_TRUE(test, mk_untouched(end - room, room));
	}
	KUNIT_EXPECT_EQ(test, mk_core_headers(end - size, size, 1, loads, ARRAY_SIZE(loads)),
			size);
	KUNIT_EXPECT_EQ(test, mk_core_headers(end - size, size, 1, loads,
					      MK_CORE_LOADS_MAX + 1), 0);
}

/* A note that ends where the memory does */
static struct elf64_note *mk_note(struct kunit *test, size_t room)
{
	struct elf64_note note = {
		.n_namesz = sizeof(NAME),
		.n_descsz = DESC,
		.n_type = NT_PRSTATUS,
	};
	u8 *buf = mk_guarded(test, room);

	memcpy(buf, &note, min(room, sizeof(note)));
	if (room > sizeof(note))
		memcpy(buf + sizeof(note), NAME, min(room - sizeof(note), sizeof(NAME)));

	return (struct elf64_note *)buf;
}

static size_t mk_note_len(const struct elf64_note *note, size_t room)
{
	return mk_core_note(note, room, NAME, NT_PRSTATUS, DESC, DESC);
}

static void mk_core_note_sound(struct kunit *test)
{
	struct elf64_note *note = mk_note(test, WHOLE);

	KUNIT_EXPECT_EQ(test, mk_note_len(note, WHOLE), WHOLE);
	/* Padding of the description is part of the note */
	note->n_descsz = DESC - 3;
	KUNIT_EXPECT_EQ(test, mk_core_note(note, WHOLE, NAME, NT_PRSTATUS, 1, DESC), WHOLE);
}

static void mk_core_note_cut(struct kunit *test)
{
	size_t room;

	for (room = 4; room < WHOLE; room += 4)
		KUNIT_EXPECT_EQ(test, mk_note_len(mk_note(test, room), room), 0);
}

static const struct mk_note_lie {
	const char *what;
	u32 namesz;
	u32 descsz;
	u32 type;
	char name[8];
} mk_note_lies[] = {
	{ "a shorter name", 4, DESC, NT_PRSTATUS, "COR" },
	{ "a longer name", 6, DESC, NT_PRSTATUS, "CORES" },
	{ "a name without an end", 5, DESC, NT_PRSTATUS, "CORES" },
	{ "another name", 5, DESC, NT_PRSTATUS, "LINU" },
	{ "no name", 0, DESC, NT_PRSTATUS, "CORE" },
	{ "the longest name", U32_MAX, DESC, NT_PRSTATUS, "CORE" },
	{ "another type", 5, DESC, NT_PRPSINFO, "CORE" },
	{ "nothing in it", 5, 0, NT_PRSTATUS, "CORE" },
	{ "too little", 5, DESC - 1, NT_PRSTATUS, "CORE" },
	{ "too much", 5, DESC + 1, NT_PRSTATUS, "CORE" },
	{ "so much that padding overflows", 5, U32_MAX, NT_PRSTATUS, "CORE" },
	{ "so much that a sign changes", 5, 0x80000000, NT_PRSTATUS, "CORE" },
};

static void mk_note_lie_name(const struct mk_note_lie *lie, char *to)
{
	strscpy(to, lie->what, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(mk_note_lies, mk_note_lies, mk_note_lie_name);

static void mk_core_note_lie(struct kunit *test)
{
	const struct mk_note_lie *lie = test->param_value;
	struct elf64_note *note = mk_note(test, WHOLE);

	note->n_namesz = lie->namesz;
	note->n_descsz = lie->descsz;
	note->n_type = lie->type;
	memcpy(note + 1, lie->name, sizeof(lie->name));
	KUNIT_EXPECT_EQ(test, mk_note_len(note, WHOLE), 0);
}

/* A bound beyond the copy does not let a length out of it */
static void mk_core_note_wide_bound(struct kunit *test)
{
	struct elf64_note *note = mk_note(test, WHOLE);
	u32 desc;

	for (desc = DESC + 1; desc < 3 * DESC; desc++) {
		note->n_descsz = desc;
		KUNIT_EXPECT_EQ(test, mk_core_note(note, WHOLE, NAME, NT_PRSTATUS, 0,
						   SIZE_MAX), 0);
	}
	note->n_descsz = U32_MAX;
	KUNIT_EXPECT_EQ(test, mk_core_note(note, WHOLE, NAME, NT_PRSTATUS, 0, SIZE_MAX), 0);
}

static void mk_core_note_rubbish(struct kunit *test)
{
	struct rnd_state rnd;
	u8 *buf = mk_guarded(test, WHOLE);
	size_t len;
	int i;

	prandom_seed_state(&rnd, 4);
	for (i = 0; i < 10000; i++) {
		prandom_bytes_state(&rnd, buf, WHOLE);
		/* Half of them get beyond the name */
		if (i & 1) {
			memcpy(buf + sizeof(struct elf64_note), NAME, sizeof(NAME));
			((struct elf64_note *)buf)->n_namesz = sizeof(NAME);
			((struct elf64_note *)buf)->n_type = NT_PRSTATUS;
		}
		len = mk_core_note(buf, WHOLE, NAME, NT_PRSTATUS, 0, SIZE_MAX);
		KUNIT_ASSERT_LE(test, len, WHOLE);
	}
}

static void mk_core_kernel_addresses(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, mk_core_kernel_address(0xffff888000000000, SZ_1G));
	KUNIT_EXPECT_TRUE(test, mk_core_kernel_address(0xff11000000000000, SZ_1G));
	KUNIT_EXPECT_TRUE(test, mk_core_kernel_address(0xffffffff81000000, SZ_1M));
	KUNIT_EXPECT_FALSE(test, mk_core_kernel_address(0, SZ_1M));
	KUNIT_EXPECT_FALSE(test, mk_core_kernel_address(0x7fffffffffff, 1));
	KUNIT_EXPECT_FALSE(test, mk_core_kernel_address(0x800000000000, 1));
	KUNIT_EXPECT_FALSE(test, mk_core_kernel_address(0xfeffffffffffffff, 1));
	KUNIT_EXPECT_FALSE(test, mk_core_kernel_address(0xffffffff81000000, SZ_4G));
	KUNIT_EXPECT_FALSE(test, mk_core_kernel_address(U64_MAX, 1));
}

static struct kunit_case mk_core_elf_cases[] = {
	KUNIT_CASE(mk_core_headers_read_back),
	KUNIT_CASE(mk_core_headers_need_room),
	KUNIT_CASE(mk_core_note_sound),
	KUNIT_CASE(mk_core_note_cut),
	KUNIT_CASE_PARAM(mk_core_note_lie, mk_note_lies_gen_params),
	KUNIT_CASE(mk_core_note_wide_bound),
	KUNIT_CASE(mk_core_note_rubbish),
	KUNIT_CASE(mk_core_kernel_addresses),
	{}
};

static struct kunit_suite mk_core_elf_suite = {
	.name = "multikernel_core_elf",
	.test_cases = mk_core_elf_cases,
};

kunit_test_suite(mk_core_elf_suite);
