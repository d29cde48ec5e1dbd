/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whole trees. A node gets as many bits as it takes for leaves to have two to four entries, if they are spread evenly,
 * and for IPv6, whose cells have room for less, 1.25 to 2.5; where they are not, leaves that are too large become nodes
 * in turn.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "maps/table_trie_parts.h"

/* Twice the number of entries that there are for each slot of a node at most: less where cells have less room. */
#define SLOT_FILL(trie) (trie_header(trie)->wide ? 5u : 8u)
#define CELL_BITS_MIN 6
/* Room in new maps: a part of what is there, and so much at least. */
#define SPARE_PART 32
#define SPARE_ENTRIES 16
#define SPARE_LINES 32

__u32 trie_window(const struct trie_key *key, unsigned int depth)
{
	if (depth >= 64)
		return depth < 128 ? (__u32)(key->low << (depth - 64) >> 32) : 0;
	return (__u32)((key->high << depth | (depth ? key->low >> (64 - depth) : 0)) >> 32);
}

unsigned int trie_common(__u64 high, __u64 low, __u64 other_high, __u64 other_low)
{
	if (high != other_high)
		return (unsigned int)__builtin_clzll(high ^ other_high);
	return low != other_low ? 64 + (unsigned int)__builtin_clzll(low ^ other_low) : 128;
}

void trie_mask(struct trie_key *key, unsigned int bits)
{
	key->bits = (__u8)bits;
	key->high &= bits >= 64 ? ~0ull : bits ? ~0ull << (64 - bits) : 0;
	key->low &= bits >= 128 ? ~0ull : bits > 64 ? ~0ull << (128 - bits) : 0;
}

struct trie_leaf trie_leaf_entry(const struct trie_item *item, unsigned int depth)
{
	return (struct trie_leaf){trie_window(&item->key, depth), item->reference};
}

int trie_build_leaf(struct trie *trie, struct trie_item *items, size_t count, unsigned int depth, __u32 *step)
{
	struct trie_leaf *leaf;
	unsigned int class = 0;
	__u32 place;
	int result;

	while (1u << class < count)
		class ++;
	result = trie_allocate(trie, TRIE_CLASS_LEAF + class, &place);
	if (result)
		return result;
	leaf = (void *)trie_word(trie, (size_t)place * 8);
	memset(leaf, 0, sizeof(*leaf) << class);
	for (size_t i = 0; i < count; i++) {
		size_t j = i;

		for (; j && TRIE_REFERENCE_BITS(leaf[j - 1].reference) < items[i].key.bits; j--)
			leaf[j] = leaf[j - 1];
		leaf[j] = trie_leaf_entry(items + i, depth);
	}
	*step = TRIE_LEAF_STEP(place, class);
	return 0;
}

/* How many bits all items have in common, and none has fewer of. */
static unsigned int common_depth(const struct trie_item *items, size_t count)
{
	const struct trie_key *first = &items[0].key, *last = &items[count - 1].key;
	unsigned int depth = trie_common(first->high, first->low, last->high, last->low);

	for (size_t i = 0; i < count; i++)
		if (items[i].key.bits < depth)
			depth = items[i].key.bits;
	return depth;
}

static unsigned int node_bits(const struct trie *trie, size_t count, unsigned int depth)
{
	unsigned int bits = TRIE_BITS_MIN, most = trie_width(trie) - depth;

	while (bits < TRIE_BITS_MAX && (size_t)SLOT_FILL(trie) << bits < 2 * count)
		bits++;
	return bits < most ? bits : most;
}

/* The slot of a node below `depth` bits that a key belongs to. */
static __u32 slot_number(const struct trie_key *key, unsigned int depth, unsigned int bits)
{
	return trie_window(key, depth) >> (32 - bits);
}

