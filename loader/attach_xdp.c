/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/attach_xdp.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loader/log.h"
#include "loader/xdp_look.h"

void xdp_use_bpffs(const struct pins *pins)
{
	char bpffs[BPFFS_PATH_MAX];

	bpffs_of_root(bpffs, pins->root);
	setenv("LIBXDP_BPFFS", bpffs, 0);
}

static void set_reason(struct interface_hooks *record, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void set_reason(struct interface_hooks *record, const char *format, ...)
{
	va_list arguments;

	memset(record->reason, 0, sizeof(record->reason));
	va_start(arguments, format);
	vsnprintf(record->reason, sizeof(record->reason), format, arguments);
	va_end(arguments);
}

/* Attaches a fresh entry. Writes its id. Returns 0 or -errno. */
static int attach_by_libxdp(const struct entries *entries, int ifindex, enum xdp_attach_mode mode, __u32 *id)
{
	struct bpf_object *object = entry_xdp_object(entries);
	struct xdp_program *program;
	int result;

	if (!object)
		return -errno;
	DECLARE_LIBXDP_OPTS(xdp_program_opts, options, .obj = object, .prog_name = ENTRY_XDP_PROGRAM);
	program = xdp_program__create(&options);
	result = (int)libxdp_get_error(program);
	if (!result) {
		result = xdp_program__attach(program, ifindex, mode, 0);
		*id = xdp_program__id(program);
		xdp_program__close(program);
	}
	bpf_object__close(object);
	return result;
}

/* Puts a fresh entry in place of our old one that holds the interface directly, at once. */
static int replace_direct(const struct entries *entries, int ifindex, struct found *found, __u32 *id)
{
	struct bpf_object *object = entry_xdp_object(entries);
	LIBBPF_OPTS(bpf_xdp_attach_opts, options,
		    .old_prog_fd = xdp_program__fd(xdp_multiprog__main_prog(found->programs)));
	__u32 mode = found->mode == XDP_MODE_SKB ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;
	struct bpf_program *program;
	int result;

	if (!object)
		return -errno;
	program = bpf_object__find_program_by_name(object, ENTRY_XDP_PROGRAM);
	result = program ? bpf_object__load(object) : -ENOENT;
	if (!result)
		result = bpf_xdp_attach(ifindex, bpf_program__fd(program), mode | XDP_FLAGS_REPLACE, &options);
	if (!result) {
		*id = program_id(bpf_program__fd(program));
		found->ours_count = 0;
	}
	bpf_object__close(object);
	return result;
}

/* Whether the entries seen fit the program array; the first ones decide what fits. */
static bool kind_fits(const struct entries *entries, const struct found *now)
{
	struct control *control = entries->lasting->control;
	__u32 kind = now->direct ? XDP_ENTRY_DIRECT : XDP_ENTRY_DISPATCHED;

	if (control->xdp_entry_kind == XDP_ENTRY_UNKNOWN)
		control->xdp_entry_kind = kind;
	return control->xdp_entry_kind == kind;
}

/* Looks at what the interface shows now that entry `id` runs there. */
static int confirm(const struct entries *entries, int ifindex, __u32 id, struct interface_hooks *record)
{
	struct found now;
	int result = xdp_look(&now, entries, ifindex);

	if (result)
		return result;
	if (!found_has(&now, id)) {
		result = -ENOENT;
	} else if (!kind_fits(entries, &now)) {
		result = -EMEDIUMTYPE;
	} else {
		record->xdp_entry = id;
		record->xdp_program = now.main;
		record->mode = now.mode == XDP_MODE_SKB ? HOOK_MODE_GENERIC : HOOK_MODE_NATIVE;
	}
	found_close(&now);
	return result;
}

static const char *mode_name(enum xdp_attach_mode mode)
{
	return mode == XDP_MODE_SKB ? "generic" : "native";
}

/* Takes back an entry that was attached but does not serve. `before` is what ran there before. */
static void undo(const struct entries *entries, int ifindex, const struct found *before, __u32 id)
{
	struct found now;

	if (xdp_look(&now, entries, ifindex))
		return;
	if (!before->programs) {
		found_remove_all(&now, ifindex);
	} else if (found_has(&now, id)) {
		now.ours[0] = id;
		now.ours_count = 1;
		found_remove_ours(&now, ifindex);
	}
	found_close(&now);
}

/* Tries one mode; on failure nothing of the attempt is left. */
static int try_mode(const struct entries *entries, int ifindex, struct found *found, enum xdp_attach_mode mode,
		    struct interface_hooks *record)
{
	__u32 id = 0;
	int result;

	log_begin();
	if (found->direct && found->ours_count)
		result = replace_direct(entries, ifindex, found, &id);
	else if (found->direct)
		return -EBUSY; /* libxdp joins nothing but its own dispatcher */
	else
		result = attach_by_libxdp(entries, ifindex, mode, &id);
	if (result)
		return result;
	result = confirm(entries, ifindex, id, record);
	if (result)
		undo(entries, ifindex, found, id);
	return result;
}

static void explain(struct interface_hooks *record, const struct found *found, enum xdp_attach_mode mode, int result)
{
	if (result == -EMEDIUMTYPE)
		set_reason(record, "%s XDP: libxdp's dispatcher works on some interfaces but not on this one",
			   mode_name(mode));
	else if (found->programs && found->direct && !found->ours_count)
		set_reason(record, "XDP program %u of somebody else holds the interface", found->main);
	else if (result == -EOPNOTSUPP)
		set_reason(record, "the driver has no %s XDP", mode_name(mode));
	else
		set_reason(record, "%s XDP: %s", mode_name(mode), strerror(-result));
}

/*
 * Native, then generic; with a program there already, the mode is what that one has. Returns 0, or -errno with the
 * reason recorded.
 */
static int attach_fresh(const struct entries *entries, int ifindex, struct found *found, struct interface_hooks *record)
{
	static const enum xdp_attach_mode modes[] = {XDP_MODE_NATIVE, XDP_MODE_SKB};
	int result = -EOPNOTSUPP;

	memset(record->reason, 0, sizeof(record->reason));
	for (size_t i = 0; result && i < sizeof(modes) / sizeof(*modes); i++) {
		if (found->programs && found->mode != modes[i])
			continue;
		result = try_mode(entries, ifindex, found, modes[i], record);
		if (result)
			explain(record, found, modes[i], result);
	}
	return result;
}

/* No entry could be attached: an old one of ours goes on, else the rules run at TC. */
static int make_do(const struct entries *entries, int ifindex, const struct found *found,
		   struct interface_hooks *record)
{
	if (found->ours_count)
		return confirm(entries, ifindex, found->ours[0], record);
	record->mode = HOOK_MODE_TC;
	record->xdp_entry = 0;
	record->xdp_program = found->main;
	record->entry_checksum = entries->checksum;
	return 0;
}

/*
 * A kernel that refuses the probe for names makes libbpf leave all names out, and libxdp recognises its own dispatcher
 * by name: better no attachment than one that nobody finds again.
 */
static int check_names(void)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "name_probe", sizeof(__u32), sizeof(__u32), 1, NULL), result = 0;
	struct bpf_map_info info = {0};
	__u32 length = sizeof(info);

	if (fd < 0)
		return -errno;
	if (bpf_obj_get_info_by_fd(fd, &info, &length))
		result = -errno;
	else if (!info.name[0])
		result = -EAGAIN;
	close(fd);
	return result;
}

