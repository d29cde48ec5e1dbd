/* SPDX-License-Identifier: GPL-2.0-only */
#include "maps/pins.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

static int namespace_cookie(__u64 *cookie)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), result;
	socklen_t size = sizeof(*cookie);

	if (fd < 0)
		return -errno;
	result = getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, cookie, &size) ? -errno : 0;
	close(fd);
	return result;
}

/* Whether the directory that was locked is still the one at its path: `down` may have removed it meanwhile. */
static bool still_there(int fd, const char *directory)
{
	struct stat locked, current;

	return !fstat(fd, &locked) && !stat(directory, &current) && locked.st_ino == current.st_ino &&
	       locked.st_dev == current.st_dev;
}

/* Returns the locked directory, -ENOENT when there is none, or another -errno. */
static int lock_directory(const char *directory, bool write)
{
	int fd, result;

	for (;;) {
		if (write && mkdir(directory, 0700) && errno != EEXIST)
			return -errno;
		fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0) {
			if (errno == ENOENT && write)
				continue;
			return -errno;
		}
		do
			result = flock(fd, write ? LOCK_EX : LOCK_SH);
		while (result && errno == EINTR);
		if (result) {
			result = -errno;
			close(fd);
			return result;
		}
		if (still_there(fd, directory))
			return fd;
		close(fd);
	}
}

int pins_open(struct pins *pins, bool write, struct error *error)
{
	int result;

	memset(pins, 0, sizeof(*pins));
	pins->lock = -1;
	pins->write = write;
	result = namespace_cookie(&pins->cookie);
	if (result) {
		error_set(error, EX_OSERR, -1, "cannot identify the network namespace: %s", strerror(-result));
		return error_advise(error, "Linux 5.14 or newer is needed");
	}
	result = bpffs_pin_root(pins->root, write, error);
	if (result)
		return result == -ENOENT ? 0 : -1;
	snprintf(pins->directory, sizeof(pins->directory), "%s/netns-%llu", pins->root, pins->cookie);
	result = lock_directory(pins->directory, write);
	if (result >= 0) {
		pins->lock = result;
		return 0;
	}
	if (result == -ENOENT && !write) {
		pins->directory[0] = '\0';
		return 0;
	}
	return error_set(error, EX_OSERR, -1, "cannot lock %s: %s", pins->directory, strerror(-result));
}

void pins_close(struct pins *pins)
{
	if (pins->lock < 0)
		return;
	/* Not a directory that somebody has made anew since ours was removed. */
	if (pins->write && still_there(pins->lock, pins->directory))
		rmdir(pins->directory);
	close(pins->lock);
	pins->lock = -1;
}

void pins_path(char path[PINS_PATH_MAX], const struct pins *pins, const char *name)
{
	snprintf(path, PINS_PATH_MAX, "%s/%.60s", pins->directory, name);
}

void pins_generation_path(char path[PINS_PATH_MAX], const struct pins *pins, __u32 generation, const char *name)
{
	snprintf(path, PINS_PATH_MAX, "%s/generation-%u%s%.40s", pins->directory, generation & 1, *name ? "/" : "",
		 name);
}

const char *pins_shown(const char *path)
{
	int prefix = 0;

	return sscanf(path, "/proc/%*d/root%n", &prefix) == 0 && prefix ? path + prefix : path;
}

int pins_get(const char *path)
{
	int fd = bpf_obj_get(path);

	return fd < 0 ? -errno : fd;
}

int pins_replace(const char *path, int fd)
{
	char fresh[PINS_PATH_MAX + 8];

	snprintf(fresh, sizeof(fresh), "%s_new", path);
	if (unlink(fresh) && errno != ENOENT)
		return -errno;
	if (bpf_obj_pin(fd, fresh))
		return -errno;
	return rename(fresh, path) ? -errno : 0;
}
