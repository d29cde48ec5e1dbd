/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/compile/types.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/compile/emit.h"

/*
 * Copies the type `id` of `source`, and all that it refers to, into `target`. Returns the new id, or -errno
 * (-EOPNOTSUPP for a kind that a function of plain structs cannot have).
 */
static int copy_type(struct btf *target, const struct btf *source, __u32 id);

/* The context of a program: the verifier knows it by its name alone. */
static bool is_context(const char *name)
{
	return !strcmp(name, "xdp_md") || !strcmp(name, "__sk_buff");
}

static int copy_struct(struct btf *target, const struct btf *source, const struct btf_type *type)
{
	const char *name = btf__str_by_offset(source, type->name_off);
	const struct btf_member *members = btf_members(type);
	int id, member_ids[64];

	if (is_context(name))
		return btf__add_struct(target, name, type->size);

	if (btf_vlen(type) > 64)
		return -EOPNOTSUPP;
	for (unsigned int i = 0; i < btf_vlen(type); i++) {
		member_ids[i] = copy_type(target, source, members[i].type);
		if (member_ids[i] < 0)
			return member_ids[i];
	}
	id = btf__add_struct(target, name, type->size);
	for (unsigned int i = 0; i < btf_vlen(type) && id > 0; i++) {
		int error = btf__add_field(target, btf__str_by_offset(source, members[i].name_off), member_ids[i],
					   btf_member_bit_offset(type, i), btf_member_bitfield_size(type, i));

		if (error)
			return error;
	}
	return id;
}

static int copy_prototype(struct btf *target, const struct btf *source, const struct btf_type *type)
{
	const struct btf_param *parameters = btf_params(type);
	int id, result, parameter_ids[5];

	if (btf_vlen(type) > 5)
		return -EOPNOTSUPP;
	result = copy_type(target, source, type->type);
	for (unsigned int i = 0; i < btf_vlen(type) && result >= 0; i++) {
		parameter_ids[i] = copy_type(target, source, parameters[i].type);
		if (parameter_ids[i] < 0)
			return parameter_ids[i];
	}
	if (result < 0)
		return result;
	id = btf__add_func_proto(target, result);
	for (unsigned int i = 0; i < btf_vlen(type) && id > 0; i++) {
		const char *name = btf__str_by_offset(source, parameters[i].name_off);
		/* clang drops the names of an extern's parameters, but the kernel wants them */
		int error = btf__add_func_param(target, *name ? name : "argument", parameter_ids[i]);

		if (error)
			return error;
	}
	return id;
}

/* Plain reference types: the copy refers to the copy of what the original refers to. */
static int copy_reference(struct btf *target, const struct btf *source, const struct btf_type *type)
{
	int referred = copy_type(target, source, type->type);

	if (referred < 0)
		return referred;
	switch (btf_kind(type)) {
	case BTF_KIND_PTR:
		return btf__add_ptr(target, referred);
	case BTF_KIND_CONST:
		return btf__add_const(target, referred);
	default:
		return btf__add_typedef(target, btf__str_by_offset(source, type->name_off), referred);
	}
}

static int copy_array(struct btf *target, const struct btf *source, const struct btf_type *type)
{
	const struct btf_array *array = btf_array(type);
	int index = copy_type(target, source, array->index_type);
	int element = copy_type(target, source, array->type);

	if (index < 0 || element < 0)
		return index < 0 ? index : element;
	return btf__add_array(target, index, element, array->nelems);
}

static int copy_type(struct btf *target, const struct btf *source, __u32 id)
{
	const struct btf_type *type = btf__type_by_id(source, id);

	if (!id)
		return 0;
	if (!type)
		return -EINVAL;
	switch (btf_kind(type)) {
	case BTF_KIND_INT:
		return btf__add_int(target, btf__str_by_offset(source, type->name_off), type->size,
				    btf_int_encoding(type));
	case BTF_KIND_PTR:
	case BTF_KIND_CONST:
	case BTF_KIND_TYPEDEF:
		return copy_reference(target, source, type);
	case BTF_KIND_ARRAY:
		return copy_array(target, source, type);
	case BTF_KIND_STRUCT:
		return copy_struct(target, source, type);
	case BTF_KIND_FUNC_PROTO:
		return copy_prototype(target, source, type);
	default:
		return -EOPNOTSUPP;
	}
}

/* Copies the prototype that one of the runtimes declares for function `name`. Returns its id or -errno. */
static int copy_function_prototype(struct btf *btf, const struct btf *const *runtimes, const char *name)
{
	int id = -ENOENT;

	for (; *runtimes; runtimes++) {
		id = btf__find_by_name_kind(*runtimes, name, BTF_KIND_FUNC);
		if (id >= 0)
			return copy_type(btf, *runtimes, btf__type_by_id(*runtimes, (__u32)id)->type);
	}
	return id;
}

static bool defined_here(const struct code *code, const char *symbol)
{
	for (size_t i = 0; i < code->function_count; i++)
		if (!strcmp(code->functions[i].name, symbol))
			return true;
	return false;
}

/* Declares the functions of the runtime that the code calls, each once. Returns a negative error, or not. */
static int declare_externs(struct btf *btf, const struct code *code, const struct btf *const *runtimes)
{
	int id = 0;

	for (size_t i = 0; i < code->assembler.call_count && id >= 0; i++) {
		const char *symbol = code->assembler.calls[i].symbol;

		if (defined_here(code, symbol) || btf__find_by_name_kind(btf, symbol, BTF_KIND_FUNC) > 0)
			continue;
		id = copy_function_prototype(btf, runtimes, symbol);
		if (id >= 0)
			id = btf__add_func(btf, symbol, BTF_FUNC_EXTERN, id);
	}
	return id;
}

