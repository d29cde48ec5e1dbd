/* SPDX-License-Identifier: GPL-2.0-only */
/* Which flow a packet belongs to, and whether that has a state. */
#ifndef BPF_STATE_FIND_H
#define BPF_STATE_FIND_H

#include <bpf/bpf_endian.h>

#include "bpf/state_table.h"
#include "ipfw/packet.h"

#define LINK_LOCAL6 0xfe800000
#define LINK_LOCAL6_MASK 0xffc00000

/* The packet's flow. Returns whether the packet goes from its first end to the second. */
static __always_inline bool state_key_4(struct state4_key *key, const struct packet *packet, __u32 name)
{
	bool first = packet->source[0] != packet->destination[0] ? packet->source[0] < packet->destination[0]
								 : packet->source_port <= packet->destination_port;

	key->address[0] = first ? packet->source[0] : packet->destination[0];
	key->address[1] = first ? packet->destination[0] : packet->source[0];
	key->port[0] = first ? packet->source_port : packet->destination_port;
	key->port[1] = first ? packet->destination_port : packet->source_port;
	key->name = name;
	key->protocol = packet->protocol;
	key->used = STATE_KEY_FLOW;
	return first;
}

static __always_inline bool source_first_6(const struct packet *packet)
{
	for (int i = 0; i < 4; i++)
		if (packet->source[i] != packet->destination[i])
			return packet->source[i] < packet->destination[i];
	return packet->source_port <= packet->destination_port;
}

static __always_inline bool link_local_6(const __u32 *address)
{
	return (bpf_ntohl(address[0]) & LINK_LOCAL6_MASK) == LINK_LOCAL6;
}

/* What tells equal link-local addresses of several links apart. */
static __always_inline __u32 state_zone(const struct packet *packet)
{
	return link_local_6(packet->source) || link_local_6(packet->destination) ? packet->interface : 0;
}

static __always_inline bool state_key_6(struct state6_key *key, const struct packet *packet, __u32 name)
{
	bool first = source_first_6(packet);

	for (int i = 0; i < 4; i++) {
		key->address[0].word[i] = first ? packet->source[i] : packet->destination[i];
		key->address[1].word[i] = first ? packet->destination[i] : packet->source[i];
	}
	key->port[0] = first ? packet->source_port : packet->destination_port;
	key->port[1] = first ? packet->destination_port : packet->source_port;
	key->zone = state_zone(packet);
	key->name = name;
	key->protocol = packet->protocol;
	key->used = STATE_KEY_FLOW;
	return first;
}

/* Whether the state lives, and its rule is in force. */
static __always_inline bool state_alive(const struct state *state, __u32 now)
{
	__u32 identity = state->rule, slot = STATE_RULE_SLOT(identity);
	const struct state_rule *rule;

	if (!identity || state->flags & STATE_KILLED || (__s32)(state->expire - now) <= 0)
		return false;
	rule = bpf_map_lookup_elem(&state_rules, &slot);
	return rule && rule->rule == identity;
}

/* The cell of the packet's flow, alive or not; NULL: there is none. *forward as in state_refresh(). */
static __always_inline struct state *state_find(const struct packet *packet, __u32 name, bool *forward)
{
	struct state4_key key4 __attribute__((aligned(8)));
	struct state6_key key6 __attribute__((aligned(8)));
	struct state *state = NULL;
	struct state_walk walk;
	bool first;

	if (packet->family == 4) {
		first = state_key_4(&key4, packet, name);
		state = state_lookup(4, &key4, &walk);
	} else if (packet->family == 6) {
		first = state_key_6(&key6, packet, name);
		state = state_lookup(6, &key6, &walk);
	}
	if (state)
		*forward = first == !(state->flags & STATE_SOURCE_SECOND);
	return state;
}

#endif
