/* SPDX-License-Identifier: GPL-2.0-only */
/* Tables of type iface: a hash by name, in which each entry stands once more by the index that packets know. */
#include <string.h>

#include "maps/table_kinds.h"

static bool encode(void *raw, const struct table_key *key)
{
	struct table_interface interface = {0};

	memcpy(interface.name, key->u.name, sizeof(interface.name));
	memcpy(raw, &interface, sizeof(interface));
	return true;
}

static bool decode(struct table_key *key, const void *raw)
{
	struct table_interface interface;

	memcpy(&interface, raw, sizeof(interface));
	memset(key, 0, sizeof(*key));
	memcpy(key->u.name, interface.name, sizeof(interface.name));
	return !interface.index;
}

const struct table_kind table_interface_kinds[TABLE_KINDS_MAX] = {
	{LASTING_TABLE_INTERFACE, BPF_MAP_TYPE_HASH, sizeof(struct table_interface), false, false, encode, decode},
};
