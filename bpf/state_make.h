/* SPDX-License-Identifier: GPL-2.0-only */
/* States that rules make. */
#ifndef BPF_STATE_MAKE_H
#define BPF_STATE_MAKE_H

#include <linux/errno.h>

#include "bpf/maps_control.h"
#include "bpf/state_find.h"
#include "bpf/state_life.h"
#include "bpf/state_parent.h"
#include "bpf/traced.h"

enum made {
	STATE_REFUSED, /* there is no room */
	STATE_MADE,
	STATE_EXISTED,
	STATE_AGAIN, /* another CPU came between */
};

#define STATE_LOOK_AGAIN 0x80000000

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

/* Room for what does not fit onto the stack, of which a chain of calls has 512 bytes on kernel 6.1. */
struct state_scratch {
	struct state4_key key4;
	struct state6_key key6;
	struct state_parent_key parent;
};
/* One for packets of the network, one for traced ones, which these may interrupt. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct state_scratch);
} state_scratch SEC(".maps");

/* The packet's room on this CPU; NULL only for the verifier. */
static __always_inline struct state_scratch *state_scratch_find(const struct packet *packet)
{
	__u32 key = packet_traced(packet) ? 1 : 0;

	return bpf_map_lookup_elem(&state_scratch, &key);
}

/* What it takes to make a state; the `family` that goes with it is a constant. */
struct making {
	struct packet *packet;
	const void *key; /* in `scratch` */
	struct state_scratch *scratch;
	__u32 rule, flags;
	bool renew;  /* make a state even if there is one: see state_renews() */
	bool absent; /* there was none a moment ago */
	struct state_totals *totals;
	const struct control *settings;
	struct state_walk walk;
};

/* Whether there is no room for another state: a flood of packets that have none costs no more than to learn that. */
static __always_inline bool state_full(const struct making *making)
{
	return *(volatile const __u32 *)&making->totals->states >= making->settings->dyn_max;
}

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

/* Whether the packet's last question was for the name, and the answer was no. */
static __always_inline bool state_absent(const struct packet *packet, __u32 name)
{
	return packet->state_asked == (PACKET_STATE_ASKED | name);
}

/*
 * Makes the cell of the flow, dead or to be renewed, a new state. Returns false if another CPU is at it, or has removed
 * it: the cell may be another flow's by now.
 */
static __always_inline bool state_revive(__u32 family, struct making *making, struct state *old)
{
	__u32 owner = __sync_lock_test_and_set(&old->rule, 0);

	if (!owner)
		return false;
	if (state_lookup(family, making->key, &making->walk) != old) {
		__sync_val_compare_and_swap(&old->rule, 0, owner);
		return false;
	}
	if (old->flags & STATE_LIMITED)
		parent_release_of(family, making->key, owner, old->flags, &making->scratch->parent);
	state_fill(old, making);
	return true;
}

/* Adds a new state. Returns 0, -EEXIST if another CPU was faster, or another error. */
static __always_inline int state_add(__u32 family, struct making *making)
{
	struct state *cell;
	int error;

	if (!state_claim(making->totals, making->settings))
		return -ENOSPC;
	error = state_take(family, making->key, &making->walk);
	cell = error ? NULL : state_cell(family, making->walk.cell);
	if (cell) {
		state_fill(cell, making);
		state_publish(family, cell, &making->walk);
		return 0;
	}
	__sync_fetch_and_add(&making->totals->states, (__u32)-1);
	return error;
}

static __always_inline enum made state_make(__u32 family, struct making *making)
{
	__u32 now = state_clock(making->settings);
	struct state *old = making->absent ? NULL : state_lookup(family, making->key, &making->walk);
	int error;

	if (old && !making->renew && state_alive(old, now)) {
		state_refresh(old, making->packet, !((old->flags ^ making->flags) & STATE_SOURCE_SECOND), now,
			      making->settings);
		return STATE_EXISTED;
	}
	if (packet_traced(making->packet))
		return old || making->totals->states < making->settings->dyn_max ? STATE_MADE : STATE_REFUSED;
	if (old)
		return state_revive(family, making, old) ? STATE_MADE : STATE_AGAIN;
	error = state_add(family, making);
	if (error == -EEXIST || error == -EBUSY)
		return STATE_AGAIN;
	return error ? STATE_REFUSED : STATE_MADE;
}

/* Returns whether there may be room; a flood of packets that have no state costs no more than to learn that there is
 * not. */
static __always_inline bool making_begin(struct making *making, struct packet *packet, __u32 rule, __u32 name,
					 __u32 flags)
{
	making->totals = state_totals_find();
	making->settings = control_find();
	if (!packet || !making->totals || !making->settings)
		return false;
	making->absent = !(flags & STATE_LOOK_AGAIN) && state_absent(packet, name);
	if (making->absent && state_full(making))
		return false;
	making->scratch = state_scratch_find(packet);
	making->packet = packet;
	making->rule = rule;
	making->renew = state_renews(packet, name);
	making->flags = flags & ~STATE_LOOK_AGAIN;
	return making->scratch;
}

/*
 * Tries to make the state of the packet's IPv4 flow, unless there is one. `flags` are state.flags, and
 * STATE_LOOK_AGAIN: it may have been made after the packet was told that it has none. Returns enum made. Global as
 * bpf/README.md says.
 */
__noinline int state_make_4(struct packet *packet, __u32 rule, __u32 name, __u32 flags)
{
	struct making making;

	if (!making_begin(&making, packet, rule, name, flags))
		return STATE_REFUSED;
	if (!state_key_4(&making.scratch->key4, packet, name))
		making.flags |= STATE_SOURCE_SECOND;
	making.key = &making.scratch->key4;
	return state_make(4, &making);
}

__noinline int state_make_6(struct packet *packet, __u32 rule, __u32 name, __u32 flags)
{
	struct making making;

	if (!making_begin(&making, packet, rule, name, flags))
		return STATE_REFUSED;
	if (!state_key_6(&making.scratch->key6, packet, name))
		making.flags |= STATE_SOURCE_SECOND;
	making.key = &making.scratch->key6;
	return state_make(6, &making);
}

#endif
