/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/compile/box.h"

#include <arpa/inet.h>
#include <string.h>

#include "ipfw/packet.h"
#include "loader/compile/emit.h"

#define ALTERNATIVES_MAX 64
#define ADDRESS_WORDS 4
#define INTERFACE_ANY 0 /* box.interface_key */

static const struct classifier_box anything = {.source_port = {0, 0xffff}, .destination_port = {0, 0xffff}};

/* Boxes one of which a packet must be in, to pass an option or an or-block. */
struct alternatives {
	struct classifier_box box[ALTERNATIVES_MAX];
	size_t count;
	bool exact; /* and then it does pass */
};

/* The first `bits` bits of an address. */
static void cut(__u32 address[ADDRESS_WORDS], unsigned int bits)
{
	for (unsigned int word = 0; word < ADDRESS_WORDS; word++) {
		unsigned int kept = bits > word * 32 ? bits - word * 32 : 0;

		if (kept < 32)
			address[word] &= kept ? ~0u << (32 - kept) : 0;
	}
}

/* How many bits at the front of two addresses are the same. */
static unsigned int common_bits(const __u32 *one, const __u32 *other)
{
	for (unsigned int word = 0; word < ADDRESS_WORDS; word++)
		if (one[word] != other[word])
			return word * 32 + (unsigned int)__builtin_clz(one[word] ^ other[word]);
	return ADDRESS_WORDS * 32;
}

static bool meet_address(__u32 *address, __u8 *bits, const __u32 *other, __u8 other_bits)
{
	unsigned int common = common_bits(address, other);

	if (common < *bits && common < other_bits)
		return false;
	if (other_bits > *bits) {
		memcpy(address, other, ADDRESS_WORDS * sizeof(*address));
		*bits = other_bits;
	}
	return true;
}

static bool meet_ports(__u16 *range, const __u16 *other)
{
	if (other[0] > range[0])
		range[0] = other[0];
	if (other[1] < range[1])
		range[1] = other[1];
	return range[0] <= range[1];
}

static bool meet_head(struct classifier_box *box, const struct classifier_box *other)
{
	struct head both = head_both((struct head){box->head_mask, box->head_value, false},
				     (struct head){other->head_mask, other->head_value, false});

	box->head_mask = both.mask;
	box->head_value = both.value;
	return !both.impossible;
}

/* Narrows *box to what lies in `other` as well; false: nothing does. *exact is cleared if that cannot be said. */
static bool meet(struct classifier_box *box, const struct classifier_box *other, bool *exact)
{
	if (!meet_head(box, other) ||
	    !meet_address(box->source, &box->source_bits, other->source, other->source_bits) ||
	    !meet_address(box->destination, &box->destination_bits, other->destination, other->destination_bits) ||
	    !meet_ports(box->source_port, other->source_port) ||
	    !meet_ports(box->destination_port, other->destination_port))
		return false;
	if (other->interface_key == INTERFACE_ANY)
		return true;
	if (box->interface_key == other->interface_key)
		return box->interface == other->interface;
	if (box->interface_key != INTERFACE_ANY) {
		*exact = false;
		return true;
	}
	box->interface_key = other->interface_key;
	box->interface = other->interface;
	return true;
}

static void join_address(__u32 *address, __u8 *bits, const __u32 *other, __u8 other_bits)
{
	unsigned int common = common_bits(address, other);

	if (other_bits < *bits)
		*bits = other_bits;
	if (common < *bits)
		*bits = (__u8)common;
	cut(address, *bits);
}

static void join_ports(__u16 *range, const __u16 *other)
{
	if (other[0] < range[0])
		range[0] = other[0];
	if (other[1] > range[1])
		range[1] = other[1];
}

/* The IP version that the box is about, from its head. */
static __u8 family_of(const struct classifier_box *box)
{
	struct {
		__u8 family, rest[3];
	} mask, value;

	memcpy(&mask, &box->head_mask, sizeof(mask));
	memcpy(&value, &box->head_value, sizeof(value));
	return mask.family == 0xff ? value.family : 0;
}

/* The smallest box that holds both. One for IPv4 and IPv6 has no addresses. */
static void join(struct classifier_box *box, const struct classifier_box *other)
{
	join_address(box->source, &box->source_bits, other->source, other->source_bits);
	join_address(box->destination, &box->destination_bits, other->destination, other->destination_bits);
	join_ports(box->source_port, other->source_port);
	join_ports(box->destination_port, other->destination_port);
	box->head_mask &= other->head_mask & ~(box->head_value ^ other->head_value);
	box->head_value &= box->head_mask;
	if (!family_of(box)) {
		box->source_bits = box->destination_bits = 0;
		cut(box->source, 0);
		cut(box->destination, 0);
	}
	if (box->interface_key != other->interface_key || box->interface != other->interface) {
		box->interface_key = INTERFACE_ANY;
		box->interface = 0;
	}
}

