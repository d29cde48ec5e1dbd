/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/compile/object.h"

#include <bpf/btf.h>
#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loader/compile/types.h"

#define R_BPF_64_32 10 /* relocation of a call: llvm's BPF ABI */

/* Section numbers, in the order in which add_sections() makes them. */
enum section { SECTION_NAMES = 1, SECTION_SYMBOLS, SECTION_TEXT };

/* One table serves symbols and sections alike. */
struct names {
	char *text;
	size_t size, capacity;
	int error;
};

struct contents {
	struct names names;
	Elf64_Sym *symbols;
	size_t symbol_count;
	Elf64_Rel *relocations;
	__u32 *function_ids;
	struct btf *btf;
	const void *btf_data;
	__u32 btf_size;
	void *extension;
	size_t extension_size;
};

static __u32 add_name(struct names *names, const char *name)
{
	size_t length = strlen(name) + 1, offset = names->size;

	if (names->size + length > names->capacity) {
		size_t capacity = names->capacity * 2 + length + 64;
		char *text = realloc(names->text, capacity);

		if (!text) {
			names->error = -ENOMEM;
			return 0;
		}
		names->text = text;
		names->capacity = capacity;
	}
	memcpy(names->text + offset, name, length);
	names->size += length;
	return (__u32)offset;
}

/* Index of the symbol `name`; one that is not defined here becomes an undefined one for the linker. */
static size_t symbol_index(struct contents *contents, const char *name)
{
	for (size_t i = 1; i < contents->symbol_count; i++)
		if (!strcmp(contents->names.text + contents->symbols[i].st_name, name))
			return i;
	contents->symbols[contents->symbol_count] = (Elf64_Sym){
		.st_name = add_name(&contents->names, name),
		.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_NOTYPE),
		.st_shndx = SHN_UNDEF,
	};
	return contents->symbol_count++;
}

static int make_symbols(struct contents *contents, const struct code *code)
{
	const struct assembler *assembler = &code->assembler;

	add_name(&contents->names, "");
	contents->symbols = calloc(1 + code->function_count + assembler->call_count, sizeof(*contents->symbols));
	contents->relocations = calloc(assembler->call_count + 1, sizeof(*contents->relocations));
	if (!contents->symbols || !contents->relocations || contents->names.error)
		return -ENOMEM;
	contents->symbol_count = 1;
	for (size_t i = 0; i < code->function_count; i++)
		contents->symbols[contents->symbol_count++] = (Elf64_Sym){
			.st_name = add_name(&contents->names, code->functions[i].name),
			.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
			.st_shndx = SECTION_TEXT,
			.st_value = code->functions[i].first * sizeof(struct bpf_insn),
			.st_size = (code->functions[i].end - code->functions[i].first) * sizeof(struct bpf_insn),
		};
	for (size_t i = 0; i < assembler->call_count && !contents->names.error; i++)
		contents->relocations[i] = (Elf64_Rel){
			.r_offset = assembler->calls[i].instruction * sizeof(struct bpf_insn),
			.r_info = ELF64_R_INFO(symbol_index(contents, assembler->calls[i].symbol), R_BPF_64_32),
		};
	return contents->names.error;
}

static int make_types(struct contents *contents, const struct code *code, const struct btf *const *runtimes,
		      firewall_describe describe)
{
	contents->function_ids = calloc(code->function_count + 1, sizeof(*contents->function_ids));
	if (!contents->function_ids)
		return -ENOMEM;
	contents->btf = types_make(code, runtimes, contents->function_ids);
	if (!contents->btf)
		return -errno;
	contents->extension =
		types_extension(contents->btf, code, contents->function_ids, describe, &contents->extension_size);
	if (!contents->extension)
		return -errno;
	contents->btf_data = btf__raw_data(contents->btf, &contents->btf_size);
	return contents->btf_data ? 0 : -ENOMEM;
}

static void contents_free(struct contents *contents)
{
	free(contents->names.text);
	free(contents->symbols);
	free(contents->relocations);
	free(contents->function_ids);
	free(contents->extension);
	btf__free(contents->btf);
}

