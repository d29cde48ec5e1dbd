/* SPDX-License-Identifier: GPL-2.0-only */
/* The parents of `limit`: counts of states that agree in some of their fields. */
#ifndef BPF_STATE_PARENT_H
#define BPF_STATE_PARENT_H

#include <stdbool.h>

#include "bpf/maps_states.h"
#include "ipfw/rule.h"

#define STATE_TRIES 8 /* against another CPU that changes the same element */

/* Keeps of the key, which is whole, what the LIMIT_* `fields` name. */
static __always_inline void parent_mask(struct state_parent_key *key, __u32 fields)
{
	if (!(fields & LIMIT_SOURCE_ADDRESS))
		__builtin_memset(key->source, 0, sizeof(key->source));
	if (!(fields & LIMIT_DESTINATION_ADDRESS))
		__builtin_memset(key->destination, 0, sizeof(key->destination));
	if (!(fields & LIMIT_SOURCE_PORT))
		key->source_port = 0;
	if (!(fields & LIMIT_DESTINATION_PORT))
		key->destination_port = 0;
}

/* The parent of a limited state; `rule` made it and `flags` are state.flags. */
static __always_inline void parent_key_4(struct state_parent_key *parent, const struct state4_key *key, __u32 rule,
					 __u32 flags)
{
	__u32 source = !!(flags & STATE_SOURCE_SECOND);

	__builtin_memset(parent, 0, sizeof(*parent));
	parent->source[0] = source ? key->address[1] : key->address[0];
	parent->destination[0] = source ? key->address[0] : key->address[1];
	parent->source_port = source ? key->port[1] : key->port[0];
	parent->destination_port = source ? key->port[0] : key->port[1];
	parent->rule = rule;
	parent->name = key->name;
	parent->family = 4;
	parent->protocol = key->protocol;
	parent_mask(parent, flags >> STATE_LIMIT_SHIFT & STATE_LIMIT_MASK);
}

static __always_inline void parent_key_6(struct state_parent_key *parent, const struct state6_key *key, __u32 rule,
					 __u32 flags)
{
	bool swapped = flags & STATE_SOURCE_SECOND;

	__builtin_memset(parent, 0, sizeof(*parent));
	__builtin_memcpy(parent->source, key->address[swapped].word, sizeof(parent->source));
	__builtin_memcpy(parent->destination, key->address[!swapped].word, sizeof(parent->destination));
	parent->source_port = swapped ? key->port[1] : key->port[0];
	parent->destination_port = swapped ? key->port[0] : key->port[1];
	parent->zone = key->zone;
	parent->rule = rule;
	parent->name = key->name;
	parent->family = 6;
	parent->protocol = key->protocol;
	parent_mask(parent, flags >> STATE_LIMIT_SHIFT & STATE_LIMIT_MASK);
}

/* Takes one place of `limit`, if there is one: never more than that, whatever CPUs try. */
static __always_inline bool parent_claim(struct state_parent *parent, __u32 limit)
{
	for (int i = 0; i < STATE_TRIES; i++) {
		__u32 count = *(volatile __u32 *)&parent->count;

		if (count >= limit) /* or STATE_PARENT_REMOVED */
			return false;
		if (__sync_val_compare_and_swap(&parent->count, count, count + 1) == count)
			return true;
	}
	return false;
}

/* Gives back the place of a state that is gone, or was not made. */
static __always_inline void parent_release(const struct state_parent_key *key)
{
	struct state_parent *parent = bpf_map_lookup_elem(&state_parents, key);

	if (parent)
		__sync_fetch_and_add(&parent->count, (__u32)-1);
}

/*
 * Likewise, of a state that the rule `rule` made; `key` is of the family, which is constant, and `parent` is room for
 * the parent's key.
 */
static __always_inline void parent_release_of(__u32 family, const void *key, __u32 rule, __u32 flags,
					      struct state_parent_key *parent)
{
	if (family == 4)
		parent_key_4(parent, key, rule, flags);
	else
		parent_key_6(parent, key, rule, flags);
	parent_release(parent);
}

#endif
