/* SPDX-License-Identifier: GPL-2.0-only */
/* JSON: commas where they belong, and every string such that it can be read back. */
#include "selftests/unit/support.h"

#include "ipfw-compat/json.h"

static void check_string(const char *text, const char *expected)
{
	char *written = NULL;
	size_t size;
	FILE *out = open_memstream(&written, &size);
	struct json json = {.out = out};

	json_string(&json, NULL, text);
	fclose(out);
	assert_string_equal(written, expected);
	free(written);
}

static void test_strings(void **state)
{
	check_string("", "\"\"");
	check_string(NULL, "null");
	check_string("plain", "\"plain\"");
	check_string("\"\\/", "\"\\\"\\\\/\"");
	check_string("\t\n\x01\x7f", "\"\\u0009\\u000a\\u0001\\u007f\"");
	check_string("caf\xc3\xa9 \xe2\x82\xac", "\"caf\\u00e9 \\u20ac\"");
	/* Not UTF-8: cut short, too long for what it says, a surrogate. */
	check_string("\xe9", "\"\\u00e9\"");
	check_string("\xc3", "\"\\u00c3\"");
	check_string("\xe2\x82", "\"\\u00e2\\u0082\"");
	check_string("\xc0\x80", "\"\\u00c0\\u0080\"");
	check_string("\xed\xa0\x80", "\"\\u00ed\\u00a0\\u0080\"");
}

static void test_structure(void **state)
{
	static const unsigned char bytes[] = {0, 0xab, 0x10};
	char *written = NULL;
	size_t size;
	FILE *out = open_memstream(&written, &size);
	struct json json = {.out = out};

	json_open(&json, NULL, '{');
	json_number(&json, "a", 1);
	json_open(&json, "b", '[');
	json_string(&json, NULL, "x");
	json_open(&json, NULL, '{');
	json_close(&json, '}');
	json_boolean(&json, NULL, true);
	json_close(&json, ']');
	json_hexadecimal(&json, "c", bytes, sizeof(bytes));
	json_print(&json, "d", "%d", -5);
	json_close(&json, '}');
	fclose(out);
	assert_string_equal(written, "{\"a\":1,\"b\":[\"x\",{},true],\"c\":\"00ab10\",\"d\":-5}");
	free(written);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_structure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
