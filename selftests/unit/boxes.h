/* SPDX-License-Identifier: GPL-2.0-only */
/* Boxes of the classifier, and which packets lie in them. */
#ifndef UNIT_BOXES_H
#define UNIT_BOXES_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ipfw/packet.h"
#include "loader/compile/classifier.h"

static inline __u32 random_below(__u32 limit)
{
	return limit ? (__u32)random() % limit : 0;
}

static inline bool prefix_matches(const __u32 *prefix, unsigned int bits, const __u32 *address)
{
	for (unsigned int i = 0; i < bits; i++)
		if ((prefix[i / 32] ^ ntohl(address[i / 32])) & 0x80000000u >> i % 32)
			return false;
	return true;
}

static inline bool box_matches(const struct classifier_box *box, const struct packet *packet)
{
	const __u32 interfaces[] = {packet->interface, packet->receive_interface, packet->transmit_interface};
	__u32 head;

	memcpy(&head, &packet->family, sizeof(head));
	return (!box->family || box->family == packet->family) &&
	       prefix_matches(box->source, box->source_bits, packet->source) &&
	       prefix_matches(box->destination, box->destination_bits, packet->destination) &&
	       packet->source_port >= box->source_port[0] && packet->source_port <= box->source_port[1] &&
	       packet->destination_port >= box->destination_port[0] &&
	       packet->destination_port <= box->destination_port[1] && !((head ^ box->head_value) & box->head_mask) &&
	       (!box->interface_key || interfaces[box->interface_key - CLASSIFIER_VIA] == box->interface);
}

#endif