/* Whether most slots of a node would lead to leaves that are not nearly empty. */
static bool wants_cells(const struct trie *trie, const struct trie_item *items, size_t count, unsigned int depth,
			unsigned int bits)
{
	size_t slots = (size_t)1 << bits, below = 0, used = 0;
	__u32 last = 0;

	if (bits < CELL_BITS_MIN)
		return false;
	for (size_t i = 0; i < count; i++) {
		__u32 number = slot_number(&items[i].key, depth, bits);

		if (items[i].key.bits <= depth + bits)
			continue;
		used += !below++ || number != last;
		last = number;
	}
	return below >= slots / 16 * SLOT_FILL(trie) * 3 && used >= slots / 32 * SLOT_FILL(trie) * 3;
}

/*
 * Writes the items that end in the node to its covers, and moves the others to the front. Returns how many they are.
 * Since a prefix comes before all that it includes, the longest is written last.
 */
static size_t cover_slots(const struct trie *trie, struct trie_item *items, size_t count, unsigned int depth,
			  __u32 step)
{
	unsigned int bits = TRIE_STEP_BITS(step);
	size_t left = 0;

	for (size_t i = 0; i < count; i++) {
		__u32 first = slot_number(&items[i].key, depth, bits);

		if (items[i].key.bits > depth + bits) {
			items[left++] = items[i];
			continue;
		}
		for (__u32 j = 0; j < 1u << (depth + bits - items[i].key.bits); j++)
			*trie_cover(trie, step, first + j) = items[i].reference;
	}
	return left;
}

/* Writes items into a cell below `depth` bits. */
static void fill_cell(const struct trie *trie, const struct trie_item *items, size_t count, unsigned int depth,
		      __u32 step, __u32 number)
{
	for (unsigned int i = 0; i < count; i++)
		trie_cell_write(trie, trie_cell_at(trie, step, number), i, items + i, depth);
}

/* Notes items below a node with `depth` bits in front of it in its digests. */
static void fill_digest(const struct trie *trie, const struct trie_item *items, size_t count, unsigned int depth,
			__u32 step)
{
	for (size_t i = 0; i < count; i++) {
		struct trie_digest_place place = trie_digest_of(trie, items + i, step, depth);

		trie_digest_add(trie, &place, items + i);
	}
}

/* Brings items below a slot or cell. */
static int build_child(struct trie *trie, struct trie_item *items, size_t count, unsigned int depth, __u32 step,
		       __u32 number)
{
	__u32 child;
	int result;

	fill_digest(trie, items, count, depth - TRIE_STEP_BITS(step), step);
	if (step & TRIE_CELLS && count <= trie_cell_max(trie)) {
		fill_cell(trie, items, count, depth, step, number);
		return 0;
	}
	result = trie_build(trie, items, count, depth, &child);
	if (result)
		return result;
	*trie_child(trie, step, number) = child;
	return 0;
}

static int build_children(struct trie *trie, struct trie_item *items, size_t count, unsigned int depth, __u32 step)
{
	unsigned int bits = TRIE_STEP_BITS(step);
	int result = 0;

	for (size_t from = 0, to; !result && from < count; from = to) {
		__u32 number = slot_number(&items[from].key, depth, bits);

		for (to = from + 1; to < count; to++)
			if (slot_number(&items[to].key, depth, bits) != number)
				break;
		result = build_child(trie, items + from, to - from, depth + bits, step, number);
	}
	return result;
}

int trie_build(struct trie *trie, struct trie_item *items, size_t count, unsigned int depth, __u32 *step)
{
	unsigned int above = depth, bits;
	int result;

	*step = 0;
	if (!count)
		return 0;
	if (count <= TRIE_LEAF_MAX)
		return trie_build_leaf(trie, items, count, depth, step);
	depth = common_depth(items, count);
	bits = node_bits(trie, count, depth);
	result = trie_build_node(trie, &items->key, depth, above, bits, wants_cells(trie, items, count, depth, bits),
				 step);
	if (result)
		return result;
	count = cover_slots(trie, items, count, depth, *step);
	return build_children(trie, items, count, depth, *step);
}

