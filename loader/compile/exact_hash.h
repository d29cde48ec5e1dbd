/* SPDX-License-Identifier: GPL-2.0-only */
/* Perfect hashes: which slot each key of a table has (include/ipfw/exact.h). */
#ifndef COMPILE_EXACT_HASH_H
#define COMPILE_EXACT_HASH_H

#include "ipfw/exact.h"

struct exact_hash {
	__u16 *displacements; /* of the buckets */
	size_t buckets;
	__u8 bucket_shift;
	__u32 slots;
};

/* Finds one for `count` hashes, at least one. Returns 0, -ENOMEM, or -EDOM: there is none, as some are the same. */
int exact_hash_make(struct exact_hash *hash, const __u64 *hashes, size_t count);
void exact_hash_free(struct exact_hash *hash);

#endif
