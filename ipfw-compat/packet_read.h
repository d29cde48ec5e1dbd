/* SPDX-License-Identifier: GPL-2.0-only */
/* The inside of description_read(). */
#ifndef COMPAT_PACKET_READ_H
#define COMPAT_PACKET_READ_H

#include "ipfw-compat/packet_fields.h"

/* Bytes that have not been read yet. */
struct reader {
	struct description *description;
	const __u8 *at;
	size_t left;
};

static inline __u32 get16(const __u8 *from)
{
	return (__u32)from[0] << 8 | from[1];
}

static inline __u32 get32(const __u8 *from)
{
	return get16(from) << 16 | get16(from + 2);
}

/* Notes what hinders reading on; the first one stays. Returns false. */
bool packet_trouble(struct reader *reader, const char *problem);

/* Read the header behind the IP headers, and the options of an IPv4 header (IP_OPTION_*). */
void packet_read_transport(struct reader *reader);
__u32 packet_read_ip_options(const __u8 *options, size_t length);

#endif