static int compare(const void *left, const void *right)
{
	const struct trie_key *a = left, *b = right;

	if (a->high != b->high)
		return a->high < b->high ? -1 : 1;
	if (a->low != b->low)
		return a->low < b->low ? -1 : 1;
	return a->bits - b->bits;
}

static bool ordered(const struct trie_item *items, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (compare(items + i - 1, items + i) > 0)
			return false;
	return true;
}

int trie_link_all(struct trie *image)
{
	struct trie_header *header = trie_header(image);
	struct trie_item *items = calloc((size_t)header->count + 1, sizeof(*items));
	size_t count = 0;
	__u32 root;
	int result;

	_Static_assert(offsetof(struct trie_item, key) == 0, "compare() takes items for keys");
	if (!items)
		return -ENOMEM;
	for (__u32 index = 1; index <= header->used_index; index++)
		if (trie_entry(image, index)->held.used)
			trie_item(image, index, items + count++);
	if (!ordered(items, count))
		qsort(items, count, sizeof(*items), compare);
	result = trie_build(image, items, count, 0, &root);
	header = trie_header(image);
	if (!result) {
		trie_store_step(image, TRIE_AT_ROOT, root);
		header->unlinked = 0;
	}
	free(items);
	return result;
}

/* Takes over the entries of `old` under their indexes. */
static int take_entries(struct trie *image, const struct trie *old)
{
	__u32 last = trie_header(old)->used_index;
	int result = 0;

	trie_header(image)->used_index = last;
	for (__u32 index = last; !result && index; index--) {
		struct table_record record;
		struct trie_key key;

		if (!trie_entry(old, index)->held.used) {
			trie_retire(image, TRIE_CLASS_ENTRY, index);
			continue;
		}
		trie_read(old, index, &key, &record);
		result = trie_place(image, index, &key, &record);
	}
	return result;
}

int trie_unlinked(struct trie *image, const struct trie *old, bool wide, __u32 more)
{
	size_t entries = (old ? trie_header(old)->used_index : 0) + (size_t)more;
	size_t capacity = entries + entries / SPARE_PART + SPARE_ENTRIES;
	int result;

	if (entries > TRIE_INDEX_MAX)
		return -ENOSPC;
	result = trie_create(image, wide, (__u32)(capacity > TRIE_INDEX_MAX ? TRIE_INDEX_MAX : capacity));
	if (result)
		return result;
	trie_header(image)->unlinked = 1;
	if (old) {
		image->fresh = old->fresh;
		image->fresh_argument = old->fresh_argument;
	}
	result = old ? take_entries(image, old) : 0;
	if (result)
		trie_close(image);
	return result;
}

/* Lines that a map has beside those in use. A copy of the root fits in, which a short prefix takes. */
static __u32 spare_lines(const struct trie *image)
{
	const struct trie_header *header = trie_header(image);
	__u32 root = header->root.step, part = (header->heap_end - header->entries) / SPARE_PART, copy = 0;
	unsigned int class = root & TRIE_CELLS ? TRIE_CLASS_COVERS : TRIE_CLASS_NODE;

	if (root & TRIE_NODE)
		copy = (__u32)trie_class_lines(image, class + TRIE_STEP_BITS(root));
	return SPARE_LINES + (part > copy ? part : copy);
}

int trie_publish(const struct trie *image)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE | BPF_F_INNER_MAP);
	struct trie_header *header = trie_header(image);
	size_t page = (size_t)sysconf(_SC_PAGESIZE) / TRIE_LINE;
	__u32 lines = (__u32)((header->heap_end + spare_lines(image) + page - 1) / page * page);
	void *memory;
	int fd;

	header->lines = lines;
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "table", sizeof(__u32), TRIE_LINE, lines, &options);
	if (fd < 0)
		return -errno;
	memory = mmap(NULL, (size_t)lines * TRIE_LINE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED) {
		int result = -errno;

		close(fd);
		return result;
	}
	memcpy(memory, image->memory, (size_t)header->heap_end * TRIE_LINE);
	munmap(memory, (size_t)lines * TRIE_LINE);
	return fd;
}
