/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/compile/control_groups.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool control_group_number(const char *text, __u64 *id)
{
	char *end;

	if (!*text)
		return false;
	*id = strtoull(text, &end, 10);
	return !*end;
}

/* Behind the place where the file system is mounted, alone or beside the older hierarchies. */
static const char *below_mount(const char *text)
{
	static const char *const mounts[] = {"/sys/fs/cgroup/unified", "/sys/fs/cgroup"};

	for (size_t i = 0; i < sizeof(mounts) / sizeof(*mounts); i++) {
		size_t length = strlen(mounts[i]);

		if (!strncmp(text, mounts[i], length) && (!text[length] || text[length] == '/'))
			return text + length;
	}
	return text;
}

int control_group_split(struct control_group_path *path, const char *text)
{
	memset(path, 0, sizeof(*path));
	for (text = below_mount(text); *text; path->parts++) {
		size_t length;

		text += strspn(text, "/");
		length = strcspn(text, "/");
		if (!length)
			break;
		if (path->parts == CONTROL_GROUP_PARTS || length >= CONTROL_GROUP_PART_BYTES)
			return -ENAMETOOLONG;
		memcpy(path->part[path->parts].name, text, length);
		text += length;
	}
	return 0;
}

static int add(struct control_groups *groups, const char *text)
{
	struct control_group_path path;
	const char **grown;
	__u64 id;
	int error;

	if (control_group_number(text, &id))
		return 0;
	error = control_group_split(&path, text);
	if (error)
		return error;
	grown = reallocarray(groups->paths, groups->count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	groups->paths = grown;
	groups->paths[groups->count++] = text;
	return 0;
}

int control_groups_collect(struct control_groups *groups, const struct ruleset *ruleset)
{
	int error = 0;

	memset(groups, 0, sizeof(*groups));
	for (size_t i = 0; i < ruleset->count && !error; i++)
		RULE_FOR_EACH_OPTION (option, ruleset->rules[i])
			if (option->code == OPTION_JAIL && !error)
				error = add(groups, option->u.text);
	if (error)
		control_groups_free(groups);
	return error;
}

void control_groups_free(struct control_groups *groups)
{
	free(groups->paths);
	memset(groups, 0, sizeof(*groups));
}

size_t control_groups_find(const struct control_groups *groups, const char *text)
{
	size_t number = 0;

	while (number < groups->count && groups->paths[number] != text)
		number++;
	return number;
}
