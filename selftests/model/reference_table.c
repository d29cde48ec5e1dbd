/* SPDX-License-Identifier: GPL-2.0-only */
/* What look-ups in tables find (ipfw(8), LOOKUP TABLES): all entries are looked at. */
#include <string.h>

#include "selftests/model/reference.h"

static bool bits_agree(const void *left, const void *right, unsigned int bits)
{
	const __u8 *one = left, *other = right;

	for (unsigned int bit = 0; bit < bits; bit++)
		if ((one[bit / 8] ^ other[bit / 8]) & 0x80 >> bit % 8)
			return false;
	return true;
}

/* Whether the entry is for this key: that of a packet, of one address, number, interface or flow. */
static bool is_for(const struct model_table *table, const struct table_key *entry, const struct table_key *key)
{
	switch (table->type) {
	case TABLE_ADDRESS:
		return entry->family == key->family && bits_agree(entry->u.address, key->u.address, entry->bits);
	case TABLE_MAC:
		return bits_agree(entry->u.mac, key->u.mac, entry->bits);
	case TABLE_INTERFACE:
		return !strcmp(entry->u.name, key->u.name);
	case TABLE_NUMBER:
		return entry->u.number == key->u.number;
	default:
		return !memcmp(&entry->u.flow, &key->u.flow, sizeof(key->u.flow));
	}
}

/* The entry for the key, that with the longest prefix of several. */
static const struct table_record *find(const struct reference *reference, unsigned int index,
				       const struct table_key *key)
{
	const struct model_table *table = reference->tables->tables + index - 1;
	const struct model_entry *best = NULL;

	for (const struct model_entry *entry = table->entries; entry < table->entries + table->count; entry++)
		if (is_for(table, &entry->key, key) && (!best || entry->key.bits > best->key.bits))
			best = entry;
	return best ? &best->record : NULL;
}

/* Only the bits of `mask' of a key are looked up, if it is given. */
static void mask_bytes(void *key, size_t size, const struct lookup_match *lookup)
{
	for (size_t i = 0; lookup && lookup->masked && i < size; i++)
		((__u8 *)key)[i] &= lookup->mask[i];
}

/* `family' 4 or 6: only packets of that family have such an address. */
static const struct table_record *find_address(const struct reference *reference, unsigned int index,
					       const struct packet *packet, const __u32 *address, unsigned int family,
					       const struct lookup_match *lookup)
{
	struct table_key key = {.family = packet->family};

	if (!packet->family || (family && packet->family != family))
		return NULL;
	memcpy(key.u.address, address, sizeof(key.u.address));
	mask_bytes(key.u.address, packet->family == 4 ? 4 : 16, lookup);
	return find(reference, index, &key);
}

static const struct table_record *find_mac(const struct reference *reference, unsigned int index,
					   const struct packet *packet, const __u8 mac[6],
					   const struct lookup_match *lookup)
{
	struct table_key key = {0};

	if (!packet->layer2)
		return NULL;
	memcpy(key.u.mac, mac, sizeof(key.u.mac));
	mask_bytes(key.u.mac, sizeof(key.u.mac), lookup);
	return find(reference, index, &key);
}

static const struct table_record *find_number(const struct reference *reference, const struct lookup_match *lookup,
					      __u32 number)
{
	struct table_key key = {.u.number = number};

	mask_bytes(&key.u.number, sizeof(key.u.number), lookup);
	return find(reference, lookup->index, &key);
}

static const struct table_record *find_interface(const struct reference *reference, unsigned int index, __u32 interface)
{
	struct table_key key = {0};

	for (size_t i = 0; i < reference->interfaces->count; i++) {
		if ((__u32)reference->interfaces->interfaces[i].index != interface)
			continue;
		strcpy(key.u.name, reference->interfaces->interfaces[i].name);
		return find(reference, index, &key);
	}
	return NULL;
}