static void join_all(struct alternatives *all)
{
	for (size_t i = 1; i < all->count; i++)
		join(all->box, all->box + i);
	all->exact &= all->count <= 1;
	all->count = all->count > 1 ? 1 : all->count;
}

static void add(struct alternatives *all, const struct classifier_box *box)
{
	if (all->count == ALTERNATIVES_MAX)
		join_all(all);
	all->box[all->count++] = *box;
}

/* Sets one of the addresses to the bytes on the wire, up to the first bit that `mask` lacks. False: not exactly. */
static bool set_address(__u32 *address, __u8 *bits, const __u32 *wire, const __u32 *mask, unsigned int words)
{
	unsigned int ones = 0;
	bool contiguous = true;

	for (unsigned int word = 0; word < words; word++) {
		__u32 host = ntohl(mask[word]), more = ~host ? (__u32)__builtin_clz(~host) : 32;

		address[word] = ntohl(wire[word]);
		if (ones == word * 32)
			ones += more;
		contiguous &= ones < (word + 1) * 32
				      ? ones > word * 32 ? host == ~0u << (32 - (ones - word * 32)) : !host
				      : true;
	}
	*bits = (__u8)ones;
	cut(address, ones);
	return contiguous;
}

struct side {
	__u32 *address;
	__u8 *bits;
};

static struct side side_of(struct classifier_box *box, const struct option_row *row)
{
	if (row->field == offsetof(struct packet, source))
		return (struct side){box->source, &box->source_bits};
	return (struct side){box->destination, &box->destination_bits};
}

static void add_addresses(struct alternatives *all, const struct option *option, const struct option_row *row,
			  const struct classifier_box *base)
{
	for (size_t i = 0; i < option->count; i++) {
		struct classifier_box box = *base;
		struct side side = side_of(&box, row);

		if (row->emit == emit_address4) {
			all->exact &= set_address(side.address, side.bits, &option->u.address4[i].address,
						  &option->u.address4[i].mask, 1);
		} else {
			__u32 wire[ADDRESS_WORDS], mask[ADDRESS_WORDS];

			memcpy(wire, option->u.address6[i].address, sizeof(wire));
			memcpy(mask, option->u.address6[i].mask, sizeof(mask));
			all->exact &= set_address(side.address, side.bits, wire, mask, ADDRESS_WORDS);
		}
		add(all, &box);
	}
}

static bool members_all(const struct address_set *set, unsigned int first, unsigned int count)
{
	for (unsigned int bit = first; bit < first + count; bit++)
		if (bit >= 256 || !(set->member[bit / 32] >> bit % 32 & 1))
			return false;
	return true;
}

/* The set as few prefixes: from each member on the longest block that is all members. */
static void add_address_set(struct alternatives *all, const struct option *option, const struct option_row *row,
			    const struct classifier_box *base)
{
	const struct address_set *set = &option->u.address_set;

	for (unsigned int bit = 0; bit < 256;) {
		struct classifier_box box = *base;
		struct side side = side_of(&box, row);
		unsigned int size = 1;

		if (!members_all(set, bit, 1)) {
			bit++;
			continue;
		}
		while (!((set->base + bit) & (2 * size - 1)) && members_all(set, bit, 2 * size))
			size *= 2;
		side.address[0] = set->base + bit;
		*side.bits = (__u8)(32 - __builtin_ctz(size));
		add(all, &box);
		bit += size;
	}
}

static void add_ports(struct alternatives *all, const struct option *option, const struct option_row *row,
		      const struct classifier_box *base)
{
	for (size_t i = 0; i < option->count; i++) {
		struct classifier_box box = *base;
		__u16 *range =
			row->field == offsetof(struct packet, source_port) ? box.source_port : box.destination_port;

		range[0] = option->u.range[i].low;
		range[1] = option->u.range[i].high;
		if (range[0] <= range[1])
			add(all, &box);
	}
}

static __u8 interface_key(const struct option *option)
{
	switch (option->code) {
	case OPTION_RECV:
		return CLASSIFIER_RECV;
	case OPTION_XMIT:
		return CLASSIFIER_XMIT;
	default:
		return CLASSIFIER_VIA;
	}
}

