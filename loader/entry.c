/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/entry.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "loader/programs.h"

#define ENTRY_MAPS_MAX 8 /* more than any entry program uses */
#define ENTRY_PLACE_SECTION ".rodata.place"

struct entry_file {
	const char *object, *program;
};

static const struct entry_file xdp_file = {"entry_xdp.bpf.o", ENTRY_XDP_PROGRAM};
static const struct entry_file tc_files[TC_ENTRIES] = {
	[TC_ENTRY_EGRESS] = {"entry_tc.bpf.o", "tc_egress_entry"},
	[TC_ENTRY_INGRESS] = {"entry_tc.bpf.o", "tc_ingress_entry"},
	[TC_ENTRY_LEFT] = {"entry_tc.bpf.o", "tc_left_entry"},
};

static void object_path(char path[PATH_MAX + 32], const char *file)
{
	snprintf(path, PATH_MAX + 32, "%s/%s", programs_directory(), file);
}

int entry_add_checksum(__u32 *checksum, const char *file)
{
	char path[PATH_MAX + 32];
	Bytef bytes[8192];
	ssize_t count;
	int fd;

	object_path(path, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while ((count = read(fd, bytes, sizeof(bytes))) > 0)
		*checksum = (__u32)crc32(*checksum, bytes, (uInt)count);
	close(fd);
	return count < 0 ? -EIO : 0;
}

__u32 map_id(int fd)
{
	struct bpf_map_info info = {0};
	__u32 length = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &length) ? 0 : info.id;
}

__u32 program_id(int fd)
{
	struct bpf_prog_info info = {0};
	__u32 length = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &length) ? 0 : info.id;
}

int entries_open(struct entries *entries, const struct lasting *lasting)
{
	int result;

	memset(entries, 0, sizeof(*entries));
	entries->lasting = lasting;
	memset(entries->tc_fds, -1, sizeof(entries->tc_fds));
	entries->control_id = map_id(lasting->fds[LASTING_CONTROL]);
	result = entries->control_id ? entry_add_checksum(&entries->checksum, xdp_file.object) : -errno;
	if (!result)
		result = entry_add_checksum(&entries->checksum, tc_files[TC_ENTRY_EGRESS].object);
	return result;
}

void entries_close(struct entries *entries)
{
	for (int entry = 0; entry < 2 * TC_ENTRIES; entry++)
		if (entries->tc_fds[entry / TC_ENTRIES][entry % TC_ENTRIES] >= 0)
			close(entries->tc_fds[entry / TC_ENTRIES][entry % TC_ENTRIES]);
}

/* Makes the object load nothing but `program`, on the maps that exist. */
static int prepare(struct bpf_object *object, const struct lasting *lasting, const char *program)
{
	struct bpf_program *each;
	struct bpf_map *map;
	int result = 0;

	bpf_object__for_each_program(each, object)
		bpf_program__set_autoload(each, !strcmp(bpf_program__name(each), program));
	for (int i = 0; !result && i < LASTING_MAPS; i++) {
		map = bpf_object__find_map_by_name(object, lasting_names[i]);
		result = map ? bpf_map__reuse_fd(map, lasting->fds[i]) : 0;
	}
	return result;
}

struct bpf_object *entry_open_object(const struct lasting *lasting, const char *file, const char *program)
{
	char path[PATH_MAX + 32];
	struct bpf_object *object;
	int result;

	object_path(path, file);
	object = bpf_object__open_file(path, NULL);
	if (!object)
		return NULL;
	result = prepare(object, lasting, program);
	if (!result)
		return object;
	bpf_object__close(object);
	errno = -result;
	return NULL;
}

struct bpf_object *entry_xdp_object(const struct entries *entries)
{
	return entry_open_object(entries->lasting, xdp_file.object, xdp_file.program);
}

enum tc_direction entry_direction(enum tc_entry entry)
{
	return entry == TC_ENTRY_EGRESS ? TC_EGRESS : TC_INGRESS;
}

