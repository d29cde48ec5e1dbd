/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Run by the build on each BPF object: leaves one line record to each function, the one at its first instruction, which
 * the kernel asks for. An object comes with a record and a line of source for every few instructions. A commit would
 * link and load all of them again, which takes longer than the rest of linking, and only the rules' own lines are of
 * use to who looks at a loaded program.
 *
 *	thin_lines OBJECT
 *
 * Changes .BTF.ext in place: a header, function records, line records, relocations of types. Each kind of record is a
 * word with its size, then blocks of one section each: the name's place, how many, and the records, which begin with
 * the instruction's offset (Documentation/bpf/btf.rst of the kernel, ".BTF.ext section").
 */
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SECTION ".BTF.ext"

/* Offsets count from behind the header. */
struct header {
	__u16 magic;
	__u8 version, flags;
	__u32 length;
	__u32 function_offset, function_bytes;
	__u32 line_offset, line_bytes;
};

struct block {
	__u32 section, count;
	__u8 records[];
};

/* The records of one kind. */
struct records {
	__u8 *first; /* the first block */
	__u8 *end;
	__u32 size; /* of a record */
};

/* Finds the records of `bytes` bytes at `at`; false: what is there ends too soon. */
static bool open_records(struct records *records, __u8 *at, __u32 bytes)
{
	if (bytes < sizeof(records->size))
		return false;
	memcpy(&records->size, at, sizeof(records->size));
	records->first = at + sizeof(records->size);
	records->end = at + bytes;
	for (__u8 *next = records->first; next < records->end;) {
		const struct block *block = (const void *)next;

		if ((size_t)(records->end - next) < sizeof(*block) || records->size < sizeof(__u32) ||
		    (size_t)(records->end - block->records) / records->size < block->count)
			return false;
		next += sizeof(*block) + (size_t)block->count * records->size;
	}
	return true;
}

/* Whether a function of the section begins at the instruction. */
static bool begins_function(const struct records *functions, __u32 section, const __u8 *instruction)
{
	for (const __u8 *next = functions->first; next < functions->end;) {
		const struct block *block = (const void *)next;

		for (__u32 i = 0; block->section == section && i < block->count; i++)
			if (!memcmp(block->records + (size_t)i * functions->size, instruction, sizeof(__u32)))
				return true;
		next += sizeof(*block) + (size_t)block->count * functions->size;
	}
	return false;
}

/* Moves the records that stay to the front. Returns the bytes that they take. */
static size_t thin(const struct records *functions, const struct records *lines)
{
	__u8 *to = lines->first;

	for (__u8 *next = lines->first; next < lines->end;) {
		const struct block block = *(const struct block *)next;
		__u8 *kept = to, *records = next + sizeof(block);
		__u32 count = 0;

		to += sizeof(block);
		for (__u32 i = 0; i < block.count; i++) {
			const __u8 *record = records + (size_t)i * lines->size;

			if (!begins_function(functions, block.section, record))
				continue;
			memmove(to, record, lines->size);
			to += lines->size;
			count++;
		}
		next = records + (size_t)block.count * lines->size;
		((struct block *)kept)->section = block.section;
		((struct block *)kept)->count = count;
	}
	return (size_t)(to - lines->first);
}

static bool thin_section(__u8 *data, size_t size)
{
	struct header *header = (void *)data;
	struct records functions, lines;
	size_t left;

	if (size < sizeof(*header) || header->length > size)
		return false;
	left = size - header->length;
	if (header->function_offset > left || header->function_bytes > left - header->function_offset ||
	    header->line_offset > left || header->line_bytes > left - header->line_offset)
		return false;
	data += header->length;
	if (!open_records(&functions, data + header->function_offset, header->function_bytes) ||
	    !open_records(&lines, data + header->line_offset, header->line_bytes))
		return false;
	header->line_bytes = (__u32)(sizeof(lines.size) + thin(&functions, &lines));
	return true;
}

static Elf_Data *find_section(Elf *elf)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	size_t names;

	if (elf_getshdrstrndx(elf, &names))
		return NULL;
	while ((section = elf_nextscn(elf, section))) {
		const char *name = gelf_getshdr(section, &header) ? elf_strptr(elf, names, header.sh_name) : NULL;

		if (name && !strcmp(name, SECTION))
			return elf_getdata(section, NULL);
	}
	return NULL;
}

static const char *thin_object(Elf *elf)
{
	Elf_Data *data = elf ? find_section(elf) : NULL;

	if (!elf)
		return elf_errmsg(-1);
	if (!data)
		return NULL; /* no code, only maps */
	if (!thin_section(data->d_buf, data->d_size))
		return "malformed " SECTION;
	elf_flagdata(data, ELF_C_SET, ELF_F_DIRTY);
	return elf_update(elf, ELF_C_WRITE) < 0 ? elf_errmsg(-1) : NULL;
}

int main(int count, char **arguments)
{
	const char *problem;
	Elf *elf;
	int fd;

	if (count != 2 || elf_version(EV_CURRENT) == EV_NONE)
		return 2;
	fd = open(arguments[1], O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		fprintf(stderr, "%s: %s\n", arguments[1], strerror(errno));
		return 1;
	}
	elf = elf_begin(fd, ELF_C_RDWR, NULL);
	problem = thin_object(elf);
	if (problem)
		fprintf(stderr, "%s: %s\n", arguments[1], problem);
	elf_end(elf);
	close(fd);
	return problem ? 1 : 0;
}
