/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SCTP ABORT as an answer (RFC 9260, 8.4; FreeBSD's rules for the verification tag): whether there is to be one, and
 * its bytes.
 */
#ifndef BPF_REPLY_ABORT_H
#define BPF_REPLY_ABORT_H

#include <bpf/bpf_endian.h>

#include "bpf/parse_common.h"
#include "maps/layout.h"

#define SCTP_INIT 1
#define SCTP_ABORT 6
#define SCTP_TAG_REFLECTED 0x01 /* flag T of an ABORT: the tag is that of the packet answered */

#define CRC32C_POLYNOMIAL 0x82f63b78 /* reflected */

/* An SCTP packet up to its first chunk's header; all of it in an ABORT. */
struct sctp_packet {
	__be16 source;
	__be16 destination;
	__be32 tag;
	__u32 checksum; /* little-endian */
	__u8 type;
	__u8 flags;
	__be16 length; /* of the chunk, its header included */
};

#define SCTP_PACKET_WORDS (sizeof(struct sctp_packet) / sizeof(__u32))

/*
 * Decides on the answer to a packet with an SCTP header: never to an ABORT, with the initiate tag to an INIT that
 * stands alone, else with the packet's own tag; a tag of 0 cannot be answered. reply->code becomes the flags of the
 * ABORT.
 */
static __always_inline bool abort_decide(hook_context *context, const struct packet *packet, struct reply *reply)
{
	__u32 length = packet->network_offset + packet->bytes - packet->transport_offset;
	struct sctp_packet sctp = {};
	__be32 tag;

	reply->code = SCTP_TAG_REFLECTED;
	if (length < sizeof(sctp))
		return !frame_load(context, packet->transport_offset, &sctp, SCTP_BYTES) && sctp.tag;
	if (frame_load(context, packet->transport_offset, &sctp, sizeof(sctp)) || sctp.type == SCTP_ABORT)
		return false;
	if (sctp.type != SCTP_INIT)
		return sctp.tag;
	/* An INIT has no tag and no other chunk beside it; padding counts as its own. */
	if (sctp.tag || length > SCTP_BYTES + bpf_ntohs(sctp.length) + 3 || length < sizeof(sctp) + sizeof(tag))
		return false;
	reply->code = 0;
	return !frame_load(context, packet->transport_offset + sizeof(sctp), &tag, sizeof(tag)) && tag;
}

/* Fills in an ABORT, complete but for its checksum. False if the packet that is answered cannot be read. */
static __always_inline bool abort_compose(hook_context *context, const struct reply *reply, struct sctp_packet *sctp)
{
	struct sctp_packet answered = {};

	if (frame_load(context, reply->transport_offset, &answered, SCTP_BYTES))
		return false;
	if (!(reply->code & SCTP_TAG_REFLECTED) &&
	    frame_load(context, reply->transport_offset + sizeof(answered), &answered.tag, sizeof(answered.tag)))
		return false;
	*sctp = (struct sctp_packet){
		.source = answered.destination,
		.destination = answered.source,
		.tag = answered.tag,
		.type = SCTP_ABORT,
		.flags = reply->code,
		.length = bpf_htons(sizeof(*sctp) - SCTP_BYTES),
	};
	return true;
}

/* Checksum of an ABORT whose checksum field is 0, as it lies in memory (RFC 9260, appendix A: CRC32c). */
static __noinline __u32 abort_checksum(const __u32 words[SCTP_PACKET_WORDS])
{
	__u32 crc = ~0;

	for (__u32 i = 0; i < SCTP_PACKET_WORDS; i++) {
		crc ^= __builtin_bswap32(bpf_ntohl(words[i]));
		for (int bit = 0; bit < 32; bit++)
			crc = crc >> 1 ^ (CRC32C_POLYNOMIAL & -(crc & 1));
	}
	return __builtin_bswap32(bpf_htonl(~crc));
}

#endif
