/* SPDX-License-Identifier: GPL-2.0-only */
/* Files of captured packets: the classic format of libpcap and pcapng, as tcpdump and others write them. */
#ifndef COMPAT_CAPTURE_H
#define COMPAT_CAPTURE_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "ipfw/error.h"

struct capture;

struct captured {
	const __u8 *bytes; /* of the frame, or from the IP header on; owned by the capture, until the next packet */
	size_t length;	   /* that were captured */
	size_t original;   /* that were on the wire: as many or more */
	bool ethernet;	   /* `bytes` begins with an Ethernet header */
	__u16 ether_type;  /* else: what it is, 0: IP of the version that its first byte says */
};

/* Opens a file and reads its header. Returns 0, or -1 with *error set (EX_NOINPUT, EX_DATAERR). */
int capture_open(struct capture **capture, const char *path, struct error *error);
/* The next packet: 1; 0 at the end; -1 with *error set if the file is damaged or of a link layer that is not known. */
int capture_next(struct capture *capture, struct captured *packet, struct error *error);
/* NULL is allowed. */
void capture_close(struct capture *capture);

#endif
