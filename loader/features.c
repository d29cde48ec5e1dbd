/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/features.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <limits.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "loader/attach_tcx.h"
#include "loader/programs.h"

/* Asks the kernel rather than its settings, which are out of sight in network namespaces: is there machine code? */
static bool has_jit(void)
{
	const struct bpf_insn pass[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "jit_probe", "GPL", pass, sizeof(pass) / sizeof(*pass), NULL);
	struct bpf_prog_info info = {0};
	__u32 length = sizeof(info);
	bool jit;

	if (fd < 0)
		return false;
	jit = !bpf_obj_get_info_by_fd(fd, &info, &length) && info.jited_prog_len;
	close(fd);
	return jit;
}

void features_read(struct features *features)
{
	struct utsname names;

	memset(features, 0, sizeof(*features));
	if (!uname(&names))
		snprintf(features->release, sizeof(features->release), "%s", names.release);
	features->jit = has_jit();
	features->tcx = tcx_present();
	features->coarse_clock = libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, BPF_FUNC_ktime_get_coarse_ns, NULL) == 1;
}

void features_ask(void)
{
	char path[PATH_MAX + 32];
	struct bpf_object *object;

	snprintf(path, sizeof(path), "%s/features.bpf.o", programs_directory());
	object = bpf_object__open_file(path, NULL);
	if (object)
		bpf_object__load(object);
	bpf_object__close(object);
}
