// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frees the places of dead states and parents, without any process: a timer looks at what is in the rings, some at a
 * time, and puts back what lives. So the work of one tick is bounded, and everything has its turn. Only this program
 * removes states and parents, so each is in its ring exactly once.
 */
#include <linux/bpf.h>
#include <linux/time.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

#include "bpf/maps_control.h"
#include "bpf/maps_sweep.h"
#include "bpf/state_table.h"
#include "bpf/state_parent.h"

#define MILLISECOND 1000000ull
/* With few elements one tick looks at all of them, twice a second; with many, at most so many every 20 ms. */
#define FEW_ELEMENTS 1024
#define MOST_AT_ONCE 2048
#define PERIOD_FEW (500 * MILLISECOND)
#define PERIOD_MANY (20 * MILLISECOND)
#define TICKS_PER_ROUND 25 /* as far as MOST_AT_ONCE permits */

struct pass {
	__u32 now;
	struct state_totals *totals;
};

static __always_inline bool expired(__u32 expire, __u32 now)
{
	return (__s32)(expire - now) <= 0;
}

/* Whether the rule with this identity is still there. */
static __always_inline bool owned(__u32 rule)
{
	__u32 slot = STATE_RULE_SLOT(rule);
	const struct state_rule *owner = bpf_map_lookup_elem(&state_owners, &slot);

	return owner && owner->rule == rule;
}

/* Takes a dead state away from packets that would make it anew. Returns the rule that made it, 0: one was faster. */
static __always_inline __u32 state_seize(struct state *state, __u32 now)
{
	if (!(state->flags & STATE_KILLED) && !expired(state->expire, now) && owned(state->rule))
		return 0;
	return __sync_lock_test_and_set(&state->rule, 0);
}

/* Looks at the cell, whose turn it is. Returns whether it is free now. */
static __always_inline bool sweep_state(const struct pass *pass, __u32 family, __u32 number, void *key)
{
	struct state *state = state_cell(family, number);
	struct state_parent_key parent;
	struct state_walk walk;
	__u32 rule;

	if (!state)
		return false;
	rule = state_seize(state, pass->now);
	if (!rule)
		return false;
	state_read_key(family, state, key);
	if (state->flags & STATE_LIMITED)
		parent_release_of(family, key, rule, state->flags, &parent);
	state_return(family, key, state, number, &walk);
	__sync_fetch_and_add(&pass->totals->states, (__u32)-1);
	return true;
}

static long sweep_4(__u32 index, struct pass *pass)
{
	struct state4_key key __attribute__((aligned(8)));
	__u32 number;

	if (bpf_map_pop_elem(&state_ring_4, &number))
		return 1;
	if (!sweep_state(pass, 4, number, &key))
		bpf_map_push_elem(&state_ring_4, &number, 0);
	return 0;
}

static long sweep_6(__u32 index, struct pass *pass)
{
	struct state6_key key __attribute__((aligned(8)));
	__u32 number;

	if (bpf_map_pop_elem(&state_ring_6, &number))
		return 1;
	if (!sweep_state(pass, 6, number, &key))
		bpf_map_push_elem(&state_ring_6, &number, 0);
	return 0;
}

static long sweep_parent(__u32 index, struct pass *pass)
{
	struct state_parent *parent;
	struct state_parent_key key;

	if (bpf_map_pop_elem(&state_ring_parents, &key))
		return 1;
	parent = bpf_map_lookup_elem(&state_parents, &key);
	if (!parent)
		return 0;
	if (parent->count || (!expired(parent->expire, pass->now) && owned(key.rule)) ||
	    __sync_val_compare_and_swap(&parent->count, 0, STATE_PARENT_REMOVED) != 0) {
		bpf_map_push_elem(&state_ring_parents, &key, 0);
		return 0;
	}
	bpf_map_delete_elem(&state_parents, &key);
	__sync_fetch_and_add(&pass->totals->parents, (__u32)-1);
	return 0;
}

