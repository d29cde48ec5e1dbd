/* SPDX-License-Identifier: GPL-2.0-only */
/* Commands as words, and where a diagnosis puts its mark. */
#include "selftests/unit/support.h"

#include "ipfw-compat/diag.h"

#define SEPARATOR "|"

/* The words joined by SEPARATOR. */
static void join(const struct words *words, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (int i = 0; i < words->count; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%s", i ? SEPARATOR : "", words->word[i]);
	assert_null(words->word[words->count]);
}

static void test_split(void **state)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{"", ""},
		{"  \t\n", ""},
		{"# nothing else", ""},
		{"add 100 allow ip from any to any", "add|100|allow|ip|from|any|to|any"},
		{"\tadd\f allow \v in\r\n", "add|allow|in"},
		{"add allow in # why", "add|allow|in"},
		{"add allow in // why", "add|allow|in|//|why"},
		{"dst-port 80, 443,\t 8080", "dst-port|80,443,8080"},
		{"1.2.3.0/24{1, 2, 3-5} to", "1.2.3.0/24{1,2,3-5}|to"},
		{"dst-port 80 ,81", "dst-port|80|,81"},
		{"dst-port 80 , 81", "dst-port|80|,|81"},
		{"dst-port 80,", "dst-port|80"},
		{"dst-port 80, # end", "dst-port|80"},
		{",", ","},
		{"a,, b", "a,,|b"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct words words = {0};
		struct error error;
		char joined[256];

		error_clear(&error);
		assert_int_equal(words_split(&words, cases[i].text, &error), 0);
		join(&words, joined, sizeof(joined));
		assert_string_equal(joined, cases[i].words);
		words_free(&words);
		assert_null(words.word);
	}
}

static void test_arguments(void **state)
{
	static const struct {
		char *arguments[6];
		const char *words;
	} cases[] = {
		{{"add deny in"}, "add|deny|in"},
		{{"list"}, "list"},
		{{"add", "deny", "in"}, "add|deny|in"},
		{{"dst-port", "80,", "443"}, "dst-port|80,443"},
		{{"80,", "443,", "8080", "in"}, "80,443,8080|in"},
		{{"dst-port", "80,"}, "dst-port|80,"},
		{{"//", "two words", "#3"}, "//|two words|#3"},
		{{"via", "", "in"}, "via||in"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct words words = {0};
		struct error error;
		char joined[256];
		int count = 0;

		while (cases[i].arguments[count])
			count++;
		error_clear(&error);
		assert_int_equal(words_from_arguments(&words, count, cases[i].arguments, &error), 0);
		join(&words, joined, sizeof(joined));
		assert_string_equal(joined, cases[i].words);
		words_free(&words);
	}
}

static void check_diagnosis(const char *command, int word, const char *expected)
{
	struct words words = {0};
	struct error error;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	error_clear(&error);
	assert_int_equal(words_split(&words, command, &error), 0);
	error_set(&error, 65, word, "wrong");
	error_advise(&error, "right");
	diagnose(out, "ipfw", &words, &error);
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
	words_free(&words);
}

static void test_diagnose(void **state)
{
	check_diagnosis("add alow in", 1, "ipfw: wrong\n    add alow in\n        ^~~~\n    right\n");
	check_diagnosis("add allow in via", 4,
			"ipfw: wrong\n    add allow in via\n                     ^\n    right\n");
	check_diagnosis("add allow in", -1, "ipfw: wrong\n    right\n");
	check_diagnosis("add \033x in", 2, "ipfw: wrong\n    add ?x in\n           ^~\n    right\n");
	check_diagnosis("a2345678901234567890 b2345678901234567890 c2345678901234567890 d2345678901234567890 wrong", 4,
			"ipfw: wrong\n    ... b2345678901234567890 c2345678901234567890 d2345678901234567890 wrong\n"
			"                                                                       ^~~~~\n    right\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_diagnose),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
