/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * In which cell a flow's state is (maps/layout.h, struct state_bucket). Looking takes no lock. Whoever adds a state
 * holds its bucket, so that a flow never has two; slots themselves change hands by compare-and-swap, since states that
 * found no room in one bucket are in the next. `family` is constant wherever it is used, and `key` a struct state4_key
 * or state6_key on the stack.
 */
#ifndef BPF_STATE_INDEX_H
#define BPF_STATE_INDEX_H

#include <linux/errno.h>
#include <stdbool.h>

#include "bpf/maps_states.h"
#include "bpf/verifier.h"

#define STATE_BUCKET_WORDS (sizeof(struct state_bucket) / sizeof(__u32))
#define STATE_LOCK_TRIES 65536 /* about a millisecond: only a CPU that is kept from running takes so long */
#define STATE_HASH_MULTIPLIER 0x9e3779b97f4a7c15ull

static __always_inline unsigned int state_key_words(__u32 family)
{
	return (family == 4 ? sizeof(struct state4_key) : sizeof(struct state6_key)) / sizeof(__u32);
}

static __always_inline __u32 state_hash(__u32 family, const void *key, __u64 seed)
{
	const __u32 *words = key;
	__u64 hash = seed;

#pragma unroll
	for (unsigned int i = 0; i < state_key_words(family); i += 2) {
		__u64 word = words[i];

		if (i + 1 < state_key_words(family))
			word |= (__u64)words[i + 1] << 32;
		hash = (hash ^ word) * STATE_HASH_MULTIPLIER;
		hash ^= hash >> 32;
	}
	return (__u32)hash;
}

/* The cell with this number; NULL: there is none. */
static __always_inline struct state *state_cell(__u32 family, __u32 number)
{
	void *cell;

	if (family == 4) {
		cell = bpf_map_lookup_elem(&states4, &number);
		keep_apart(4);
	} else {
		cell = bpf_map_lookup_elem(&states6, &number);
		keep_apart(6);
	}
	return cell;
}

static __always_inline void *state_index_element(__u32 family, __u32 number)
{
	void *element;

	if (family == 4) {
		element = bpf_map_lookup_elem(&state_index_4, &number);
		keep_apart(4);
	} else {
		element = bpf_map_lookup_elem(&state_index_6, &number);
		keep_apart(6);
	}
	return element;
}

/* NULL only for the verifier. */
static __always_inline struct state_head *state_head(__u32 family)
{
	return state_index_element(family, 0);
}

/* The bucket in which a flow is looked for in this step. NULL: the index has not been made. */
static __always_inline struct state_bucket *state_bucket(__u32 family, __u32 buckets, __u32 hash, __u32 step)
{
	return state_index_element(family, 1 + ((hash + step) & (buckets - 1)));
}

/* Whether the cell is this flow's. The key stands behind the state. */
static __always_inline bool state_is_of(__u32 family, const struct state *cell, const void *key)
{
	const __u32 *wanted = key, *words = (const __u32 *)(cell + 1);
	__u32 different = 0;

	for (unsigned int i = 0; i < state_key_words(family); i++)
		different |= words[i] ^ wanted[i];
	return !different;
}

/*
 * What is done in a flow's buckets, one after the other. One for each function that needs it, since stack is scarce
 * (512 bytes for a chain of calls on kernel 6.1).
 */
struct state_walk {
	const void *key;
	struct state_bucket *home;
	__u32 buckets, hash;
	__u32 slot;  /* to be put in or taken out */
	__s32 cell;  /* out: that was found; -1: none */
	__u32 steps; /* out: buckets in which the slot is not; STATE_BUCKET_STEPS: it is in none */
	__u32 held;  /* out: whether `home` is this CPU's */
};

/* Returns whether the index has been made. */
static __always_inline bool state_walk_begin(__u32 family, struct state_walk *walk, const void *key)
{
	const struct state_head *head = state_head(family);

	if (!head)
		return false;
	walk->key = key;
	walk->buckets = head->buckets;
	walk->hash = state_hash(family, key, head->seed);
	walk->home = state_bucket(family, walk->buckets, walk->hash, 0);
	return walk->home;
}

