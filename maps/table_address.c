/* SPDX-License-Identifier: GPL-2.0-only */
/* Tables of type addr: the kernel's tries, one for IPv4 and one for IPv6. */
#include <string.h>

#include "maps/table_kinds.h"

static bool encode4(void *raw, const struct table_key *key)
{
	const struct table_address4 address = {.bits = key->bits, .address = key->u.address[0]};

	memcpy(raw, &address, sizeof(address));
	return key->family == 4;
}

static bool decode4(struct table_key *key, const void *raw)
{
	struct table_address4 address;

	memcpy(&address, raw, sizeof(address));
	*key = (struct table_key){.family = 4, .bits = (__u8)address.bits, .u.address[0] = address.address};
	return true;
}

static bool encode6(void *raw, const struct table_key *key)
{
	struct table_address6 address = {.bits = key->bits};

	memcpy(address.address, key->u.address, sizeof(address.address));
	memcpy(raw, &address, sizeof(address));
	return key->family == 6;
}

static bool decode6(struct table_key *key, const void *raw)
{
	struct table_address6 address;

	memcpy(&address, raw, sizeof(address));
	*key = (struct table_key){.family = 6, .bits = (__u8)address.bits};
	memcpy(key->u.address, address.address, sizeof(address.address));
	return true;
}

const struct table_kind table_address_kinds[TABLE_KINDS_MAX] = {
	{LASTING_TABLE_ADDRESS4, BPF_MAP_TYPE_LPM_TRIE, sizeof(struct table_address4), true, encode4, decode4},
	{LASTING_TABLE_ADDRESS6, BPF_MAP_TYPE_LPM_TRIE, sizeof(struct table_address6), true, encode6, decode6},
};
