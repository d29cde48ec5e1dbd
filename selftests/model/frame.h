/* SPDX-License-Identifier: GPL-2.0-only */
/* The bytes that a packet descriptor stands for, where rules change packets. */
#ifndef MODEL_FRAME_H
#define MODEL_FRAME_H

#include <stddef.h>

#include "ipfw/packet.h"

#define FRAME_BYTES_MAX 80

/*
 * Writes headers that agree with the descriptor, from the IP header on, with right checksums, and sets its offsets and
 * length (packet->network_offset is given). Returns the number of bytes, 0 for what is not IP. The same descriptor
 * always gives the same bytes.
 */
size_t frame_write(struct packet *packet, __u8 bytes[FRAME_BYTES_MAX]);

#endif
