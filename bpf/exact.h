/* SPDX-License-Identifier: GPL-2.0-only */
/* Searches the hash tables of exact stretches (include/ipfw/exact.h). */
#ifndef BPF_EXACT_H
#define BPF_EXACT_H

#include "bpf/classifier.h"
#include "ipfw/exact.h"
#include "ipfw/stretch.h"
#include "ipfw/verdict.h"

/* Of count.h. */
extern int rule_count(struct packet *packet, __u32 slot);

/* Whether the packet may have a key of the table. */
static __always_inline bool exact_concerns(const struct exact_table *table, const __u32 *words)
{
	return !(((words[EXACT_HEAD] ^ table->head_value) & table->head_mask) |
		 ((words[EXACT_PORTS] ^ table->ports_value) & table->ports_mask));
}

static __always_inline __u32 exact_key_word(const struct exact_table *table, const __u32 *words, unsigned int place)
{
	return words[table->word[place] & (EXACT_PACKET_WORDS - 1)] & table->mask[place];
}

/* The slot for a key with that hash. NULL: the image is broken. */
static __always_inline const struct exact_slot *exact_slot_at(const void *image, const struct exact_table *table,
							      __u64 hash)
{
	__u32 bucket = exact_bucket(hash, table->bucket_shift), place;
	const __u16 *displacements =
		classifier_line(image, table->displacements + bucket / EXACT_DISPLACEMENTS_PER_LINE);
	const struct exact_slot *slots;

	if (!displacements)
		return NULL;
	place = exact_place(hash, displacements[bucket % EXACT_DISPLACEMENTS_PER_LINE], table->count);
	slots = classifier_line(image, table->slots + place / EXACT_SLOTS_PER_LINE);
	return slots ? slots + place % EXACT_SLOTS_PER_LINE : NULL;
}

/*
 * The slot that the packet's key leads to, NULL: it has another key. A slot that is nobody's may be returned: it says
 * VERDICT_NONE.
 */
static __always_inline const struct exact_slot *exact_find_one(const void *image, const struct exact_table *table,
							       const __u32 *words)
{
	__u32 key = exact_key_word(table, words, 0);
	const struct exact_slot *slot = exact_slot_at(image, table, exact_hash_word(key, 0));

	return slot && slot->key[0] == key ? slot : NULL;
}

static __always_inline const struct exact_slot *exact_find(const void *image, const struct exact_table *table,
							   const __u32 *words)
{
	__u32 key[EXACT_WORDS], differences = 0;
	const struct exact_slot *slot;
	__u64 hash = 0;

	for (unsigned int i = 0; i < EXACT_WORDS; i++) {
		key[i] = exact_key_word(table, words, i);
		hash += exact_hash_word(key[i], i);
	}
	slot = exact_slot_at(image, table, hash);
	if (!slot)
		return NULL;
	for (unsigned int i = 0; i < EXACT_WORDS; i++)
		differences |= key[i] ^ slot->key[i];
	return differences ? NULL : slot;
}

/* What is to be done to a packet that was led to a slot: what exact_match() returns. */
static __always_inline __u64 exact_act(struct packet *packet, const struct exact_slot *slot, __u32 end)
{
	switch (EXACT_KIND(slot->rule)) {
	case EXACT_VERDICT:
		return slot->result;
	case EXACT_SKIPTO:
		/* what comes next anyway need not look at packet.resume */
		if (MATCH_ARGUMENT(slot->result) > end)
			packet->resume = MATCH_ARGUMENT(slot->result);
		/* fall through */
	case EXACT_COUNT:
		rule_count(packet, MATCH_SLOT(slot->result));
		return VERDICT_NONE;
	default:
		return STRETCH_MUST_WALK;
	}
}

/* The slot of the first rule that the packet's keys in several tables lead to, or NULL. */
static __always_inline const struct exact_slot *exact_search(const void *image, const struct exact_table *table,
							     const __u32 *words)
{
	const struct exact_slot *best = NULL;

	for (int i = 0; i < EXACT_TABLES && table; i++) {
		const struct exact_slot *slot = NULL;

		if (table->count && exact_concerns(table, words))
			slot = exact_find(image, table, words);
		if (slot && (!best || CLASSIFIER_INDEX(slot->rule) < CLASSIFIER_INDEX(best->rule)))
			best = slot;
		table = table->next ? classifier_line(image, table->next) : NULL;
	}
	return best;
}

/* Of the tables from `table` on, which is the root of a stretch. */
static __always_inline __u64 exact_match_tables(const void *image, struct packet *packet,
						const struct exact_table *table, __u32 end)
{
	const __u32 *words = (const __u32 *)packet;
	const struct exact_slot *slot;

	if (!table->next) {
		if (!table->count || !exact_concerns(table, words))
			return VERDICT_NONE;
		slot = table->words > 1 ? exact_find(image, table, words) : exact_find_one(image, table, words);
		return slot ? exact_act(packet, slot, end) : VERDICT_NONE;
	}
	slot = exact_search(image, table, words);
	if (!slot)
		return VERDICT_NONE;
	return EXACT_KIND(slot->rule) == EXACT_VERDICT ? slot->result : STRETCH_MUST_WALK;
}

static __always_inline __u64 exact_ask_tables(struct packet *packet, __u32 stretch, __u32 end)
{
	__u32 family = packet->family == 4 ? CLASSIFIER_IP4 : packet->family == 6 ? CLASSIFIER_IP6 : CLASSIFIER_OTHER;
	const void *image = classifier_image();
	const struct exact_table *table = classifier_line(image, CLASSIFIER_ROOTS(stretch, family));

	return table ? exact_match_tables(image, packet, table, end) : VERDICT_NONE;
}

/*
 * For generated code: what a function of the rules from position `first` to before `end` would return, `stretch` in the
 * image; or STRETCH_MUST_WALK: stretch_match() is to be asked, and nothing has been done yet.
 */
__noinline __u64 exact_match(struct packet *packet, __u32 stretch, __u32 first, __u32 end)
{
	if (!packet)
		return VERDICT_NONE;
	if (packet->resume) {
		if (packet->resume >= end)
			return VERDICT_NONE;
		if (packet->resume != first)
			return STRETCH_MUST_WALK;
		packet->resume = 0;
	}
	return exact_ask_tables(packet, stretch, end);
}

#endif