/* Looks at so many elements of each kind at most. */
static __always_inline void sweep(struct pass *pass, const struct control *settings, __u32 most)
{
	pass->now = state_clock(settings);
	bpf_loop(most, sweep_4, pass, 0);
	bpf_loop(most, sweep_6, pass, 0);
	bpf_loop(most, sweep_parent, pass, 0);
}

static int tick(void *map, __u32 *key, struct state_sweep *swept)
{
	struct pass pass = {.totals = state_totals_find()};
	const struct control *settings = control_find();
	__u64 period = PERIOD_FEW;
	__u32 most = FEW_ELEMENTS;

	if (!pass.totals || !settings)
		return 0;
	if (pass.totals->states > FEW_ELEMENTS || pass.totals->parents > FEW_ELEMENTS) {
		period = PERIOD_MANY;
		most = pass.totals->states / TICKS_PER_ROUND + FEW_ELEMENTS / TICKS_PER_ROUND;
		most = most < MOST_AT_ONCE ? most : MOST_AT_ONCE;
	}
	sweep(&pass, settings, most);
	bpf_timer_start(&swept->timer, period, 0);
	return 0;
}

/* Run once by the loader: makes this program's tick() the one that the timer runs. Returns 0 or a negative error. */
SEC("tc")
int state_sweep_start(struct __sk_buff *context)
{
	struct state_sweep *swept;
	__u32 key = 0;
	long error;

	swept = bpf_map_lookup_elem(&state_sweep, &key);
	if (!swept)
		return -1;
	/* It exists if another version of the tool has started it. */
	bpf_timer_init(&swept->timer, &state_sweep, CLOCK_MONOTONIC);
	error = bpf_timer_set_callback(&swept->timer, tick);
	return error ? error : bpf_timer_start(&swept->timer, PERIOD_FEW, 0);
}

/* Looks at all elements at once. For whoever cannot wait for the timer, and has no packet waiting for this CPU. */
SEC("tc")
int state_sweep_all(struct __sk_buff *context)
{
	struct pass pass = {.totals = state_totals_find()};
	const struct control *settings = control_find();

	if (!pass.totals || !settings)
		return -1;
	sweep(&pass, settings, pass.totals->states + pass.totals->parents + 1);
	return 0;
}

/* Lets one state die at once, whatever packets do to it meanwhile; the timer removes it. */
SEC("syscall")
int state_kill(struct state_kill_request *request)
{
	struct state4_key key4 __attribute__((aligned(8))) = request->key4;
	struct state6_key key6 __attribute__((aligned(8))) = request->key6;
	struct state_walk walk;
	struct state *state;

	state = request->family == 4 ? state_lookup(4, &key4, &walk) : state_lookup(6, &key6, &walk);
	if (state && state->rule == request->rule)
		__sync_fetch_and_or(&state->flags, STATE_KILLED);
	return 0;
}

static __always_inline int restore(__u32 family, const void *key, const struct state *state)
{
	struct state_walk walk;
	struct state *cell;
	int error;

	/* Most are there already; nothing is held then, since this program may be interrupted by others. */
	if (state_lookup(family, key, &walk))
		return -EEXIST;
	error = state_take(family, key, &walk);
	if (error)
		return error;
	cell = state_cell(family, walk.cell);
	if (!cell)
		return -ENOSPC;
	*cell = *state;
	state_publish(family, cell, &walk);
	return 0;
}

/*
 * Puts a state out of smaller maps into these, where "state_totals" counts it already; the frame is a struct
 * state_restore_request. Returns 0 or a negative error. Of type TC, since kernel 6.1 has no queues for SEC("syscall").
 */
SEC("tc")
int state_restore(struct __sk_buff *context)
{
	struct state_restore_request request;

	if (bpf_skb_load_bytes(context, 0, &request, sizeof(request)))
		return -EINVAL;
	return request.family == 4 ? restore(4, &request.key4, &request.state)
				   : restore(6, &request.key6, &request.state);
}

char LICENSE[] SEC("license") = "GPL";
