/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What kind of packet an option is about: family, protocol, which headers are there, fragment bits. These four bytes of
 * struct packet lie side by side, so that all the options of a rule ask for them by one compare.
 */
#ifndef COMPILE_HEAD_H
#define COMPILE_HEAD_H

#include <stdbool.h>

#include "ipfw/rule.h"

/* Column HEAD of options.def. */
enum head_kind {
	HEAD_NOTHING,
	HEAD_IP4,
	HEAD_IP6,
	HEAD_PORTS,
	HEAD_TCP,
	HEAD_ICMP,
	HEAD_ICMP6,
	HEAD_PROTOCOL, /* the protocol that the option names */
	HEAD_FRAGMENT, /* the fragment bits that it names */
};

/* The packet's four bytes, masked, must be `value`: as they stand in memory. No mask: any packet will do. */
struct head {
	__u32 mask, value;
	bool impossible; /* no packet is like that */
};

/* What `option` (not inverted) asks for. */
struct head head_of(const struct option *option, enum head_kind kind);
/* What is like both. */
struct head head_both(struct head one, struct head other);
/* Whether every packet that is like `known` is like `wanted`. */
bool head_implied(struct head known, struct head wanted);

#endif
