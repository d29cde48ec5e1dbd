/* SPDX-License-Identifier: GPL-2.0-only */
#include "maps/table_edits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 16

static __u32 hash_key(const struct table_key *key)
{
	__u64 words[sizeof(*key) / sizeof(__u64) + 1] = {0}, hash = 0;

	memcpy(words, key, sizeof(*key));
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		hash = (hash ^ words[i]) * 0x9e3779b97f4a7c15ull;
		hash ^= hash >> 32;
	}
	return (__u32)hash;
}

/* The bucket of `key`, or the free one where it belongs. */
static struct table_edit_bucket *find_bucket(const struct table_edits *edits, const struct table_key *key, __u32 hash)
{
	for (size_t bucket = hash;; bucket++) {
		struct table_edit_bucket *place = edits->buckets + (bucket & (edits->bucket_count - 1));

		if (!place->edit ||
		    (place->hash == hash && !memcmp(&edits->edits[place->edit - 1].key, key, sizeof(*key))))
			return place;
	}
}

struct table_edit *table_edits_find(const struct table_edits *edits, const struct table_key *key)
{
	struct table_edit_bucket *place = edits->count ? find_bucket(edits, key, hash_key(key)) : NULL;

	return place && place->edit ? edits->edits + place->edit - 1 : NULL;
}

/* Makes twice as many buckets. */
static int grow_buckets(struct table_edits *edits)
{
	size_t count = edits->bucket_count ? edits->bucket_count * 2 : FIRST_CAPACITY * 2;
	struct table_edit_bucket *buckets = calloc(count, sizeof(*buckets));

	if (!buckets)
		return -ENOMEM;
	for (size_t i = 0; i < edits->bucket_count; i++) {
		size_t bucket = edits->buckets[i].hash;

		if (!edits->buckets[i].edit)
			continue;
		while (buckets[bucket & (count - 1)].edit)
			bucket++;
		buckets[bucket & (count - 1)] = edits->buckets[i];
	}
	free(edits->buckets);
	edits->buckets = buckets;
	edits->bucket_count = count;
	return 0;
}

/* Makes room for one more; at most half of the buckets are in use. */
static int grow(struct table_edits *edits)
{
	size_t capacity = edits->capacity ? edits->capacity * 2 : FIRST_CAPACITY;
	struct table_edit *larger;

	if (edits->count < edits->capacity)
		return 0;
	larger = reallocarray(edits->edits, capacity, sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	edits->edits = larger;
	if (grow_buckets(edits))
		return -ENOMEM;
	edits->capacity = capacity;
	return 0;
}

int table_edits_set(struct table_edits *edits, const struct table_key *key, const struct table_entry *entry)
{
	__u32 hash = hash_key(key);
	struct table_edit_bucket *place;
	struct table_edit *edit;

	if (grow(edits))
		return -ENOMEM;
	place = find_bucket(edits, key, hash);
	if (!place->edit) {
		edits->edits[edits->count].key = *key;
		*place = (struct table_edit_bucket){hash, (__u32)++edits->count};
	}
	edit = edits->edits + place->edit - 1;
	edit->present = entry;
	memset(&edit->entry, 0, sizeof(edit->entry));
	if (entry)
		edit->entry = *entry;
	return 0;
}

int table_edits_clone(struct table_edits *copy, const struct table_edits *edits)
{
	memset(copy, 0, sizeof(*copy));
	for (size_t i = 0; i < edits->count; i++) {
		const struct table_edit *edit = edits->edits + i;

		if (table_edits_set(copy, &edit->key, edit->present ? &edit->entry : NULL)) {
			table_edits_free(copy);
			return -ENOMEM;
		}
	}
	return 0;
}

void table_edits_free(struct table_edits *edits)
{
	free(edits->edits);
	free(edits->buckets);
	memset(edits, 0, sizeof(*edits));
}
