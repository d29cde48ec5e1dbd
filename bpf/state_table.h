/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * In which cell a flow's state is (maps/layout.h, struct state4_group). Looking takes no lock, and for most flows reads
 * one cell, its home, whose address the hash tells: a packet waits for memory once, also if its flow has no state.
 * Whoever adds a state holds its home, so that a flow never has two; cells themselves change hands by
 * compare-and-swap, since states whose home is taken are elsewhere. `family` is constant wherever it is used, and `key`
 * a struct state4_key or state6_key, aligned to 8 bytes.
 */
#ifndef BPF_STATE_TABLE_H
#define BPF_STATE_TABLE_H

#include <linux/errno.h>
#include <stdbool.h>

#include "bpf/maps_states.h"
#include "bpf/verifier.h"

#define STATE_LOCK_TRIES 65536 /* about a millisecond: only a CPU that is kept from running takes so long */
#define STATE_HASH_MULTIPLIER 0x9e3779b97f4a7c15ull
#define STATE_KEY_TAKEN_WORD ((__u32)STATE_KEY_TAKEN << 24)

static __always_inline __u32 state_key_size(__u32 family)
{
	return family == 4 ? sizeof(struct state4_key) : sizeof(struct state6_key);
}

static __always_inline __u32 state_cell_size(__u32 family)
{
	return family == 4 ? sizeof(struct state4_cell) : sizeof(struct state6_cell);
}

/* 8 bytes of a key, `i` counting from its end to its beginning, so that 0 has its last word, by which cells are taken.
 */
static __always_inline __u64 state_key_part(__u32 family, const void *key, __u32 i)
{
	__u32 at = state_key_size(family) / 8 * 8;

	if (family == 6) {
		if (i == 0)
			return *(const volatile __u32 *)(key + at);
		i--;
	}
	return *(const volatile __u64 *)(key + at - 8 * (i + 1));
}

static __always_inline __u32 state_key_parts(__u32 family)
{
	return (state_key_size(family) + 7) / 8;
}

static __always_inline __u32 state_hash(__u32 family, const void *key, __u64 seed)
{
	__u64 hash = seed;

#pragma unroll
	for (__u32 i = 0; i < state_key_parts(family); i++) {
		hash = (hash ^ state_key_part(family, key, i)) * STATE_HASH_MULTIPLIER;
		hash ^= hash >> 32;
	}
	return (__u32)hash;
}

static __always_inline void *state_element(__u32 family, __u32 number)
{
	void *element;

	if (family == 4) {
		element = bpf_map_lookup_elem(&states4, &number);
		keep_apart(4);
	} else {
		element = bpf_map_lookup_elem(&states6, &number);
		keep_apart(6);
	}
	return element;
}

/* NULL only for the verifier. */
static __always_inline struct state_head *state_head(__u32 family)
{
	return state_element(family, 0);
}

/* The group's first cell. NULL: the table has not been made. */
static __always_inline struct state *state_group(__u32 family, __u32 number)
{
	return state_element(family, 1 + number);
}

/* One of the group's cells, of which the lowest bits of `place` say which. */
static __always_inline struct state *state_cell_of(__u32 family, struct state *group, __u32 place)
{
	/* The verifier must see that it is in bounds. */
	asm volatile("" : "+r"(place));
	place &= STATE_GROUP_CELLS - 1;
	return (void *)group + place * state_cell_size(family);
}

/* The cell with this number; NULL: there is none. */
static __always_inline struct state *state_cell(__u32 family, __u32 number)
{
	struct state *group = state_group(family, number / STATE_GROUP_CELLS);

	return group ? state_cell_of(family, group, number) : NULL;
}

/* The key stands behind the state, and behind that `passed`. */
static __always_inline __u32 *state_passed(__u32 family, struct state *cell)
{
	return (void *)(cell + 1) + state_key_size(family);
}

/* The last word of the cell's key. */
static __always_inline __u32 *state_taken(__u32 family, struct state *cell)
{
	return (void *)(cell + 1) + state_key_size(family) - sizeof(__u32);
}

/* Whether the cell is this flow's. */
static __always_inline bool state_is_of(__u32 family, const struct state *cell, const void *key)
{
	__u64 different = 0;

#pragma unroll
	for (__u32 i = 0; i < state_key_parts(family); i++)
		different |= state_key_part(family, cell + 1, i) ^ state_key_part(family, key, i);
	return !different;
}

/* Which of the group's cells is the flow's with that hash; STATE_GROUP_CELLS: none. */
static __always_inline __u32 state_place(__u32 family, struct state *group, const void *key, __u32 hash)
{
#pragma unroll
	for (__u32 i = 0; i < STATE_GROUP_CELLS; i++) {
		__u32 place = (hash ^ i) & (STATE_GROUP_CELLS - 1);

		if (state_is_of(family, state_cell_of(family, group, place), key))
			return place;
	}
	return STATE_GROUP_CELLS;
}

