/* SPDX-License-Identifier: GPL-2.0-only */
/* The places that `limit` gives to the states that rules make. */
#ifndef BPF_STATE_LIMIT_H
#define BPF_STATE_LIMIT_H

#include <linux/errno.h>

#include "bpf/maps_control.h"
#include "bpf/state_find.h"
#include "bpf/state_parent.h"
#include "bpf/traced.h"

enum parent_taken {
	PARENT_REFUSED, /* there is no room for the parent */
	PARENT_FULL,	/* it has as many states as it may have */
	PARENT_TAKEN,
	PARENT_AGAIN, /* another CPU came between */
};

/* The key of the parent that counts a state that this packet makes. */
static __always_inline void parent_key(struct state_parent_key *key, const struct packet *packet, __u32 rule,
				       __u32 name, __u32 fields)
{
	__builtin_memcpy(key->source, packet->source, sizeof(key->source));
	__builtin_memcpy(key->destination, packet->destination, sizeof(key->destination));
	key->source_port = packet->source_port;
	key->destination_port = packet->destination_port;
	key->zone = packet->family == 6 ? state_zone(packet) : 0;
	key->rule = rule;
	key->name = name;
	key->family = packet->family;
	key->protocol = packet->protocol;
	parent_mask(key, fields);
}

/* Adds a parent without states. Returns 0, -EEXIST if another CPU was faster, or another error. */
static __always_inline int parent_add(const struct state_parent_key *key, struct state_totals *totals,
				      const struct control *settings)
{
	struct state_parent parent = {0};
	int error = -ENOSPC;

	if (__sync_fetch_and_add(&totals->parents, 1) < settings->dyn_parent_max)
		error = bpf_map_update_elem(&state_parents, key, &parent, BPF_NOEXIST);
	if (!error) {
		error = bpf_map_push_elem(&state_ring_parents, key, 0);
		if (!error)
			return 0;
		bpf_map_delete_elem(&state_parents, key);
	}
	__sync_fetch_and_add(&totals->parents, (__u32)-1);
	return error;
}

/* Tries to take a place, as state_parent_take(). */
static __always_inline enum parent_taken parent_try(const struct packet *packet, const struct state_parent_key *key,
						    __u32 connections, struct state_totals *totals,
						    const struct control *settings)
{
	struct state_parent *parent = bpf_map_lookup_elem(&state_parents, key);

	if (packet_traced(packet))
		return (parent ? parent->count : 0) < connections ? PARENT_TAKEN : PARENT_FULL;
	if (!parent) {
		int error = parent_add(key, totals, settings);

		return error && error != -EEXIST ? PARENT_REFUSED : PARENT_AGAIN;
	}
	parent->expire = state_clock(settings) + settings->dyn_short_lifetime * settings->jiffies_per_second;
	if (!parent_claim(parent, connections))
		return parent->count & STATE_PARENT_REMOVED ? PARENT_AGAIN : PARENT_FULL;
	/* It may have been removed meanwhile, and be another's now. */
	if (bpf_map_lookup_elem(&state_parents, key) == parent)
		return PARENT_TAKEN;
	__sync_fetch_and_add(&parent->count, (__u32)-1);
	return PARENT_AGAIN;
}

/*
 * Counts one more state of the packet's kind: takes a place of `connections`, of states of the rule that agree in the
 * LIMIT_* `fields`. Returns enum parent_taken. Global as above; no loop, as in state_make().
 */
__noinline int state_parent_take(struct packet *packet, __u32 rule, __u32 name, __u32 fields, __u32 connections)
{
	const struct control *settings = control_find();
	struct state_totals *totals = state_totals_find();
	struct state_parent_key key;
	enum parent_taken taken;

	if (!packet || !settings || !totals)
		return PARENT_REFUSED;
	parent_key(&key, packet, rule, name, fields);
	taken = parent_try(packet, &key, connections, totals, settings);
	if (taken == PARENT_AGAIN)
		taken = parent_try(packet, &key, connections, totals, settings);
	if (taken == PARENT_AGAIN)
		taken = parent_try(packet, &key, connections, totals, settings);
	if (taken == PARENT_AGAIN)
		taken = parent_try(packet, &key, connections, totals, settings);
	return taken == PARENT_AGAIN ? PARENT_REFUSED : taken;
}

/* Gives back what state_parent_take() took. Global as above. Returns 0. */
__noinline int state_parent_return(struct packet *packet, __u32 rule, __u32 name, __u32 fields)
{
	struct state_parent_key key;

	if (!packet || packet_traced(packet))
		return 0;
	parent_key(&key, packet, rule, name, fields);
	parent_release(&key);
	return 0;
}

#endif