static void add_interfaces(struct alternatives *all, const struct plan *plan, const struct option *option,
			   const struct classifier_box *base)
{
	__u32 indexes[ALTERNATIVES_MAX];
	size_t count = plan_interfaces(plan, &option->u.interface, indexes, ALTERNATIVES_MAX);

	for (size_t i = 0; i < count; i++) {
		struct classifier_box box = *base;

		if (count > ALTERNATIVES_MAX || indexes[i] > CLASSIFIER_INTERFACE_MAX) {
			all->exact = false;
			add(all, base);
			return;
		}
		box.interface_key = interface_key(option);
		box.interface = indexes[i];
		add(all, &box);
	}
}

/* Adds what a packet must be like to pass the option, whose value the plan does not know. */
static void add_option(struct alternatives *all, const struct plan *plan, const struct option *option)
{
	const struct option_row *row = option_row(option->code);
	struct head head = head_of(option, row->head);
	struct classifier_box base = anything;

	if (option->flags & OPTION_NOT) {
		all->exact = false;
		add(all, &anything);
		return;
	}
	if (head.impossible)
		return;
	base.head_mask = head.mask;
	base.head_value = head.value;
	if (row->emit == emit_head_only) {
		add(all, &base);
	} else if (row->emit == emit_address4 || row->emit == emit_address6) {
		add_addresses(all, option, row, &base);
	} else if (row->emit == emit_address_set) {
		add_address_set(all, option, row, &base);
	} else if (option->code == OPTION_SOURCE_PORT || option->code == OPTION_DESTINATION_PORT) {
		add_ports(all, option, row, &base);
	} else if (row->emit == emit_interface) {
		add_interfaces(all, plan, option, &base);
	} else {
		all->exact = false;
		add(all, &base);
	}
}

/* Whether one of the boxes holds everything: the others are of no use then. */
static bool holds_all(const struct alternatives *all)
{
	for (size_t i = 0; i < all->count; i++)
		if (!memcmp(all->box + i, &anything, sizeof(anything)))
			return true;
	return false;
}

static void add_block(struct alternatives *all, const struct plan *plan, const struct rule *rule,
		      const struct option *first, const struct option *last)
{
	for (const struct option *option = first;; option = rule_next_option(rule, option)) {
		if (plan_fold(plan, option) == FOLD_UNKNOWN)
			add_option(all, plan, option);
		if (option == last)
			return;
	}
}

/* Narrows the boxes to those of a block. Returns whether they say all of it. */
static bool narrow(struct rule_boxes *boxes, struct alternatives *block)
{
	struct classifier_box old[BOXES_MAX];
	size_t count = boxes->count;

	if (count * block->count > BOXES_MAX || holds_all(block))
		join_all(block);
	memcpy(old, boxes->box, count * sizeof(*old));
	boxes->count = 0;
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < block->count; k++) {
			struct classifier_box box = old[i];

			if (meet(&box, block->box + k, &block->exact))
				boxes->box[boxes->count++] = box;
		}
	return block->exact;
}

void boxes_of(struct rule_boxes *boxes, const struct plan *plan, const struct rule *rule, __u32 index)
{
	const struct option *option = rule_first_option(rule);

	boxes->count = 1;
	boxes->box[0] = anything;
	boxes->box[0].index = index;
	boxes->held = 0;
	for (unsigned int number = 0; option; number++) {
		const struct option *last = plan_block_end(rule, option);

		if (plan_fold_block(plan, rule, option, last) == FOLD_UNKNOWN) {
			struct alternatives block; /* large, and mostly not used: not cleared */

			block.count = 0;
			block.exact = true;
			add_block(&block, plan, rule, option, last);
			if (narrow(boxes, &block) && number < BLOCKS_MAX)
				boxes->held |= 1ull << number;
		}
		option = rule_next_option(rule, last);
	}
	for (size_t i = 0; i < boxes->count; i++)
		boxes->box[i].family = family_of(boxes->box + i);
}

#define FEW_PORTS 1024
#define FEW_ADDRESSES_BITS 8 /* a prefix this long leaves out most packets */

static bool box_selective(const struct classifier_box *box)
{
	return box->source_bits >= FEW_ADDRESSES_BITS || box->destination_bits >= FEW_ADDRESSES_BITS ||
	       box->source_port[1] - box->source_port[0] < FEW_PORTS ||
	       box->destination_port[1] - box->destination_port[0] < FEW_PORTS || box->interface_key != INTERFACE_ANY;
}

bool boxes_selective(const struct rule_boxes *boxes)
{
	for (size_t i = 0; i < boxes->count; i++)
		if (!box_selective(boxes->box + i))
			return false;
	return true;
}