/* `index` counts the words of the buckets, the first of each not being a slot. */
static __always_inline long look_at_word(__u32 family, __u32 index, struct state_walk *walk)
{
	struct state_bucket *bucket = state_bucket(family, walk->buckets, walk->hash, index / STATE_BUCKET_WORDS);
	const struct state *cell;
	__u32 place = index, slot;

	if (!bucket)
		return 1;
	/* The verifier must see that it is in bounds. */
	asm volatile("" : "+r"(place));
	place &= STATE_BUCKET_WORDS - 1;
	slot = ((volatile __u32 *)bucket)[place];
	if (place && STATE_SLOT(walk->hash, STATE_SLOT_CELL(slot)) == slot) {
		cell = state_cell(family, STATE_SLOT_CELL(slot));
		if (cell && state_is_of(family, cell, walk->key)) {
			walk->cell = STATE_SLOT_CELL(slot);
			return 1;
		}
	}
	return place == STATE_BUCKET_WORDS - 1 && !(bucket->passed & ~STATE_BUCKET_LOCKED);
}

static long look_at_word_4(__u32 index, struct state_walk *walk)
{
	return look_at_word(4, index, walk);
}

static long look_at_word_6(__u32 index, struct state_walk *walk)
{
	return look_at_word(6, index, walk);
}

/* The first slot that may be of a flow with that hash; 0: none. */
static __always_inline __u32 bucket_look(const struct state_bucket *bucket, __u32 hash)
{
#pragma unroll
	for (int i = 0; i < STATE_BUCKET_SLOTS; i++) {
		__u32 slot = *(volatile const __u32 *)&bucket->slots[i];

		if (STATE_SLOT(hash, STATE_SLOT_CELL(slot)) == slot)
			return slot;
	}
	return 0;
}

/* The cell of the flow that the walk is about, alive or not; NULL: it has none. */
static __always_inline struct state *state_look(__u32 family, struct state_walk *walk)
{
	__u32 slot = bucket_look(walk->home, walk->hash);
	struct state *cell;

	if (!slot && !(walk->home->passed & ~STATE_BUCKET_LOCKED))
		return NULL;
	if (slot) {
		cell = state_cell(family, STATE_SLOT_CELL(slot));
		if (cell && state_is_of(family, cell, walk->key))
			return cell;
	}
	/* Few come here: those that others are in the way of. */
	walk->cell = -1;
	if (family == 4)
		bpf_loop(STATE_BUCKET_STEPS * STATE_BUCKET_WORDS, look_at_word_4, walk, 0);
	else
		bpf_loop(STATE_BUCKET_STEPS * STATE_BUCKET_WORDS, look_at_word_6, walk, 0);
	return walk->cell < 0 ? NULL : state_cell(family, walk->cell);
}

/* Likewise, of the flow with that key. */
static __always_inline struct state *state_lookup(__u32 family, const void *key, struct state_walk *walk)
{
	return state_walk_begin(family, walk, key) ? state_look(family, walk) : NULL;
}

static long hold_home(__u32 index, struct state_walk *walk)
{
	walk->held = !(__sync_fetch_and_or(&walk->home->passed, STATE_BUCKET_LOCKED) & STATE_BUCKET_LOCKED);
	return walk->held;
}

static __always_inline long place_slot(struct state_bucket *bucket, struct state_walk *walk)
{
	if (!bucket)
		return 1;
#pragma unroll
	for (int i = 0; i < STATE_BUCKET_SLOTS; i++)
		if (!bucket->slots[i] && !__sync_val_compare_and_swap(&bucket->slots[i], 0, walk->slot))
			return 1;
	__sync_fetch_and_add(&bucket->passed, 1);
	walk->steps++;
	return 0;
}

static long place_slot_4(__u32 step, struct state_walk *walk)
{
	return place_slot(state_bucket(4, walk->buckets, walk->hash, step), walk);
}

static long place_slot_6(__u32 step, struct state_walk *walk)
{
	return place_slot(state_bucket(6, walk->buckets, walk->hash, step), walk);
}

static __always_inline long clear_slot(struct state_bucket *bucket, struct state_walk *walk)
{
	if (!bucket)
		return 1;
#pragma unroll
	for (int i = 0; i < STATE_BUCKET_SLOTS; i++) {
		if (bucket->slots[i] == walk->slot) {
			*(volatile __u32 *)&bucket->slots[i] = 0;
			return 1;
		}
	}
	walk->steps++;
	return 0;
}

static long clear_slot_4(__u32 step, struct state_walk *walk)
{
	return clear_slot(state_bucket(4, walk->buckets, walk->hash, step), walk);
}

static long clear_slot_6(__u32 step, struct state_walk *walk)
{
	return clear_slot(state_bucket(6, walk->buckets, walk->hash, step), walk);
}