/* Ports of packets that have none are 0. */
static const struct table_record *find_flow(const struct reference *reference, const struct table_match *table,
					    const struct packet *packet)
{
	unsigned int fields = reference->tables->tables[table->index - 1].flow_fields;
	struct table_key key = {0};
	struct table_flow *flow = &key.u.flow;

	if (!packet->family)
		return NULL;
	if (fields & (FLOW_SOURCE | FLOW_DESTINATION))
		flow->family = packet->family;
	if (fields & FLOW_SOURCE)
		memcpy(flow->source, packet->source, sizeof(flow->source));
	if (fields & FLOW_DESTINATION)
		memcpy(flow->destination, packet->destination, sizeof(flow->destination));
	flow->protocol = fields & FLOW_PROTOCOL ? packet->protocol : 0;
	flow->source_port = fields & FLOW_SOURCE_PORT ? packet->source_port : 0;
	flow->destination_port = fields & FLOW_DESTINATION_PORT ? packet->destination_port : 0;
	return find(reference, table->index, &key);
}

/* The number that `lookup' asks for; false: the packet has none. */
static bool number_of(const struct lookup_match *lookup, const struct rule *rule, const struct packet *packet,
		      __u32 *number)
{
	switch (lookup->key) {
	case LOOKUP_DESTINATION_PORT:
		*number = packet->destination_port;
		return packet->flags & PACKET_PORTS;
	case LOOKUP_SOURCE_PORT:
		*number = packet->source_port;
		return packet->flags & PACKET_PORTS;
	case LOOKUP_DSCP:
		*number = packet->traffic_class >> 2;
		return packet->family;
	case LOOKUP_MARK:
		*number = packet->mark;
		return true;
	default: /* LOOKUP_RULE_NUMBER */
		*number = rule->number;
		return true;
	}
}

static const struct table_record *find_lookup(const struct reference *reference, const struct rule *rule,
					      const struct lookup_match *lookup, const struct packet *packet)
{
	__u32 number;

	switch (lookup->key) {
	case LOOKUP_DESTINATION_IP:
		return find_address(reference, lookup->index, packet, packet->destination, 0, lookup);
	case LOOKUP_SOURCE_IP:
		return find_address(reference, lookup->index, packet, packet->source, 0, lookup);
	case LOOKUP_DESTINATION_IP4:
		return find_address(reference, lookup->index, packet, packet->destination, 4, lookup);
	case LOOKUP_SOURCE_IP4:
		return find_address(reference, lookup->index, packet, packet->source, 4, lookup);
	case LOOKUP_DESTINATION_IP6:
		return find_address(reference, lookup->index, packet, packet->destination, 6, lookup);
	case LOOKUP_SOURCE_IP6:
		return find_address(reference, lookup->index, packet, packet->source, 6, lookup);
	case LOOKUP_DESTINATION_MAC:
		return find_mac(reference, lookup->index, packet, packet->destination_mac, lookup);
	case LOOKUP_SOURCE_MAC:
		return find_mac(reference, lookup->index, packet, packet->source_mac, lookup);
	default:
		return number_of(lookup, rule, packet, &number) ? find_number(reference, lookup, number) : NULL;
	}
}

const struct table_record *reference_table(const struct reference *reference, const struct rule *rule,
					   const struct option *option, const struct packet *packet)
{
	unsigned int index = option->u.table.index;

	switch (option->code) {
	case OPTION_SOURCE_TABLE:
		return find_address(reference, index, packet, packet->source, 0, NULL);
	case OPTION_DESTINATION_TABLE:
		return find_address(reference, index, packet, packet->destination, 0, NULL);
	case OPTION_RECV_TABLE:
		return find_interface(reference, index, packet->receive_interface);
	case OPTION_XMIT_TABLE: /* none yet for what comes in */
		return reference->input ? NULL : find_interface(reference, index, packet->transmit_interface);
	case OPTION_VIA_TABLE:
		return find_interface(reference, index, packet->interface);
	case OPTION_FLOW:
		return find_flow(reference, &option->u.table, packet);
	case OPTION_SOURCE_MAC:
		return find_mac(reference, index, packet, packet->source_mac, NULL);
	case OPTION_DESTINATION_MAC:
		return find_mac(reference, index, packet, packet->destination_mac, NULL);
	default:
		return find_lookup(reference, rule, &option->u.lookup, packet);
	}
}
