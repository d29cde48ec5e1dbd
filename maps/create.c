/* SPDX-License-Identifier: GPL-2.0-only */
#include "maps/create.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static struct map_order *find_order(struct map_order *orders, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(orders[i].name, name))
			return orders + i;
	return NULL;
}

/* Tells libbpf which of the declared maps to make, and how large. */
static int select_maps(struct bpf_object *object, struct map_order *orders, size_t count)
{
	struct map_order *order;
	struct bpf_map *map;
	size_t found = 0;
	int result = 0;

	bpf_object__for_each_map (map, object) {
		order = find_order(orders, count, bpf_map__name(map));
		if (!order)
			result = bpf_map__set_autocreate(map, false);
		else if (order->entries)
			result = bpf_map__set_max_entries(map, order->entries);
		if (result)
			return result;
		found += order != NULL;
	}
	return found == count ? 0 : -ENOENT;
}

/* The object closes its descriptors; the caller gets others. */
static int keep_maps(struct bpf_object *object, struct map_order *orders, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int fd = bpf_object__find_map_fd_by_name(object, orders[i].name);

		orders[i].fd = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
		if (orders[i].fd < 0)
			return fd < 0 ? fd : -errno;
	}
	return 0;
}

/* Closes what has been created. */
static void close_maps(struct map_order *orders, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (orders[i].fd >= 0)
			close(orders[i].fd);
		orders[i].fd = -1;
	}
}

int maps_create(const char *object_path, struct map_order *orders, size_t count)
{
	struct bpf_object *object = bpf_object__open_file(object_path, NULL);
	int result = object ? 0 : -errno;

	for (size_t i = 0; i < count; i++)
		orders[i].fd = -1;
	if (!result)
		result = select_maps(object, orders, count);
	if (!result)
		result = bpf_object__load(object);
	if (!result)
		result = keep_maps(object, orders, count);
	if (result)
		close_maps(orders, count);
	bpf_object__close(object);
	return result;
}

static int create_like(int model, struct map_order *order)
{
	LIBBPF_OPTS(bpf_map_create_opts, options);
	struct bpf_map_info info = {0};
	__u32 length = sizeof(info);

	if (bpf_obj_get_info_by_fd(model, &info, &length))
		return -errno;
	options.map_flags = info.map_flags;
	options.btf_key_type_id = info.btf_key_type_id;
	options.btf_value_type_id = info.btf_value_type_id;
	if (info.btf_id) {
		int btf = bpf_btf_get_fd_by_id(info.btf_id);

		if (btf < 0)
			return -errno;
		options.btf_fd = (__u32)btf;
	}
	order->fd = bpf_map_create(info.type, order->name, info.key_size, info.value_size,
				   order->entries ? order->entries : info.max_entries, &options);
	if (info.btf_id)
		close((int)options.btf_fd);
	return order->fd < 0 ? order->fd : 0;
}

int maps_create_like(const int *models, struct map_order *orders, size_t count)
{
	int result = 0;

	for (size_t i = 0; i < count; i++)
		orders[i].fd = -1;
	for (size_t i = 0; !result && i < count; i++)
		result = create_like(models[i], orders + i);
	if (result)
		close_maps(orders, count);
	return result;
}
