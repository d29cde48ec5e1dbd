/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/stretch_maps.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define CLASSIFIER_MAP "classifier"
#define DISPATCH_MAP "dispatch"

int stretch_prepare(struct bpf_object *object, const struct plan *plan)
{
	struct bpf_map *classifier = bpf_object__find_map_by_name(object, CLASSIFIER_MAP);
	struct bpf_map *dispatch = bpf_object__find_map_by_name(object, DISPATCH_MAP);
	int result;

	if (!classifier || !dispatch)
		return 0;
	result = bpf_map__set_max_entries(classifier, (__u32)classifier_image_lines(plan->image));
	return result ? result : bpf_map__set_max_entries(dispatch, (__u32)plan->rule_count);
}

/* The memory of a map with BPF_F_MMAPABLE, or MAP_FAILED. */
static void *map_memory(const struct bpf_map *map, size_t *size)
{
	*size = (size_t)bpf_map__value_size(map) * bpf_map__max_entries(map);
	return mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
}

int stretch_fill(struct bpf_object *object, const struct plan *plan)
{
	struct bpf_map *classifier = bpf_object__find_map_by_name(object, CLASSIFIER_MAP);
	struct bpf_map *dispatch = bpf_object__find_map_by_name(object, DISPATCH_MAP);
	size_t size;
	void *memory;

	if (!classifier || !dispatch)
		return 0;
	memory = map_memory(classifier, &size);
	if (memory == MAP_FAILED)
		return -errno;
	classifier_image_write(plan->image, memory);
	munmap(memory, size);
	memory = map_memory(dispatch, &size);
	if (memory == MAP_FAILED)
		return -errno;
	memcpy(memory, plan->dispatch, size);
	munmap(memory, size);
	return 0;
}