/* Adds one section; `header` holds the fields that are not derived from the data. */
static int add_section(Elf *elf, struct names *names, const char *name, Elf64_Shdr header, const void *data,
		       size_t size, Elf_Type type)
{
	Elf_Scn *section = elf_newscn(elf);
	Elf_Data *block = section ? elf_newdata(section) : NULL;
	Elf64_Shdr *own = section ? elf64_getshdr(section) : NULL;

	if (!block || !own)
		return -ENOMEM;
	header.sh_name = add_name(names, name);
	header.sh_addralign = 8;
	*own = header;
	block->d_buf = (void *)data;
	block->d_size = size;
	block->d_type = type;
	block->d_align = 8;
	block->d_version = EV_CURRENT;
	return names->error;
}

/* The name table comes first in the file but is complete last: its data is set at the end. */
static int add_sections(Elf *elf, struct contents *contents, const struct code *code)
{
	const struct assembler *assembler = &code->assembler;
	struct names *names = &contents->names;
	int error = add_section(elf, names, ".strtab", (Elf64_Shdr){.sh_type = SHT_STRTAB}, "", 1, ELF_T_BYTE);

	if (!error)
		error = add_section(elf, names, ".symtab",
				    (Elf64_Shdr){.sh_type = SHT_SYMTAB,
						 .sh_link = SECTION_NAMES,
						 .sh_info = 1,
						 .sh_entsize = sizeof(Elf64_Sym)},
				    contents->symbols, contents->symbol_count * sizeof(Elf64_Sym), ELF_T_SYM);
	if (!error)
		error = add_section(elf, names, ".text",
				    (Elf64_Shdr){.sh_type = SHT_PROGBITS, .sh_flags = SHF_ALLOC | SHF_EXECINSTR},
				    assembler->instructions, assembler->count * sizeof(struct bpf_insn), ELF_T_BYTE);
	if (!error)
		error = add_section(elf, names, ".rel.text",
				    (Elf64_Shdr){.sh_type = SHT_REL,
						 .sh_flags = SHF_INFO_LINK,
						 .sh_link = SECTION_SYMBOLS,
						 .sh_info = SECTION_TEXT,
						 .sh_entsize = sizeof(Elf64_Rel)},
				    contents->relocations, assembler->call_count * sizeof(Elf64_Rel), ELF_T_REL);
	if (!error)
		error = add_section(elf, names, ".BTF", (Elf64_Shdr){.sh_type = SHT_PROGBITS}, contents->btf_data,
				    contents->btf_size, ELF_T_BYTE);
	if (!error)
		error = add_section(elf, names, ".BTF.ext", (Elf64_Shdr){.sh_type = SHT_PROGBITS}, contents->extension,
				    contents->extension_size, ELF_T_BYTE);
	if (!error) {
		Elf_Data *block = elf_getdata(elf_getscn(elf, SECTION_NAMES), NULL);

		block->d_buf = names->text;
		block->d_size = names->size;
	}
	return error;
}

static int write_elf(int fd, struct contents *contents, const struct code *code)
{
	Elf *elf;
	Elf64_Ehdr *header;
	int error = -EINVAL;

	if (elf_version(EV_CURRENT) == EV_NONE)
		return -EINVAL;
	elf = elf_begin(fd, ELF_C_WRITE, NULL);
	header = elf ? elf64_newehdr(elf) : NULL;
	if (header) {
		header->e_ident[EI_DATA] = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;
		header->e_machine = EM_BPF;
		header->e_type = ET_REL;
		header->e_version = EV_CURRENT;
		header->e_shstrndx = SECTION_NAMES;
		error = add_sections(elf, contents, code);
		if (!error && elf_update(elf, ELF_C_WRITE) < 0)
			error = -EIO;
	}
	elf_end(elf);
	return error;
}

int object_write(int fd, const struct code *code, const struct btf *const *runtimes, firewall_describe describe)
{
	struct contents contents = {0};
	int error = make_symbols(&contents, code);

	if (!error)
		error = make_types(&contents, code, runtimes, describe);
	if (!error)
		error = write_elf(fd, &contents, code);
	contents_free(&contents);
	return error;
}
