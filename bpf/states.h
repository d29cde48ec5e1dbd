/* SPDX-License-Identifier: GPL-2.0-only */
/* Dynamic rules: what generated code calls for check-state, keep-state, limit and their kin. */
#ifndef BPF_STATES_H
#define BPF_STATES_H

#include "bpf/state_limit.h"
#include "bpf/state_make.h"
#include "bpf/state_tell.h"

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

/* Tries to make the packet's state. Returns enum made. */
static __always_inline int state_make_any(struct packet *packet, __u32 rule, __u32 name, __u32 flags)
{
	return packet->family == 4 ? state_make_4(packet, rule, name, flags) : state_make_6(packet, rule, name, flags);
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
	made = state_make_any(packet, rule, name, flags);
	if (made == STATE_AGAIN)
		made = state_make_any(packet, rule, name, flags | STATE_LOOK_AGAIN);
	if (made == STATE_AGAIN)
		made = state_make_any(packet, rule, name, flags | STATE_LOOK_AGAIN);
	if (made == STATE_AGAIN)
		made = STATE_REFUSED;
	if (fields && made != STATE_MADE)
		state_parent_return(packet, rule, name, fields);
	if (made == STATE_MADE)
		packet->state_asked = (packet->state_asked & ~PACKET_STATE_HIT) | PACKET_STATE_MADE;
	if (made == STATE_REFUSED)
		state_tell(packet, slot, order, LOG_REFUSED_STATES);
	return made != STATE_REFUSED;
}

#endif
