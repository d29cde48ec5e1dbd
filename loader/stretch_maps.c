/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/stretch_maps.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define CLASSIFIER_MAP "classifier"

/* What a map is filled with from the plan, but for the classifier. */
struct contents {
	const char *name;
	const void *elements;
	size_t count, element;
};

#define CONTENTS 3

static void contents_of(struct contents contents[CONTENTS], const struct plan *plan)
{
	contents[0] = (struct contents){"dispatch", plan->dispatch, plan->rule_count, sizeof(*plan->dispatch)};
	contents[1] = (struct contents){"stretch_states", plan->stretch_states, plan->stretch_state_count,
					sizeof(*plan->stretch_states)};
	contents[2] = (struct contents){"stretch_questions", plan->stretch_questions, plan->rule_count,
					sizeof(*plan->stretch_questions)};
}

int stretch_prepare(struct bpf_object *object, const struct plan *plan)
{
	struct bpf_map *classifier = bpf_object__find_map_by_name(object, CLASSIFIER_MAP);
	struct contents contents[CONTENTS];
	int result = 0;

	if (classifier)
		result = bpf_map__set_max_entries(classifier, (__u32)classifier_image_lines(plan->image));
	contents_of(contents, plan);
	for (size_t i = 0; i < CONTENTS && !result; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(object, contents[i].name);

		if (map && contents[i].count)
			result = bpf_map__set_max_entries(map, (__u32)contents[i].count);
	}
	return result;
}

/* The memory of a map with BPF_F_MMAPABLE, or MAP_FAILED. */
static void *map_memory(const struct bpf_map *map, size_t *size)
{
	*size = (size_t)bpf_map__value_size(map) * bpf_map__max_entries(map);
	return mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
}

static int fill_classifier(struct bpf_object *object, const struct plan *plan)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, CLASSIFIER_MAP);
	size_t size;
	void *memory;

	if (!map)
		return 0;
	memory = map_memory(map, &size);
	if (memory == MAP_FAILED)
		return -errno;
	classifier_image_write(plan->image, memory);
	munmap(memory, size);
	return 0;
}

static int fill(struct bpf_object *object, const struct contents *contents)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, contents->name);
	size_t size;
	void *memory;

	if (!map || !contents->count)
		return 0;
	memory = map_memory(map, &size);
	if (memory == MAP_FAILED)
		return -errno;
	memcpy(memory, contents->elements, contents->count * contents->element);
	munmap(memory, size);
	return 0;
}

int stretch_fill(struct bpf_object *object, const struct plan *plan)
{
	struct contents contents[CONTENTS];
	int result = fill_classifier(object, plan);

	contents_of(contents, plan);
	for (size_t i = 0; i < CONTENTS && !result; i++)
		result = fill(object, contents + i);
	return result;
}
