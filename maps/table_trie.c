/* SPDX-License-Identifier: GPL-2.0-only */
#include "maps/table_trie.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "maps/table_trie_parts.h"

#define IMAGE_HEAP_LINES 64 /* to begin with */

/* Whether a map is what its header says. */
static bool sane(const struct trie *trie)
{
	const struct trie_header *header = trie_header(trie);

	return trie->lines >= TRIE_HEADER_LINES && header->lines == trie->lines && header->heap_end <= trie->lines &&
	       header->hash_bits <= 24 && header->used_index <= header->capacity && header->buckets < header->entries &&
	       header->entries < header->heap_end && header->retired_count <= TRIE_RETIRED_MAX;
}

static size_t chunks(const struct trie *trie)
{
	return trie->lines / TRIE_CHUNK_LINES + 1;
}

static int map_chunk(const struct trie *trie, size_t chunk)
{
	size_t from = chunk * TRIE_CHUNK_LINES, to = from + TRIE_CHUNK_LINES;

	if (to > trie->lines)
		to = trie->lines;
	if (mmap(trie->memory + from * TRIE_LINE, (to - from) * TRIE_LINE, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED, trie->fd, (off_t)(from * TRIE_LINE)) == MAP_FAILED)
		return -errno;
	trie->mapped[chunk] = true;
	return 0;
}

void trie_touch(const struct trie *trie, size_t line, size_t count)
{
	for (size_t chunk = line / TRIE_CHUNK_LINES; chunk <= (line + count - 1) / TRIE_CHUNK_LINES; chunk++)
		if (!trie->mapped[chunk] && map_chunk(trie, chunk))
			abort();
}

