// SPDX-License-Identifier: GPL-2.0
/*
 * badimage KIND IN OUT - a copy of bzImage IN with one thing wrong
 *
 *	hdrs		the boot protocol's magic is not there
 *	protocol	boot protocol 2.05, before relocatable 64-bit entries
 *	truncated	the second half is missing
 *	header		nothing after the setup header's first sector
 *	32bit		XLF_KERNEL_64 is not set
 *	fixed		not relocatable
 *	nochunk		the kernel_info chunk of MULTIKERNEL is not there
 *	abi		that chunk has the ABI version plus 1000
 *	hang		the 64-bit entry jumps to itself
 *	payload		the compressed kernel does not begin as one
 *	changed		one bit of the compressed kernel is another
 *	signature	one bit of the signature at the end of a signed image is
 */
#define _GNU_SOURCE
#include "mk.h"

/* Documentation/arch/x86/boot.rst */
#define SETUP_SECTS		0x1f1
#define HDR_MAGIC		0x202
#define HDR_VERSION		0x206
#define HDR_RELOCATABLE		0x234
#define HDR_XLOADFLAGS		0x236
#define HDR_PAYLOAD_OFFSET	0x248
#define HDR_KERNEL_INFO		0x268
#define ENTRY_64		0x200
#define XLF_KERNEL_64		0x1

static const char chunk_magic[4] = { 'M', 'K', 'r', 'n' };

static unsigned int get32(const unsigned char *p)
{
	unsigned int v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static void put32(unsigned char *p, unsigned int v)
{
	memcpy(p, &v, sizeof(v));
}

static size_t protected_mode(const unsigned char *img)
{
	return ((img[SETUP_SECTS] ? img[SETUP_SECTS] : 4) + 1) * 512;
}

/* The chunk in the variable part of kernel_info, NULL if it is not there */
static unsigned char *find_chunk(unsigned char *img, size_t len)
{
	size_t info = protected_mode(img) + get32(img + HDR_KERNEL_INFO);
	size_t pos, end;

	if (info + 12 > len || memcmp(img + info, "LToP", 4))
		return NULL;
	pos = info + get32(img + info + 4);
	end = info + get32(img + info + 8);
	if (end > len)
		return NULL;
	for (; pos + 12 <= end; pos++)
		if (!memcmp(img + pos, chunk_magic, 4))
			return img + pos;
	return NULL;
}

static int spoil(const char *kind, unsigned char *img, size_t *len)
{
	unsigned char *chunk, *entry = img + protected_mode(img) + ENTRY_64;

	if (!strcmp(kind, "hdrs")) {
		memcpy(img + HDR_MAGIC, "HdrX", 4);
	} else if (!strcmp(kind, "protocol")) {
		img[HDR_VERSION] = 5;
		img[HDR_VERSION + 1] = 2;
	} else if (!strcmp(kind, "truncated")) {
		*len /= 2;
	} else if (!strcmp(kind, "header")) {
		*len = 1024;
	} else if (!strcmp(kind, "32bit")) {
		img[HDR_XLOADFLAGS] &= ~XLF_KERNEL_64;
	} else if (!strcmp(kind, "fixed")) {
		img[HDR_RELOCATABLE] = 0;
	} else if (!strcmp(kind, "nochunk") || !strcmp(kind, "abi")) {
		chunk = find_chunk(img, *len);
		if (!chunk)
			return -ENOENT;
		if (*kind == 'a')
			put32(chunk + 8, get32(chunk + 8) + 1000);
		else
			memcpy(chunk, "xxxx", 4);
	} else if (!strcmp(kind, "hang")) {
		entry[0] = 0xeb;
		entry[1] = 0xfe;
	} else if (!strcmp(kind, "payload")) {
		size_t at = protected_mode(img) + get32(img + HDR_PAYLOAD_OFFSET);

		if (at >= *len)
			return -EINVAL;
		img[at] ^= 0xff;
	} else if (!strcmp(kind, "changed")) {
		img[*len / 2] ^= 1;
	} else if (!strcmp(kind, "signature")) {
		/* The last thing in it is the RSA signature, of 256 bytes */
		img[*len - 128] ^= 1;
	} else {
		return -EINVAL;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct stat st;
	unsigned char *img;
	size_t len;
	int fd, err;

	if (argc != 4) {
		fprintf(stderr, "usage: badimage KIND IN OUT\n");
		return 2;
	}
	fd = open(argv[2], O_RDONLY);
	if (fd < 0 || fstat(fd, &st))
		return mk_fail("badimage: in", errno);
	len = st.st_size;
	img = malloc(len + 1);
	if (!img || len < 64 * 1024 || read(fd, img, len) != (ssize_t)len ||
	    memcmp(img + HDR_MAGIC, "HdrS", 4) ||
	    protected_mode(img) + ENTRY_64 + 2 > len) {
		fprintf(stderr, "badimage: %s is no bzImage\n", argv[2]);
		return 1;
	}
	close(fd);

	err = spoil(argv[1], img, &len);
	if (err)
		return mk_fail("badimage", -err);

	fd = open(argv[3], O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, img, len) != (ssize_t)len || close(fd))
		return mk_fail("badimage: out", errno);
	return 0;
}
