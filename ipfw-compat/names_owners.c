/* SPDX-License-Identifier: GPL-2.0-only */
/* Users and groups; contracts in names.h. */
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>

#include "ipfw-compat/names.h"

/* Of the library's entries, which each call overwrites: programs are made, and their rules described, in threads. */
static pthread_mutex_t entry_lock = PTHREAD_MUTEX_INITIALIZER;

bool user_find(const char *word, __u32 *number)
{
	const struct passwd *user;
	char *end;
	uid_t id = (uid_t)strtoul(word, &end, 0);

	pthread_mutex_lock(&entry_lock);
	user = *end ? getpwnam(word) : getpwuid(id);
	if (user)
		*number = user->pw_uid;
	pthread_mutex_unlock(&entry_lock);
	return user;
}

bool group_find(const char *word, __u32 *number)
{
	const struct group *group;
	char *end;
	gid_t id = (gid_t)strtoul(word, &end, 0);

	pthread_mutex_lock(&entry_lock);
	group = *end ? getgrnam(word) : getgrgid(id);
	if (group)
		*number = group->gr_gid;
	pthread_mutex_unlock(&entry_lock);
	return group;
}

/* Copies an entry's name, NULL: there is no entry. */
static bool copy_name(char *name, size_t size, const char *found)
{
	return found && snprintf(name, size, "%s", found) < (int)size;
}

bool user_name(__u32 number, char *name, size_t size)
{
	const struct passwd *user;
	bool known;

	pthread_mutex_lock(&entry_lock);
	user = getpwuid(number);
	known = copy_name(name, size, user ? user->pw_name : NULL);
	pthread_mutex_unlock(&entry_lock);
	return known;
}

bool group_name(__u32 number, char *name, size_t size)
{
	const struct group *group;
	bool known;

	pthread_mutex_lock(&entry_lock);
	group = getgrgid(number);
	known = copy_name(name, size, group ? group->gr_name : NULL);
	pthread_mutex_unlock(&entry_lock);
	return known;
}
