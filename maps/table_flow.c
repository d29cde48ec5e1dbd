/* SPDX-License-Identifier: GPL-2.0-only */
/* Tables of type flow: a hash. */
#include <string.h>

#include "maps/table_kinds.h"

static bool encode(void *raw, const struct table_key *key)
{
	memcpy(raw, &key->u.flow, sizeof(key->u.flow));
	return true;
}

static bool decode(struct table_key *key, const void *raw)
{
	memset(key, 0, sizeof(*key));
	memcpy(&key->u.flow, raw, sizeof(key->u.flow));
	return true;
}

const struct table_kind table_flow_kinds[TABLE_KINDS_MAX] = {
	{LASTING_TABLE_FLOW, BPF_MAP_TYPE_HASH, sizeof(struct table_flow), false, false, encode, decode},
};
