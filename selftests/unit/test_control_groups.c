/* SPDX-License-Identifier: GPL-2.0-only */
/* Paths and ids of control groups, and where the kernel keeps who is in them. */
#include "selftests/unit/support.h"

#include <errno.h>

#include "loader/compile/control_groups.h"
#include "loader/kernel_fields.h"

static void numbers_are_ids(void **state)
{
	__u64 id;

	assert_true(control_group_number("4294967297", &id));
	assert_true(id == 4294967297ull);
	assert_true(control_group_number("-1", &id));
	assert_true(id == ~0ull);
	assert_false(control_group_number("1/2", &id));
	assert_false(control_group_number("", &id));
}

static void is_split(const char *text, __u32 parts, const char *first, const char *last)
{
	struct control_group_path path;

	assert_int_equal(control_group_split(&path, text), 0);
	assert_int_equal(path.parts, parts);
	if (!parts)
		return;
	assert_string_equal(path.part[0].name, first);
	assert_string_equal(path.part[parts - 1].name, last);
}

static void paths_are_split(void **state)
{
	is_split("/", 0, NULL, NULL);
	is_split("/sys/fs/cgroup", 0, NULL, NULL);
	is_split("/system.slice/nginx.service", 2, "system.slice", "nginx.service");
	is_split("system.slice//nginx.service/", 2, "system.slice", "nginx.service");
	is_split("/sys/fs/cgroup/a/b/c", 3, "a", "c");
	is_split("/sys/fs/cgroup/unified/a", 1, "a", "a");
	is_split("/sys/fs/cgroups/a", 4, "sys", "a");
	is_split("1/2/3/4/5/6/7/8/9/10/11/12", 12, "1", "12");
}

static void long_paths_are_refused(void **state)
{
	struct control_group_path path;
	char text[256] = "/";

	assert_int_equal(control_group_split(&path, "1/2/3/4/5/6/7/8/9/10/11/12/13"), -ENAMETOOLONG);
	memset(text + 1, 'x', CONTROL_GROUP_PART_BYTES - 1);
	assert_int_equal(control_group_split(&path, text), 0);
	text[CONTROL_GROUP_PART_BYTES] = 'x';
	assert_int_equal(control_group_split(&path, text), -ENAMETOOLONG);
}

static void paths_are_numbered(void **state)
{
	static const char *const texts[] = {"100 count jail a/b", "200 count jail 7", "300 count jail a/b", NULL};
	struct ruleset ruleset = ruleset_from(texts);
	struct control_groups groups;

	assert_int_equal(control_groups_collect(&groups, &ruleset), 0);
	assert_int_equal(groups.count, 2);
	for (size_t i = 0; i < groups.count; i++) {
		assert_string_equal(groups.paths[i], "a/b");
		assert_int_equal(control_groups_find(&groups, groups.paths[i]), i);
	}
	control_groups_free(&groups);
	ruleset_free(&ruleset);
}

/* The kernel that runs the tests has them all; that they are the right ones, the netns tests show. */
static void kernel_fields_are_found(void **state)
{
	const struct kernel_fields *fields;
	struct error error;

	error_clear(&error);
	fields = kernel_fields_find(&error);
	if (!fields)
		fail_msg("%s", error.message);
	assert_true(fields->sock_sk_uid > 0);
	assert_true(fields->cgroup_ancestors > fields->cgroup_level);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_ids),	   cmocka_unit_test(paths_are_split),
		cmocka_unit_test(long_paths_are_refused),  cmocka_unit_test(paths_are_numbered),
		cmocka_unit_test(kernel_fields_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
