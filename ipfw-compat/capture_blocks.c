/* SPDX-License-Identifier: GPL-2.0-only */
/* pcapng (draft-ietf-opsawg-pcapng): sections of blocks, of which those of packets are read. */
#include <string.h>

#include "ipfw-compat/capture_file.h"

#define BLOCK_INTERFACE 1
#define BLOCK_SIMPLE 3
#define BLOCK_ENHANCED 6
#define SECTION_MAGIC 0x1a2b3c4d

/* A section begins: its byte order, and no interfaces yet. The length of its block may have been in another order. */
static int begin_section(struct capture *capture, __u32 *length, struct error *error)
{
	__u32 magic;

	if (capture_must_read(capture, sizeof(magic), error) < 0)
		return -1;
	memcpy(&magic, capture->block, sizeof(magic));
	if (magic != SECTION_MAGIC && __builtin_bswap32(magic) != SECTION_MAGIC)
		return capture_damaged(capture, error, "not a pcapng section");
	if (capture->swapped != (magic != SECTION_MAGIC))
		*length = __builtin_bswap32(*length);
	capture->swapped = magic != SECTION_MAGIC;
	capture->link_count = 0;
	return 0;
}

static int note_interface(struct capture *capture, size_t length, struct error *error)
{
	__u16 link;

	if (length < 8 || capture->link_count == INTERFACES_MAX)
		return capture_damaged(capture, error, "an interface that cannot be");
	memcpy(&link, capture->block, sizeof(link));
	capture->links[capture->link_count++] = capture->swapped ? __builtin_bswap16(link) : link;
	return 0;
}

/* The packet in the body of a block, behind `header` bytes that tell about it. */
static int take_packet(struct capture *capture, size_t length, size_t header, __u32 interface, struct captured *packet,
		       struct error *error)
{
	if (interface >= capture->link_count || packet->length > length - header)
		return capture_damaged(capture, error, "a packet that cannot be");
	if (packet->original < packet->length)
		packet->original = packet->length;
	packet->bytes = capture->block + header;
	return capture_take_link(capture, capture->links[interface], packet, error);
}

/* Returns 1 if the block is a packet's, 0 if not, or -1 with *error set. */
static int take_block(struct capture *capture, __u32 type, size_t length, struct captured *packet, struct error *error)
{
	if (type == BLOCK_INTERFACE)
		return note_interface(capture, length, error);
	if (type == BLOCK_ENHANCED && length >= 20) {
		packet->length = capture_get32(capture, capture->block + 12);
		packet->original = capture_get32(capture, capture->block + 16);
		return take_packet(capture, length, 20, capture_get32(capture, capture->block), packet, error);
	}
	if (type == BLOCK_SIMPLE && length >= 4) {
		packet->original = capture_get32(capture, capture->block);
		packet->length = packet->original < length - 4 ? packet->original : length - 4;
		return take_packet(capture, length, 4, 0, packet, error);
	}
	return 0;
}

/* Type and length of the next block. Returns as capture_read(). */
static int read_head(struct capture *capture, __u32 *type, __u32 *length, struct error *error)
{
	int result;

	*type = BLOCK_SECTION;
	if (!capture->type_read) {
		result = capture_read(capture, sizeof(*type), error);
		if (result <= 0)
			return result;
		*type = capture_get32(capture, capture->block);
	}
	capture->type_read = false;
	result = capture_must_read(capture, sizeof(*length), error);
	if (result > 0)
		*length = capture_get32(capture, capture->block);
	return result;
}

int capture_next_block(struct capture *capture, struct captured *packet, struct error *error)
{
	__u32 type, length, read = sizeof(type) + 2 * sizeof(length); /* the length stands behind the body once more */
	int result = read_head(capture, &type, &length, error);

	if (result <= 0)
		return result;
	if (type == BLOCK_SECTION) {
		if (begin_section(capture, &length, error))
			return -1;
		read += sizeof(__u32);
	}
	if (length < read || length % 4)
		return capture_damaged(capture, error, "a block of a length that cannot be");
	if (capture_must_read(capture, length - read + sizeof(length), error) < 0)
		return -1;
	result = type == BLOCK_SECTION ? 0 : take_block(capture, type, length - read, packet, error);
	return result ? result : CAPTURE_NOTHING;
}