/* Tells the program where it runs: its constant `at_tcx`. Returns 0 or -errno. */
static int tell_place(struct bpf_object *object, bool tcx)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, ENTRY_PLACE_SECTION);
	__u8 value = tcx;

	return map ? bpf_map__set_initial_value(map, &value, sizeof(value)) : -ENOENT;
}

int entry_tc_program(struct entries *entries, enum tc_entry entry, bool tcx)
{
	struct bpf_program *program;
	struct bpf_object *object;
	int result;

	if (entries->tc_fds[tcx][entry] >= 0)
		return entries->tc_fds[tcx][entry];
	object = entry_open_object(entries->lasting, tc_files[entry].object, tc_files[entry].program);
	if (!object)
		return -errno;
	result = tell_place(object, tcx);
	if (!result)
		result = bpf_object__load(object);
	if (!result) {
		program = bpf_object__find_program_by_name(object, tc_files[entry].program);
		result = program ? fcntl(bpf_program__fd(program), F_DUPFD_CLOEXEC, 3) : -ENOENT;
		if (result == -1)
			result = -errno;
	}
	bpf_object__close(object);
	if (result >= 0)
		entries->tc_fds[tcx][entry] = result;
	return result;
}

/* Whether the map with this id is a program array that entries jump by. Returns 1, 0 or -errno. */
static int is_entry_array(__u32 id)
{
	struct bpf_map_info info = {0};
	__u32 length = sizeof(info);
	int fd = bpf_map_get_fd_by_id(id), result;

	if (fd < 0)
		return -errno;
	result = bpf_obj_get_info_by_fd(fd, &info, &length) ? -errno : 0;
	close(fd);
	if (result)
		return result;
	return info.type == BPF_MAP_TYPE_PROG_ARRAY && (!strcmp(info.name, lasting_names[LASTING_XDP_PROGRAMS]) ||
							!strcmp(info.name, lasting_names[LASTING_TC_PROGRAMS]));
}

/* Whether a program has the name of an entry, as far as the kernel keeps names. */
static bool is_entry_name(const char name[BPF_OBJ_NAME_LEN])
{
	bool found = !strcmp(name, xdp_file.program);

	for (int entry = 0; entry < TC_ENTRIES; entry++)
		found |= !strncmp(name, tc_files[entry].program, BPF_OBJ_NAME_LEN - 1);
	return found;
}

/* Reads name and maps of a program. Returns 0 or -errno. */
static int read_program(int fd, struct bpf_prog_info *info, __u32 maps[ENTRY_MAPS_MAX])
{
	__u32 length = sizeof(*info);

	memset(info, 0, sizeof(*info));
	info->nr_map_ids = ENTRY_MAPS_MAX;
	info->map_ids = (__u64)(unsigned long)maps;
	if (bpf_obj_get_info_by_fd(fd, info, &length))
		return -errno;
	if (info->nr_map_ids > ENTRY_MAPS_MAX)
		info->nr_map_ids = ENTRY_MAPS_MAX;
	return 0;
}

int entry_uses_control(const struct entries *entries, int fd)
{
	__u32 maps[ENTRY_MAPS_MAX];
	struct bpf_prog_info info;
	int result = read_program(fd, &info, maps);

	for (__u32 i = 0; !result && i < info.nr_map_ids; i++)
		if (maps[i] == entries->control_id)
			return 1;
	return result;
}

int entry_is_ours(const struct entries *entries, int fd)
{
	int result = entry_uses_control(entries, fd);
	__u32 maps[ENTRY_MAPS_MAX];
	struct bpf_prog_info info;

	if (result)
		return result;
	result = read_program(fd, &info, maps);
	if (result || !is_entry_name(info.name))
		return result;
	for (__u32 i = 0; !result && i < info.nr_map_ids; i++)
		result = is_entry_array(maps[i]);
	return result;
}
