/* SPDX-License-Identifier: GPL-2.0-only */
/* A stream of choices: from a seed, or from bytes that somebody else chose. */
#ifndef MODEL_CHOICE_H
#define MODEL_CHOICE_H

#include <linux/types.h>
#include <stddef.h>

struct choices {
	const __u8 *bytes;
	size_t left; /* bytes that are not used yet */
	__u64 state; /* of what follows, the bytes behind, too */
};

/* Choices that a seed determines. */
static inline struct choices choices_from_seed(__u64 seed)
{
	return (struct choices){.state = seed};
}

/* Choices that `size` bytes determine, which must stay there. */
static inline struct choices choices_from_bytes(const __u8 *bytes, size_t size)
{
	struct choices choices = {.bytes = bytes, .left = size};

	for (size_t i = 0; i < size; i++)
		choices.state = (choices.state ^ bytes[i]) * 0x100000001b3ull;
	return choices;
}

/* The next 64 bits of splitmix64 (Steele, Lea, Flood 2014). */
static inline __u64 choose_seeded(struct choices *choices)
{
	__u64 bits = choices->state += 0x9e3779b97f4a7c15ull;

	bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9ull;
	bits = (bits ^ bits >> 27) * 0x94d049bb133111ebull;
	return bits ^ bits >> 31;
}

/* A number below `limit`, which is not 0. Takes one byte for limits up to 256, else four. */
static inline unsigned int choose(struct choices *choices, unsigned int limit)
{
	size_t size = limit <= 256 ? 1 : 4;
	unsigned int number = 0;

	if (choices->left < size)
		return (unsigned int)(choose_seeded(choices) >> 33) % limit;
	for (; size; size--, choices->left--)
		number = number << 8 | *choices->bytes++;
	return number % limit;
}

/* Whether something happens that happens once in `times`. */
static inline int choose_once_in(struct choices *choices, unsigned int times)
{
	return choose(choices, times) == times - 1;
}

#define CHOOSE_FROM(choices, array) ((array)[choose(choices, sizeof(array) / sizeof(*(array)))])

#endif
