/* SPDX-License-Identifier: GPL-2.0-only */
/* Tables of type number: a hash. */
#include <string.h>

#include "maps/table_kinds.h"

static bool encode(void *raw, const struct table_key *key)
{
	const struct table_number number = {key->u.number};

	memcpy(raw, &number, sizeof(number));
	return true;
}

static bool decode(struct table_key *key, const void *raw)
{
	struct table_number number;

	memcpy(&number, raw, sizeof(number));
	*key = (struct table_key){.u.number = number.number};
	return true;
}

const struct table_kind table_number_kinds[TABLE_KINDS_MAX] = {
	{LASTING_TABLE_NUMBER, BPF_MAP_TYPE_HASH, sizeof(struct table_number), false, false, encode, decode},
};
