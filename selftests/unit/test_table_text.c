/* SPDX-License-Identifier: GPL-2.0-only */
/* Entries of tables as text and JSON, and what is told apart by its form: files and entries, seconds. */
#include <arpa/inet.h>

#include "selftests/unit/support.h"

#include "ipfw-compat/command_table.h"
#include "ipfw-compat/table_text.h"

#define SECOND 1000000000ull

static void test_files(void **state)
{
	static const char *const files[] = {"/etc/list", "/", "./list", "../list", "-"};
	static const char *const keys[] = {"192.0.2.1/24", "::/0", "eth0", "80", "tcp,80", ".", "..", "-5", "a/b"};

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		assert_true(table_file_named(files[i]));
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		assert_false(table_file_named(keys[i]));
}

static void test_seconds(void **state)
{
	static const char *const wrong[] = {"", "-1", "+1", " 1", "1s", "4294967296", "99999999999999999999"};
	struct error error;
	__u32 seconds;

	error_clear(&error);
	assert_int_equal(table_seconds_parse(&seconds, "4294967295", 0, &error), 0);
	assert_int_equal(seconds, 4294967295u);
	assert_int_equal(table_seconds_parse(&seconds, "0", 0, &error), 0);
	assert_int_equal(seconds, 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		error_clear(&error);
		assert_int_equal(table_seconds_parse(&seconds, wrong[i], 3, &error), -1);
		assert_int_equal(error.word, 3);
	}
}

/* What is printed of an entry that has the number 7 and so many seconds left. */
static void check(const struct table_info *info, const char *key_text, unsigned int seconds,
		  const struct counters *counters, const char *line, const char *object)
{
	struct table_entry entry = {.expires = seconds ? table_clock() + seconds * SECOND : 0};
	char *written = NULL, expected[512];
	FILE *out = open_memstream(&written, &(size_t){0});
	struct table_key key;
	struct error error;

	error_clear(&error);
	assert_int_equal(table_key_parse(&key, info, key_text, 0, &error), 0);
	assert_int_equal(table_record_parse(&entry.record, info, "7", 0, &error), 0);
	table_entry_print(out, info, &key, &entry, false);
	table_entry_json(out, info, &key, &entry, counters);
	fclose(out);
	snprintf(expected, sizeof(expected), "%s\n%s\n", line, object);
	assert_string_equal(written, expected);
	free(written);
}

static void test_entries(void **state)
{
	const struct counters some = {3, 252, 1700000000}, none = {0, 0, 0};
	struct table_info info = {.name = "t", .set = 2, .type = TABLE_ADDRESS, .values = TABLE_VALUES_ALL};

	check(&info, "192.0.2.77/24", 0, NULL, "192.0.2.0/24 7",
	      "{\"table\":\"t\",\"set\":2,\"key\":\"192.0.2.0/24\",\"value\":7}");
	check(&info, "2001:db8::1", 100, &some, "2001:db8::1/128 7 timeout 100",
	      "{\"table\":\"t\",\"set\":2,\"key\":\"2001:db8::1/128\",\"value\":7,\"timeout\":100,\"packets\":3,"
	      "\"bytes\":252,\"last_match\":1700000000}");
	info.type = TABLE_NUMBER;
	info.values = 1u << TABLE_VALUE_PIPE;
	check(&info, "80", 0, &none, "80 7",
	      "{\"table\":\"t\",\"set\":2,\"key\":\"80\",\"value\":{\"pipe\":7},\"packets\":0,\"bytes\":0,"
	      "\"last_match\":null}");
	info.type = TABLE_FLOW;
	info.values = TABLE_VALUES_ALL;
	info.flow_fields = FLOW_PROTOCOL | FLOW_DESTINATION | FLOW_DESTINATION_PORT;
	check(&info, "6,192.0.2.1,443", 1, NULL, "6,192.0.2.1,443 7 timeout 1",
	      "{\"table\":\"t\",\"set\":2,\"key\":\"6,192.0.2.1,443\",\"value\":7,\"timeout\":1}");
	info.type = TABLE_MAC;
	check(&info, "02:00:00:ff:00:00/25", 0, NULL, "02:00:00:80:00:00/25 7",
	      "{\"table\":\"t\",\"set\":2,\"key\":\"02:00:00:80:00:00/25\",\"value\":7}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_seconds),
		cmocka_unit_test(test_entries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
