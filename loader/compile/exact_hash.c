/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/compile/exact_hash.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define DISPLACEMENTS (1u << 16)
#define ATTEMPTS 4
/* More keys in a bucket than ever come together, unless their hashes are the same. */
#define BUCKET_MOST 64

/* The hashes in the order of their buckets, and where each bucket's end. */
struct buckets {
	__u64 *hashes;
	__u32 *ends;
	__u32 *order; /* of the buckets, the largest first */
};

static void buckets_free(struct buckets *buckets)
{
	free(buckets->hashes);
	free(buckets->ends);
	free(buckets->order);
}

static __u32 bucket_start(const struct buckets *buckets, __u32 bucket)
{
	return bucket ? buckets->ends[bucket - 1] : 0;
}

static __u32 bucket_size(const struct buckets *buckets, __u32 bucket)
{
	return buckets->ends[bucket] - bucket_start(buckets, bucket);
}

static bool buckets_make(struct buckets *buckets, const struct exact_hash *hash, const __u64 *hashes, size_t count)
{
	__u32 sum = 0;

	buckets->hashes = malloc(count * sizeof(*buckets->hashes));
	buckets->ends = calloc(hash->buckets, sizeof(*buckets->ends));
	buckets->order = malloc(hash->buckets * sizeof(*buckets->order));
	if (!buckets->hashes || !buckets->ends || !buckets->order)
		return false;
	for (size_t i = 0; i < count; i++)
		buckets->ends[exact_bucket(hashes[i], hash->bucket_shift)]++;
	for (size_t i = 0; i < hash->buckets; i++) {
		__u32 size = buckets->ends[i];

		buckets->ends[i] = sum;
		sum += size;
	}
	for (size_t i = 0; i < count; i++)
		buckets->hashes[buckets->ends[exact_bucket(hashes[i], hash->bucket_shift)]++] = hashes[i];
	return true;
}

/* Sorts the buckets by size. Returns -EDOM if one is too large to be true. */
static int sort_buckets(struct buckets *buckets, size_t count)
{
	size_t sorted = 0;

	for (__u32 i = 0; i < count; i++)
		if (bucket_size(buckets, i) > BUCKET_MOST)
			return -EDOM;
	for (__u32 size = BUCKET_MOST + 1; size--;)
		for (__u32 i = 0; i < count; i++)
			if (bucket_size(buckets, i) == size)
				buckets->order[sorted++] = i;
	return 0;
}

/* Takes the slots that the keys of a bucket get by a displacement, unless one is taken. */
static bool take_slots(bool *taken, __u32 slots, const __u64 *hashes, __u32 count, __u16 displacement)
{
	for (__u32 i = 0; i < count; i++) {
		__u32 place = exact_place(hashes[i], displacement, slots);

		if (taken[place]) {
			while (i--)
				taken[exact_place(hashes[i], displacement, slots)] = false;
			return false;
		}
		taken[place] = true;
	}
	return true;
}

static bool displace(struct exact_hash *hash, const struct buckets *buckets, __u32 bucket, bool *taken)
{
	const __u64 *hashes = buckets->hashes + bucket_start(buckets, bucket);

	for (__u32 i = 0; i < DISPLACEMENTS; i++)
		if (take_slots(taken, hash->slots, hashes, bucket_size(buckets, bucket), (__u16)i)) {
			hash->displacements[bucket] = (__u16)i;
			return true;
		}
	return false;
}

/* Displaces all buckets, with as many slots as hash->slots says. */
static int displace_all(struct exact_hash *hash, const struct buckets *buckets)
{
	bool *taken = calloc(hash->slots, sizeof(*taken));
	int error = taken ? 0 : -ENOMEM;

	for (size_t i = 0; i < hash->buckets && !error; i++)
		if (!displace(hash, buckets, buckets->order[i], taken))
			error = -EDOM;
	free(taken);
	return error;
}

int exact_hash_make(struct exact_hash *hash, const __u64 *hashes, size_t count)
{
	struct buckets buckets = {0};
	int error;

	*hash = (struct exact_hash){.buckets = 2, .bucket_shift = 63};
	for (; hash->buckets * EXACT_BUCKET < count; hash->buckets *= 2)
		hash->bucket_shift--;
	hash->displacements = calloc(hash->buckets, sizeof(*hash->displacements));
	error = hash->displacements && buckets_make(&buckets, hash, hashes, count) ? 0 : -ENOMEM;
	if (!error)
		error = sort_buckets(&buckets, hash->buckets);
	hash->slots = (__u32)(count * 100 / EXACT_LOAD + 1);
	for (int attempt = 0; !error; attempt++) {
		error = displace_all(hash, &buckets);
		if (error != -EDOM || attempt == ATTEMPTS)
			break;
		hash->slots += hash->slots / 4 + 1;
		error = 0;
	}
	buckets_free(&buckets);
	if (error)
		exact_hash_free(hash);
	return error;
}

void exact_hash_free(struct exact_hash *hash)
{
	free(hash->displacements);
	*hash = (struct exact_hash){0};
}