/*
 * Packets that IPsec decrypts come in with the link header of what they came in by, or with none. TC programs can tell,
 * and see that the packet has been through IPsec.
 */
static bool needs_tc(const struct interface *interface, struct interface_hooks *record)
{
	static const char *const kinds[] = {"xfrm", "vti", "vti6"};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strcmp(interface->kind, kinds[i]) != 0)
			continue;
		set_reason(record, "IPsec: XDP cannot tell where packets begin");
		return true;
	}
	return false;
}

static int ensure(const struct entries *entries, const struct interface *interface, struct found *found,
		  struct interface_hooks *record)
{
	int ifindex = interface->index;
	int result;

	if (record->entry_checksum == entries->checksum && found_has(found, record->xdp_entry)) {
		/* Somebody joined or left the dispatcher: our entry runs on in a new one. */
		return confirm(entries, ifindex, record->xdp_entry, record);
	}
	if (needs_tc(interface, record) || attach_fresh(entries, ifindex, found, record))
		return make_do(entries, ifindex, found, record);
	record->entry_checksum = entries->checksum;
	/* Old entries go now that the new one runs; a direct one has been replaced by it already. */
	if (!found->ours_count)
		return 0;
	result = found_remove_ours(found, ifindex);
	return result ? result : confirm(entries, ifindex, record->xdp_entry, record);
}

int xdp_ensure(const struct entries *entries, const struct interface *interface, struct interface_hooks *record)
{
	struct found found;
	int result = check_names();

	/* All entries must be of one kind; where libxdp would choose again, it is told. */
	if (entries->lasting->control->xdp_entry_kind == XDP_ENTRY_DIRECT)
		setenv("LIBXDP_SKIP_DISPATCHER", "1", 1);
	if (!result)
		result = xdp_look(&found, entries, interface->index);
	if (result)
		return result;
	xdp_sweep_pins(entries, interface->index, found.main);
	result = ensure(entries, interface, &found, record);
	found_close(&found);
	return result;
}

int xdp_release(const struct entries *entries, int ifindex, const struct interface_hooks *record)
{
	struct found found;
	int result = xdp_look(&found, entries, ifindex);

	if (result)
		return result == -ENODEV ? 0 : result;
	/* A dispatcher whose pins are lost hides the entry that we know to be in it. */
	if (found.direct && record->xdp_entry && found.main == record->xdp_program)
		result = found_remove_all(&found, ifindex);
	else
		result = found_remove_ours(&found, ifindex);
	found_close(&found);
	if (!result)
		xdp_sweep_pins(entries, ifindex, 0);
	return result;
}
