/* SPDX-License-Identifier: GPL-2.0-only */
#include "selftests/model/reference_states.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#define STATE_FLAGS (TH_FIN | TH_SYN | TH_RST)

static bool expired(const struct model_states *states, __u32 expire)
{
	return states->settings->states_clock >= expire;
}

static bool same_address(const __u32 *left, const __u32 *right)
{
	return !memcmp(left, right, 16);
}

/* 0: a packet of the state's flow, forward; 1: backward; -1: of another flow. */
static int direction_of(const struct model_state *state, const struct packet *packet)
{
	if (state->family != packet->family || state->protocol != packet->protocol)
		return -1;
	if (same_address(state->source, packet->source) && same_address(state->destination, packet->destination) &&
	    state->source_port == packet->source_port && state->destination_port == packet->destination_port)
		return 0;
	if (same_address(state->source, packet->destination) && same_address(state->destination, packet->source) &&
	    state->source_port == packet->destination_port && state->destination_port == packet->source_port)
		return 1;
	return -1;
}

/* The state of the packet's flow with this name, expired or not. */
static struct model_state *find(struct model_states *states, const char *name, const struct packet *packet)
{
	for (size_t i = 0; i < states->count; i++)
		if (!strcmp(states->states[i].name, name) && direction_of(states->states + i, packet) >= 0)
			return states->states + i;
	return NULL;
}

/* dyn_fin_lifetime and dyn_rst_lifetime are kept below the period of keepalives, 5 seconds. */
static __u32 closing(__u32 seconds)
{
	return seconds < 5 ? seconds : 4;
}

static __u32 plain_lifetime(const struct control *settings, const struct packet *packet)
{
	bool udp = packet->protocol == IPPROTO_UDP || packet->protocol == IPPROTO_UDPLITE;

	return udp ? settings->dyn_udp_lifetime : settings->dyn_short_lifetime;
}

static __u32 first_lifetime(const struct control *settings, const struct packet *packet)
{
	if (packet->protocol != IPPROTO_TCP)
		return plain_lifetime(settings, packet);
	return (packet->tcp_flags & STATE_FLAGS) == TH_SYN ? settings->dyn_syn_lifetime
							   : closing(settings->dyn_rst_lifetime);
}

/*
 * An established connection lives on when acknowledgments have moved on in both directions, where this packet's counts
 * once more for the next time. Returns whether they have.
 */
static bool acknowledge(struct model_state *state, const struct packet *packet, int direction)
{
	__u32 *last = state->acknowledged + direction;

	if (!(packet->flags & PACKET_TCP) || (*last && (__s32)(packet->tcp_acknowledgment - *last) < 0))
		return false;
	*last = packet->tcp_acknowledgment;
	state->moved[direction] = true;
	if (!state->moved[!direction])
		return false;
	state->moved[!direction] = false;
	return true;
}

/* Seconds that the state lives on from a TCP packet, 0: as before. */
static __u32 tcp_lifetime(const struct control *settings, struct model_state *state, const struct packet *packet,
			  int direction)
{
	__u8 forward, backward;

	state->seen[direction] |= packet->tcp_flags & STATE_FLAGS;
	forward = state->seen[0];
	backward = state->seen[1];
	if (forward == TH_SYN && !backward)
		return settings->dyn_syn_lifetime;
	if ((forward & ~TH_FIN) != TH_SYN || (backward & ~TH_FIN) != TH_SYN)
		return closing(settings->dyn_rst_lifetime);
	if (forward & backward & TH_FIN)
		return closing(settings->dyn_fin_lifetime);
	return acknowledge(state, packet, direction) ? settings->dyn_ack_lifetime : 0;
}

static void refresh(struct model_states *states, struct model_state *state, const struct packet *packet)
{
	const struct control *settings = states->settings;
	__u32 lifetime = packet->protocol == IPPROTO_TCP
				 ? tcp_lifetime(settings, state, packet, direction_of(state, packet))
				 : plain_lifetime(settings, packet);

	if (lifetime)
		state->expire = settings->states_clock + lifetime;
	state->packets += packet->segments;
	state->bytes += packet->bytes;
}

/* The state that a question is for, which has not expired. */
static struct model_state *find_alive(struct model_states *states, const char *name, const struct packet *packet)
{
	struct model_state *best = NULL;

	for (size_t i = 0; i < states->count; i++) {
		struct model_state *state = states->states + i;

		if (strcmp(name, STATE_NAME_ANY) != 0 && strcmp(name, state->name) != 0)
			continue;
		if (expired(states, state->expire) || direction_of(state, packet) < 0)
			continue;
		if (!best || state->sequence > best->sequence)
			best = state;
	}
	return best;
}

const struct rule *states_ask(struct model_states *states, struct model_question *question, const char *name,
			      const struct packet *packet)
{
	struct model_state *state;

	/* The same question is not asked twice in a row, and none at all behind that for all names. */
	if (question->name && (!strcmp(question->name, STATE_NAME_ANY) || !strcmp(question->name, name)))
		return NULL;
	state = packet->family ? find_alive(states, name, packet) : NULL;
	*question = (struct model_question){name, state && strcmp(name, STATE_NAME_ANY) != 0};
	if (!state)
		return NULL;
	refresh(states, state, packet);
	return state->rule;
}

