/* SPDX-License-Identifier: GPL-2.0-only */
/* The records of a leaf. */
#include "loader/compile/classifier_image.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

/* A word of the head, as records have it, with byte `byte` of what becomes of packets above it. */
static __u32 head_word(__u32 word, __u32 result, unsigned int byte)
{
	return (ntohl(word) & ((1u << CLASSIFIER_HEAD_BITS) - 1)) | (result >> 8 * byte) << CLASSIFIER_HEAD_BITS;
}

static void write_common(struct classifier_common *common, const struct classifier_box *box)
{
	__u32 key = box->interface_key ? box->interface_key : CLASSIFIER_ZERO;

	common->source_low = box->source_port[0];
	common->source_high = box->source_port[1];
	common->destination_low = box->destination_port[0];
	common->destination_high = box->destination_port[1];
	common->head_value = head_word(box->head_value & box->head_mask, box->result, 0);
	common->head_mask = head_word(box->head_mask, box->result, 1);
	common->index = CLASSIFIER_RULE(box->index, key) | box->result >> 16 << 24;
	common->interface = (__u16)box->interface;
}

static void write_record4(struct classifier_record4 *record, const struct classifier_box *box)
{
	write_common(&record->common, box);
	record->source = box->source[0];
	record->destination = box->destination[0];
	record->common.shifts4 = (__u16)((32 - box->source_bits) | (32 - box->destination_bits) << 8);
}

/* How many bits of word `word` lie behind a prefix of `bits`. */
static __u8 insignificant(unsigned int bits, unsigned int word)
{
	return bits >= 32 * (word + 1) ? 0 : bits <= 32 * word ? 32 : (__u8)(32 * (word + 1) - bits);
}

static void write_record6(struct classifier_record6 *record, const struct classifier_box *box)
{
	write_common(&record->common, box);
	memcpy(record->source, box->source, sizeof(record->source));
	memcpy(record->destination, box->destination, sizeof(record->destination));
	for (unsigned int i = 0; i < 4; i++) {
		record->source_shift[i] = insignificant(box->source_bits, i);
		record->destination_shift[i] = insignificant(box->destination_bits, i);
	}
}

int classifier_leaf(struct classifier_image *image, const struct classifier_set *set, bool ip6, __u64 *step)
{
	size_t units = ip6 ? CLASSIFIER_UNITS6 : CLASSIFIER_UNITS4;
	long place;

	if (set->count >= CLASSIFIER_RECORDS)
		return -E2BIG;
	place = classifier_image_room(image, set->count * units, ip6 || set->count > 1 ? 8 : units);
	if (place < 0)
		return (int)place;
	for (size_t i = 0; i < set->count; i++) {
		const struct classifier_box *box = set->boxes + set->numbers[i];
		void *record = image->units + (size_t)place + i * units;

		if (ip6)
			write_record6(record, box);
		else
			write_record4(record, box);
	}
	*step = CLASSIFIER_LEAF((__u64)place, set->boxes[set->numbers[0]].index, set->count);
	return 0;
}
