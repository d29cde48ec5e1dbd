/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Look-ups in tables, for generated code: a module. Addresses are in tries of our own (bpf/table_address.h); all else
 * is in the kernel's tries and hashes, where a look-up is one call of the kernel.
 */
#ifndef BPF_TABLE_H
#define BPF_TABLE_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/maps_tables.h"
#include "bpf/table_address.h"
#include "bpf/table_entry.h"
#include "bpf/table_value.h"
#include "ipfw/packet.h"
#include "ipfw/table_question.h"
#include "maps/table_flow.h"

/* Rules and tables that one transaction changes come into force together (maps/layout.h). */
const volatile struct table_epochs table_epochs SEC(".rodata.tables") = {0};

/* The slot that holds the contents of a table for this packet, 0: none. */
static __always_inline __u32 table_slot(struct packet *packet, __u32 table)
{
	__u32 key = 0;
	const struct table_slots *slots = bpf_map_lookup_elem(&table_slots, &key);

	if (!slots)
		return 0;
	if (!packet->table_epoch)
		packet->table_epoch = slots->epoch == table_epochs.before ? table_epochs.after : slots->epoch;
	return slots->slot[packet->table_epoch & 1][table & (TABLES_MAX - 1)];
}

/* Whether an entry was found, and holds what the question asks for. */
static __always_inline int table_holds(const struct table_record *record, __u64 question, __u32 value)
{
	__u32 type = TABLE_QUESTION_VALUE(question);

	/* Else the compiler may check a copy, of which the verifier learns nothing. */
	asm volatile("" : "+r"(type));
	if (!record)
		return 0;
	return !type || (type < TABLE_NUMBERS && record->number[type] == value);
}

/* Likewise; then it may be kept. */
static __always_inline int table_answer(struct packet *packet, const struct table_record *record, __u64 question,
					__u32 value)
{
	if (!table_holds(record, question, value))
		return 0;
	if (question & TABLE_QUESTION_KEEP)
		table_keep(packet, record->number);
	return 1;
}

/* The contents in a slot of the outer map `name', or NULL. */
#define TABLE_CONTENTS(name, slot)                                                                                     \
	({                                                                                                             \
		__u32 slot_ = slot;                                                                                    \
                                                                                                                       \
		bpf_map_lookup_elem(&name, &slot_);                                                                    \
	})

/* What a look-up has found, `record' NULL: nothing. */
struct table_hit {
	const struct table_record *record;
};

static __always_inline void find_exactly(struct table_hit *hit, void *contents, const void *key)
{
	const struct table_entry *entry = contents ? bpf_map_lookup_elem(contents, key) : NULL;

	if (entry && table_entry_lives(entry))
		hit->record = &entry->record;
}

/* Whether the question can be answered without what the entry holds, which is then not fetched. */
static __always_inline bool holds_no_matter(__u64 question)
{
	return !TABLE_QUESTION_VALUE(question) && !(question & TABLE_QUESTION_KEEP);
}

/* What asked->plain is to be. `timed' is what there may be of prefixes that expire. */
static __always_inline bool asks_plainly(const struct packet *packet, const struct table_asked *asked,
					 const void *timed)
{
	return holds_no_matter(asked->question) && !timed && !table_counts_map(packet, asked->slot);
}

static __always_inline void find_address(struct table_asked *asked, void *trie, bool wide)
{
	asked->reference = trie ? trie_search(trie, &asked->address, wide, asked->plain) : 0;
	asked->bits = TRIE_REFERENCE_BITS(asked->reference);
}

/* Likewise in a trie of the kernel's, in which prefixes expire; a longer prefix than the one found before counts. */
static __always_inline void find_timed_address(struct packet *packet, struct table_asked *asked, void *trie)
{
	const struct table_entry *entry = trie ? table_find_prefix(trie, &asked->key) : NULL;

	if (!entry || (asked->reference && entry->record.number[0] < asked->bits))
		return;
	asked->reference = 0;
	asked->bits = entry->record.number[0];
	asked->found = table_answer(packet, &entry->record, asked->question, asked->value);
}

/* The first `bits' of 64 bits, the others 0, in the order of the network. */
static __always_inline void write_half(__u32 *words, __u64 half, __u32 bits)
{
	half &= bits >= 64 ? ~0ull : bits ? ~0ull << (64 - bits) : 0;
	words[0] = bpf_htonl((__u32)(half >> 32));
	words[1] = bpf_htonl((__u32)half);
}

