/* SPDX-License-Identifier: GPL-2.0-only */
#include "maps/bpffs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#define BPFFS "/sys/fs/bpf"
#define PROCESS_PATH_MAX 64

/*
 * The process whose view of the file system decides where the pins are: PID 1, or, where a sandbox forbids to look
 * at it, the oldest ancestor that can be looked at. The caller's own view will not do: `ip netns exec` and service
 * managers give it a mount namespace that goes away with it.
 */
struct outer {
	pid_t process;
	char bpffs[PROCESS_PATH_MAX];	  /* /proc/PID/root/sys/fs/bpf */
	char namespace[PROCESS_PATH_MAX]; /* /proc/PID/ns/mnt */
};

static bool is_bpffs(const char *path)
{
	struct statfs status;

	return !statfs(path, &status) && (unsigned long)status.f_type == BPF_FS_MAGIC;
}

static bool same_file(const char *left, const char *right)
{
	struct stat left_status, right_status;

	return !stat(left, &left_status) && !stat(right, &right_status) && left_status.st_dev == right_status.st_dev &&
	       left_status.st_ino == right_status.st_ino;
}

/* The parent of a process, 0 when there is none to be found. */
static pid_t parent_of(pid_t process)
{
	char path[PROCESS_PATH_MAX], line[256], *end;
	int parent = 0, file;
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/%d/stat", process);
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return 0;
	length = read(file, line, sizeof(line) - 1);
	close(file);
	line[length > 0 ? length : 0] = '\0';
	end = strrchr(line, ')'); /* of the name, in which there may be anything */
	return end && sscanf(end, ") %*c %d", &parent) == 1 ? parent : 0;
}

static bool can_look_at(pid_t process)
{
	char path[PROCESS_PATH_MAX], target[2];

	snprintf(path, sizeof(path), "/proc/%d/root", process);
	return readlink(path, target, sizeof(target)) > 0;
}

/* The oldest of `process` and its ancestors that can be looked at, process 1 left out; 0: none. */
static pid_t oldest_visible(pid_t process)
{
	pid_t oldest = process > 1 ? oldest_visible(parent_of(process)) : 0;

	return oldest || process <= 1 || !can_look_at(process) ? oldest : process;
}

static void find_outer(struct outer *outer)
{
	outer->process = can_look_at(1) ? 1 : oldest_visible(getppid());
	if (!outer->process)
		outer->process = getpid();
	snprintf(outer->bpffs, sizeof(outer->bpffs), "/proc/%d/root" BPFFS, outer->process);
	snprintf(outer->namespace, sizeof(outer->namespace), "/proc/%d/ns/mnt", outer->process);
}

/*
 * Mounts the bpf file system in the namespace of this process, once: who came first holds a lock on the directory
 * below. A second mount would hide what is pinned in the first. Returns 0 or an errno.
 */
static int mount_once(void)
{
	int below = open(BPFFS, O_RDONLY | O_DIRECTORY | O_CLOEXEC), result = 0;

	if (below < 0 || flock(below, LOCK_EX))
		return errno;
	if (!is_bpffs(BPFFS) && mount("bpf", BPFFS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700"))
		result = errno;
	close(below);
	return result;
}

/* Mounts the bpf file system where `outer` sees it: in a child, since setns() cannot be undone. */
static int mount_for(const struct outer *outer)
{
	int status, fd;
	pid_t child = fork();

	if (child < 0)
		return -errno;
	if (!child) {
		fd = open(outer->namespace, O_RDONLY | O_CLOEXEC);
		_exit(fd < 0 || setns(fd, CLONE_NEWNS) ? errno : mount_once());
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EINTR;
}

static int no_bpffs(struct error *error, int result)
{
	error_set(error, EX_UNAVAILABLE, -1, "no bpf file system to keep the firewall in: %s", strerror(-result));
	error_advise(error, "mount one outside of `ip netns exec`, for example with `mount -t bpf bpf " BPFFS
			    "`, or name a directory on one in IPFW_BPF_PIN_ROOT");
	return -1;
}

/* Picks the file system; which one must not depend on the mount namespace that the caller happens to be in. */
static int choose_bpffs(char bpffs[PROCESS_PATH_MAX], bool create, struct error *error)
{
	struct outer outer;
	int result;

	find_outer(&outer);
	if (!is_bpffs(outer.bpffs)) {
		if (!create)
			return -ENOENT;
		result = mount_for(&outer);
		if (result || !is_bpffs(outer.bpffs))
			return no_bpffs(error, result ? result : -ENOENT);
	}
	strcpy(bpffs, same_file(BPFFS, outer.bpffs) ? BPFFS : outer.bpffs);
	return 0;
}

static int root_failed(const char *root, struct error *error)
{
	int code = errno;

	error_set(error, code == EACCES || code == EPERM ? EX_NOPERM : EX_OSERR, -1, "cannot use %s: %s", root,
		  strerror(code));
	if (code == EACCES || code == EPERM)
		error_advise(error, "this needs root");
	return -1;
}

int bpffs_pin_root(char root[BPFFS_PATH_MAX], bool create, struct error *error)
{
	const char *chosen = getenv("IPFW_BPF_PIN_ROOT");
	char bpffs[PROCESS_PATH_MAX];
	struct stat status;
	int result;

	if (chosen && *chosen) {
		snprintf(root, BPFFS_PATH_MAX, "%s", chosen);
	} else {
		result = choose_bpffs(bpffs, create, error);
		if (result)
			return result;
		snprintf(root, BPFFS_PATH_MAX, "%s/ipfw", bpffs);
	}
	if (create && mkdir(root, 0700) && errno != EEXIST)
		return root_failed(root, error);
	if (stat(root, &status))
		return errno == ENOENT ? -ENOENT : root_failed(root, error);
	if (!is_bpffs(root))
		return no_bpffs(error, -ENOTDIR);
	return 0;
}

void bpffs_of_root(char bpffs[BPFFS_PATH_MAX], const char *root)
{
	char *slash;

	snprintf(bpffs, BPFFS_PATH_MAX, "%s", root);
	slash = strrchr(bpffs, '/');
	if (slash && slash != bpffs)
		*slash = '\0';
	if (!is_bpffs(bpffs))
		snprintf(bpffs, BPFFS_PATH_MAX, "%s", root);
}

int bpffs_remove_tree(const char *directory)
{
	char path[BPFFS_PATH_MAX + NAME_MAX + 1];
	DIR *stream = opendir(directory);
	struct dirent *entry;
	int result = 0;

	if (!stream)
		return errno == ENOENT ? 0 : -errno;
	while ((entry = readdir(stream))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		if (entry->d_type == DT_DIR ? bpffs_remove_tree(path) : unlink(path))
			result = -errno;
	}
	closedir(stream);
	if (rmdir(directory) && !result)
		result = -errno;
	return result;
}
