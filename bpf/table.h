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
#include "ipfw/packet.h"
#include "ipfw/table_question.h"

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
static __always_inline int table_answer(const struct table_record *record, __u64 question, __u32 value)
{
	__u32 type = TABLE_QUESTION_VALUE(question);

	if (!record)
		return 0;
	return !type || (type < TABLE_NUMBERS && record->number[type] == value);
}

/* The entry of this key in the contents of the packet's table in the outer map `name`, or NULL. */
#define TABLE_FIND(name, packet, question, key)                                                                        \
	({                                                                                                             \
		__u32 slot_ = table_slot(packet, TABLE_QUESTION_INDEX(question));                                      \
		void *contents_ = bpf_map_lookup_elem(&name, &slot_);                                                  \
                                                                                                                       \
		contents_ ? bpf_map_lookup_elem(contents_, key) : NULL;                                                \
	})

/* The entry that an address of the packet finds in a trie of the outer map `name`, or NULL. */
#define TABLE_FIND_ADDRESS(name, packet, question, address)                                                            \
	({                                                                                                             \
		__u32 slot_ = table_slot(packet, TABLE_QUESTION_INDEX(question));                                      \
		void *trie_ = bpf_map_lookup_elem(&name, &slot_);                                                      \
                                                                                                                       \
		trie_ ? find_address(trie_, address) : NULL;                                                           \
	})

static __always_inline const struct table_record *find_address(void *trie, const struct trie_address *address)
{
	const struct trie_header *header = trie_line(trie, 0);
	__u32 reference = header ? trie_search(trie, header, address) : 0;

	return reference ? trie_record(trie, header, reference) : NULL;
}

/* Two words of an address, one behind the other in memory, as a number. */
static __always_inline __u64 address_half(const __u32 *words, __u64 mask)
{
	return (__u64)bpf_ntohl(words[0] & (__u32)mask) << 32 | bpf_ntohl(words[1] & (__u32)(mask >> 32));
}

/* An address of the packet. The mask is as an address lies in memory, IPv4's in its first four bytes. */
__noinline int packet_table_address(struct packet *packet, __u64 question, __u32 value, __u64 mask_low, __u64 mask_high)
{
	struct trie_address address = {0};
	const __u32 *words;

	if (!packet)
		return 0;
	words = TABLE_QUESTION_FIELDS(question) & TABLE_QUESTION_DESTINATION ? packet->destination : packet->source;
	if (packet->family == 4) {
		address.high = address_half(words, (__u32)mask_low);
		return table_answer(TABLE_FIND_ADDRESS(table_address4, packet, question, &address), question, value);
	}
	if (packet->family != 6)
		return 0;
	address.high = address_half(words, mask_low);
	address.low = address_half(words + 2, mask_high);
	return table_answer(TABLE_FIND_ADDRESS(table_address6, packet, question, &address), question, value);
}

/* A number that the caller has read from the packet. */
__noinline int packet_table_number(struct packet *packet, __u64 question, __u32 value, __u32 number)
{
	struct table_number key = {number};

	return packet ? table_answer(TABLE_FIND(table_number, packet, question, &key), question, value) : 0;
}

/* An interface of the packet, by its index; 0: there is none. */
__noinline int packet_table_interface(struct packet *packet, __u64 question, __u32 value, __u32 index)
{
	struct table_interface key = {.index = index};

	if (!packet || !index)
		return 0;
	return table_answer(TABLE_FIND(table_interface, packet, question, &key), question, value);
}

/* A link address of the packet; the mask is as an address lies in memory. */
__noinline int packet_table_mac(struct packet *packet, __u64 question, __u32 value, __u64 mask)
{
	struct table_mac key = {.bits = 48};
	const __u8 *address;

	if (!packet || !packet->layer2)
		return 0;
	address = TABLE_QUESTION_FIELDS(question) & TABLE_QUESTION_DESTINATION ? packet->destination_mac
									       : packet->source_mac;
	for (int i = 0; i < 6; i++)
		key.address[i] = address[i] & (__u8)(mask >> 8 * i);
	return table_answer(TABLE_FIND(table_mac, packet, question, &key), question, value);
}

/* The fields of the packet that the table has. */
__noinline int packet_table_flow(struct packet *packet, __u64 question, __u32 value)
{
	__u32 fields = TABLE_QUESTION_FIELDS(question);
	struct table_flow key = {};

	if (!packet || !packet->family)
		return 0;
	if (fields & (FLOW_SOURCE | FLOW_DESTINATION))
		key.family = packet->family;
	if (fields & FLOW_SOURCE)
		__builtin_memcpy(key.source, packet->source, sizeof(key.source));
	if (fields & FLOW_DESTINATION)
		__builtin_memcpy(key.destination, packet->destination, sizeof(key.destination));
	if (fields & FLOW_PROTOCOL)
		key.protocol = packet->protocol;
	if (fields & FLOW_SOURCE_PORT)
		key.source_port = packet->source_port;
	if (fields & FLOW_DESTINATION_PORT)
		key.destination_port = packet->destination_port;
	return table_answer(TABLE_FIND(table_flow, packet, question, &key), question, value);
}

#endif
