/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/compile/classifier_range.h"

#include <string.h>

/* The range of one word of an address. */
static struct classifier_range word_range(const __u32 *address, unsigned int bits, unsigned int word)
{
	unsigned int free = bits >= 32 * (word + 1) ? 0 : bits <= 32 * word ? 32 : 32 * (word + 1) - bits;
	__u32 rest = free == 32 ? 0xffffffffu : (1u << free) - 1;

	return (struct classifier_range){address[word] & ~rest, address[word] | rest};
}

static struct classifier_range protocol_range(const struct classifier_box *box)
{
	__u8 value[4], mask[4];

	memcpy(value, &box->head_value, sizeof(value));
	memcpy(mask, &box->head_mask, sizeof(mask));
	return mask[1] == 0xff ? (struct classifier_range){value[1], value[1]} : (struct classifier_range){0, 255};
}

static struct classifier_range interface_range(const struct classifier_box *box, unsigned int key)
{
	return box->interface_key == key ? (struct classifier_range){box->interface, box->interface}
					 : (struct classifier_range){0, 0xffffffffu};
}

struct classifier_range classifier_box_range(const struct classifier_box *box, unsigned int key)
{
	switch (key) {
	case CLASSIFIER_SOURCE:
		return word_range(box->source, box->source_bits, 0);
	case CLASSIFIER_DESTINATION:
		return word_range(box->destination, box->destination_bits, 0);
	case CLASSIFIER_SOURCE_PORT:
		return (struct classifier_range){box->source_port[0], box->source_port[1]};
	case CLASSIFIER_DESTINATION_PORT:
		return (struct classifier_range){box->destination_port[0], box->destination_port[1]};
	case CLASSIFIER_PROTOCOL:
		return protocol_range(box);
	case CLASSIFIER_VIA:
	case CLASSIFIER_RECV:
	case CLASSIFIER_XMIT:
		return interface_range(box, key);
	default:
		return key < CLASSIFIER_DESTINATION_1
			       ? word_range(box->source, box->source_bits, key - CLASSIFIER_SOURCE_1 + 1)
			       : word_range(box->destination, box->destination_bits,
					    key - CLASSIFIER_DESTINATION_1 + 1);
	}
}

bool classifier_key_used(unsigned int key, bool ip6)
{
	return key < CLASSIFIER_ZERO || (key >= CLASSIFIER_SOURCE_1 && ip6);
}