/* Takes the address space for the map, and maps the header. */
static int map_header(struct trie *trie)
{
	struct bpf_map_info info = {0};
	__u32 length = sizeof(info);
	void *memory;

	if (bpf_obj_get_info_by_fd(trie->fd, &info, &length))
		return -errno;
	if (info.value_size != TRIE_LINE)
		return -EBADMSG;
	memory = mmap(NULL, (size_t)info.max_entries * TRIE_LINE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return -errno;
	trie->memory = memory;
	trie->lines = info.max_entries;
	trie->mapped = calloc(chunks(trie), sizeof(*trie->mapped));
	return trie->mapped ? map_chunk(trie, 0) : -ENOMEM;
}

int trie_open(struct trie *trie, int fd)
{
	int result;

	*trie = (struct trie){.fd = fd};
	result = map_header(trie);
	if (!result && !sane(trie))
		result = -EBADMSG;
	if (result)
		trie_close(trie);
	return result;
}

void trie_close(struct trie *trie)
{
	if (trie->fd < 0)
		free(trie->memory);
	else if (trie->memory)
		munmap(trie->memory, trie->lines * TRIE_LINE);
	if (trie->fd >= 0)
		close(trie->fd);
	free(trie->mapped);
	free(trie->rows);
	*trie = (struct trie){.fd = -1};
}

/* The logarithm of the number of buckets for so many entries: two to four entries for each. */
static __u32 hash_bits_for(__u32 capacity)
{
	__u32 bits = 4;

	while (bits < 24 && 1u << (bits + 2) < capacity)
		bits++;
	return bits;
}

int trie_create(struct trie *trie, bool wide, __u32 capacity)
{
	__u32 hash_bits = hash_bits_for(capacity), entries = TRIE_HEADER_LINES + (1u << hash_bits) * 4 / TRIE_LINE;
	__u32 heap = entries + (__u32)((((size_t)capacity + 1) << TRIE_ENTRY_SHIFT(wide)) / TRIE_LINE) + 1;
	struct trie_header *header;

	_Static_assert(sizeof(*header) <= TRIE_HEADER_LINES * TRIE_LINE, "the header has its lines");
	*trie = (struct trie){.fd = -1, .lines = (size_t)heap + IMAGE_HEAP_LINES};
	trie->memory = calloc(trie->lines, TRIE_LINE);
	if (!trie->memory)
		return -ENOMEM;
	header = trie_header(trie);
	header->wide = wide;
	header->buckets = TRIE_HEADER_LINES;
	header->hash_bits = hash_bits;
	header->entries = entries;
	header->capacity = capacity;
	header->heap_end = heap;
	return 0;
}

int trie_copy(struct trie *copy, const struct trie *trie)
{
	size_t end = trie_header(trie)->heap_end;
	struct trie_header *header;

	*copy = (struct trie){.fd = -1,
			      .lines = end + IMAGE_HEAP_LINES,
			      .fresh = trie->fresh,
			      .fresh_argument = trie->fresh_argument};
	copy->memory = malloc(copy->lines * TRIE_LINE);
	if (!copy->memory)
		return -ENOMEM;
	memcpy(copy->memory, trie_lines(trie, 0, end), end * TRIE_LINE);
	header = trie_header(copy);
	/* No packet looks at the copy. */
	while (header->retired_count) {
		__u32 last = --header->retired_count;

		trie_retire(copy, header->retired[last].class, header->retired[last].place);
	}
	return 0;
}

/* The bucket of a key. */
static __u32 *bucket_of(const struct trie *trie, const struct trie_key *key)
{
	const struct trie_header *header = trie_header(trie);
	__u64 hash = (key->high ^ (key->low * 0x9e3779b97f4a7c15ull + key->bits)) * 0xbf58476d1ce4e5b9ull;

	hash = (hash ^ hash >> 32) * 0x94d049bb133111ebull;
	hash >>= 64 - header->hash_bits;
	return trie_word(trie, (size_t)header->buckets * TRIE_LINE + hash * sizeof(__u32));
}

static void read_key(const struct trie *trie, const struct trie_entry *entry, struct trie_key *key)
{
	const __u32 *address = entry->address;

	*key = (struct trie_key){.high = (__u64)address[0] << 32, .bits = entry->held.bits};
	if (trie_header(trie)->wide) {
		key->high |= address[1];
		key->low = (__u64)address[2] << 32 | address[3];
	}
}

static void write_key(const struct trie *trie, struct trie_entry *entry, const struct trie_key *key)
{
	__u32 *address = entry->address;

	entry->held.bits = key->bits;
	address[0] = (__u32)(key->high >> 32);
	if (trie_header(trie)->wide) {
		address[1] = (__u32)key->high;
		address[2] = (__u32)(key->low >> 32);
		address[3] = (__u32)key->low;
	}
}

static bool has_key(const struct trie *trie, const struct trie_entry *entry, const struct trie_key *key)
{
	struct trie_key its;

	read_key(trie, entry, &its);
	return its.high == key->high && its.low == key->low && its.bits == key->bits;
}

__u32 trie_find(const struct trie *trie, const struct trie_key *key)
{
	__u32 index = *bucket_of(trie, key);

	while (index && !has_key(trie, trie_entry(trie, index), key))
		index = trie_entry(trie, index)->next;
	return index;
}

void trie_item(const struct trie *trie, __u32 index, struct trie_item *item)
{
	read_key(trie, trie_entry(trie, index), &item->key);
	item->reference = TRIE_REFERENCE(index, item->key.bits);
}

bool trie_has(const struct trie *trie, __u32 index)
{
	return trie_entry(trie, index)->held.used && trie_header(trie)->pending != (index | TRIE_REMOVE);
}

void trie_read(const struct trie *trie, __u32 index, struct trie_key *key, struct table_record *record)
{
	const struct trie_entry *entry = trie_entry(trie, index);

	read_key(trie, entry, key);
	trie_record(trie, entry->held, record);
	record->number[0] = entry->held.bits;
}

/* Puts an entry into its bucket, where it is not. */
static void put_into_bucket(struct trie *trie, __u32 index)
{
	struct trie_entry *entry = trie_entry(trie, index);
	struct trie_key key;
	__u32 *bucket;

	read_key(trie, entry, &key);
	bucket = bucket_of(trie, &key);
	entry->next = *bucket;
	trie_store(bucket, index);
	trie_header(trie)->count++;
}

/* Takes an entry out of its bucket, if it is there. */
static void take_from_bucket(struct trie *trie, __u32 index)
{
	struct trie_key key;
	__u32 *link;

	read_key(trie, trie_entry(trie, index), &key);
	for (link = bucket_of(trie, &key); *link; link = &trie_entry(trie, *link)->next)
		if (*link == index) {
			trie_store(link, trie_entry(trie, index)->next);
			trie_header(trie)->count--;
			return;
		}
}

/* In one store. */
static void store_held(struct trie_held *place, struct trie_held held)
{
	__u64 word;

	_Static_assert(sizeof(held) == sizeof(word), "it is a word");
	memcpy(&word, &held, sizeof(word));
	__atomic_store_n((__u64 *)(void *)place, word, __ATOMIC_RELEASE);
}

/* Has the entry hold something: packets see it at once, at latest by the last store. */
static void hold(struct trie *trie, __u32 index, struct trie_held held)
{
	struct trie_header *header = trie_header(trie);
	struct trie_entry *entry = trie_entry(trie, index);
	const struct trie_held each = {0};

	held.bits = entry->held.bits;
	held.used = entry->held.used;
	store_held(&entry->held, held);
	held.bits = 0;
	held.used = 1;
	if (memcmp(&header->held, &held, sizeof(held)))
		store_held(&header->held, header->count ? each : held);
}

static bool linked(const struct trie *trie)
{
	return !trie_header(trie)->unlinked;
}

/* Writes an entry that is in no bucket and no tree yet. */
static void write_entry(struct trie *trie, __u32 index, const struct trie_key *key, struct trie_held held)
{
	struct trie_entry *entry = trie_entry(trie, index);

	memset(entry, 0, (size_t)1 << TRIE_ENTRY_SHIFT(trie_header(trie)->wide));
	write_key(trie, entry, key);
	hold(trie, index, held);
	__atomic_store_n(&entry->held.used, 1, __ATOMIC_RELEASE);
}

int trie_place(struct trie *image, __u32 index, const struct trie_key *key, const struct table_record *record)
{
	struct trie_held held;
	int result = trie_hold(image, record, &held);

	if (result)
		return result;
	write_entry(image, index, key, held);
	put_into_bucket(image, index);
	return 0;
}

static void drop_entry(struct trie *trie, __u32 index)
{
	trie_entry(trie, index)->held.used = 0;
	trie_retire(trie, TRIE_CLASS_ENTRY, index);
}

static int add_entry(struct trie *trie, const struct trie_key *key, struct trie_held held)
{
	struct trie_item item;
	__u32 index;
	int result = trie_allocate(trie, TRIE_CLASS_ENTRY, &index);

	if (result)
		return result;
	if (trie->fresh)
		trie->fresh(trie->fresh_argument, index);
	trie_store(&trie_header(trie)->pending, index);
	write_entry(trie, index, key, held);
	trie_item(trie, index, &item);
	result = linked(trie) ? trie_link(trie, &item) : 0;
	if (result)
		drop_entry(trie, index);
	else
		put_into_bucket(trie, index);
	trie_store(&trie_header(trie)->pending, 0);
	return result;
}

int trie_set(struct trie *trie, const struct trie_key *key, const struct table_record *record)
{
	__u32 index = trie_find(trie, key);
	struct trie_held held;
	int result = trie_hold(trie, record, &held);

	if (result)
		return result;
	if (!index)
		return add_entry(trie, key, held);
	hold(trie, index, held);
	return 0;
}

int trie_remove(struct trie *trie, const struct trie_key *key)
{
	struct trie_item item;
	__u32 index = trie_find(trie, key);
	int result = 0;

	if (!index)
		return 0;
	trie_store(&trie_header(trie)->pending, index | TRIE_REMOVE);
	trie_item(trie, index, &item);
	if (linked(trie))
		result = trie_unlink(trie, &item);
	if (!result) {
		take_from_bucket(trie, index);
		drop_entry(trie, index);
	}
	trie_store(&trie_header(trie)->pending, 0);
	return result;
}

static void recount(struct trie *trie)
{
	struct trie_header *header = trie_header(trie);
	__u32 count = 0;

	for (__u32 index = 1; index <= header->used_index; index++)
		count += trie_entry(trie, index)->held.used;
	header->count = count;
}

static int recover(struct trie *trie)
{
	__u32 pending = trie_header(trie)->pending, index = pending & TRIE_INDEX_MAX;
	struct trie_item item;
	int result = 0;

	if (!index || index > trie_header(trie)->capacity)
		return 0;
	trie_item(trie, index, &item);
	if (pending & TRIE_REMOVE) {
		result = trie_unlink(trie, &item);
	} else if (trie_entry(trie, index)->held.used && trie_link(trie, &item)) {
		/* No room: then packets must not find it. */
		result = trie_unlink(trie, &item);
		pending |= TRIE_REMOVE;
	}
	if (result)
		return result;
	if (pending & TRIE_REMOVE) {
		take_from_bucket(trie, index);
		trie_entry(trie, index)->held.used = 0; /* its index is lost until the trie is rebuilt */
	} else if (trie_entry(trie, index)->held.used && trie_find(trie, &item.key) != index) {
		put_into_bucket(trie, index);
	}
	recount(trie);
	trie_store(&trie_header(trie)->pending, 0);
	return 0;
}

int trie_recover(struct trie *trie)
{
	int result;

	trie->recovering = true;
	result = recover(trie);
	trie->recovering = false;
	return result;
}
