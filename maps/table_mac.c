/* SPDX-License-Identifier: GPL-2.0-only */
/* Tables of type mac: the kernel's trie. */
#include <string.h>

#include "maps/table_kinds.h"

static bool encode(void *raw, const struct table_key *key)
{
	struct table_mac mac = {.bits = key->bits};

	memcpy(mac.address, key->u.mac, sizeof(mac.address));
	memcpy(raw, &mac, sizeof(mac));
	return true;
}

static bool decode(struct table_key *key, const void *raw)
{
	struct table_mac mac;

	memcpy(&mac, raw, sizeof(mac));
	*key = (struct table_key){.bits = (__u8)mac.bits};
	memcpy(key->u.mac, mac.address, sizeof(mac.address));
	return true;
}

const struct table_kind table_mac_kinds[TABLE_KINDS_MAX] = {
	{LASTING_TABLE_MAC, BPF_MAP_TYPE_LPM_TRIE, sizeof(struct table_mac), false, true, encode, decode},
};
