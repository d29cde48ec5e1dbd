/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/kernel_fields.h"

#include <bpf/btf.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sysexits.h>

static const struct {
	const char *structure, *field;
} rows[] = {
#define X(structure, field) {#structure, #field},
	KERNEL_FIELDS(X)
#undef X
};

#define ROWS (sizeof(rows) / sizeof(*rows))

_Static_assert(sizeof(struct kernel_fields) == ROWS * sizeof(__u32), "offsets lie as the rows do");

/* Adds the offset of `field` in a structure or union, also inside of nameless ones, to *bits. */
static bool find_field(const struct btf *btf, __u32 id, const char *field, __u32 *bits)
{
	const struct btf_type *type = btf__type_by_id(btf, id);
	const struct btf_member *members = btf_members(type);

	for (unsigned int i = 0; i < btf_vlen(type); i++) {
		const char *name = btf__name_by_offset(btf, members[i].name_off);
		const struct btf_type *inner = btf__type_by_id(btf, members[i].type);
		__u32 offset = *bits + btf_member_bit_offset(type, i);

		if (!strcmp(name, field) ||
		    (!*name && btf_is_composite(inner) && find_field(btf, members[i].type, field, &offset))) {
			*bits = offset;
			return true;
		}
	}
	return false;
}

static int read_fields(const struct btf *btf, struct kernel_fields *fields, struct error *error)
{
	__u32 offsets[ROWS];

	for (size_t i = 0; i < ROWS; i++) {
		int id = btf__find_by_name_kind(btf, rows[i].structure, BTF_KIND_STRUCT);
		__u32 bits = 0;

		if (id < 0 || !find_field(btf, (__u32)id, rows[i].field, &bits))
			return error_set(error, EX_UNAVAILABLE, -1,
					 "uid, gid, jail and sockarg: this kernel is not known well enough: no %s.%s",
					 rows[i].structure, rows[i].field);
		offsets[i] = bits / 8;
	}
	memcpy(fields, offsets, sizeof(*fields));
	return 0;
}

static int read_kernel(struct kernel_fields *fields, struct error *error)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int result;

	if (!btf)
		return error_set(error, EX_UNAVAILABLE, -1,
				 "uid, gid, jail and sockarg need the kernel's type information: %s", strerror(errno));
	result = read_fields(btf, fields, error);
	btf__free(btf);
	return result;
}

const struct kernel_fields *kernel_fields_find(struct error *error)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static struct kernel_fields fields;
	static bool known;

	pthread_mutex_lock(&lock);
	if (!known)
		known = !read_kernel(&fields, error);
	pthread_mutex_unlock(&lock);
	return known ? &fields : NULL;
}