static __always_inline long unpass_bucket(struct state_bucket *bucket)
{
	if (!bucket)
		return 1;
	__sync_fetch_and_add(&bucket->passed, (__u32)-1);
	return 0;
}

static long unpass_4(__u32 step, struct state_walk *walk)
{
	return unpass_bucket(state_bucket(4, walk->buckets, walk->hash, step));
}

static long unpass_6(__u32 step, struct state_walk *walk)
{
	return unpass_bucket(state_bucket(6, walk->buckets, walk->hash, step));
}

/* Takes back that the state passed the buckets in which it is not. */
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
 * Makes the cell with this number, which is filled in, the flow's. Returns 0; -EEXIST: it has one; -EBUSY: another CPU
 * keeps the bucket; -ENOSPC: there is no slot.
 */
static __always_inline int state_link(__u32 family, const void *key, __u32 cell, struct state_walk *walk)
{
	int error = -EEXIST;

	if (!state_walk_begin(family, walk, key))
		return -ENOSPC;
	walk->slot = STATE_SLOT(walk->hash, cell);
	walk->steps = walk->held = 0;
	bpf_loop(STATE_LOCK_TRIES, hold_home, walk, 0);
	if (!walk->held)
		return -EBUSY;
	if (!state_look(family, walk)) {
		if (family == 4)
			bpf_loop(STATE_BUCKET_STEPS, place_slot_4, walk, 0);
		else
			bpf_loop(STATE_BUCKET_STEPS, place_slot_6, walk, 0);
		error = walk->steps < STATE_BUCKET_STEPS ? 0 : -ENOSPC;
		if (error)
			state_unpass(family, walk);
	}
	__sync_fetch_and_and(&walk->home->passed, ~STATE_BUCKET_LOCKED);
	return error;
}

/* Takes the cell out of the index. */
static __always_inline void state_unlink(__u32 family, const void *key, __u32 cell, struct state_walk *walk)
{
	if (!state_walk_begin(family, walk, key))
		return;
	walk->slot = STATE_SLOT(walk->hash, cell);
	walk->steps = 0;
	if (family == 4)
		bpf_loop(STATE_BUCKET_STEPS, clear_slot_4, walk, 0);
	else
		bpf_loop(STATE_BUCKET_STEPS, clear_slot_6, walk, 0);
	if (walk->steps < STATE_BUCKET_STEPS)
		state_unpass(family, walk);
}

/* A cell that nobody has; -1: there is none. */
static __always_inline __s32 state_cell_take(__u32 family)
{
	struct state_head *head = state_head(family);
	__u32 cell;
	long empty;

	if (!head)
		return -1;
	empty = family == 4 ? bpf_map_pop_elem(&state_free_4, &cell) : bpf_map_pop_elem(&state_free_6, &cell);
	if (!empty)
		return cell;
	if (*(volatile __u32 *)&head->taken < head->cells) {
		cell = __sync_fetch_and_add(&head->taken, 1);
		if (cell < head->cells)
			return cell;
		__sync_fetch_and_add(&head->taken, (__u32)-1);
	}
	return -1;
}

/* Gives a cell back; its state.rule is 0. */
static __always_inline void state_cell_return(__u32 family, __u32 cell)
{
	if (family == 4)
		bpf_map_push_elem(&state_free_4, &cell, 0);
	else
		bpf_map_push_elem(&state_free_6, &cell, 0);
}

/* Gives a cell of no flow, whose state is filled in, to the flow, and to the sweep. Returns as state_link(). */
static __always_inline int state_enter(__u32 family, const void *key, __u32 cell, struct state_walk *walk)
{
	int error = state_link(family, key, cell, walk);

	if (error)
		return error;
	if (family == 4)
		bpf_map_push_elem(&state_ring_4, &cell, 0);
	else
		bpf_map_push_elem(&state_ring_6, &cell, 0);
	return 0;
}

/* The key stands behind the state. */
static __always_inline void state_write_key(__u32 family, struct state *cell, const void *key)
{
	if (family == 4)
		*(struct state4_key *)(cell + 1) = *(const struct state4_key *)key;
	else
		*(struct state6_key *)(cell + 1) = *(const struct state6_key *)key;
}

static __always_inline void state_read_key(__u32 family, const struct state *cell, void *key)
{
	if (family == 4)
		*(struct state4_key *)key = *(const struct state4_key *)(cell + 1);
	else
		*(struct state6_key *)key = *(const struct state6_key *)(cell + 1);
}

#endif