/* Whom the limit counts the packet's connection with. */
static struct model_parent parent_of(const struct rule *rule, const struct state_limit *limit, __u8 family,
				     __u8 protocol, const __u32 *source, const __u32 *destination, __u16 source_port,
				     __u16 destination_port)
{
	struct model_parent parent = {.rule = rule, .name = limit->name, .family = family, .protocol = protocol};

	if (limit->fields & LIMIT_SOURCE_ADDRESS)
		memcpy(parent.source, source, sizeof(parent.source));
	if (limit->fields & LIMIT_DESTINATION_ADDRESS)
		memcpy(parent.destination, destination, sizeof(parent.destination));
	parent.source_port = limit->fields & LIMIT_SOURCE_PORT ? source_port : 0;
	parent.destination_port = limit->fields & LIMIT_DESTINATION_PORT ? destination_port : 0;
	return parent;
}

static struct model_parent *find_parent(struct model_states *states, const struct model_parent *wanted)
{
	for (size_t i = 0; i < states->parent_count; i++) {
		struct model_parent *parent = states->parents + i;

		if (parent->rule == wanted->rule && parent->family == wanted->family &&
		    parent->protocol == wanted->protocol && same_address(parent->source, wanted->source) &&
		    same_address(parent->destination, wanted->destination) &&
		    parent->source_port == wanted->source_port && parent->destination_port == wanted->destination_port)
			return parent;
	}
	return NULL;
}

/* Takes a place of the limit. Returns the parent that counts it, or NULL: there is none. */
static struct model_parent *take_place(struct model_states *states, const struct rule *rule,
				       const struct state_limit *limit, const struct packet *packet)
{
	struct model_parent wanted = parent_of(rule, limit, packet->family, packet->protocol, packet->source,
					       packet->destination, packet->source_port, packet->destination_port);
	struct model_parent *parent = find_parent(states, &wanted);

	if (!parent) {
		if (states->parent_count >= states->settings->dyn_parent_max)
			return NULL;
		parent = states->parents + states->parent_count++;
		*parent = wanted;
	}
	parent->expire = states->settings->states_clock + states->settings->dyn_short_lifetime;
	if (parent->count >= limit->connections)
		return NULL;
	parent->count++;
	return parent;
}

/* Gives back the place of a state that ends. */
static void release(struct model_states *states, const struct model_state *state)
{
	const struct option *option = rule_state_option(state->rule);
	struct model_parent wanted, *parent;

	if (!state->limited)
		return;
	wanted = parent_of(state->rule, &option->u.limit, state->family, state->protocol, state->source,
			   state->destination, state->source_port, state->destination_port);
	parent = find_parent(states, &wanted);
	if (parent)
		parent->count--;
}

static void fill(struct model_states *states, struct model_state *state, const struct rule *rule, const char *name,
		 const struct packet *packet)
{
	const struct option *option = rule_state_option(rule);
	bool limited = option->code == OPTION_LIMIT || option->code == OPTION_SET_LIMIT;

	*state = (struct model_state){
		.rule = rule,
		.name = name,
		.family = packet->family,
		.protocol = packet->protocol,
		.source_port = packet->source_port,
		.destination_port = packet->destination_port,
		.limited = limited ? option->u.limit.fields : 0,
		.packets = packet->segments,
		.bytes = packet->bytes,
		.expire = states->settings->states_clock + first_lifetime(states->settings, packet),
		.sequence = states->sequence++,
		.seen = {packet->tcp_flags & STATE_FLAGS, 0},
	};
	memcpy(state->source, packet->source, sizeof(state->source));
	memcpy(state->destination, packet->destination, sizeof(state->destination));
}

enum made { MADE, EXISTED, REFUSED };

/* A state that lives is only refreshed, unless the packet has just been sent on by it. */
static enum made make(struct model_states *states, const struct model_question *question, const struct rule *rule,
		      const char *name, const struct packet *packet)
{
	bool renew = question->hit && !strcmp(question->name, name);
	struct model_state *state = find(states, name, packet);

	if (state && !renew && !expired(states, state->expire)) {
		refresh(states, state, packet);
		return EXISTED;
	}
	if (state) {
		release(states, state);
	} else {
		if (states->count >= states->settings->dyn_max)
			return REFUSED;
		state = states->states + states->count++;
	}
	fill(states, state, rule, name, packet);
	return MADE;
}

bool states_make(struct model_states *states, struct model_question *question, const struct rule *rule,
		 const struct packet *packet)
{
	const struct option *option = rule_state_option(rule);
	struct model_parent *parent = NULL;
	enum made made;

	if (!packet->family)
		return false;
	if (option->code == OPTION_LIMIT || option->code == OPTION_SET_LIMIT) {
		parent = take_place(states, rule, &option->u.limit, packet);
		if (!parent) {
			states->refused++;
			return false;
		}
	}
	made = make(states, question, rule, state_option_name(option), packet);
	if (parent && made != MADE)
		parent->count--;
	if (made == MADE)
		question->hit = false;
	states->refused += made == REFUSED;
	return made != REFUSED;
}

void states_sweep(struct model_states *states)
{
	size_t kept = 0;

	for (size_t i = 0; i < states->count; i++) {
		if (expired(states, states->states[i].expire))
			release(states, states->states + i);
		else
			states->states[kept++] = states->states[i];
	}
	states->count = kept;
	kept = 0;
	for (size_t i = 0; i < states->parent_count; i++)
		if (states->parents[i].count || !expired(states, states->parents[i].expire))
			states->parents[kept++] = states->parents[i];
	states->parent_count = kept;
}
