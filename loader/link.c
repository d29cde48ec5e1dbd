/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/link.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "loader/compile/object.h"

#define FD_PATH_MAX 32

struct linking {
	int output; /* the file that is written */
	char output_path[FD_PATH_MAX];
	struct bpf_linker *linker;
	struct btf *types; /* of the first runtime */
};

/* Anonymous file that can be named by path, for libraries that want a file name. */
static int memory_file(char path[FD_PATH_MAX])
{
	int fd = memfd_create("ipfw-bpf", MFD_CLOEXEC);

	if (fd >= 0)
		snprintf(path, FD_PATH_MAX, "/proc/self/fd/%d", fd);
	return fd;
}

static int begin(struct linking *linking, const char *runtime_path)
{
	int result;

	linking->output = memory_file(linking->output_path);
	if (linking->output < 0)
		return -errno;
	linking->linker = bpf_linker__new(linking->output_path, NULL);
	if (!linking->linker)
		return -errno;
	result = bpf_linker__add_file(linking->linker, runtime_path, NULL);
	if (result)
		return result;
	linking->types = btf__parse_elf(runtime_path, NULL);
	return linking->types ? 0 : -errno;
}

struct linking *link_begin(const char *runtime_path)
{
	struct linking *linking = calloc(1, sizeof(*linking));
	int result = linking ? begin(linking, runtime_path) : -ENOMEM;

	if (!result)
		return linking;
	link_abandon(linking);
	errno = -result;
	return NULL;
}

void link_abandon(struct linking *linking)
{
	if (!linking)
		return;
	bpf_linker__free(linking->linker);
	btf__free(linking->types);
	if (linking->output >= 0)
		close(linking->output);
	free(linking);
}

/* Writes the object of the code, which takes types of all runtimes. */
static int write_generated(const struct linking *linking, int fd, const struct code *code,
			   const char *const *runtime_paths, firewall_describe describe)
{
	const struct btf *types[LINK_RUNTIMES_MAX + 1] = {linking->types};
	struct btf *parsed[LINK_RUNTIMES_MAX + 1] = {NULL};
	int result = 0;

	for (size_t i = 1; !result && runtime_paths[i]; i++) {
		types[i] = parsed[i] = btf__parse_elf(runtime_paths[i], NULL);
		result = parsed[i] ? 0 : -errno;
	}
	if (!result)
		result = object_write(fd, code, types, describe);
	for (size_t i = 1; parsed[i]; i++)
		btf__free(parsed[i]);
	return result;
}

static int run_linker(struct bpf_linker *linker, const char *generated, const char *const *runtime_paths)
{
	int result = 0;

	for (size_t i = 1; !result && runtime_paths[i]; i++)
		result = bpf_linker__add_file(linker, runtime_paths[i], NULL);
	if (!result)
		result = bpf_linker__add_file(linker, generated, NULL);
	return result ? result : bpf_linker__finalize(linker);
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

/* Returns the object, or NULL with errno set. */
static struct bpf_object *finish(const struct linking *linking, const struct code *code,
				 const char *const *runtime_paths, firewall_describe describe)
{
	char generated_path[FD_PATH_MAX];
	int generated = memory_file(generated_path), result;

	if (generated < 0)
		return NULL;
	result = write_generated(linking, generated, code, runtime_paths, describe);
	if (!result)
		result = run_linker(linking->linker, generated_path, runtime_paths);
	close(generated);
	if (!result)
		return open_linked(linking->output);
	errno = -result;
	return NULL;
}

struct bpf_object *link_program(struct linking *linking, const struct code *code, const char *const *runtime_paths,
				firewall_describe describe, struct error *error)
{
	struct bpf_object *object;

	if (!linking)
		linking = link_begin(runtime_paths[0]);
	object = linking ? finish(linking, code, runtime_paths, describe) : NULL;
	if (!object) {
		error_set(error, EX_UNAVAILABLE, -1, "cannot link the ruleset with %s: %s", runtime_paths[0],
			  strerror(errno));
		error_advise(error, "is the tool installed completely, with objects of its own version?");
	}
	link_abandon(linking);
	return object;
}
