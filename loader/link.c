/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/link.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "loader/compile/object.h"

#define FD_PATH_MAX 32

/* Anonymous file that can be named by path, for libraries that want a file name. */
static int memory_file(char path[FD_PATH_MAX])
{
	int fd = memfd_create("ipfw-bpf", MFD_CLOEXEC);

	if (fd >= 0)
		snprintf(path, FD_PATH_MAX, "/proc/self/fd/%d", fd);
	return fd;
}

static int write_generated(int fd, const struct code *code, const char *const *runtime_paths,
			   firewall_describe describe)
{
	struct btf *runtimes[LINK_RUNTIMES_MAX + 1] = {NULL};
	int result = 0;

	for (size_t i = 0; !result && runtime_paths[i]; i++) {
		runtimes[i] = btf__parse_elf(runtime_paths[i], NULL);
		result = runtimes[i] ? 0 : -errno;
	}
	if (!result)
		result = object_write(fd, code, (const struct btf *const *)runtimes, describe);
	for (size_t i = 0; runtimes[i]; i++)
		btf__free(runtimes[i]);
	return result;
}

static int run_linker(const char *output, const char *generated, const char *const *runtime_paths)
{
	struct bpf_linker *linker = bpf_linker__new(output, NULL);
	int result = linker ? 0 : -errno;

	for (size_t i = 0; !result && runtime_paths[i]; i++)
		result = bpf_linker__add_file(linker, runtime_paths[i], NULL);
	if (!result)
		result = bpf_linker__add_file(linker, generated, NULL);
	if (!result)
		result = bpf_linker__finalize(linker);
	bpf_linker__free(linker);
	return result;
}

static struct bpf_object *open_linked(int fd)
{
	struct bpf_object *object = NULL;
	struct stat status;
	void *data;

	if (fstat(fd, &status) || !status.st_size)
		return NULL;
	data = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		return NULL;
	object = bpf_object__open_mem(data, (size_t)status.st_size, NULL);
	munmap(data, (size_t)status.st_size);
	return object;
}

struct bpf_object *link_program(const struct code *code, const char *const *runtime_paths, firewall_describe describe,
				struct error *error)
{
	char generated_path[FD_PATH_MAX], output_path[FD_PATH_MAX];
	int generated = memory_file(generated_path), output = memory_file(output_path), result = -EMFILE;
	struct bpf_object *object = NULL;

	if (generated >= 0 && output >= 0)
		result = write_generated(generated, code, runtime_paths, describe);
	if (!result)
		result = run_linker(output_path, generated_path, runtime_paths);
	if (!result) {
		object = open_linked(output);
		result = object ? 0 : -errno;
	}
	if (generated >= 0)
		close(generated);
	if (output >= 0)
		close(output);
	if (!object) {
		error_set(error, EX_UNAVAILABLE, -1, "cannot link the ruleset with %s: %s", runtime_paths[0],
			  strerror(-result));
		error_advise(error, "is the tool installed completely, with objects of its own version?");
	}
	return object;
}
