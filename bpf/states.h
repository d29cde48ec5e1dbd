/* SPDX-License-Identifier: GPL-2.0-only */
/* Dynamic rules: what generated code calls for check-state, keep-state, limit and their kin. */
#ifndef BPF_STATES_H
#define BPF_STATES_H

#include <linux/errno.h>
#include <bpf/bpf_endian.h>

#include "bpf/maps_control.h"
#include "bpf/maps_log.h"
#include "bpf/state_life.h"
#include "bpf/state_parent.h"
#include "bpf/verifier.h"

#define LINK_LOCAL6 0xfe800000
#define LINK_LOCAL6_MASK 0xffc00000

enum parent_taken {
	PARENT_REFUSED, /* there is no room for the parent */
	PARENT_FULL,	/* it has as many states as it may have */
	PARENT_TAKEN,
	PARENT_AGAIN, /* another CPU came between */
};

enum made {
	STATE_REFUSED, /* there is no room */
	STATE_MADE,
	STATE_EXISTED,
	STATE_AGAIN, /* another CPU came between */
};

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
	key->reserved = 0;
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
	key->reserved = 0;
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

/* The element of the packet's flow, alive or not; NULL: there is none. *forward as in state_refresh(). */
static __always_inline struct state *state_find(const struct packet *packet, __u32 name, bool *forward)
{
	struct state4_key key4;
	struct state6_key key6;
	struct state *state = NULL;
	bool first;

	if (packet->family == 4) {
		first = state_key_4(&key4, packet, name);
		state = bpf_map_lookup_elem(&states4, &key4);
		keep_apart(4);
	} else if (packet->family == 6) {
		first = state_key_6(&key6, packet, name);
		state = bpf_map_lookup_elem(&states6, &key6);
		keep_apart(6);
	}
	if (state)
		*forward = first == !(state->flags & STATE_SOURCE_SECOND);
	return state;
}

/* What the packet's last look for a state was for. */
static __always_inline __u32 state_question(const struct packet *packet)
{
	return packet->state_asked & PACKET_STATE_QUESTION;
}

/*
 * For generated code: looks for the packet's state of the flow name with this number. If the last look in this pass was
 * for the same name, or for all of them, the answer is no: it was no then, or the state's rule let the packet go on.
 * Returns 1 with the rule in packet->resume, or 0.
 */
__noinline int packet_state_check(struct packet *packet, __u32 name)
{
	const struct control *settings = control_find();
	struct state *state;
	bool forward;
	__u32 now;

	if (!packet || !settings || state_question(packet) == PACKET_STATE_ASKED ||
	    state_question(packet) == (PACKET_STATE_ASKED | name))
		return 0;
	packet->state_asked = PACKET_STATE_ASKED | name;
	now = state_clock(settings);
	state = state_find(packet, name, &forward);
	if (!state || !state_alive(state, now))
		return 0;
	state_refresh(state, packet, forward, now, settings);
	packet->state_asked |= PACKET_STATE_HIT;
	packet->resume = RESUME_STATE | STATE_RULE_SLOT(state->rule);
	return 1;
}

/* Likewise, for `check-state :any': takes note of the packet's state of this name if it is newer than others. */
__noinline int packet_state_seek(struct packet *packet, __u32 name)
{
	const struct control *settings = control_find();
	struct state *state;
	__u16 sequence;
	bool forward;

	if (!packet || !settings)
		return 0;
	state = state_find(packet, name, &forward);
	if (!state || !state_alive(state, state_clock(settings)))
		return 0;
	sequence = state->flags >> STATE_SEQUENCE_SHIFT;
	if (!packet->state_best || (__s16)(sequence - (packet->state_best >> STATE_SEQUENCE_SHIFT)) > 0)
		packet->state_best = (__u32)sequence << STATE_SEQUENCE_SHIFT | name;
	return 0;
}

/* Likewise: ends a search of all names. Returns as packet_state_check(). */
__noinline int packet_state_found(struct packet *packet)
{
	__u32 best, asked;
	int result = 0;

	if (!packet)
		return 0;
	best = packet->state_best;
	asked = state_question(packet);
	packet->state_best = 0;
	if (asked == PACKET_STATE_ASKED)
		return 0;
	packet->state_asked = 0;
	if (best)
		result = packet_state_check(packet, (__u16)best);
	packet->state_asked = PACKET_STATE_ASKED;
	return result;
}

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

/* Whether a second has passed since the last record, whatever CPU asks. */
static __always_inline bool state_may_tell(struct state_totals *totals, const struct control *settings)
{
	__u32 now = state_clock(settings), told = *(volatile __u32 *)&totals->told;

	return (!told || now - told >= settings->jiffies_per_second) &&
	       __sync_val_compare_and_swap(&totals->told, told, now) == told;
}

/* Counts a refused packet, and, once a second, writes a record of why (LOG_REFUSED_*). Global as above. Returns 0. */
__noinline int state_tell(struct packet *packet, __u32 slot, __u32 order, __u32 reason)
{
	const struct control *settings = control_find();
	struct state_totals *totals = state_totals_find();
	struct log_record *record;

	if (!packet || !settings || !totals || packet_traced(packet))
		return 0;
	__sync_fetch_and_add(&totals->refused, 1);
	if (!state_may_tell(totals, settings))
		return 0;
	record = bpf_ringbuf_reserve(&log_records, sizeof(*record), 0);
	if (!record) {
		log_lose();
		return 0;
	}
	record->time = bpf_ktime_get_ns();
	record->slot = slot;
	record->rule = STATE_ORDER_NUMBER(order);
	record->action = reason;
	record->argument = totals->states;
	record->extra = STATE_ORDER_FIELDS(order);
	record->destinations = 0;
	record->limit = 0;
	record->captured = 0;
	record->packet = *packet;
	bpf_ringbuf_submit(record, 0);
	return 0;
}

/*
 * For generated code: makes a state of the rule with this counter slot for the packet's flow, unless it has one of this
 * name. `order` is STATE_ORDER(), without fields if there is no limit. Returns 1, or 0: dyn_max, dyn_parent_max or the
 * limit (`connections`) forbids it.
 */
__noinline int packet_state_keep(struct packet *packet, __u32 slot, __u32 name, __u32 order, __u32 connections)
{
	__u32 fields = STATE_ORDER_FIELDS(order), flags = fields ? STATE_LIMITED | fields << STATE_LIMIT_SHIFT : 0,
	      rule;
	const struct state_rule *identity = bpf_map_lookup_elem(&state_rules, &slot);
	int made = STATE_REFUSED;

	if (!packet || !identity || (packet->family != 4 && packet->family != 6))
		return 0;
	rule = identity->rule;
	if (fields) {
		int taken = state_parent_take(packet, rule, name, fields, connections);

		if (taken != PARENT_TAKEN) {
			state_tell(packet, slot, order, taken == PARENT_FULL ? LOG_REFUSED_LIMIT : LOG_REFUSED_PARENTS);
			return 0;
		}
	}
	made = packet->family == 4 ? state_make_4(packet, rule, name, flags) : state_make_6(packet, rule, name, flags);
	if (fields && made != STATE_MADE)
		state_parent_return(packet, rule, name, fields);
	if (made == STATE_MADE)
		packet->state_asked = (packet->state_asked & ~PACKET_STATE_HIT) | PACKET_STATE_MADE;
	if (made == STATE_REFUSED)
		state_tell(packet, slot, order, LOG_REFUSED_STATES);
	return made != STATE_REFUSED;
}

#endif
