/* SPDX-License-Identifier: GPL-2.0-only */
/* Dynamic rules, plainly: lists of states and of the parents of `limit' (ipfw(8), STATEFUL FIREWALL). */
#ifndef MODEL_REFERENCE_STATES_H
#define MODEL_REFERENCE_STATES_H

#include "ipfw/packet.h"
#include "ipfw/rule.h"
#include "maps/layout.h"

#define MODEL_STATES_MAX 64

struct model_parent {
	const struct rule *rule;
	const char *name;
	__u8 family, protocol;
	__u32 source[4], destination[4]; /* and ports: 0 if the limit does not name them */
	__u16 source_port, destination_port;
	__u32 count, expire;
};

struct model_state {
	const struct rule *rule; /* that made it */
	const char *name;
	__u8 family, protocol;
	__u32 source[4], destination[4]; /* of the packet that made it; forward is its direction */
	__u16 source_port, destination_port;
	__u16 limited; /* LIMIT_* of the rule, 0: no limit */
	__u64 packets, bytes;
	__u32 expire, sequence;
	__u8 seen[2]; /* FIN, SYN and RST: forward, backward, as the following */
	__u32 acknowledged[2];
	bool moved[2]; /* acknowledgments moved on */
};

/* Those that have expired are there until they are swept, and count. */
struct model_states {
	const struct control *settings; /* variables, and the time: states_clock, in seconds */
	struct model_state states[MODEL_STATES_MAX];
	struct model_parent parents[MODEL_STATES_MAX];
	size_t count, parent_count;
	__u32 sequence;
	__u64 refused; /* packets */
};

/* What a packet has asked for in this pass. */
struct model_question {
	const char *name; /* the last one, or STATE_NAME_ANY; NULL: none yet */
	bool hit;	  /* there was one, and the packet has made none since */
};

/* The rule of the packet's state of this name, or of its newest, which the packet refreshes; NULL: none. */
const struct rule *states_ask(struct model_states *states, struct model_question *question, const char *name,
			      const struct packet *packet);

/* Does what an option of a rule that matched says: makes a state. False: it is refused, and so is the packet. */
bool states_make(struct model_states *states, struct model_question *question, const struct rule *rule,
		 const struct packet *packet);

/* Removes what has expired. */
void states_sweep(struct model_states *states);

#endif