/* Counts the packet for an address that expires. */
static __always_inline void count_timed_address(const struct packet *packet, const struct table_asked *asked)
{
	struct table_scratch *scratch;
	void *counters = table_counters_find(packet, TABLE_ADDRESS, asked->slot, &scratch);

	if (!counters)
		return;
	scratch->key.family = packet->family;
	scratch->key.bits = (__u8)asked->bits;
	write_half(scratch->key.word, asked->address.high, asked->bits);
	write_half(scratch->key.word + 2, asked->address.low, asked->bits > 64 ? asked->bits - 64 : 0);
	table_count(packet, counters, scratch);
}

/* Counts the packet for an address that stays. */
static __always_inline void count_address(const struct packet *packet, const struct table_asked *asked)
{
	void *counts = table_counts_map(packet, asked->slot);
	__u32 index = TRIE_REFERENCE_INDEX(asked->reference);
	struct table_count *count = counts ? bpf_map_lookup_elem(counts, &index) : NULL;

	if (count)
		table_count_in(packet, &count->counter);
}

/* Two words of an address, one behind the other in memory, as a number. */
static __always_inline __u64 address_half(const __u32 *words)
{
	return (__u64)bpf_ntohl(words[0]) << 32 | bpf_ntohl(words[1]);
}

/* Whether the entry that the trie has holds what the question asks for. */
static __always_inline int trie_answer(struct packet *packet, const struct table_asked *asked)
{
	void *trie = packet->family == 4 ? TABLE_CONTENTS(table_address4, asked->slot)
					 : TABLE_CONTENTS(table_address6, asked->slot);
	const struct table_record *record;
	__u32 type = TABLE_QUESTION_VALUE(asked->question);
	__u64 held = trie ? trie_held(trie, asked->reference) : 0;

	if (!held)
		return 0;
	record = trie_record(trie, held);
	/* As above. */
	asm volatile("" : "+r"(type));
	if (type && (type >= TABLE_NUMBERS || trie_number(record, held, type) != asked->value))
		return 0;
	if (!(asked->question & TABLE_QUESTION_KEEP))
		return 1;
	_Static_assert(TRIE_HOLDS_ALL == TABLE_KEEP_ALL, "they say the same");
	if (record)
		table_keep(packet, record->number);
	else
		table_keep_number(packet, TRIE_HELD_FORM(held), (__u32)held);
	return 1;
}

/* An address of the packet. The mask is as an address lies in memory, IPv4's in its first four bytes. */
__noinline int packet_table_address(struct packet *packet, __u64 question, __u32 value, __u64 mask_low, __u64 mask_high)
{
	struct table_scratch *scratch;
	struct table_asked *asked;
	const __u32 *words;

	if (!packet || (packet->family != 4 && packet->family != 6))
		return 0;
	scratch = table_scratch_of(packet);
	if (!scratch)
		return 0;
	asked = &scratch->asked;
	words = TABLE_QUESTION_FIELDS(question) & TABLE_QUESTION_DESTINATION ? packet->destination : packet->source;
	asked->question = question;
	asked->value = value;
	asked->found = 0;
	asked->slot = table_slot(packet, TABLE_QUESTION_INDEX(question));
	asked->key.address[0] = words[0] & (__u32)mask_low;
	asked->key.address[1] = words[1] & (__u32)(mask_low >> 32);
	asked->key.address[2] = words[2] & (__u32)mask_high;
	asked->key.address[3] = words[3] & (__u32)(mask_high >> 32);
	if (packet->family == 4) {
		asked->key.bits = 32;
		asked->address.high = (__u64)bpf_ntohl(asked->key.address[0]) << 32;
		asked->address.low = 0;
		asked->plain = asks_plainly(packet, asked, TABLE_CONTENTS(table_timed4, asked->slot));
		find_address(asked, TABLE_CONTENTS(table_address4, asked->slot), false);
		if (asked->plain)
			return asked->reference != 0;
		find_timed_address(packet, asked, TABLE_CONTENTS(table_timed4, asked->slot));
	} else {
		asked->key.bits = 128;
		asked->address.high = address_half(asked->key.address);
		asked->address.low = address_half(asked->key.address + 2);
		asked->plain = asks_plainly(packet, asked, TABLE_CONTENTS(table_timed6, asked->slot));
		find_address(asked, TABLE_CONTENTS(table_address6, asked->slot), true);
		if (asked->plain)
			return asked->reference != 0;
		find_timed_address(packet, asked, TABLE_CONTENTS(table_timed6, asked->slot));
	}
	if (asked->reference)
		asked->found = holds_no_matter(asked->question) || trie_answer(packet, asked);
	if (!asked->found)
		return 0;
	if (asked->reference)
		count_address(packet, asked);
	else
		count_timed_address(packet, asked);
	return 1;
}