/*
 * What is done in a flow's groups, one after the other. One for each function that needs it, since stack is scarce
 * (512 bytes for a chain of calls on kernel 6.1).
 */
struct state_walk {
	const void *key;
	struct state *home;	   /* the cell */
	__u32 groups, first, hash; /* `first`: the home's group */
	__s32 cell;		   /* out: number of the one that was found or taken; -1: none */
	__u32 steps;		   /* out: groups that the state has passed */
	__u32 held;		   /* out: whether `home` is this CPU's */
};

/* Returns whether the table has been made. */
static __always_inline bool state_walk_begin(__u32 family, struct state_walk *walk, const void *key)
{
	const struct state_head *head = state_head(family);
	struct state *group;

	if (!head)
		return false;
	walk->key = key;
	walk->groups = head->groups;
	walk->hash = state_hash(family, key, head->seed);
	walk->first = (__u64)walk->hash * walk->groups >> 32;
	group = state_group(family, walk->first);
	if (!group)
		return false;
	walk->home = state_cell_of(family, group, walk->hash);
	return true;
}

/* The number of the home. */
static __always_inline __u32 state_home(const struct state_walk *walk)
{
	return walk->first * STATE_GROUP_CELLS + (walk->hash & (STATE_GROUP_CELLS - 1));
}

/* The group that this step leads to. */
static __always_inline __u32 state_step(const struct state_walk *walk, __u32 step)
{
	return (walk->first + step) % walk->groups;
}

/* How many steps there are. */
static __always_inline __u32 state_steps(const struct state_walk *walk)
{
	return walk->groups < STATE_GROUP_STEPS ? walk->groups : STATE_GROUP_STEPS;
}

/* Whether there may be something of what `mask` says: STATE_ELSEWHERE of a home, STATE_BEYOND of a group. */
static __always_inline bool state_passes(__u32 family, struct state *cell, __u32 mask)
{
	return *(volatile __u32 *)state_passed(family, cell) & mask;
}

static __always_inline long look_further(__u32 family, __u32 index, struct state_walk *walk)
{
	__u32 number = state_step(walk, index + 1), place;
	struct state *group = state_group(family, number);

	if (!group)
		return 1;
	place = state_place(family, group, walk->key, walk->hash);
	if (place < STATE_GROUP_CELLS) {
		walk->cell = number * STATE_GROUP_CELLS + place;
		return 1;
	}
	return !state_passes(family, group, STATE_BEYOND);
}

static long look_further_4(__u32 index, struct state_walk *walk)
{
	return look_further(4, index, walk);
}

static long look_further_6(__u32 index, struct state_walk *walk)
{
	return look_further(6, index, walk);
}

/* The cell of the flow that the walk is about, alive or not; NULL: it has none. */
static __always_inline struct state *state_look(__u32 family, struct state_walk *walk)
{
	struct state *group;
	__u32 place;

	if (state_is_of(family, walk->home, walk->key))
		return walk->home;
	if (!state_passes(family, walk->home, STATE_ELSEWHERE))
		return NULL;
	group = state_group(family, walk->first);
	if (!group)
		return NULL;
	place = state_place(family, group, walk->key, walk->hash);
	if (place < STATE_GROUP_CELLS)
		return state_cell_of(family, group, place);
	if (!state_passes(family, group, STATE_BEYOND))
		return NULL;
	/* Few come here. */
	walk->cell = -1;
	if (family == 4)
		bpf_loop(state_steps(walk) - 1, look_further_4, walk, 0);
	else
		bpf_loop(state_steps(walk) - 1, look_further_6, walk, 0);
	return walk->cell < 0 ? NULL : state_cell(family, walk->cell);
}

/* Likewise, of the flow with that key. */
static __always_inline struct state *state_lookup(__u32 family, const void *key, struct state_walk *walk)
{
	return state_walk_begin(family, walk, key) ? state_look(family, walk) : NULL;
}

static __always_inline long hold_home(__u32 family, struct state_walk *walk)
{
	walk->held = !(__sync_fetch_and_or(state_passed(family, walk->home), STATE_HELD) & STATE_HELD);
	return walk->held;
}

static long hold_home_4(__u32 index, struct state_walk *walk)
{
	return hold_home(4, walk);
}

static long hold_home_6(__u32 index, struct state_walk *walk)
{
	return hold_home(6, walk);
}

static __always_inline void leave_home(__u32 family, struct state_walk *walk)
{
	__sync_fetch_and_and(state_passed(family, walk->home), ~STATE_HELD);
}

