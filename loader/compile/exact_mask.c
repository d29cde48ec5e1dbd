/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/compile/exact_mask.h"

#include <arpa/inet.h>
#include <string.h>

#include "loader/compile/classifier_range.h"

/* One of four words of an address. */
static void want_word(struct exact_wanted *wanted, unsigned int word, const struct classifier_box *box,
		      unsigned int key)
{
	struct classifier_range range = classifier_box_range(box, key);

	wanted->mask.word[word] = htonl(~(range.low ^ range.high));
	wanted->value[word] = htonl(range.low);
}

static void want_addresses(struct exact_wanted *wanted, const struct classifier_box *box)
{
	want_word(wanted, EXACT_SOURCE, box, CLASSIFIER_SOURCE);
	want_word(wanted, EXACT_DESTINATION, box, CLASSIFIER_DESTINATION);
	for (unsigned int i = 1; i < 4; i++) {
		want_word(wanted, EXACT_SOURCE + i, box, CLASSIFIER_SOURCE_1 + i - 1);
		want_word(wanted, EXACT_DESTINATION + i, box, CLASSIFIER_DESTINATION_1 + i - 1);
	}
}

/* A port, which may be any; false: it is one of a range. */
static bool want_port(__u16 *mask, __u16 *value, const __u16 *range)
{
	*mask = range[0] == range[1] ? 0xffff : 0;
	*value = *mask & range[0];
	return *mask || (range[0] == 0 && range[1] == 0xffff);
}

static bool want_ports(struct exact_wanted *wanted, const struct classifier_box *box)
{
	__u16 mask[2], value[2];
	bool exact = want_port(mask, value, box->source_port);

	exact &= want_port(mask + 1, value + 1, box->destination_port);
	memcpy(wanted->mask.word + EXACT_PORTS, mask, sizeof(mask));
	memcpy(wanted->value + EXACT_PORTS, value, sizeof(value));
	return exact;
}

static void want_interface(struct exact_wanted *wanted, const struct classifier_box *box)
{
	static const __u8 words[CLASSIFIER_KEYS] = {
		[CLASSIFIER_VIA] = EXACT_VIA, [CLASSIFIER_RECV] = EXACT_RECV, [CLASSIFIER_XMIT] = EXACT_XMIT};

	if (!box->interface_key)
		return;
	wanted->mask.word[words[box->interface_key]] = ~0u;
	wanted->value[words[box->interface_key]] = box->interface;
}

bool exact_want(struct exact_wanted *wanted, const struct classifier_box *box)
{
	*wanted = (struct exact_wanted){0};
	want_addresses(wanted, box);
	want_interface(wanted, box);
	wanted->mask.word[EXACT_HEAD] = box->head_mask;
	wanted->value[EXACT_HEAD] = box->head_value & box->head_mask;
	return want_ports(wanted, box);
}

static size_t find_mask(const struct exact_masks *masks, const struct exact_mask *mask)
{
	size_t i = 0;

	while (i < masks->count && memcmp(masks->mask + i, mask, sizeof(*mask)))
		i++;
	return i;
}

bool exact_masks_add(struct exact_masks *masks, const struct classifier_box *box, size_t most)
{
	struct exact_wanted wanted;
	size_t found;

	if (!exact_want(&wanted, box))
		return false;
	found = find_mask(masks, &wanted.mask);
	if (found < masks->count)
		return true;
	if (masks->count == most)
		return false;
	masks->mask[masks->count++] = wanted.mask;
	return true;
}
