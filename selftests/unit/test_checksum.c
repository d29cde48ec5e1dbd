/* SPDX-License-Identifier: GPL-2.0-only */
/* Sums of bytes: every single byte matters, wherever it is, and so do the bytes before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "maps/checksum.h"

static void test_every_byte_counts(void **state)
{
	unsigned char bytes[71] = {0};

	for (size_t size = 1; size <= sizeof(bytes); size++) {
		__u64 sum = checksum_add(5, bytes, size);

		for (size_t i = 0; i < sizeof(bytes); i++) {
			bytes[i] = 1;
			assert_true((checksum_add(5, bytes, size) != sum) == (i < size));
			bytes[i] = 0;
		}
	}
}

static void test_order_counts(void **state)
{
	const char *text = "one two three four five six seven eight nine ten";
	size_t size = strlen(text);

	assert_true(checksum_add(checksum_add(0, text, 8), text + 8, 8) !=
		    checksum_add(checksum_add(0, text + 8, 8), text, 8));
	assert_true(checksum_add(0, text, size) != checksum_add(1, text, size));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_byte_counts),
		cmocka_unit_test(test_order_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