/* Counts the packet for an entry of a type whose keys are one number. */
static __always_inline void count_number(const struct packet *packet, __u32 type, __u32 slot, __u32 number)
{
	struct table_scratch *scratch;
	void *counters = table_counters_find(packet, type, slot, &scratch);

	if (!counters)
		return;
	scratch->key.word[0] = number;
	table_count(packet, counters, scratch);
}

/* A number that the caller has read from the packet. */
__noinline int packet_table_number(struct packet *packet, __u64 question, __u32 value, __u32 number)
{
	struct table_number key = {number};
	struct table_hit hit = {0};
	__u32 slot;

	if (!packet)
		return 0;
	slot = table_slot(packet, TABLE_QUESTION_INDEX(question));
	find_exactly(&hit, TABLE_CONTENTS(table_number, slot), &key);
	if (!table_answer(packet, hit.record, question, value))
		return 0;
	count_number(packet, TABLE_NUMBER, slot, number);
	return 1;
}

/* An interface of the packet, by its index; 0: there is none. */
__noinline int packet_table_interface(struct packet *packet, __u64 question, __u32 value, __u32 index)
{
	struct table_interface key = {.index = index};
	struct table_hit hit = {0};
	__u32 slot;

	if (!packet || !index)
		return 0;
	slot = table_slot(packet, TABLE_QUESTION_INDEX(question));
	find_exactly(&hit, TABLE_CONTENTS(table_interface, slot), &key);
	if (!table_answer(packet, hit.record, question, value))
		return 0;
	count_number(packet, TABLE_INTERFACE, slot, index);
	return 1;
}

/* Counts the packet for the entry with so many bits of scratch->mac. */
static __always_inline void count_mac(const struct packet *packet, __u32 slot, struct table_scratch *scratch,
				      __u32 bits)
{
	void *counters = table_counters_map(packet, TABLE_MAC, slot);
	__u8 *bytes = (__u8 *)scratch->key.word;

	if (!counters)
		return;
	scratch->key.bits = (__u8)bits;
	for (__u32 i = 0; i < sizeof(scratch->mac.address); i++)
		if (bits > 8 * i)
			bytes[i] = scratch->mac.address[i] & (bits >= 8 * i + 8 ? 0xff : 0xff00 >> (bits - 8 * i));
	table_count(packet, counters, scratch);
}

/* A link address of the packet; the mask is as an address lies in memory. */
__noinline int packet_table_mac(struct packet *packet, __u64 question, __u32 value, __u64 mask)
{
	struct table_scratch *scratch;
	const struct table_entry *entry;
	void *contents;
	const __u8 *address;

	if (!packet || !packet->layer2)
		return 0;
	scratch = table_scratch_find(packet);
	if (!scratch)
		return 0;
	address = TABLE_QUESTION_FIELDS(question) & TABLE_QUESTION_DESTINATION ? packet->destination_mac
									       : packet->source_mac;
	scratch->asked.question = question;
	scratch->asked.value = value;
	scratch->mac.bits = 48;
	for (int i = 0; i < 6; i++)
		scratch->mac.address[i] = address[i] & (__u8)(mask >> 8 * i);
	scratch->asked.slot = table_slot(packet, TABLE_QUESTION_INDEX(question));
	contents = TABLE_CONTENTS(table_mac, scratch->asked.slot);
	entry = contents ? table_find_prefix(contents, &scratch->mac) : NULL;
	if (!entry || !table_answer(packet, &entry->record, scratch->asked.question, scratch->asked.value))
		return 0;
	count_mac(packet, scratch->asked.slot, scratch, entry->record.number[0]);
	return 1;
}

__noinline int packet_table_flow(struct packet *packet, __u64 question, __u32 value)
{
	struct table_scratch *scratch;
	struct table_hit hit = {0};
	void *counters;
	__u32 slot;

	if (!packet || !packet->family)
		return 0;
	scratch = table_scratch_find(packet);
	if (!scratch)
		return 0;
	table_flow_read((struct table_flow *)scratch->key.word, packet, TABLE_QUESTION_FIELDS(question));
	slot = table_slot(packet, TABLE_QUESTION_INDEX(question));
	find_exactly(&hit, TABLE_CONTENTS(table_flow, slot), scratch->key.word);
	if (!table_answer(packet, hit.record, question, value))
		return 0;
	counters = table_counters_map(packet, TABLE_FLOW, slot);
	if (counters)
		table_count(packet, counters, scratch);
	return 1;
}

#endif
