/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/compile/head.h"

#include <string.h>

#include "ipfw/packet.h"

_Static_assert(offsetof(struct packet, protocol) == offsetof(struct packet, family) + 1 &&
		       offsetof(struct packet, flags) == offsetof(struct packet, family) + 2 &&
		       offsetof(struct packet, fragment) == offsetof(struct packet, family) + 3,
	       "one load reads family, protocol, flags and fragment");

struct head_bytes {
	__u8 family, protocol, flags, fragment;
};

/* The bytes of `value` that have bits in `mask`. */
static struct head make(const struct head_bytes *mask, const struct head_bytes *value)
{
	struct head head = {0};

	memcpy(&head.mask, mask, sizeof(head.mask));
	memcpy(&head.value, value, sizeof(head.value));
	return head;
}

static struct head family(__u8 number)
{
	const struct head_bytes mask = {.family = 0xff}, value = {.family = number};

	return make(&mask, &value);
}

static struct head flags(__u8 bits)
{
	const struct head_bytes both = {.flags = bits};

	return make(&both, &both);
}

/* `proto 256` is legal, and no packet has it. */
static struct head protocol(__u64 number)
{
	const struct head_bytes mask = {.protocol = 0xff}, value = {.protocol = (__u8)number};
	struct head head = make(&mask, &value);

	head.impossible = number > 0xff;
	return head;
}

/* Flag specifications are for IPv4; only the bare `frag` (offset != 0) holds for IPv6 fragments, too. */
static struct head fragment(__u8 set, __u8 clear)
{
	const struct head_bytes mask = {.fragment = set | clear}, value = {.fragment = set};
	struct head head = make(&mask, &value);

	head.impossible = set & clear;
	return set == FRAGMENT_OFFSET && !clear ? head : head_both(head, family(4));
}

struct head head_of(const struct option *option, enum head_kind kind)
{
	switch (kind) {
	case HEAD_IP4:
		return family(4);
	case HEAD_IP6:
		return family(6);
	case HEAD_PORTS:
		return flags(PACKET_PORTS);
	case HEAD_TCP:
		return flags(PACKET_TCP);
	case HEAD_ICMP:
		return flags(PACKET_ICMP);
	case HEAD_ICMP6:
		return flags(PACKET_ICMP6);
	case HEAD_PROTOCOL:
		return protocol(option->u.number);
	case HEAD_FRAGMENT:
		return fragment(option->u.flags_test.set, option->u.flags_test.clear);
	default:
		return (struct head){0};
	}
}

struct head head_both(struct head one, struct head other)
{
	return (struct head){
		.mask = one.mask | other.mask,
		.value = one.value | other.value,
		.impossible = one.impossible || other.impossible || (one.value ^ other.value) & one.mask & other.mask,
	};
}

bool head_implied(struct head known, struct head wanted)
{
	return !wanted.impossible && !(wanted.mask & ~known.mask) && (known.value & wanted.mask) == wanted.value;
}
