/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/compile/images.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* An image, and what it was made of. */
struct made {
	struct made *next;
	struct classifier_box *boxes;
	size_t count;
	struct dispatch *dispatch; /* NULL: no stretch is exact */
	size_t rules;
	struct image_stretch *stretches;
	size_t stretch_count;
	struct classifier_image *image;
	bool done; /* else another thread is building it */
	int error;
	bool mapped;
	int map; /* once `mapped`; negative: error */
};

struct images {
	pthread_mutex_t mutex; /* of the list, and of `done` in its elements */
	pthread_cond_t done;
	struct made *first;
};

struct images *images_new(void)
{
	struct images *images = calloc(1, sizeof(*images));

	if (!images)
		return NULL;
	pthread_mutex_init(&images->mutex, NULL);
	pthread_cond_init(&images->done, NULL);
	return images;
}

static void made_free(struct made *made)
{
	if (made->mapped && made->map >= 0)
		close(made->map);
	classifier_image_free(made->image);
	free(made->boxes);
	free(made->dispatch);
	free(made->stretches);
	free(made);
}

void images_free(struct images *images)
{
	if (!images)
		return;
	while (images->first) {
		struct made *next = images->first->next;

		made_free(images->first);
		images->first = next;
	}
	pthread_cond_destroy(&images->done);
	pthread_mutex_destroy(&images->mutex);
	free(images);
}

static bool same_stretches(const struct made *made, const struct image_stretch *stretches, size_t stretch_count)
{
	if (made->stretch_count != stretch_count)
		return false;
	for (size_t i = 0; i < stretch_count; i++)
		if (made->stretches[i].first != stretches[i].first || made->stretches[i].count != stretches[i].count ||
		    made->stretches[i].exact != stretches[i].exact)
			return false;
	return true;
}

/* Whether the image is, or will be, the one wanted: equal bytes, so that nothing else is ever taken for it. */
static bool same(const struct made *made, const struct image_wish *wish, const struct image_stretch *stretches,
		 size_t stretch_count)
{
	if (made->count != wish->count || !same_stretches(made, stretches, stretch_count) ||
	    memcmp(made->boxes, wish->boxes, wish->count * sizeof(*wish->boxes)))
		return false;
	return !made->dispatch || (made->rules == wish->rules &&
				   !memcmp(made->dispatch, wish->dispatch, wish->rules * sizeof(*wish->dispatch)));
}

static bool any_exact(const struct image_stretch *stretches, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (stretches[i].exact)
			return true;
	return false;
}

static void *copy_of(const void *bytes, size_t size)
{
	void *copy = malloc(size + 1);

	return copy ? memcpy(copy, bytes, size) : NULL;
}

static struct made *made_new(const struct image_wish *wish, const struct image_stretch *stretches, size_t stretch_count)
{
	struct made *made = calloc(1, sizeof(*made));
	bool exact = any_exact(stretches, stretch_count);

	if (!made)
		return NULL;
	made->count = wish->count;
	made->rules = wish->rules;
	made->stretch_count = stretch_count;
	made->boxes = copy_of(wish->boxes, wish->count * sizeof(*wish->boxes));
	made->dispatch = exact ? copy_of(wish->dispatch, wish->rules * sizeof(*wish->dispatch)) : NULL;
	made->stretches = copy_of(stretches, stretch_count * sizeof(*stretches));
	made->image = classifier_image_new((unsigned int)stretch_count);
	if (!made->boxes || (exact && !made->dispatch) || !made->stretches || !made->image) {
		made_free(made);
		return NULL;
	}
	return made;
}

static int build_stretch(struct made *made, struct image_stretch *stretch)
{
	const struct exact_set set = {made->boxes + stretch->first, stretch->count, made->dispatch};

	if (stretch->exact)
		return exact_add_stretch(made->image, &set, &stretch->exact_estimate);
	return classifier_add_stretch(made->image, set.boxes, set.count, &stretch->estimate);
}

static int build(struct made *made)
{
	int result = 0;

	for (size_t i = 0; result >= 0 && i < made->stretch_count; i++)
		result = build_stretch(made, made->stretches + i);
	return result < 0 ? result : 0;
}

/* Waits until the image is there, if somebody else builds it. With the mutex held, as it is on return. */
static void complete(struct images *images, struct made *made, bool builds)
{
	if (builds) {
		pthread_mutex_unlock(&images->mutex);
		made->error = build(made);
		pthread_mutex_lock(&images->mutex);
		made->done = true;
		pthread_cond_broadcast(&images->done);
	}
	while (!made->done)
		pthread_cond_wait(&images->done, &images->mutex);
}

int images_get(struct images *images, const struct image_wish *wish, struct image_stretch *stretches,
	       size_t stretch_count, const struct classifier_image **image)
{
	struct made *made;
	bool builds;

	pthread_mutex_lock(&images->mutex);
	for (made = images->first; made && !same(made, wish, stretches, stretch_count);)
		made = made->next;
	builds = !made;
	if (builds) {
		made = made_new(wish, stretches, stretch_count);
		if (made) {
			made->next = images->first;
			images->first = made;
		}
	}
	if (made)
		complete(images, made, builds);
	pthread_mutex_unlock(&images->mutex);
	if (!made)
		return -ENOMEM;
	memcpy(stretches, made->stretches, stretch_count * sizeof(*stretches));
	*image = made->image;
	return made->error;
}

int images_map(struct images *images, const struct classifier_image *image,
	       int (*make)(const struct classifier_image *image))
{
	struct made *made;
	int map = -ENOENT;

	pthread_mutex_lock(&images->mutex);
	for (made = images->first; made && made->image != image;)
		made = made->next;
	if (made && !made->mapped) {
		made->map = make(image);
		made->mapped = true;
	}
	if (made)
		map = made->map;
	pthread_mutex_unlock(&images->mutex);
	return map;
}
