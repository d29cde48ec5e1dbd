/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/compile/exact.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loader/compile/classifier_image.h"
#include "loader/compile/exact_hash.h"
#include "loader/compile/exact_mask.h"

/* A key of a table. */
struct entry {
	__u32 key[EXACT_WORDS];
	__u32 index; /* of the first rule that has it */
	bool alone;  /* no other rule does */
};

/* The boxes of one kind of packet that have the same mask. */
struct group {
	const struct exact_set *set;
	const struct exact_mask *mask;
	enum classifier_family family;
	struct exact_table table;
	struct entry *entries; /* room for all boxes of the set */
	size_t count;
};

/* Whether the box is one of the group. */
static bool of_group(const struct group *group, const struct classifier_box *box, struct exact_wanted *wanted)
{
	return classifier_box_of_family(box, group->family) && exact_want(wanted, box) &&
	       !memcmp(&wanted->mask, group->mask, sizeof(wanted->mask));
}

/* Which words differ between the boxes of the group: bit n is the n-th. `first` gets what one of them wants. */
static __u32 differing_words(const struct group *group, struct exact_wanted *first)
{
	bool found = false;
	__u32 differ = 0;

	for (size_t i = 0; i < group->set->count; i++) {
		struct exact_wanted wanted;

		if (!of_group(group, group->set->boxes + i, &wanted))
			continue;
		if (!found)
			*first = wanted;
		found = true;
		for (unsigned int word = 0; word < EXACT_PACKET_WORDS; word++)
			if (wanted.value[word] != first->value[word])
				differ |= 1u << word;
	}
	return differ;
}

/* Chooses the words of the keys. Head and ports are compared once for all, if all want the same. */
static int choose_words(struct group *group)
{
	struct exact_table *table = &group->table;
	struct exact_wanted first = {0};
	__u32 differ = differing_words(group, &first);

	for (unsigned int word = 0; word < EXACT_PACKET_WORDS; word++) {
		if (!first.mask.word[word])
			continue;
		if (word == EXACT_HEAD && !(differ >> word & 1)) {
			table->head_mask = first.mask.word[word];
			table->head_value = first.value[word];
		} else if (word == EXACT_PORTS && !(differ >> word & 1)) {
			table->ports_mask = first.mask.word[word];
			table->ports_value = first.value[word];
		} else if (table->words == EXACT_WORDS) {
			return -EDOM;
		} else {
			table->mask[table->words] = first.mask.word[word];
			table->word[table->words++] = (__u8)word;
		}
	}
	return 0;
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *left = a, *right = b;
	int order = memcmp(left->key, right->key, sizeof(left->key));

	return order ? order : left->index < right->index ? -1 : left->index > right->index;
}

/* Leaves one entry for each key. */
static void join_entries(struct group *group)
{
	size_t left = 0;

	qsort(group->entries, group->count, sizeof(*group->entries), compare_entries);
	for (size_t i = 0; i < group->count; i++) {
		struct entry *last = group->entries + left - 1;

		if (left && !memcmp(last->key, group->entries[i].key, sizeof(last->key)))
			last->alone &= last->index == group->entries[i].index;
		else
			group->entries[left++] = group->entries[i];
	}
	group->count = left;
}

static void fill_entries(struct group *group)
{
	group->count = 0;
	for (size_t i = 0; i < group->set->count; i++) {
		struct entry *entry = group->entries + group->count;
		struct exact_wanted wanted;

		if (!of_group(group, group->set->boxes + i, &wanted))
			continue;
		*entry = (struct entry){.index = group->set->boxes[i].index, .alone = true};
		for (unsigned int word = 0; word < group->table.words; word++)
			entry->key[word] = wanted.value[group->table.word[word]];
		group->count++;
	}
	join_entries(group);
}

static __u64 hash_of(const __u32 key[EXACT_WORDS])
{
	__u64 hash = 0;

	for (unsigned int i = 0; i < EXACT_WORDS; i++)
		hash += exact_hash_word(key[i], i);
	return hash;
}

/* What a packet with the key may have done to it without a walk. */
static enum exact_kind kind_of(const struct entry *entry, const struct dispatch *dispatch)
{
	if (dispatch->code)
		return EXACT_WALK;
	if (dispatch->kind == DISPATCH_VERDICT)
		return EXACT_VERDICT;
	if (!entry->alone)
		return EXACT_WALK;
	return dispatch->kind == DISPATCH_COUNT	   ? EXACT_COUNT
	       : dispatch->kind == DISPATCH_SKIPTO ? EXACT_SKIPTO
						   : EXACT_WALK;
}

/* Writes the slots, of which the table knows the place. Returns how many keys may need a walk. */
static size_t write_slots(struct classifier_image *image, const struct group *group, const struct exact_hash *hash)
{
	struct exact_slot *slots = (void *)(image->units + (size_t)group->table.slots * LINE_UNITS);
	size_t walks = 0;

	for (__u32 i = 0; i < hash->slots; i++)
		slots[i].rule = CLASSIFIER_NONE;
	for (size_t i = 0; i < group->count; i++) {
		const struct entry *entry = group->entries + i;
		const struct dispatch *dispatch = group->set->dispatch + entry->index;
		__u64 key_hash = hash_of(entry->key);
		__u32 bucket = exact_bucket(key_hash, hash->bucket_shift);
		struct exact_slot *slot = slots + exact_place(key_hash, hash->displacements[bucket], hash->slots);

		memcpy(slot->key, entry->key, sizeof(slot->key));
		slot->rule = EXACT_RULE(entry->index, kind_of(entry, dispatch));
		slot->result = dispatch->result;
		walks += EXACT_KIND(slot->rule) == EXACT_WALK;
	}
	return walks;
}

