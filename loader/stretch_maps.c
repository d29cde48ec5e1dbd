/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/stretch_maps.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "loader/compile/images.h"

#define CLASSIFIER_MAP "classifier"
#define CONSTANTS_SECTION ".rodata.classifier"

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

/* The memory of a map with BPF_F_MMAPABLE, or MAP_FAILED. */
static void *map_memory(int map, size_t size)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);
}

int stretch_image_map(const struct classifier_image *image)
{
	size_t size = classifier_image_lines(image) * CLASSIFIER_LINE;
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	int map = bpf_map_create(BPF_MAP_TYPE_ARRAY, CLASSIFIER_MAP, sizeof(__u32), (__u32)size, 1, &options);
	void *memory = map < 0 ? MAP_FAILED : map_memory(map, size);
	int error = -errno;

	if (memory == MAP_FAILED) {
		if (map >= 0)
			close(map);
		return error;
	}
	classifier_image_write(image, memory);
	munmap(memory, size);
	return map;
}

int stretch_prepare_image(struct bpf_object *object, const struct classifier_image *image, int map,
			  struct classifier_constants constants)
{
	struct bpf_map *lines = bpf_object__find_map_by_name(object, CLASSIFIER_MAP);
	struct bpf_map *section = bpf_object__find_map_by_name(object, CONSTANTS_SECTION);
	__u32 count = (__u32)classifier_image_lines(image);
	int result = lines && section ? 0 : -ENOENT;

	if (!result && map >= 0) {
		constants.lines = count;
		constants.units = count * CLASSIFIER_LINE_UNITS;
		result = bpf_map__reuse_fd(lines, map);
	} else if (!result) {
		result = bpf_map__set_max_entries(lines, count);
	}
	if (!result)
		result = bpf_map__set_initial_value(section, &constants, sizeof(constants));
	return result;
}

static int prepare_classifier(struct bpf_object *object, const struct plan *plan)
{
	const struct plan_function *front = plan_front(plan);
	struct classifier_constants constants = {0};
	int map;

	if (!bpf_object__find_map_by_name(object, CLASSIFIER_MAP))
		return 0;
	map = images_map(plan->images, plan->image, stretch_image_map);
	if (map < 0 && map != -E2BIG)
		return map;
	if (front) {
		constants.front = front->exact ? front->exact_stretch : front->stretch;
		constants.front_end = (__u32)front->end;
		constants.front_exact = front->exact;
	}
	return stretch_prepare_image(object, plan->image, map < 0 ? -1 : map, constants);
}

int stretch_prepare(struct bpf_object *object, const struct plan *plan)
{
	struct contents contents[CONTENTS];
	int result = prepare_classifier(object, plan);

	contents_of(contents, plan);
	for (size_t i = 0; i < CONTENTS && !result; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(object, contents[i].name);

		if (map && contents[i].count)
			result = bpf_map__set_max_entries(map, (__u32)contents[i].count);
	}
	return result;
}

int stretch_fill_image(struct bpf_object *object, const struct classifier_image *image)
{
	struct bpf_map *lines = bpf_object__find_map_by_name(object, CLASSIFIER_MAP);
	size_t size = classifier_image_lines(image) * CLASSIFIER_LINE;
	void *memory;

	if (bpf_map__max_entries(lines) != classifier_image_lines(image))
		return 0;
	memory = map_memory(bpf_map__fd(lines), size);
	if (memory == MAP_FAILED)
		return -errno;
	classifier_image_write(image, memory);
	munmap(memory, size);
	return 0;
}

static int fill(struct bpf_object *object, const struct contents *contents)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, contents->name);
	size_t size = contents->count * contents->element;
	void *memory;

	if (!map || !size)
		return 0;
	memory = map_memory(bpf_map__fd(map), size);
	if (memory == MAP_FAILED)
		return -errno;
	memcpy(memory, contents->elements, size);
	munmap(memory, size);
	return 0;
}

int stretch_fill(struct bpf_object *object, const struct plan *plan)
{
	struct contents contents[CONTENTS];
	int result = bpf_object__find_map_by_name(object, CLASSIFIER_MAP) ? stretch_fill_image(object, plan->image) : 0;

	contents_of(contents, plan);
	for (size_t i = 0; i < CONTENTS && !result; i++)
		result = fill(object, contents + i);
	return result;
}
