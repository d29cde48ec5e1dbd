// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frees the places of dead states and parents, without any process: a timer looks at the cells of states in the order
 * in which they lie in memory, some at a time, and at parents by their ring. So the work of one tick is bounded, and
 * everything has its turn. Only this program removes states and parents, and only one CPU at a time: a cell that holds
 * a flow's key holds it until the sweep itself gives it back.
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
/*
 * One tick looks at all groups of cells, twice a second, if they are few; else at a part of them every 20 ms. A group
 * takes some 25 ns, and so does the removal of a state.
 */
#define FEW_GROUPS 8192
#define GROUPS_AT_ONCE 2048
#define REMOVED_AT_ONCE 2048
#define FEW_PARENTS 1024
#define PARENTS_AT_ONCE 2048
#define PERIOD_FEW (500 * MILLISECOND)
#define PERIOD_MANY (20 * MILLISECOND)
#define TICKS_PER_ROUND 25    /* as far as the limits permit */
#define EVERYTHING (1u << 23) /* as often as bpf_loop() permits */
#define BUSY_TRIES (1u << 19) /* some ten milliseconds, longer than a tick */

struct pass {
	__u32 now;
	__u32 removed, removable; /* states of one family; at most, and a few more */
	bool left;		  /* dead ones may be: as many have been removed as may be at once */
	struct state_totals *totals;
	struct state_sweep *swept;
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

/* Whether nothing keeps the state of this rule alive. */
static __always_inline bool dead(const struct state *state, __u32 rule, __u32 now)
{
	return state->flags & STATE_KILLED || expired(state->expire, now) || !owned(rule);
}

/*
 * Gives back the cell with this number, a flow's, if its state is dead. Returns 1, or 0: a packet makes it anew.
 * The functions that call it are global, so that the verifier walks them once and not for each cell of a group.
 */
static __always_inline int remove_state(__u32 family, void *key, __u32 number, __u32 now)
{
	struct state_totals *totals = state_totals_find();
	struct state *state = state_cell(family, number);
	struct state_parent_key parent;
	struct state_walk walk;
	__u32 rule;

	if (!totals || !state)
		return 0;
	rule = __sync_lock_test_and_set(&state->rule, 0);
	if (!rule)
		return 0;
	/* A packet may have made it anew before it was taken from packets. */
	if (!dead(state, rule, now)) {
		__sync_lock_test_and_set(&state->rule, rule);
		return 0;
	}
	state_read_key(family, state, key);
	if (state->flags & STATE_LIMITED)
		parent_release_of(family, key, rule, state->flags, &parent);
	state_return(family, key, state, number, &walk);
	__sync_fetch_and_add(&totals->states, (__u32)-1);
	return 1;
}

__noinline int remove_4(__u32 number, __u32 now)
{
	struct state4_key key __attribute__((aligned(8)));

	return remove_state(4, &key, number, now);
}

__noinline int remove_6(__u32 number, __u32 now)
{
	struct state6_key key __attribute__((aligned(8)));

	return remove_state(6, &key, number, now);
}

/* The last word of the cell's key says that it is whole. */
static __always_inline bool holds_flow(__u32 family, struct state *cell)
{
	return *(volatile __u32 *)state_taken(family, cell) >> 24 == STATE_KEY_FLOW;
}

/* Looks at the group whose turn it is. Returns whether no more is to be done at once. */
static __always_inline long sweep_group(struct pass *pass, __u32 family)
{
	const struct state_head *head = state_head(family);
	__u32 *next = &pass->swept->next[family == 6], number = *next;
	struct state *group;

	if (!head || !head->groups)
		return 1;
	if (number >= head->groups)
		number = 0;
	*next = number + 1;
	group = state_group(family, number);
	if (!group)
		return 1;
#pragma unroll
	for (__u32 i = 0; i < STATE_GROUP_CELLS; i++) {
		struct state *cell = state_cell_of(family, group, i);
		__u32 place = number * STATE_GROUP_CELLS + i;

		if (holds_flow(family, cell) && dead(cell, cell->rule, pass->now))
			pass->removed += family == 4 ? remove_4(place, pass->now) : remove_6(place, pass->now);
	}
	pass->left |= pass->removed >= pass->removable;
	return pass->removed >= pass->removable;
}

static long sweep_4(__u32 index, struct pass *pass)
{
	return sweep_group(pass, 4);
}

static long sweep_6(__u32 index, struct pass *pass)
{
	return sweep_group(pass, 6);
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

/* Looks at so many groups of each family and at so many parents, at most. */
static __always_inline void sweep(struct pass *pass, const struct control *settings, __u32 groups, __u32 parents)
{
	pass->now = state_clock(settings);
	pass->removed = 0;
	bpf_loop(groups, sweep_4, pass, 0);
	pass->removed = 0;
	bpf_loop(groups, sweep_6, pass, 0);
	bpf_loop(parents, sweep_parent, pass, 0);
}

static __always_inline __u32 groups_of(__u32 family)
{
	const struct state_head *head = state_head(family);

	return head ? head->groups : 0;
}

/* Groups of the larger table. */
static __always_inline __u32 most_groups(void)
{
	__u32 groups4 = groups_of(4), groups6 = groups_of(6);

	return groups4 > groups6 ? groups4 : groups6;
}

/* The part of `all` that one of many ticks looks at. */
static __always_inline __u32 share(__u32 all, __u32 most)
{
	__u32 part = all / TICKS_PER_ROUND + 1;

	return part < most ? part : most;
}

/* What this tick has to do. Returns the time until the next one. */
static __always_inline __u64 sweep_some(struct pass *pass, const struct control *settings)
{
	__u32 groups = pass->totals->states ? most_groups() : 0, parents = pass->totals->parents;

	if (groups <= FEW_GROUPS && parents <= FEW_PARENTS) {
		sweep(pass, settings, groups, parents);
		return pass->left ? PERIOD_MANY : PERIOD_FEW;
	}
	sweep(pass, settings, share(groups, GROUPS_AT_ONCE), share(parents, PARENTS_AT_ONCE));
	return PERIOD_MANY;
}

/* Makes the sweep this CPU's. */
static __always_inline bool sweep_hold(struct state_sweep *swept)
{
	return !__sync_lock_test_and_set(&swept->held, 1);
}

static __always_inline void sweep_leave(struct state_sweep *swept)
{
	__sync_lock_test_and_set(&swept->held, 0);
}

static int tick(void *map, __u32 *key, struct state_sweep *swept)
{
	struct pass pass = {.totals = state_totals_find(), .swept = swept, .removable = REMOVED_AT_ONCE};
	const struct control *settings = control_find();
	__u64 period = PERIOD_MANY;

	if (!pass.totals || !settings)
		return 0;
	if (sweep_hold(swept)) {
		period = sweep_some(&pass, settings);
		sweep_leave(swept);
	}
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

static long wait_for_sweep(__u32 index, struct pass *pass)
{
	return sweep_hold(pass->swept);
}

/*
 * Looks at all elements at once. For whoever cannot wait for the timer, and has no packet waiting for this CPU. Returns
 * 0, or -EBUSY: the timer is at it on another CPU.
 */
SEC("tc")
int state_sweep_all(struct __sk_buff *context)
{
	__u32 key = 0;
	struct pass pass = {.totals = state_totals_find(),
			    .swept = bpf_map_lookup_elem(&state_sweep, &key),
			    .removable = EVERYTHING};
	const struct control *settings = control_find();

	if (!pass.totals || !settings || !pass.swept)
		return -1;
	if (bpf_loop(BUSY_TRIES, wait_for_sweep, &pass, 0) == BUSY_TRIES)
		return -EBUSY;
	sweep(&pass, settings, most_groups() < EVERYTHING ? most_groups() : EVERYTHING, pass.totals->parents + 1);
	sweep_leave(pass.swept);
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
