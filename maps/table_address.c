/* SPDX-License-Identifier: GPL-2.0-only */
/* Tables of type addr: tries of our own, one for IPv4 and one for IPv6; what expires is in two of the kernel's. */
#include "maps/table_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

/* Up to a part of the entries are changed one by one in a copy; more are put into a new tree together. */
#define CHANGED_PART 16

static bool encode4(void *raw, const struct table_key *key)
{
	const struct table_address4 address = {.bits = key->bits, .address = key->u.address[0]};

	memcpy(raw, &address, sizeof(address));
	return key->family == 4;
}

static bool decode4(struct table_key *key, const void *raw)
{
	struct table_address4 address;

	memcpy(&address, raw, sizeof(address));
	*key = (struct table_key){.family = 4, .bits = (__u8)address.bits, .u.address[0] = address.address};
	return true;
}

static bool encode6(void *raw, const struct table_key *key)
{
	struct table_address6 address = {.bits = key->bits};

	memcpy(address.address, key->u.address, sizeof(address.address));
	memcpy(raw, &address, sizeof(address));
	return key->family == 6;
}

static bool decode6(struct table_key *key, const void *raw)
{
	struct table_address6 address;

	memcpy(&address, raw, sizeof(address));
	*key = (struct table_key){.family = 6, .bits = (__u8)address.bits};
	memcpy(key->u.address, address.address, sizeof(address.address));
	return true;
}

const struct table_kind table_address_kinds[TABLE_KINDS_MAX] = {
	[TABLE_STAY4] = {.outer = LASTING_TABLE_ADDRESS4, .type = BPF_MAP_TYPE_ARRAY, .optional = true},
	[TABLE_STAY6] = {.outer = LASTING_TABLE_ADDRESS6, .type = BPF_MAP_TYPE_ARRAY, .optional = true},
	[TABLE_TIMED4] = {LASTING_TABLE_TIMED4, BPF_MAP_TYPE_LPM_TRIE, sizeof(struct table_address4), true, true,
			  encode4, decode4},
	[TABLE_TIMED6] = {LASTING_TABLE_TIMED6, BPF_MAP_TYPE_LPM_TRIE, sizeof(struct table_address6), true, true,
			  encode6, decode6},
};

static __u64 join(const __u32 *words)
{
	return (__u64)ntohl(words[0]) << 32 | ntohl(words[1]);
}

static void split(__u64 half, __u32 *words)
{
	words[0] = htonl((__u32)(half >> 32));
	words[1] = htonl((__u32)half);
}

static struct trie_key to_trie(const struct table_key *key)
{
	return (struct trie_key){join(key->u.address), join(key->u.address + 2), key->bits};
}

static struct table_key from_trie(const struct trie_key *key, bool wide)
{
	struct table_key made = {.family = wide ? 6 : 4, .bits = key->bits};

	split(key->high, made.u.address);
	split(key->low, made.u.address + 2);
	return made;
}

__u32 table_address_index(const struct trie *trie, const struct table_key *key)
{
	struct trie_key wanted = to_trie(key);

	return trie_find(trie, &wanted);
}

int table_address_find(const struct trie *trie, const struct table_key *key, struct table_record *record)
{
	struct trie_key wanted = to_trie(key), found;
	__u32 index = trie_find(trie, &wanted);

	if (!index)
		return -ENOENT;
	trie_read(trie, index, &found, record);
	return 0;
}

int table_address_each(const struct trie *trie,
		       int (*each)(void *argument, const struct table_key *key, const struct table_entry *entry),
		       void *argument)
{
	const struct trie_header *header = trie_header(trie);
	int result = 0;

	for (__u32 index = 1; !result && index <= header->used_index; index++) {
		struct table_entry entry = {0};
		struct trie_key found;
		struct table_key key;

		if (!trie_has(trie, index))
			continue;
		trie_read(trie, index, &found, &entry.record);
		key = from_trie(&found, header->wide);
		result = each(argument, &key, &entry);
	}
	return result;
}

/* Makes the edits of the trie's family that leave an entry, or those that remove one. */
static int edit_some(struct trie *trie, const struct table_edits *edits, bool stay)
{
	unsigned int family = trie_header(trie)->wide ? 6 : 4;
	int result = 0;

	for (size_t i = 0; !result && i < edits->count; i++) {
		const struct table_edit *edit = edits->edits + i;
		struct trie_key key = to_trie(&edit->key);

		if (edit->key.family != family || table_edit_stays(edit) != stay)
			continue;
		result = stay ? trie_set(trie, &key, &edit->entry.record) : trie_remove(trie, &key);
	}
	return result;
}

/* Entries are added before others are removed, whose indexes packets still count by. */
int table_address_edit(struct trie *trie, const struct table_edits *edits)
{
	int result = trie_recover(trie);

	if (!result)
		result = edit_some(trie, edits, true);
	return result ? result : edit_some(trie, edits, false);
}

/* Makes the changes one by one in a copy. */
static int change(struct trie *image, const struct trie *old, const struct table_edits *edits)
{
	int result = trie_copy(image, old);

	if (result)
		return result;
	result = table_address_edit(image, edits);
	if (result)
		trie_close(image);
	return result;
}

static int build(struct trie *image, const struct trie *old, const struct table_edits *edits, bool wide,
		 __u32 additions)
{
	int result = trie_unlinked(image, old, wide, additions);

	if (result)
		return result;
	result = table_address_edit(image, edits);
	if (!result)
		result = trie_link_all(image);
	if (result)
		trie_close(image);
	return result;
}

int table_address_build(struct trie *old, const struct table_edits *edits, bool wide)
{
	struct trie image;
	__u32 additions = 0;
	size_t changes = 0;
	int fd, result = old ? trie_recover(old) : 0;

	if (result)
		return result;
	for (size_t i = 0; i < edits->count; i++) {
		if (edits->edits[i].key.family != (wide ? 6 : 4))
			continue;
		changes++;
		additions += table_edit_stays(edits->edits + i);
	}
	if (!old && !additions)
		return -ENOENT;
	result = -ENOSPC;
	if (old && changes <= trie_header(old)->count / CHANGED_PART)
		result = change(&image, old, edits);
	if (result == -ENOSPC)
		result = build(&image, old, edits, wide, additions);
	if (result)
		return result;
	fd = trie_publish(&image);
	trie_close(&image);
	return fd;
}
