/* SPDX-License-Identifier: GPL-2.0-only */
/* States that rules make. */
#ifndef BPF_STATE_MAKE_H
#define BPF_STATE_MAKE_H

#include <linux/errno.h>

#include "bpf/maps_control.h"
#include "bpf/state_find.h"
#include "bpf/state_life.h"
#include "bpf/state_parent.h"

enum made {
	STATE_REFUSED, /* there is no room */
	STATE_MADE,
	STATE_EXISTED,
	STATE_AGAIN, /* another CPU came between */
};

/* Takes one place of net.inet.ip.fw.dyn_max. */
static __always_inline bool state_claim(struct state_totals *totals, const struct control *settings)
{
	if (*(volatile __u32 *)&totals->states >= settings->dyn_max)
		return false;
	if (__sync_fetch_and_add(&totals->states, 1) < settings->dyn_max)
		return true;
	__sync_fetch_and_add(&totals->states, (__u32)-1);
	return false;
}

/* What it takes to make a state; `map`, `ring` and `family` are constant wherever it is used. */
struct making {
	struct packet *packet;
	void *map, *ring;
	const void *key;
	__u32 family, rule, flags;
	bool renew;  /* make a state even if there is one: see state_renews() */
	bool absent; /* there was none a moment ago */
	struct state_totals *totals;
	const struct control *settings;
};

/* Fills in a new state. */
static __always_inline void state_fill(struct state *state, const struct making *making)
{
	__u32 sequence = __sync_fetch_and_add(&making->totals->sequence, 1);

	state->bytes = making->packet->bytes;
	state->packets = making->packet->segments;
	state->expire = state_clock(making->settings) +
			first_lifetime(making->packet, making->settings) * making->settings->jiffies_per_second;
	state->ack[0] = 0;
	state->ack[1] = 0;
	state->flags = making->flags | (making->packet->tcp_flags & STATE_TCP_FLAGS) | sequence << STATE_SEQUENCE_SHIFT;
	state->rule = making->rule;
}

/*
 * Whether a rule makes a state of this name although there is one: if the packet's last question was for the name, and
 * the rule of the state that it found let the packet go on. ipfw then adds a state, which hides the other; here it
 * takes the other's place.
 */
static __always_inline bool state_renews(const struct packet *packet, __u32 name)
{
	return packet->state_asked == (PACKET_STATE_ASKED | PACKET_STATE_HIT | name);
}

/*
 * Makes an element of the flow, dead or to be renewed, a new state; it keeps its place in the ring. Returns false if
 * another CPU is at it, or has removed it: the element may be another flow's by now.
 */
static __always_inline bool state_revive(const struct making *making, struct state *old)
{
	__u32 owner = __sync_lock_test_and_set(&old->rule, 0);

	if (!owner)
		return false;
	if (bpf_map_lookup_elem(making->map, making->key) != old) {
		__sync_val_compare_and_swap(&old->rule, 0, owner);
		return false;
	}
	if (old->flags & STATE_LIMITED)
		parent_release_of(making->family, making->key, owner, old->flags);
	state_fill(old, making);
	return true;
}

/* Adds an element. Returns 0, -EEXIST if another CPU was faster, or another error. */
static __always_inline int state_add(const struct making *making)
{
	struct state state;
	int error = -ENOSPC;

	if (!state_claim(making->totals, making->settings))
		return error;
	state_fill(&state, making);
	error = bpf_map_update_elem(making->map, making->key, &state, BPF_NOEXIST);
	if (!error) {
		error = bpf_map_push_elem(making->ring, making->key, 0);
		if (!error)
			return 0;
		bpf_map_delete_elem(making->map, making->key);
	}
	__sync_fetch_and_add(&making->totals->states, (__u32)-1);
	return error;
}

/* Tries to make the state. Nothing is looked up if it is known to be `absent`. */
static __always_inline enum made state_try(const struct making *making, bool absent)
{
	__u32 now = state_clock(making->settings);
	struct state *old = absent ? NULL : bpf_map_lookup_elem(making->map, making->key);
	int error;

	if (old && !making->renew && state_alive(old, now)) {
		state_refresh(old, making->packet, !((old->flags ^ making->flags) & STATE_SOURCE_SECOND), now,
			      making->settings);
		return STATE_EXISTED;
	}
	if (packet_traced(making->packet))
		return old || making->totals->states < making->settings->dyn_max ? STATE_MADE : STATE_REFUSED;
	if (old)
		return state_revive(making, old) ? STATE_MADE : STATE_AGAIN;
	error = state_add(making);
	if (error == -EEXIST)
		return STATE_AGAIN;
	return error ? STATE_REFUSED : STATE_MADE;
}

/* No loop: clang lets its end run into its beginning without a jump, which kernel 6.1 refuses. */
static __always_inline enum made state_make(const struct making *making)
{
	enum made made = state_try(making, making->absent);

	if (made == STATE_AGAIN)
		made = state_try(making, false);
	if (made == STATE_AGAIN)
		made = state_try(making, false);
	return made == STATE_AGAIN ? STATE_REFUSED : made;
}

/* Makes the state of the packet's IPv4 flow, unless there is one. Returns enum made. Global as bpf/README.md says. */
__noinline int state_make_4(struct packet *packet, __u32 rule, __u32 name, __u32 flags)
{
	struct making making = {
		.packet = packet,
		.map = &states4,
		.ring = &state_ring_4,
		.family = 4,
		.rule = rule,
		.totals = state_totals_find(),
		.settings = control_find(),
	};
	struct state4_key key;

	if (!packet || !making.totals || !making.settings)
		return STATE_REFUSED;
	making.renew = state_renews(packet, name);
	making.absent = packet->state_asked == (PACKET_STATE_ASKED | name);
	making.flags = flags | (state_key_4(&key, packet, name) ? 0 : STATE_SOURCE_SECOND);
	making.key = &key;
	return state_make(&making);
}

__noinline int state_make_6(struct packet *packet, __u32 rule, __u32 name, __u32 flags)
{
	struct making making = {
		.packet = packet,
		.map = &states6,
		.ring = &state_ring_6,
		.family = 6,
		.rule = rule,
		.totals = state_totals_find(),
		.settings = control_find(),
	};
	struct state6_key key;

	if (!packet || !making.totals || !making.settings)
		return STATE_REFUSED;
	making.renew = state_renews(packet, name);
	making.absent = packet->state_asked == (PACKET_STATE_ASKED | name);
	making.flags = flags | (state_key_6(&key, packet, name) ? 0 : STATE_SOURCE_SECOND);
	making.key = &key;
	return state_make(&making);
}

#endif
