// SPDX-License-Identifier: GPL-2.0
/*
 * mkcore FILE [TEXT]: looks at instances/NAME/vmcore as a debugger would.
 *
 * Checks the ELF headers and the notes, and prints them, one key=value a line.
 * With TEXT, the dead kernel's printk buffer must have it: found by the addresses in
 * VMCOREINFO, through the virtual addresses of the segments, and no other way.
 * Exit 1 with the errno's name if the file can't be read, 2 if it is no sound core.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/procfs.h>

#include "mk.h"

#define MAX_LOADS	16
#define MAX_NOTES	(1 << 20)

static int fd;
static Elf64_Phdr load[MAX_LOADS];
static int nr_loads;
static char *info;	/* VMCOREINFO */

static void __attribute__((noreturn, format(printf, 1, 2))) bad(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fputs("mkcore: ", stdout);
	vprintf(fmt, args);
	putchar('\n');
	exit(2);
}

static void *get(uint64_t off, size_t len)
{
	char *buf = malloc(len + 1);
	size_t done = 0;
	ssize_t n;

	if (!buf)
		exit(mk_fail("mkcore", ENOMEM));
	while (done < len) {
		n = pread(fd, buf + done, len - done, off + done);
		if (n < 0)
			exit(mk_fail("mkcore", errno));
		if (!n)
			bad("the file ends at %" PRIu64, off + done);
		done += n;
	}
	buf[len] = '\0';
	return buf;
}

/* Memory by the dead kernel's virtual address */
static void *get_virt(uint64_t virt, size_t len)
{
	int i;

	for (i = 0; i < nr_loads; i++)
		if (virt >= load[i].p_vaddr && virt - load[i].p_vaddr < load[i].p_filesz)
			return get(load[i].p_offset + (virt - load[i].p_vaddr), len);
	bad("no segment has the virtual address %#" PRIx64, virt);
}

static uint64_t get_virt_u64(uint64_t virt)
{
	return *(uint64_t *)get_virt(virt, 8);
}

/* A line "KEY=VALUE" of VMCOREINFO */
static const char *said(const char *key)
{
	size_t len = strlen(key);
	char *line = info;

	while (line && *line) {
		if (!strncmp(line, key, len) && line[len] == '=')
			return line + len + 1;
		line = strchr(line, '\n');
		if (line)
			line++;
	}
	bad("VMCOREINFO has no %s", key);
}

static uint64_t number(const char *key, int base)
{
	return strtoull(said(key), NULL, base);
}

static void check_notes(const Elf64_Phdr *note)
{
	char *notes, *p, *name, *desc;
	struct elf_prstatus *status;
	unsigned long long *regs;
	Elf64_Nhdr *nhdr;
	int cpus = 0;

	if (note->p_filesz > MAX_NOTES)
		bad("%" PRIu64 " bytes of notes", note->p_filesz);
	notes = get(note->p_offset, note->p_filesz);
	for (p = notes; p < notes + note->p_filesz;) {
		nhdr = (Elf64_Nhdr *)p;
		name = p + sizeof(*nhdr);
		desc = name + ((nhdr->n_namesz + 3) & ~3u);
		p = desc + ((nhdr->n_descsz + 3) & ~3u);
		if (p > notes + note->p_filesz)
			bad("a note goes beyond the notes");
		if (!strcmp(name, "CORE") && nhdr->n_type == NT_PRSTATUS) {
			status = (struct elf_prstatus *)desc;
			if (nhdr->n_descsz != sizeof(*status))
				bad("NT_PRSTATUS of %u bytes", nhdr->n_descsz);
			/* As struct user_regs_struct has them: rip is the 17th, rsp the 20th */
			regs = (unsigned long long *)status->pr_reg;
			printf("cpu%d_rip=%#llx\ncpu%d_rsp=%#llx\n", cpus, regs[16], cpus,
			       regs[19]);
			cpus++;
		} else if (!strcmp(name, "VMCOREINFO") && !info) {
			info = strndup(desc, nhdr->n_descsz);
		} else {
			bad("a note '%.16s' of type %u", name, nhdr->n_type);
		}
	}
	printf("registers=%d\nvmcoreinfo=%zu\n", cpus, info ? strlen(info) : 0);
}

static void check_headers(void)
{
	Elf64_Ehdr *ehdr = get(0, sizeof(*ehdr));
	Elf64_Phdr *phdr;
	struct stat st;
	int i;

	if (fstat(fd, &st))
		exit(mk_fail("mkcore", errno));
	printf("size=%lld\n", (long long)st.st_size);
	if (memcmp(ehdr->e_ident, ELFMAG "\2\1\1", SELFMAG + 3) || ehdr->e_type != ET_CORE ||
	    ehdr->e_machine != EM_X86_64 || ehdr->e_phentsize != sizeof(*phdr))
		bad("no ELF core of x86-64");
	if (ehdr->e_phnum < 2 || ehdr->e_phnum > MAX_LOADS)
		bad("%u segments", ehdr->e_phnum);
	phdr = get(ehdr->e_phoff, ehdr->e_phnum * sizeof(*phdr));
	if (phdr[0].p_type != PT_NOTE)
		bad("the first segment is no note");
	for (i = 1; i < ehdr->e_phnum; i++) {
		if (phdr[i].p_type != PT_LOAD)
			bad("segment %d is of type %u", i, phdr[i].p_type);
		if (phdr[i].p_offset + phdr[i].p_filesz > (uint64_t)st.st_size)
			bad("segment %d ends behind the file", i);
		load[nr_loads++] = phdr[i];
		printf("load%d=%#" PRIx64 "+%#" PRIx64 "@%#" PRIx64 "\n", i, phdr[i].p_paddr,
		       phdr[i].p_filesz, phdr[i].p_vaddr);
	}
	printf("text=%#" PRIx64 "\n", load[0].p_vaddr);
	check_notes(phdr);
	/* The last byte can be read, and it is the last */
	free(get(st.st_size - 1, 1));
	if (pread(fd, &i, 1, st.st_size) != 0)
		bad("there is something behind the end");
}

static void check_log(const char *text)
{
	uint64_t prb, ring, data;
	size_t size;
	char *log;

	prb = get_virt_u64(number("SYMBOL(prb)", 16));
	ring = prb + number("OFFSET(printk_ringbuffer.text_data_ring)", 10);
	data = get_virt_u64(ring + number("OFFSET(prb_data_ring.data)", 10));
	size = 1ul << *(uint32_t *)get_virt(ring +
			number("OFFSET(prb_data_ring.size_bits)", 10), 4);
	if (size > 1 << 26)
		bad("a log of %zu bytes", size);
	log = get_virt(data, size);
	if (!memmem(log, size, text, strlen(text)))
		bad("the log does not have '%s'", text);
	printf("log=%zu\n", size);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: mkcore FILE [TEXT]\n");
		return 2;
	}
	fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return mk_fail("mkcore", errno);
	check_headers();
	if (info)
		printf("osrelease=%.*s\n", (int)strcspn(said("OSRELEASE"), "\n"),
		       said("OSRELEASE"));
	if (argc > 2) {
		if (!info)
			bad("no VMCOREINFO");
		check_log(argv[2]);
	}
	return 0;
}
