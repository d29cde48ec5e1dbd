/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/xdp_look.h"

#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "maps/pins.h"

/* libxdp's protocol: where and under which names it pins. */
#define DISPATCHER_PROGRAM "xdp_dispatcher"
#define DISPATCHER_PINS "xdp/dispatch-%d-%u"

static void dispatcher_pins(char path[PINS_PATH_MAX], int ifindex, __u32 id)
{
	const char *bpffs = getenv("LIBXDP_BPFFS");

	snprintf(path, PINS_PATH_MAX, "%.200s/" DISPATCHER_PINS, bpffs ? bpffs : "/sys/fs/bpf", ifindex, id);
}

/* libxdp takes a dispatcher whose pins it fails to read for a plain program. Its pins tell that it is not. */
static bool is_misread_dispatcher(const struct found *found, int ifindex)
{
	const char *name = xdp_program__name(xdp_multiprog__main_prog(found->programs));
	char path[PINS_PATH_MAX];

	dispatcher_pins(path, ifindex, found->main);
	return name && !strcmp(name, DISPATCHER_PROGRAM) && !access(path, F_OK);
}

static int note_ours(struct found *found, const struct entries *entries, const struct xdp_program *program)
{
	int ours = entry_is_ours(entries, xdp_program__fd(program));

	if (ours > 0 && found->ours_count < OLD_ENTRIES_MAX)
		found->ours[found->ours_count++] = xdp_program__id(program);
	return ours < 0 ? ours : 0;
}

static int find_ours(struct found *found, const struct entries *entries, int ifindex)
{
	struct xdp_program *program = xdp_multiprog__main_prog(found->programs);
	int result = 0;

	/* libxdp hides some failures and leaves the program out; a real one has an id. */
	found->main = program ? xdp_program__id(program) : 0;
	if (!found->main || (found->direct && is_misread_dispatcher(found, ifindex)))
		return -EAGAIN;
	if (found->direct)
		return note_ours(found, entries, program);
	program = NULL;
	while (!result && (program = xdp_multiprog__next_prog(program, found->programs)))
		result = note_ours(found, entries, program);
	return result;
}

int xdp_look(struct found *found, const struct entries *entries, int ifindex)
{
	int result;

	memset(found, 0, sizeof(*found));
	found->programs = xdp_multiprog__get_from_ifindex(ifindex);
	result = (int)libxdp_get_error(found->programs);
	if (result) {
		found->programs = NULL;
		return result == -ENOENT ? 0 : result;
	}
	found->mode = xdp_multiprog__attach_mode(found->programs);
	found->direct = xdp_multiprog__is_legacy(found->programs);
	result = find_ours(found, entries, ifindex);
	if (result)
		found_close(found);
	return result;
}

void found_close(struct found *found)
{
	xdp_multiprog__close(found->programs);
	found->programs = NULL;
}

bool found_has(const struct found *found, __u32 id)
{
	for (size_t i = 0; i < found->ours_count; i++)
		if (found->ours[i] == id)
			return true;
	return false;
}

static int remove_dispatched(int ifindex, enum xdp_attach_mode mode, __u32 id)
{
	struct xdp_program *program = xdp_program__from_id(id);
	int result = (int)libxdp_get_error(program);

	if (result)
		return result;
	result = xdp_program__detach(program, ifindex, mode, 0);
	xdp_program__close(program);
	return result;
}

int found_remove_all(const struct found *found, int ifindex)
{
	int result = found->programs ? xdp_multiprog__detach(found->programs) : 0;

	return result == -ENODEV ? 0 : result;
}

int found_remove_ours(const struct found *found, int ifindex)
{
	int result = 0;

	if (found->direct)
		return found->ours_count ? found_remove_all(found, ifindex) : 0;
	for (size_t i = 0; !result && i < found->ours_count; i++)
		result = remove_dispatched(ifindex, found->mode, found->ours[i]);
	return result == -ENODEV ? 0 : result;
}

/* Whether a dispatcher's pins hold this firewall's entry and nothing else. */
static bool only_ours(const struct entries *entries, const char *directory)
{
	char path[PINS_PATH_MAX + 16];
	bool ours;
	int fd;

	snprintf(path, sizeof(path), "%s/prog1-prog", directory);
	if (!access(path, F_OK))
		return false;
	snprintf(path, sizeof(path), "%s/prog0-prog", directory);
	fd = pins_get(path);
	if (fd < 0)
		return false;
	ours = entry_uses_control(entries, fd) > 0;
	close(fd);
	return ours;
}

void xdp_sweep_pins(const struct entries *entries, int ifindex, __u32 attached)
{
	char path[PINS_PATH_MAX], parent[PINS_PATH_MAX];
	struct dirent *entry;
	DIR *stream;
	int index;
	__u32 id;

	dispatcher_pins(parent, ifindex, 0);
	*strrchr(parent, '/') = '\0';
	stream = opendir(parent);
	while (stream && (entry = readdir(stream))) {
		if (sscanf(entry->d_name, "dispatch-%d-%u", &index, &id) != 2 || index != ifindex || id == attached)
			continue;
		dispatcher_pins(path, ifindex, id);
		if (only_ours(entries, path))
			bpffs_remove_tree(path);
	}
	if (stream)
		closedir(stream);
}