struct btf *types_make(const struct code *code, const struct btf *const *runtimes, __u32 *function_ids)
{
	struct btf *btf = btf__new_empty();
	int id = btf ? 0 : -ENOMEM, prototype = 0;
	const char *type = NULL;

	for (size_t i = 0; i < code->function_count && id >= 0; i++) {
		if (!type || strcmp(type, code->functions[i].type))
			id = prototype = copy_function_prototype(btf, runtimes, code->functions[i].type);
		type = code->functions[i].type;
		if (id >= 0)
			id = btf__add_func(btf, code->functions[i].name, BTF_FUNC_GLOBAL, prototype);
		function_ids[i] = (__u32)id;
	}
	if (id >= 0)
		id = declare_externs(btf, code, runtimes);
	if (id < 0) {
		btf__free(btf);
		errno = -id;
		return NULL;
	}
	return btf;
}

/* Headers of the two tables in .BTF.ext: record size, then one block for the one section. */
struct extension {
	struct {
		__u16 magic;
		__u8 version, flags;
		__u32 header_size, function_offset, function_size, line_offset, line_size;
	} header;
	__u32 function_record;
	__u32 function_section, function_count;
};

/* Where the strings of rules are: the code of one rule may lie in several places, and its text takes time to make. */
struct rule_texts {
	struct rule_text {
		const struct rule *rule; /* NULL: free */
		int offset;
	} * texts;   /* by hash of the rule's address, else the next free one */
	size_t size; /* a power of 2 */
};

/* Room for twice as many as there are lines. Returns 0 or -ENOMEM. */
static int make_texts(struct rule_texts *texts, size_t lines)
{
	texts->size = 1;
	while (texts->size < 2 * lines)
		texts->size *= 2;
	texts->texts = calloc(texts->size, sizeof(*texts->texts));
	return texts->texts ? 0 : -ENOMEM;
}

/* The offset of the rule's text, which is added if it is not there yet, or -errno. */
static int text_offset(struct rule_texts *texts, struct btf *btf, const struct rule *rule, firewall_describe describe)
{
	size_t at = (size_t)((__u64)(unsigned long)rule * 0x9e3779b97f4a7c15ull >> 32) & (texts->size - 1);
	char text[1024];
	int offset;

	while (texts->texts[at].rule && texts->texts[at].rule != rule)
		at = (at + 1) & (texts->size - 1);
	if (texts->texts[at].rule)
		return texts->texts[at].offset;
	describe(text, sizeof(text), rule);
	offset = btf__add_str(btf, text);
	if (offset >= 0)
		texts->texts[at] = (struct rule_text){rule, offset};
	return offset;
}

static int fill_line_records(struct btf *btf, const struct code *code, firewall_describe describe,
			     struct rule_texts *texts, struct bpf_line_info *records)
{
	int file = btf__add_str(btf, "ruleset"), none = btf__add_str(btf, "ruleset_match(context, packet)");

	if (file < 0 || none < 0)
		return file < 0 ? file : none;
	for (size_t i = 0; i < code->line_count; i++) {
		const struct code_line *line = code->lines + i;
		int offset = line->rule ? text_offset(texts, btf, line->rule, describe) : none;

		if (offset < 0)
			return offset;
		records[i] = (struct bpf_line_info){
			.insn_off = (__u32)(line->instruction * sizeof(struct bpf_insn)),
			.file_name_off = (__u32)file,
			.line_off = (__u32)offset,
			.line_col = (line->rule ? (__u32)line->rule->number : 0) << 10,
		};
	}
	return 0;
}

static int add_line_records(struct btf *btf, const struct code *code, firewall_describe describe,
			    struct bpf_line_info *records)
{
	struct rule_texts texts;
	int error = make_texts(&texts, code->line_count);

	if (!error)
		error = fill_line_records(btf, code, describe, &texts, records);
	free(texts.texts);
	return error;
}

void *types_extension(struct btf *btf, const struct code *code, const __u32 *function_ids, firewall_describe describe,
		      size_t *size)
{
	size_t functions = code->function_count * sizeof(struct bpf_func_info);
	size_t lines = code->line_count * sizeof(struct bpf_line_info);
	size_t total = sizeof(struct extension) + functions + 3 * sizeof(__u32) + lines;
	int section = btf__add_str(btf, ".text"), error;
	struct extension *extension = calloc(1, total);
	struct bpf_func_info *function_records;
	__u32 *line_header;

	if (!extension || section < 0) {
		free(extension);
		errno = ENOMEM;
		return NULL;
	}
	extension->header.magic = BTF_MAGIC;
	extension->header.version = BTF_VERSION;
	extension->header.header_size = sizeof(extension->header);
	extension->header.function_size = (__u32)(sizeof(*extension) - sizeof(extension->header) + functions);
	extension->header.line_offset = extension->header.function_size;
	extension->header.line_size = (__u32)(3 * sizeof(__u32) + lines);
	extension->function_record = sizeof(struct bpf_func_info);
	extension->function_section = (__u32)section;
	extension->function_count = (__u32)code->function_count;
	function_records = (struct bpf_func_info *)(extension + 1);
	for (size_t i = 0; i < code->function_count; i++)
		function_records[i] = (struct bpf_func_info){
			.insn_off = (__u32)(code->functions[i].first * sizeof(struct bpf_insn)),
			.type_id = function_ids[i],
		};
	line_header = (__u32 *)(function_records + code->function_count);
	line_header[0] = sizeof(struct bpf_line_info);
	line_header[1] = (__u32)section;
	line_header[2] = (__u32)code->line_count;
	error = add_line_records(btf, code, describe, (struct bpf_line_info *)(line_header + 3));
	if (error) {
		free(extension);
		errno = -error;
		return NULL;
	}
	*size = total;
	return extension;
}
