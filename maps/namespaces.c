/* SPDX-License-Identifier: GPL-2.0-only */
/* Which network namespaces are alive; contracts in maps/pins.h. */
#include "maps/pins.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAMED_NAMESPACES "/run/netns"
#define PID_NAMESPACE_OF_MACHINE 0xeffffffcu /* inode number, the same on every Linux */

struct inodes {
	__u64 *inode;
	size_t count;
	bool complete; /* no namespace was left out for want of memory or permission */
};

static void inodes_add(struct inodes *inodes, __u64 inode)
{
	__u64 *grown = reallocarray(inodes->inode, inodes->count + 1, sizeof(*grown));

	if (!grown) {
		inodes->complete = false;
		return;
	}
	inodes->inode = grown;
	inodes->inode[inodes->count++] = inode;
}

static bool inodes_have(const struct inodes *inodes, __u64 inode)
{
	for (size_t i = 0; i < inodes->count; i++)
		if (inodes->inode[i] == inode)
			return true;
	return false;
}

__u64 pins_namespace_inode(void)
{
	struct stat status;

	return stat("/proc/self/ns/net", &status) ? 0 : status.st_ino;
}

/* Adds what stat() says of `<directory>/<entry><suffix>` for every entry, or for numeric ones alone. */
static void add_entries(struct inodes *inodes, const char *directory, const char *suffix, bool numeric)
{
	char path[PINS_PATH_MAX];
	DIR *stream = opendir(directory);
	struct dirent *entry;
	struct stat status;

	while (stream && (entry = readdir(stream))) {
		if (entry->d_name[0] == '.' || (numeric && !isdigit((unsigned char)entry->d_name[0])))
			continue;
		snprintf(path, sizeof(path), "%s/%s%s", directory, entry->d_name, suffix);
		if (!stat(path, &status))
			inodes_add(inodes, status.st_ino);
		else if (errno == EACCES || errno == EPERM)
			inodes->complete = false;
	}
	if (stream)
		closedir(stream);
}

/* Namespaces that only a mount keeps alive: their root is named "net:[inode]" in mountinfo. */
static void add_mounted(struct inodes *inodes, const char *mountinfo)
{
	FILE *file = fopen(mountinfo, "re");
	char *line = NULL, *root;
	size_t size = 0;

	while (file && getline(&line, &size, file) >= 0) {
		root = strstr(line, " net:[");
		if (root)
			inodes_add(inodes, strtoull(root + strlen(" net:["), NULL, 10));
	}
	free(line);
	if (file)
		fclose(file);
}

static void inodes_alive(struct inodes *inodes)
{
	struct stat status;

	memset(inodes, 0, sizeof(*inodes));
	/* In a PID namespace of one's own most processes, and so their network namespaces, are not to be seen. */
	inodes->complete = !stat("/proc/self/ns/pid", &status) && status.st_ino == PID_NAMESPACE_OF_MACHINE;
	add_entries(inodes, "/proc", "/ns/net", true);
	add_entries(inodes, NAMED_NAMESPACES, "", false);
	add_mounted(inodes, "/proc/self/mountinfo");
	add_mounted(inodes, "/proc/1/mountinfo");
}

/* Removes one directory unless somebody holds its lock. */
static bool sweep(const char *directory)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool swept;

	if (fd < 0)
		return false;
	swept = !flock(fd, LOCK_EX | LOCK_NB) && !bpffs_remove_tree(directory);
	close(fd);
	return swept;
}

struct directories {
	char (*paths)[PINS_DIRECTORY_MAX];
	size_t count;
};

/* The directories of all namespaces but that of `pins`; without memory, of some. */
static void directories_list(struct directories *directories, const struct pins *pins)
{
	DIR *stream = opendir(pins->root);
	char(*grown)[PINS_DIRECTORY_MAX];
	struct dirent *entry;

	while (stream && (entry = readdir(stream))) {
		if (strncmp(entry->d_name, "netns-", strlen("netns-")))
			continue;
		grown = reallocarray(directories->paths, directories->count + 1, sizeof(*grown));
		if (!grown)
			break;
		directories->paths = grown;
		snprintf(grown[directories->count], sizeof(*grown), "%s/%.30s", pins->root, entry->d_name);
		directories->count += strcmp(grown[directories->count], pins->directory) != 0;
	}
	if (stream)
		closedir(stream);
}

int pins_sweep_dead(const struct pins *pins, __u64 (*inode_of)(const char *directory))
{
	struct directories directories = {0};
	struct inodes alive;
	int swept = 0;
	__u64 inode;

	/* Directories first: a namespace that is made meanwhile is not among them. */
	directories_list(&directories, pins);
	inodes_alive(&alive);
	for (size_t i = 0; alive.complete && i < directories.count; i++) {
		inode = inode_of(directories.paths[i]);
		if (inode && !inodes_have(&alive, inode))
			swept += sweep(directories.paths[i]);
	}
	free(directories.paths);
	free(alive.inode);
	return swept;
}