/* Writes what belongs to a table but itself. Returns how many keys may need a walk, or an error. */
static long write_contents(struct classifier_image *image, struct group *group, const struct exact_hash *hash)
{
	size_t displacement_units = (hash->buckets * sizeof(*hash->displacements) + 7) / 8;
	size_t slot_units = (size_t)hash->slots * sizeof(struct exact_slot) / 8;
	long displacements = classifier_image_room(image, displacement_units, LINE_UNITS);
	long slots = displacements < 0 ? displacements : classifier_image_room(image, slot_units, LINE_UNITS);

	if (slots < 0)
		return slots;
	group->table.count = hash->slots;
	group->table.bucket_shift = hash->bucket_shift;
	group->table.displacements = (__u32)(displacements / LINE_UNITS);
	group->table.slots = (__u32)(slots / LINE_UNITS);
	memcpy(image->units + displacements, hash->displacements, hash->buckets * sizeof(*hash->displacements));
	return (long)write_slots(image, group, hash);
}

static long add_contents(struct classifier_image *image, struct group *group)
{
	__u64 *hashes = malloc(group->count * sizeof(*hashes));
	struct exact_hash hash;
	long walks;

	if (!hashes)
		return -ENOMEM;
	for (size_t i = 0; i < group->count; i++)
		hashes[i] = hash_of(group->entries[i].key);
	walks = exact_hash_make(&hash, hashes, group->count);
	free(hashes);
	if (walks)
		return walks;
	walks = write_contents(image, group, &hash);
	exact_hash_free(&hash);
	return walks;
}

/* Adds a table, which goes to the line *place; the line of the next one is put there then. */
static long add_table(struct classifier_image *image, struct group *group, size_t *place, bool first)
{
	long walks = choose_words(group), line = 0;

	if (walks)
		return walks;
	fill_entries(group);
	if (!group->count)
		return 0;
	walks = add_contents(image, group);
	if (walks >= 0 && !first)
		line = classifier_image_room(image, LINE_UNITS, LINE_UNITS);
	if (walks < 0 || line < 0)
		return walks < 0 ? walks : line;
	if (!first) {
		((struct exact_table *)(image->units + *place * LINE_UNITS))->next = (__u32)(line / LINE_UNITS);
		*place = (size_t)line / LINE_UNITS;
	}
	memcpy(image->units + *place * LINE_UNITS, &group->table, sizeof(group->table));
	return walks;
}

static int add_family(struct classifier_image *image, const struct exact_set *set, const struct exact_masks *masks,
		      struct entry *entries, enum classifier_family family, struct exact_estimate *estimate)
{
	size_t place = CLASSIFIER_ROOTS(image->added, family);
	unsigned int tables = 0;

	memset(image->units + place * LINE_UNITS, 0, CLASSIFIER_LINE);
	for (size_t i = 0; i < masks->count; i++) {
		struct group group = {.set = set, .mask = masks->mask + i, .family = family, .entries = entries};
		long walks = add_table(image, &group, &place, !tables);

		if (walks < 0)
			return (int)walks;
		tables += group.count > 0;
		estimate->walks += (size_t)walks;
	}
	if (tables > estimate->tables)
		estimate->tables = tables;
	return 0;
}

/* With several tables, a packet may have the keys of several rules. */
static void count_walks(struct exact_estimate *estimate, const struct exact_set *set)
{
	for (size_t i = 0; estimate->tables > 1 && i < set->count; i++)
		estimate->walks += set->dispatch[set->boxes[i].index].kind != DISPATCH_VERDICT;
}

/* Collects the masks. Returns false if boxes have ranges, or there are too many. */
static bool collect_masks(struct exact_masks *masks, const struct exact_set *set)
{
	*masks = (struct exact_masks){0};
	for (size_t i = 0; i < set->count; i++)
		if (!exact_masks_add(masks, set->boxes + i, EXACT_TABLES))
			return false;
	return true;
}

bool exact_fits(const struct exact_set *set)
{
	struct exact_masks masks;

	if (!collect_masks(&masks, set))
		return false;
	for (enum classifier_family family = 0; family < CLASSIFIER_FAMILIES; family++)
		for (size_t i = 0; i < masks.count; i++) {
			struct group group = {.set = set, .mask = masks.mask + i, .family = family};

			if (choose_words(&group))
				return false;
		}
	return true;
}

int exact_add_stretch(struct classifier_image *image, const struct exact_set *set, struct exact_estimate *estimate)
{
	struct exact_masks masks;
	struct exact_estimate found = {0};
	size_t before = image->count;
	struct entry *entries;
	int error = 0;

	if (image->added == image->stretches)
		return -EINVAL;
	for (size_t i = 0; i < set->count; i++)
		if (!classifier_box_valid(set->boxes + i))
			return -EINVAL;
	if (!collect_masks(&masks, set))
		return -EDOM;
	entries = malloc((set->count + 1) * sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	for (enum classifier_family family = 0; family < CLASSIFIER_FAMILIES && !error; family++)
		error = add_family(image, set, &masks, entries, family, &found);
	free(entries);
	if (error) {
		image->count = before;
		return error;
	}
	count_walks(&found, set);
	found.lines = (image->count - before) / LINE_UNITS;
	*estimate = found;
	return (int)image->added++;
}
