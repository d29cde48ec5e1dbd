/* SPDX-License-Identifier: GPL-2.0-only */
#include "maps/table_counts.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "maps/grace.h"

int table_counts_open(const struct lasting *lasting, bool wide, __u32 slot, struct table_counts *counts)
{
	__u32 index = TABLE_COUNTS_SLOT(wide, slot), id, length = sizeof(struct bpf_map_info);
	struct bpf_map_info info = {0};

	*counts = (struct table_counts){.fd = -1};
	if (bpf_map_lookup_elem(lasting->fds[LASTING_TABLE_COUNTS], &index, &id))
		return errno == ENOENT ? 0 : -errno;
	counts->fd = bpf_map_get_fd_by_id(id);
	if (counts->fd < 0)
		return -errno;
	if (bpf_obj_get_info_by_fd(counts->fd, &info, &length)) {
		int result = -errno;

		table_counts_close(counts);
		return result;
	}
	counts->size = info.max_entries;
	return 0;
}

void table_counts_close(struct table_counts *counts)
{
	if (counts->fd >= 0)
		close(counts->fd);
	*counts = (struct table_counts){.fd = -1};
}

static int put(const struct lasting *lasting, bool wide, __u32 slot, int fd)
{
	__u32 index = TABLE_COUNTS_SLOT(wide, slot);

	return bpf_map_update_elem(lasting->fds[LASTING_TABLE_COUNTS], &index, &fd, BPF_ANY) ? -errno : 0;
}

int table_counts_drop(const struct lasting *lasting, bool wide, __u32 slot)
{
	__u32 index = TABLE_COUNTS_SLOT(wide, slot);

	return bpf_map_delete_elem(lasting->fds[LASTING_TABLE_COUNTS], &index) && errno != ENOENT ? -errno : 0;
}

static int make(__u32 size, struct table_counts *counts)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE | BPF_F_INNER_MAP);

	counts->size = size;
	counts->fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "table_counts", sizeof(__u32), sizeof(struct table_count), size,
				    &options);
	return counts->fd < 0 ? -errno : 0;
}

static size_t bytes(const struct table_counts *counts)
{
	return counts->size * sizeof(struct table_count);
}

/* The array in memory, or NULL; to be unmapped. */
static struct table_count *map(const struct table_counts *counts)
{
	void *memory = mmap(NULL, bytes(counts), PROT_READ | PROT_WRITE, MAP_SHARED, counts->fd, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

/* Adds what has been counted in `old` since `known` was copied from there, while `larger` is counted in. */
static void add_since(struct table_count *larger, const struct table_count *old, const struct table_count *known,
		      __u32 size)
{
	for (__u32 i = 0; i < size; i++) {
		if (old[i].counter.packets == known[i].counter.packets)
			continue;
		__atomic_fetch_add(&larger[i].counter.packets, old[i].counter.packets - known[i].counter.packets,
				   __ATOMIC_RELAXED);
		__atomic_fetch_add(&larger[i].counter.bytes, old[i].counter.bytes - known[i].counter.bytes,
				   __ATOMIC_RELAXED);
		if (larger[i].counter.last_match < old[i].counter.last_match)
			larger[i].counter.last_match = old[i].counter.last_match;
	}
}

/* What it takes to move from one array to another. */
struct move {
	struct table_count *old, *larger, *known;
};

static int begin(struct move *move, const struct table_counts *old, const struct table_counts *larger)
{
	move->old = map(old);
	move->larger = map(larger);
	move->known = malloc(bytes(old));
	if (!move->old || !move->larger || !move->known)
		return -ENOMEM;
	memcpy(move->known, move->old, bytes(old));
	memcpy(move->larger, move->known, bytes(old));
	return 0;
}

static void end(struct move *move, const struct table_counts *old, const struct table_counts *larger)
{
	if (move->old)
		munmap(move->old, bytes(old));
	if (move->larger)
		munmap(move->larger, bytes(larger));
	free(move->known);
}

/* Puts a larger array into a slot, with what the old one holds. */
static int grow(const struct lasting *lasting, bool wide, __u32 slot, struct table_counts *counts, __u32 size)
{
	struct table_counts larger;
	struct move move = {0};
	int result = make(size, &larger);

	if (result)
		return result;
	result = begin(&move, counts, &larger);
	if (!result)
		result = put(lasting, wide, slot, larger.fd);
	if (!result) {
		wait_for_packets();
		add_since(move.larger, move.old, move.known, counts->size);
	}
	end(&move, counts, &larger);
	table_counts_close(result ? &larger : counts);
	if (!result)
		*counts = larger;
	return result;
}

int table_counts_provide(const struct lasting *lasting, bool wide, __u32 from, __u32 slot, __u32 size)
{
	__u32 source = from ? from : slot;
	struct table_counts counts;
	int result = table_counts_open(lasting, wide, source, &counts);

	if (result)
		return result;
	if (counts.fd < 0) {
		source = 0;
		result = make(size, &counts);
	} else if (counts.size < size) {
		result = grow(lasting, wide, source, &counts, size + size / 2);
	}
	if (!result && source != slot)
		result = put(lasting, wide, slot, counts.fd);
	table_counts_close(&counts);
	return result;
}

int table_counts_read(const struct table_counts *counts, __u32 index, struct rule_counter *counter)
{
	struct table_count count;

	if (!index || index >= counts->size)
		return 0;
	if (bpf_map_lookup_elem(counts->fd, &index, &count))
		return -errno;
	counter->packets += count.counter.packets;
	counter->bytes += count.counter.bytes;
	if (counter->last_match < count.counter.last_match)
		counter->last_match = count.counter.last_match;
	return 0;
}

void table_counts_reset(const struct table_counts *counts, __u32 index)
{
	static const struct table_count none;

	if (index && index < counts->size)
		bpf_map_update_elem(counts->fd, &index, &none, BPF_ANY);
}

int table_counts_reset_all(const struct table_counts *counts)
{
	struct table_count *memory;

	if (counts->fd < 0)
		return 0;
	memory = map(counts);
	if (!memory)
		return -errno;
	memset(memory, 0, bytes(counts));
	munmap(memory, bytes(counts));
	return 0;
}
