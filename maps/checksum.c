/* SPDX-License-Identifier: GPL-2.0-only */
#include "maps/checksum.h"

#include <string.h>

#define LANES 4

__u64 checksum_add(__u64 sum, const void *bytes, size_t size)
{
	__u64 lanes[LANES] = {1, 2, 3, 4}, word;
	size_t words = size / sizeof(word), rest = size % sizeof(word);

	for (size_t i = 0; i < words; i++) {
		memcpy(&word, (const char *)bytes + i * sizeof(word), sizeof(word));
		lanes[i % LANES] = checksum_step(lanes[i % LANES], word);
	}
	if (rest) {
		word = 0;
		memcpy(&word, (const char *)bytes + size - rest, rest);
		lanes[words % LANES] = checksum_step(lanes[words % LANES], word);
	}
	for (int lane = 0; lane < LANES; lane++)
		sum = checksum_step(sum, lanes[lane]);
	return sum;
}
