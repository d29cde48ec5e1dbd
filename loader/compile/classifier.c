/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/compile/classifier_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(LINE_UNITS == CLASSIFIER_TREES, "the roots of a stretch fill a line");

struct classifier_image *classifier_image_new(unsigned int stretches)
{
	struct classifier_image *image = calloc(1, sizeof(*image));

	if (!image)
		return NULL;
	image->stretches = stretches;
	if (classifier_image_room(image, (size_t)stretches * CLASSIFIER_FAMILIES * LINE_UNITS, 1) < 0) {
		free(image);
		return NULL;
	}
	return image;
}

void classifier_image_free(struct classifier_image *image)
{
	if (!image)
		return;
	free(image->units);
	free(image);
}

long classifier_image_room(struct classifier_image *image, size_t units, size_t align)
{
	size_t place = (image->count + align - 1) & ~(align - 1);

	if (place + units > CLASSIFIER_PLACES)
		return -E2BIG;
	if (place + units > image->capacity) {
		size_t capacity = 2 * (place + units) + LINE_UNITS;
		__u64 *larger = realloc(image->units, capacity * sizeof(*larger));

		if (!larger)
			return -ENOMEM;
		image->units = larger;
		image->capacity = capacity;
	}
	memset(image->units + image->count, 0, (place + units - image->count) * sizeof(*image->units));
	image->count = place + units;
	return (long)place;
}

size_t classifier_image_lines(const struct classifier_image *image)
{
	return (image->count + LINE_UNITS - 1) / LINE_UNITS;
}

void classifier_image_write(const struct classifier_image *image, void *memory)
{
	memcpy(memory, image->units, image->count * sizeof(*image->units));
}

bool classifier_box_of_family(const struct classifier_box *box, enum classifier_family family)
{
	static const __u8 versions[] = {[CLASSIFIER_OTHER] = 0, [CLASSIFIER_IP4] = 4, [CLASSIFIER_IP6] = 6};
	__u8 version = versions[family], value, mask;

	memcpy(&value, &box->head_value, sizeof(value));
	memcpy(&mask, &box->head_mask, sizeof(mask));
	return (!box->family || box->family == version) && !((version ^ value) & mask);
}

bool classifier_box_valid(const struct classifier_box *box)
{
	unsigned int most = box->family == 6 ? 128 : box->family == 4 ? 32 : 0;

	return (box->family == 0 || box->family == 4 || box->family == 6) && box->index < CLASSIFIER_NONE &&
	       box->source_bits <= most && box->destination_bits <= most &&
	       box->source_port[0] <= box->source_port[1] && box->destination_port[0] <= box->destination_port[1] &&
	       box->interface <= CLASSIFIER_INTERFACE_MAX &&
	       (box->interface_key ? box->interface_key >= CLASSIFIER_VIA && box->interface_key <= CLASSIFIER_XMIT
				   : !box->interface);
}

static int compare_boxes(const void *a, const void *b, void *context)
{
	const struct classifier_box *boxes = context;
	__u32 left = *(const __u32 *)a, right = *(const __u32 *)b;

	if (boxes[left].index != boxes[right].index)
		return boxes[left].index < boxes[right].index ? -1 : 1;
	return left < right ? -1 : left > right;
}

/* Adds the trees for one kind of packet. `numbers` has all boxes in order; `scratch` has room for as many. */
static int add_family(struct classifier_image *image, const struct classifier_set *all, __u32 *scratch,
		      enum classifier_family family, struct classifier_estimate *estimate)
{
	struct classifier_set set = {.boxes = all->boxes, .numbers = scratch};
	__u64 steps[CLASSIFIER_TREES];
	int error = 0;

	for (size_t i = 0; i < all->count; i++)
		if (classifier_box_of_family(all->boxes + all->numbers[i], family))
			scratch[set.count++] = all->numbers[i];
	for (int i = 0; i < CLASSIFIER_TREES; i++)
		steps[i] = CLASSIFIER_EMPTY;
	if (set.count)
		error = classifier_trees(image, &set, family == CLASSIFIER_IP6, steps, estimate);
	memcpy(image->units + CLASSIFIER_ROOTS(image->added, family) * LINE_UNITS, steps, sizeof(steps));
	return error;
}

static int add_families(struct classifier_image *image, const struct classifier_set *all, __u32 *scratch,
			struct classifier_estimate *estimate)
{
	int error = 0;

	for (enum classifier_family family = 0; family < CLASSIFIER_FAMILIES && !error; family++)
		error = add_family(image, all, scratch, family, estimate);
	return error;
}

int classifier_add_stretch(struct classifier_image *image, const struct classifier_box *boxes, size_t count,
			   struct classifier_estimate *estimate)
{
	struct classifier_estimate found = {0};
	size_t before = image->count;
	__u32 *numbers;
	int error;

	if (image->added == image->stretches)
		return -EINVAL;
	for (size_t i = 0; i < count; i++)
		if (!classifier_box_valid(boxes + i))
			return -EINVAL;
	numbers = malloc((2 * count + 1) * sizeof(*numbers));
	if (!numbers)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		numbers[i] = (__u32)i;
	qsort_r(numbers, count, sizeof(*numbers), compare_boxes, (void *)boxes);
	error = add_families(image, &(struct classifier_set){boxes, numbers, count}, numbers + count, &found);
	free(numbers);
	if (error) {
		image->count = before;
		return error;
	}
	found.lines = (image->count - before) / LINE_UNITS;
	if (estimate)
		*estimate = found;
	return (int)image->added++;
}