static __always_inline long take_cell(__u32 family, __u32 step, struct state_walk *walk)
{
	__u32 number = state_step(walk, step);
	struct state *group = state_group(family, number);

	if (!group)
		return 1;
#pragma unroll
	for (__u32 i = 0; i < STATE_GROUP_CELLS; i++) {
		__u32 place = (walk->hash ^ i) & (STATE_GROUP_CELLS - 1);
		__u32 *taken = state_taken(family, state_cell_of(family, group, place));

		if (!*(volatile __u32 *)taken && !__sync_val_compare_and_swap(taken, 0, STATE_KEY_TAKEN_WORD)) {
			walk->cell = number * STATE_GROUP_CELLS + place;
			return 1;
		}
	}
	__sync_fetch_and_add(state_passed(family, group), STATE_BEYOND_ONE);
	walk->steps++;
	return 0;
}

static long take_cell_4(__u32 step, struct state_walk *walk)
{
	return take_cell(4, step, walk);
}

static long take_cell_6(__u32 step, struct state_walk *walk)
{
	return take_cell(6, step, walk);
}

static __always_inline long unpass_group(__u32 family, __u32 step, struct state_walk *walk)
{
	struct state *group = state_group(family, state_step(walk, step));

	if (!group)
		return 1;
	__sync_fetch_and_add(state_passed(family, group), -(__u32)STATE_BEYOND_ONE);
	return 0;
}

static long unpass_4(__u32 step, struct state_walk *walk)
{
	return unpass_group(4, step, walk);
}

static long unpass_6(__u32 step, struct state_walk *walk)
{
	return unpass_group(6, step, walk);
}

/* Takes back that the state passed the groups in which it is not. */
static __always_inline void state_unpass(__u32 family, struct state_walk *walk)
{
	if (!walk->steps)
		return;
	if (family == 4)
		bpf_loop(walk->steps, unpass_4, walk, 0);
	else
		bpf_loop(walk->steps, unpass_6, walk, 0);
}

/*
 * Takes a cell for the flow: walk->cell. Returns 0, and keeps other CPUs from adding states of this flow until
 * state_publish(), which must follow soon; -EEXIST: the flow has a cell; -EBUSY: another CPU keeps the home; -ENOSPC:
 * there is no cell.
 */
static __always_inline int state_take(__u32 family, const void *key, struct state_walk *walk)
{
	int error = -EEXIST;

	if (!state_walk_begin(family, walk, key))
		return -ENOSPC;
	walk->steps = walk->held = 0;
	if (family == 4)
		bpf_loop(STATE_LOCK_TRIES, hold_home_4, walk, 0);
	else
		bpf_loop(STATE_LOCK_TRIES, hold_home_6, walk, 0);
	if (!walk->held)
		return -EBUSY;
	if (!state_look(family, walk)) {
		walk->cell = -1;
		if (family == 4)
			bpf_loop(state_steps(walk), take_cell_4, walk, 0);
		else
			bpf_loop(state_steps(walk), take_cell_6, walk, 0);
		if (walk->cell == (__s32)state_home(walk))
			return 0;
		if (walk->cell >= 0) {
			__sync_fetch_and_add(state_passed(family, walk->home), STATE_ELSEWHERE_ONE);
			return 0;
		}
		state_unpass(family, walk);
		error = -ENOSPC;
	}
	leave_home(family, walk);
	return error;
}

/* Makes the cell that state_take() took, whose state is filled in, the flow's. */
static __always_inline void state_publish(__u32 family, struct state *cell, struct state_walk *walk)
{
	const __u32 *key = walk->key;
	__u32 last = state_key_size(family) / sizeof(__u32) - 1;

#pragma unroll
	for (__u32 i = 0; i < last; i++)
		((volatile __u32 *)(cell + 1))[i] = key[i];
	__sync_lock_test_and_set(state_taken(family, cell), key[last]);
	leave_home(family, walk);
}

/* Gives back the cell with this number, whose state.rule is 0; `key` is a copy of its key. */
static __always_inline void state_return(__u32 family, const void *key, struct state *cell, __u32 number,
					 struct state_walk *walk)
{
	if (!state_walk_begin(family, walk, key))
		return;
	walk->steps = (number / STATE_GROUP_CELLS + walk->groups - walk->first) % walk->groups;
	__sync_lock_test_and_set(state_taken(family, cell), 0);
	if (number == state_home(walk))
		return;
	__sync_fetch_and_add(state_passed(family, walk->home), -(__u32)STATE_ELSEWHERE_ONE);
	state_unpass(family, walk);
}

static __always_inline void state_read_key(__u32 family, const struct state *cell, void *key)
{
	if (family == 4)
		*(struct state4_key *)key = *(const struct state4_key *)(cell + 1);
	else
		*(struct state6_key *)key = *(const struct state6_key *)(cell + 1);
}

#endif
