/* SPDX-License-Identifier: GPL-2.0-only */
/* Rulesets as they are kept in the map "ruleset": what was written is read, and nothing else. */
#include "selftests/unit/support.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

#include "maps/layout.h"
#include "maps/store.h"

struct stored {
	int fd;
	size_t size;
	struct stored_rule *elements;
};

/* A map of `spare` elements more than the ruleset needs, with the ruleset in it. */
static struct stored store(const struct ruleset *ruleset, __u32 spare)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	__u32 elements = store_elements(ruleset) + spare;
	struct stored stored = {.size = elements * sizeof(struct stored_rule)};

	stored.fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "ruleset", sizeof(__u32), sizeof(struct stored_rule), elements,
				   &options);
	assert_true(stored.fd >= 0);
	stored.elements = mmap(NULL, stored.size, PROT_READ | PROT_WRITE, MAP_SHARED, stored.fd, 0);
	assert_true(stored.elements != MAP_FAILED);
	assert_int_equal(store_write(stored.fd, ruleset), 0);
	return stored;
}

static void discard(struct stored *stored)
{
	munmap(stored->elements, stored->size);
	close(stored->fd);
}

static void add(struct ruleset *ruleset, unsigned int number, const char *text)
{
	struct rule *rule = rule_from(text);

	rule->number = (__u16)number;
	rule->slot = number;
	assert_int_equal(ruleset_insert(ruleset, rule), 0);
}

/* Short rules, some that take several elements, one that fills its elements to the last byte or nearly so. */
static struct ruleset make_ruleset(void)
{
	struct ruleset ruleset = {.disabled_sets = 0x80000001, .switches = RULESET_WITHOUT_IP6};
	char text[128];

	ruleset.tags[0] = 7;
	ruleset.tags[TAGS_MAX - 1] = 65534;
	add(&ruleset, 10, "allow ip from any to any");
	add(&ruleset, 10,
	    "count tcp from 10.0.0.0/8,192.0.2.0/24,198.51.100.0/24 1-5,7,9-11,13,17-19 to "
	    "2001:db8::/32,2001:db8:1::/48,2001:db8:2::/48 80,443,8000-8080 via eth0 setup");
	for (unsigned int letters = 1; letters < 70; letters++) {
		snprintf(text, sizeof(text), "deny udp from any to 10.1.2.3 53 // %.*s", (int)letters,
			 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz");
		add(&ruleset, 100 + letters, text);
	}
	assert_int_equal(ruleset_insert(&ruleset, rule_default("deny")), 0);
	return ruleset;
}

static void assert_same(const struct ruleset *left, const struct ruleset *right)
{
	assert_int_equal(left->count, right->count);
	assert_int_equal(left->disabled_sets, right->disabled_sets);
	assert_int_equal(left->switches, right->switches);
	assert_memory_equal(left->tags, right->tags, sizeof(left->tags));
	for (size_t i = 0; i < left->count; i++) {
		assert_int_equal(left->rules[i]->size, right->rules[i]->size);
		assert_memory_equal(left->rules[i], right->rules[i], left->rules[i]->size);
	}
}

static void assert_refused(const struct stored *stored)
{
	struct ruleset ruleset;
	struct error error;

	error_clear(&error);
	assert_int_equal(store_read(stored->fd, &ruleset, &error), -1);
	assert_int_equal(error.exit_code, EX_DATAERR);
	assert_null(ruleset.rules);
	assert_int_equal(ruleset.count, 0);
}

static void reads_what_was_written(void **state)
{
	struct ruleset ruleset = make_ruleset(), copy;

	for (__u32 spare = 0; spare < 3; spare++) {
		struct stored stored = store(&ruleset, spare);
		struct error error;

		error_clear(&error);
		assert_int_equal(store_read(stored.fd, &copy, &error), 0);
		assert_same(&copy, &ruleset);
		ruleset_free(&copy);
		discard(&stored);
	}
	ruleset_free(&ruleset);
}

/* Whichever 32-bit word is not as it was, the whole is refused. */
static void refuses_every_change(void **state)
{
	struct ruleset ruleset = make_ruleset();
	struct stored stored = store(&ruleset, 0);
	size_t words = stored.size / sizeof(__u32), first = offsetof(struct stored_rule, bytes) / sizeof(__u32),
	       behind_head = sizeof(struct stored_rule) / sizeof(__u32);
	__u32 *word = (__u32 *)stored.elements;

	for (size_t i = first; i < words; i++) {
		__u32 kept = word[i], change = 1u << i % 32;

		if (i >= first + sizeof(struct stored_ruleset) / sizeof(__u32) && i < behind_head)
			continue; /* unused */
		word[i] ^= change;
		assert_refused(&stored);
		word[i] = ~kept;
		assert_refused(&stored);
		word[i] = kept;
	}
	memset(stored.elements, 0, stored.size);
	assert_refused(&stored);
	discard(&stored);
	ruleset_free(&ruleset);
}

/* A right checksum does not make a ruleset of what is none. */
static void refuses_what_is_no_ruleset(void **state)
{
	struct ruleset ruleset = make_ruleset();
	struct rule *kept = ruleset.rules[0], *last = ruleset.rules[ruleset.count - 1];
	struct option *option = (struct option *)ruleset.rules[1]->options;
	struct stored stored;

	ruleset.rules[0] = ruleset.rules[2];
	ruleset.rules[2] = kept;
	stored = store(&ruleset, 0);
	assert_refused(&stored);
	discard(&stored);
	ruleset.rules[2] = ruleset.rules[0];
	ruleset.rules[0] = kept;

	ruleset.count--;
	stored = store(&ruleset, 1);
	assert_refused(&stored);
	discard(&stored);
	ruleset.count++;
	assert_ptr_equal(ruleset.rules[ruleset.count - 1], last);

	option->code = OPTION_CODES;
	stored = store(&ruleset, 0);
	assert_refused(&stored);
	discard(&stored);
	ruleset_free(&ruleset);
}

/* Copies begin with their rules in one block: what is moved out of it, inserted and removed is freed once. */
static void rules_of_copies_are_rules(void **state)
{
	struct ruleset ruleset = make_ruleset(), copy, other = {0};
	size_t count = ruleset.count;

	assert_int_equal(ruleset_clone(&copy, &ruleset), 0);
	assert_same(&copy, &ruleset);
	assert_int_equal(ruleset_detach(&copy, 3), 0);
	assert_same(&copy, &ruleset);
	assert_int_equal(ruleset_insert(&other, copy.rules[3]), 0);
	copy.rules[3] = rule_from("count ip from any to any");
	copy.rules[3]->number = 102;
	ruleset_remove(&copy, 0);
	add(&copy, 5, "deny ip from any to any");
	assert_int_equal(copy.count, count);
	assert_int_equal(copy.rules[0]->number, 5);
	ruleset_free(&ruleset);
	assert_int_equal(copy.rules[1]->number, 10);
	assert_int_equal(ruleset_clone(&ruleset, &copy), 0);
	assert_same(&copy, &ruleset);
	ruleset_free(&copy);
	ruleset_free(&ruleset);
	assert_int_equal(other.rules[0]->number, 102);
	ruleset_free(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_was_written),
		cmocka_unit_test(refuses_every_change),
		cmocka_unit_test(refuses_what_is_no_ruleset),
		cmocka_unit_test(rules_of_copies_are_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
