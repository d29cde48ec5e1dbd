/* SPDX-License-Identifier: GPL-2.0-only */
/* What both formats have in common, link layers, and the classic format (pcap-savefile(5)). */
#include "ipfw-compat/capture_file.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define MAGIC_MICROSECONDS 0xa1b2c3d4
#define MAGIC_NANOSECONDS 0xa1b23c4d
#define CLASSIC_HEADER_BYTES 24
#define CLASSIC_RECORD_BYTES 16

#define BLOCK_MAX (1 << 20) /* a longer one is damage */

/* Link layers (www.tcpdump.org/linktypes.html). */
enum link_type {
	LINK_NULL = 0,
	LINK_ETHERNET = 1,
	LINK_RAW_OLD = 12,
	LINK_RAW_OLDER = 14,
	LINK_RAW = 101,
	LINK_LOOP = 108,
	LINK_COOKED = 113,
	LINK_IP4 = 228,
	LINK_IP6 = 229,
	LINK_COOKED2 = 276,
};

int capture_damaged(const struct capture *capture, struct error *error, const char *what)
{
	return error_set(error, EX_DATAERR, -1, "%s: %s", capture->path, what);
}

__u32 capture_get32(const struct capture *capture, const __u8 *from)
{
	__u32 value;

	memcpy(&value, from, sizeof(value));
	return capture->swapped ? __builtin_bswap32(value) : value;
}

int capture_read(struct capture *capture, size_t length, struct error *error)
{
	size_t got;

	if (length > BLOCK_MAX)
		return capture_damaged(capture, error, "a packet longer than any can be: the file is damaged");
	if (length > capture->room) {
		__u8 *larger = realloc(capture->block, length);

		if (!larger)
			return error_set(error, EX_OSERR, -1, "out of memory");
		capture->block = larger;
		capture->room = length;
	}
	got = fread(capture->block, 1, length, capture->file);
	if (got == length)
		return 1;
	return got || ferror(capture->file) ? capture_damaged(capture, error, "ends in the middle of a packet") : 0;
}

int capture_must_read(struct capture *capture, size_t length, struct error *error)
{
	int result = capture_read(capture, length, error);

	return result ? result : capture_damaged(capture, error, "ends in the middle of a packet");
}

/* Takes off `length` bytes of a link header that is no Ethernet header. False if they are not there. */
static bool strip(struct captured *packet, size_t length, __u16 ether_type)
{
	if (packet->length < length)
		return false;
	packet->bytes += length;
	packet->length -= length;
	packet->original -= length;
	packet->ether_type = ether_type;
	return true;
}

static __u16 type_at(const struct captured *packet, size_t offset)
{
	return packet->length > offset + 1 ? (__u16)(packet->bytes[offset] << 8 | packet->bytes[offset + 1]) : 0;
}

int capture_take_link(const struct capture *capture, __u32 link, struct captured *packet, struct error *error)
{
	bool whole = true;

	switch (link & 0xffff) {
	case LINK_ETHERNET:
		packet->ethernet = true;
		break;
	case LINK_RAW:
	case LINK_RAW_OLD:
	case LINK_RAW_OLDER:
	case LINK_IP4:
	case LINK_IP6:
		break;
	case LINK_NULL:
	case LINK_LOOP:
		whole = strip(packet, 4, 0);
		break;
	case LINK_COOKED:
		whole = strip(packet, 16, type_at(packet, 14));
		break;
	case LINK_COOKED2:
		whole = strip(packet, 20, type_at(packet, 0));
		break;
	default:
		error_set(error, EX_DATAERR, -1, "%s: link layer %u is not known", capture->path, link);
		return error_advise(error, "Ethernet, raw IP and Linux cooked captures are");
	}
	return whole ? 1 : capture_damaged(capture, error, "a packet shorter than its link header");
}

static int next_classic(struct capture *capture, struct captured *packet, struct error *error)
{
	int result = capture_read(capture, CLASSIC_RECORD_BYTES, error);

	if (result <= 0)
		return result;
	packet->length = capture_get32(capture, capture->block + 8);
	packet->original = capture_get32(capture, capture->block + 12);
	if (packet->original < packet->length)
		packet->original = packet->length;
	if (packet->length && capture_must_read(capture, packet->length, error) < 0)
		return -1;
	packet->bytes = capture->block;
	return capture_take_link(capture, capture->links[0], packet, error);
}

int capture_next(struct capture *capture, struct captured *packet, struct error *error)
{
	int result;

	do {
		*packet = (struct captured){0};
		result = capture->next_generation ? capture_next_block(capture, packet, error)
						  : next_classic(capture, packet, error);
	} while (result == CAPTURE_NOTHING);
	return result;
}

static int read_header(struct capture *capture, struct error *error)
{
	__u32 magic;

	if (capture_must_read(capture, sizeof(magic), error) < 0)
		return -1;
	memcpy(&magic, capture->block, sizeof(magic));
	if (magic == BLOCK_SECTION) {
		capture->next_generation = capture->type_read = true;
		return 0;
	}
	capture->swapped = magic != MAGIC_MICROSECONDS && magic != MAGIC_NANOSECONDS;
	if (capture->swapped)
		magic = __builtin_bswap32(magic);
	if (magic != MAGIC_MICROSECONDS && magic != MAGIC_NANOSECONDS) {
		error_set(error, EX_DATAERR, -1, "%s: not a capture file", capture->path);
		return error_advise(error, "pcap and pcapng are, as tcpdump -w writes them");
	}
	if (capture_must_read(capture, CLASSIC_HEADER_BYTES - sizeof(magic), error) < 0)
		return -1;
	capture->links[0] = capture_get32(capture, capture->block + 16);
	capture->link_count = 1;
	return 0;
}

int capture_open(struct capture **capture, const char *path, struct error *error)
{
	struct capture *opened = calloc(1, sizeof(*opened));

	if (!opened)
		return error_set(error, EX_OSERR, -1, "out of memory");
	opened->path = path;
	opened->file = fopen(path, "re");
	if (!opened->file)
		error_set(error, EX_NOINPUT, -1, "%s: %s", path, strerror(errno));
	if (!opened->file || read_header(opened, error)) {
		capture_close(opened);
		return -1;
	}
	*capture = opened;
	return 0;
}

void capture_close(struct capture *capture)
{
	if (!capture)
		return;
	if (capture->file)
		fclose(capture->file);
	free(capture->block);
	free(capture);
}
