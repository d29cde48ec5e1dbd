/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/monitor.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "loader/log.h"
#include "maps/lasting.h"
#include "maps/log_counts.h"

#define READER_LOCK "monitor"

struct monitor {
	struct ring_buffer *ring; /* NULL: there is no firewall */
	int reader_lock;	  /* open directory that carries the flock, -1: none */
	int losses;		  /* the map, -1: none */
	__u64 lost;		  /* what it said last */
	char pin[PINS_PATH_MAX];  /* of the ring */
	ino_t inode;		  /* of the pin: another one is another ring */
	monitor_take take;
	void *argument;
	bool enough; /* `take` wants no more */
};

static int take_record(void *context, void *data, size_t size)
{
	struct monitor *monitor = context;

	if (size < sizeof(struct log_record))
		return 0;
	monitor->enough = !monitor->take(monitor->argument, data);
	return monitor->enough ? -ECANCELED : 0;
}

static void detach(struct monitor *monitor)
{
	ring_buffer__free(monitor->ring);
	if (monitor->losses >= 0)
		close(monitor->losses);
	if (monitor->reader_lock >= 0)
		close(monitor->reader_lock);
	monitor->ring = NULL;
	monitor->losses = monitor->reader_lock = -1;
}

/* Takes the lock of readers, in the directory of a firewall that is locked itself. */
static int lock_reading(struct monitor *monitor, const struct pins *pins, struct error *error)
{
	char path[PINS_PATH_MAX];

	pins_path(path, pins, READER_LOCK);
	if (mkdir(path, 0700) && errno != EEXIST)
		return error_set(error, EX_OSERR, -1, "cannot make %s: %s", pins_shown(path), strerror(errno));
	monitor->reader_lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (monitor->reader_lock >= 0 && !flock(monitor->reader_lock, LOCK_EX | LOCK_NB))
		return 0;
	if (errno == EWOULDBLOCK) {
		error_set(error, EX_UNAVAILABLE, -1, "the log of this network namespace is being read already");
		return error_advise(error, "one reader at a time: end the other `ipfw-bpf monitor' first");
	}
	return error_set(error, EX_OSERR, -1, "cannot lock %s: %s", pins_shown(path), strerror(errno));
}

static int open_ring(struct monitor *monitor, const struct pins *pins, const struct lasting *lasting,
		     struct error *error)
{
	struct stat status;
	int result;

	pins_path(monitor->pin, pins, lasting_names[LASTING_LOG_RECORDS]);
	monitor->losses = fcntl(lasting->fds[LASTING_LOG_LOSSES], F_DUPFD_CLOEXEC, 3);
	result = monitor->losses < 0 || stat(monitor->pin, &status) ? -errno : 0;
	if (!result)
		result = log_losses_read(monitor->losses, &monitor->lost);
	if (!result) {
		monitor->inode = status.st_ino;
		monitor->ring = ring_buffer__new(lasting->fds[LASTING_LOG_RECORDS], take_record, monitor, NULL);
		result = monitor->ring ? 0 : -errno;
	}
	return result ? error_set(error, EX_OSERR, -1, "cannot open the log %s: %s", pins_shown(monitor->pin),
				  strerror(-result))
		      : 0;
}

/* Opens the ring of the firewall that there is, or stays without. Returns 0, or -1 with *error set. */
static int attach(struct monitor *monitor, struct error *error)
{
	struct lasting lasting;
	struct pins pins;
	int result;

	if (pins_open(&pins, false, error))
		return -1;
	result = lasting_open(&lasting, &pins, false, error);
	if (!result && lasting.alien)
		result = lasting_alien(&lasting, error);
	if (!result && lasting.control)
		result = lock_reading(monitor, &pins, error);
	if (!result && lasting.control)
		result = open_ring(monitor, &pins, &lasting, error);
	lasting_close(&lasting);
	pins_close(&pins);
	if (result)
		detach(monitor);
	return result;
}

int monitor_open(struct monitor **monitor, struct error *error)
{
	struct monitor *opened = calloc(1, sizeof(*opened));

	if (!opened)
		return error_set(error, EX_OSERR, -1, "%s", strerror(ENOMEM));
	log_begin();
	opened->losses = opened->reader_lock = -1;
	if (attach(opened, error)) {
		monitor_close(opened);
		return -1;
	}
	*monitor = opened;
	return 0;
}

void monitor_close(struct monitor *monitor)
{
	if (!monitor)
		return;
	detach(monitor);
	free(monitor);
}

/* Whether the ring is no longer the one that is pinned: its firewall was taken down. */
static bool outdated(const struct monitor *monitor)
{
	struct stat status;

	return stat(monitor->pin, &status) || status.st_ino != monitor->inode;
}

/* Hands over what is in the ring. Returns how many records, 0 also when that is enough, or -errno. */
static int consume(struct monitor *monitor)
{
	int result = ring_buffer__consume(monitor->ring);

	return result == -ECANCELED ? 0 : result;
}

static int read_ring(struct monitor *monitor, int milliseconds)
{
	int result = consume(monitor);

	if (result || monitor->enough || !milliseconds)
		return result;
	result = ring_buffer__poll(monitor->ring, milliseconds);
	return result == -EINTR || result == -ECANCELED ? 0 : result;
}

int monitor_read(struct monitor *monitor, int milliseconds, monitor_take take, void *argument, struct error *error)
{
	int result = 0;

	monitor->take = take;
	monitor->argument = argument;
	monitor->enough = false;
	if (monitor->ring && outdated(monitor)) {
		result = consume(monitor);
		detach(monitor);
	}
	if (result >= 0 && !monitor->ring && attach(monitor, error))
		return -1;
	if (!result && monitor->ring && !monitor->enough)
		result = read_ring(monitor, milliseconds);
	else if (!result && !monitor->ring && milliseconds)
		poll(NULL, 0, milliseconds);
	return result < 0 ? error_set(error, EX_OSERR, -1, "cannot read the log: %s", strerror(-result)) : 0;
}

__u64 monitor_lost(struct monitor *monitor)
{
	__u64 before = monitor->lost;

	if (monitor->losses < 0 || log_losses_read(monitor->losses, &monitor->lost))
		return 0;
	return monitor->lost - before;
}
