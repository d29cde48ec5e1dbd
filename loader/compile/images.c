/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/compile/images.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* An image, and what it was made of. */
struct made {
	struct made *next;
	struct classifier_box *boxes;
	size_t count;
	struct image_stretch *stretches;
	size_t stretch_count;
	struct classifier_image *image;
	bool done; /* else another thread is building it */
	int error;
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
	classifier_image_free(made->image);
	free(made->boxes);
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

/* Whether the image is, or will be, that of these boxes: equal bytes, so that nothing else is ever taken for it. */
static bool same(const struct made *made, const struct classifier_box *boxes, size_t count,
		 const struct image_stretch *stretches, size_t stretch_count)
{
	if (made->count != count || made->stretch_count != stretch_count)
		return false;
	for (size_t i = 0; i < stretch_count; i++)
		if (made->stretches[i].first != stretches[i].first || made->stretches[i].count != stretches[i].count)
			return false;
	return !memcmp(made->boxes, boxes, count * sizeof(*boxes));
}

static struct made *made_new(const struct classifier_box *boxes, size_t count, const struct image_stretch *stretches,
			     size_t stretch_count)
{
	struct made *made = calloc(1, sizeof(*made));

	if (!made)
		return NULL;
	made->count = count;
	made->stretch_count = stretch_count;
	made->boxes = malloc((count + 1) * sizeof(*boxes));
	made->stretches = malloc((stretch_count + 1) * sizeof(*stretches));
	made->image = classifier_image_new((unsigned int)stretch_count);
	if (!made->boxes || !made->stretches || !made->image) {
		made_free(made);
		return NULL;
	}
	memcpy(made->boxes, boxes, count * sizeof(*boxes));
	memcpy(made->stretches, stretches, stretch_count * sizeof(*stretches));
	return made;
}

static int build(struct made *made)
{
	int result = 0;

	for (size_t i = 0; result >= 0 && i < made->stretch_count; i++)
		result = classifier_add_stretch(made->image, made->boxes + made->stretches[i].first,
						made->stretches[i].count, &made->stretches[i].estimate);
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

int images_get(struct images *images, const struct classifier_box *boxes, size_t count, struct image_stretch *stretches,
	       size_t stretch_count, const struct classifier_image **image)
{
	struct made *made;
	bool builds;

	pthread_mutex_lock(&images->mutex);
	for (made = images->first; made && !same(made, boxes, count, stretches, stretch_count);)
		made = made->next;
	builds = !made;
	if (builds) {
		made = made_new(boxes, count, stretches, stretch_count);
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
