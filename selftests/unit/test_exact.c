/* SPDX-License-Identifier: GPL-2.0-only */
/* Hash tables of exact stretches: what the kernel finds in them, and which boxes fit. */
#include "selftests/unit/probe.h"

#include <errno.h>

#include "loader/compile/exact.h"
#include "loader/compile/exact_hash.h"
#include "selftests/unit/boxes.h"

#define FIRST 5 /* index of the first box */
#define FRAME_SIZE 512

/* As in exact.bpf.c. */
struct outcome {
	__u64 result;
	__u32 counted, resume;
};

struct tables {
	struct bpf_object *object;
	int program;
};

/* Loads the program with an image, in one piece or in lines, of which it asks stretch 1: the rules FIRST to before
 * `end`. */
static struct tables tables_open(const struct classifier_image *image, __u32 end, bool in_lines)
{
	const __u32 settings[] = {1, FIRST, end};
	struct tables tables;
	int map;

	log_begin();
	tables.object = bpf_object__open_file(probe_path("exact.bpf.o"), NULL);
	assert_non_null(tables.object);
	map = in_lines ? -1 : stretch_image_map(image);
	assert_true(in_lines || map >= 0);
	assert_int_equal(stretch_prepare_image(tables.object, image, map, (struct classifier_constants){0}), 0);
	assert_int_equal(bpf_map__set_initial_value(bpf_object__find_map_by_name(tables.object, ".rodata"), settings,
						    sizeof(settings)),
			 0);
	assert_int_equal(bpf_object__load(tables.object), 0);
	assert_int_equal(stretch_fill_image(tables.object, image), 0);
	if (map >= 0)
		close(map);
	tables.program = bpf_program__fd(bpf_object__find_program_by_name(tables.object, "exact_ask"));
	return tables;
}

static struct outcome ask(const struct tables *tables, const struct packet *packet)
{
	__u8 frame[FRAME_SIZE] = {0};
	struct outcome outcome;
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame), .data_out = frame,
		    .data_size_out = sizeof(frame));

	memcpy(frame, packet, sizeof(*packet));
	assert_int_equal(bpf_prog_test_run_opts(tables->program, &options), 0);
	assert_int_equal(options.retval, 0);
	memcpy(&outcome, frame, sizeof(outcome));
	return outcome;
}

/* What the stretch must say, by comparing with every box. */
static struct outcome naive(const struct exact_set *set, unsigned int masks, const struct packet *packet, __u32 end)
{
	__u32 best = CLASSIFIER_NONE, others = 0;
	const struct dispatch *dispatch;

	if (packet->resume >= end)
		return (struct outcome){.resume = packet->resume};
	if (packet->resume && packet->resume != FIRST)
		return (struct outcome){STRETCH_MUST_WALK, 0, packet->resume};
	for (size_t i = 0; i < set->count; i++) {
		if (!box_matches(set->boxes + i, packet))
			continue;
		others += best != CLASSIFIER_NONE && set->boxes[i].index != best;
		if (set->boxes[i].index < best)
			best = set->boxes[i].index;
	}
	if (best == CLASSIFIER_NONE)
		return (struct outcome){0};
	dispatch = set->dispatch + best;
	if (dispatch->kind == DISPATCH_VERDICT && !dispatch->code)
		return (struct outcome){.result = dispatch->result};
	if (masks > 1 || others || dispatch->code || dispatch->kind == DISPATCH_CODE)
		return (struct outcome){.result = STRETCH_MUST_WALK};
	return (struct outcome){.counted = MATCH_SLOT(dispatch->result),
				.resume = dispatch->kind == DISPATCH_SKIPTO && MATCH_ARGUMENT(dispatch->result) > end
						  ? MATCH_ARGUMENT(dispatch->result)
						  : 0};
}

/* How boxes look: kinds[] of each style are mixed. */
struct style {
	const char *name;
	struct kind {
		__u8 family, source_bits, destination_bits, interface_key;
		bool source_port, destination_port, protocol;
	} kinds[EXACT_TABLES];
	unsigned int kind_count;
	__u32 spread; /* different values of each word */
};

#define HOST4                                                                                                          \
	{                                                                                                              \
		.family = 4, .source_bits = 32                                                                         \
	}
#define PREFIX(version, bits)                                                                                          \
	{                                                                                                              \
		.family = version, .destination_bits = bits                                                            \
	}

static const struct style styles[] = {
	{"hosts", {HOST4}, 1, 100000},
	{"few hosts", {HOST4}, 1, 30},
	{"networks", {PREFIX(4, 24)}, 1, 5000},
	{"networks of four lengths", {PREFIX(4, 32), PREFIX(4, 24), PREFIX(4, 16), PREFIX(4, 8)}, 4, 40},
	{"ports", {{.destination_port = true}}, 1, 500},
	{"ports and protocols", {{.source_port = true, .protocol = true}}, 1, 500},
	{"five fields",
	 {{.family = 4,
	   .source_bits = 32,
	   .destination_bits = 32,
	   .source_port = true,
	   .destination_port = true,
	   .protocol = true}},
	 1,
	 7},
	{"IPv6 hosts", {PREFIX(6, 128)}, 1, 100000},
	{"IPv6 networks", {PREFIX(6, 47), PREFIX(6, 95)}, 2, 100},
	{"both versions", {PREFIX(4, 32), PREFIX(6, 128)}, 2, 100},
	{"interfaces", {{.interface_key = CLASSIFIER_RECV}, {.interface_key = CLASSIFIER_VIA}}, 2, 60},
	{"interfaces and hosts", {{.family = 4, .source_bits = 32, .interface_key = CLASSIFIER_XMIT}}, 1, 20},
	{"the same everywhere", {HOST4}, 1, 1},
};

/* One of the style's values, for a word of which the first `bits` count. */
static __u32 random_word(const struct style *style, unsigned int bits)
{
	return bits ? random_below(style->spread) * 2654435761u & ~0u << (32 - bits) : 0;
}

static void random_prefix(const struct style *style, __u32 *address, unsigned int bits)
{
	for (unsigned int i = 0; i * 32 < bits; i++)
		address[i] = random_word(style, bits - i * 32 < 32 ? bits - i * 32 : 32);
}

static void random_port(const struct style *style, bool one, __u16 *range)
{
	range[0] = one ? (__u16)random_below(style->spread) : 0;
	range[1] = one ? range[0] : 65535;
}

static struct classifier_box random_box(const struct style *style, __u32 index)
{
	const struct kind *kind = style->kinds + random_below(style->kind_count);
	struct classifier_box box = {.index = index,
				     .family = kind->family,
				     .source_bits = kind->source_bits,
				     .destination_bits = kind->destination_bits,
				     .interface_key = kind->interface_key};
	__u8 value[4] = {kind->family, kind->protocol ? (__u8)(6 + 11 * random_below(2)) : 0},
	     mask[4] = {kind->family ? 0xff : 0, kind->protocol ? 0xff : 0};

	random_prefix(style, box.source, box.source_bits);
	random_prefix(style, box.destination, box.destination_bits);
	random_port(style, kind->source_port, box.source_port);
	random_port(style, kind->destination_port, box.destination_port);
	box.interface = kind->interface_key ? random_below(style->spread) : 0;
	memcpy(&box.head_value, value, sizeof(value));
	memcpy(&box.head_mask, mask, sizeof(mask));
	return box;
}

/* A packet of a box, perhaps with something changed. */
static struct packet random_packet(const struct style *style, const struct classifier_box *box, __u32 end)
{
	static const __u8 families[] = {4, 6, 0};
	const __u32 interface = box->interface_key ? box->interface : random_below(style->spread);
	struct packet packet = {.family = box->family ? box->family : families[random_below(3)],
				.protocol = (__u8)(6 + 11 * random_below(2)),
				.source_port = box->source_port[0],
				.destination_port = box->destination_port[0],
				.interface = interface,
				.receive_interface = random_below(3) ? interface : 0,
				.transmit_interface = interface};

	for (unsigned int i = 0; packet.family && i < 4; i++) {
		packet.source[i] = htonl(box->source[i]);
		packet.destination[i] = htonl(box->destination[i]);
	}
	if (!random_below(4))
		packet.source[random_below(4)] ^= htonl(1u << random_below(32));
	if (!random_below(4))
		packet.destination_port ^= (__u16)random_below(4);
	if (!random_below(8))
		packet.resume = random_below(2) ? FIRST : random_below(end + 3);
	return packet;
}

static void compare(const struct style *style, const struct exact_set *set, unsigned int masks,
		    const struct tables *tables, __u32 end)
{
	for (unsigned int i = 0; i < 400; i++) {
		struct packet packet = random_packet(style, set->boxes + random_below((__u32)set->count), end);
		struct outcome expected = naive(set, masks, &packet, end), found = ask(tables, &packet);

		if (memcmp(&expected, &found, sizeof(found)))
			fail_msg("%s, %zu boxes: %llx, slot %u, resume %u, expected %llx, slot %u, resume %u",
				 style->name, set->count, found.result, found.counted, found.resume, expected.result,
				 expected.counted, expected.resume);
	}
}

static struct dispatch random_dispatch(__u32 index, __u32 end)
{
	struct dispatch dispatch = {.kind = (__u16)(random_below(2) ? DISPATCH_VERDICT : random_below(4)),
				    .code = random_below(8) == 0};

	dispatch.result = MATCH_RESULT(dispatch.kind == DISPATCH_VERDICT ? VERDICT_ALLOW : VERDICT_NONE, 1 + index,
				       dispatch.kind == DISPATCH_SKIPTO ? index + 1 + random_below(2 * end) : 0);
	return dispatch;
}

/* Masks that packets of one kind are looked for with. */
static unsigned int masks_of(const struct style *style, unsigned int family)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < style->kind_count; i++)
		count += !style->kinds[i].family || style->kinds[i].family == family;
	return count;
}

static void try_boxes(const struct style *style, size_t count)
{
	struct classifier_box *boxes = calloc(count, sizeof(*boxes));
	struct dispatch *dispatch = calloc(FIRST + count, sizeof(*dispatch));
	const struct exact_set set = {boxes, count, dispatch};
	struct classifier_image *image = classifier_image_new(3);
	__u32 end = FIRST;
	struct exact_estimate estimate;
	struct tables tables;

	assert_true(image && boxes && dispatch);
	for (size_t i = 0; i<count; i++, end += random_below(4)> 0)
		boxes[i] = random_box(style, end);
	end = boxes[count - 1].index + 1;
	for (__u32 i = FIRST; i < end; i++)
		dispatch[i] = random_dispatch(i, end);
	assert_int_equal(classifier_add_stretch(image, boxes, count, NULL), 0);
	assert_int_equal(exact_add_stretch(image, &set, &estimate), 1);
	assert_int_equal(classifier_add_stretch(image, boxes, count, NULL), 2);
	for (int in_lines = 0; in_lines < 2; in_lines++) {
		tables = tables_open(image, end, in_lines);
		if (count >= 100)
			assert_int_equal(estimate.tables, masks_of(style, 4) > masks_of(style, 6) ? masks_of(style, 4)
												  : masks_of(style, 6));
		compare(style, &set, estimate.tables, &tables, end);
		bpf_object__close(tables.object);
	}
	classifier_image_free(image);
	free(boxes);
	free(dispatch);
}

static void finds_what_comparing_finds(void **state)
{
	static const size_t counts[] = {1, 2, 5, 100, 3000};

	srandom(7);
	for (size_t i = 0; i < sizeof(styles) / sizeof(*styles); i++)
		for (size_t j = 0; j < sizeof(counts) / sizeof(*counts); j++)
			try_boxes(styles + i, counts[j]);
}

static void refuses_what_is_not_exact(void **state)
{
	const struct classifier_box any = {.source_port = {0, 65535}, .destination_port = {0, 65535}};
	const struct dispatch dispatch = {.kind = DISPATCH_VERDICT};
	struct classifier_image *image = classifier_image_new(1);
	struct classifier_box boxes[EXACT_TABLES + 1], range = any, long_keys[2] = {any, any}, bad = any;
	struct exact_estimate estimate;
	size_t lines;

	for (unsigned int i = 0; i <= EXACT_TABLES; i++) {
		boxes[i] = any;
		boxes[i].family = 4;
		boxes[i].source_bits = (__u8)(8 + i);
	}
	range.destination_port[1] = 1000;
	for (unsigned int i = 0; i < 2; i++) {
		long_keys[i].family = 6;
		long_keys[i].source_bits = long_keys[i].destination_bits = 128;
	}
	bad.family = 5;
	lines = classifier_image_lines(image);
	assert_int_equal(exact_add_stretch(image, &(struct exact_set){boxes, EXACT_TABLES + 1, &dispatch}, &estimate),
			 -EDOM);
	assert_int_equal(exact_add_stretch(image, &(struct exact_set){&range, 1, &dispatch}, &estimate), -EDOM);
	assert_int_equal(exact_add_stretch(image, &(struct exact_set){long_keys, 2, &dispatch}, &estimate), -EDOM);
	assert_int_equal(exact_add_stretch(image, &(struct exact_set){&bad, 1, &dispatch}, &estimate), -EINVAL);
	assert_int_equal(classifier_image_lines(image), lines);
	assert_int_equal(exact_add_stretch(image, &(struct exact_set){boxes, EXACT_TABLES, &dispatch}, &estimate), 0);
	assert_int_equal(estimate.tables, EXACT_TABLES);
	assert_int_equal(exact_add_stretch(image, &(struct exact_set){boxes, EXACT_TABLES, &dispatch}, &estimate),
			 -EINVAL);
	classifier_image_free(image);
}

static void hashes_are_perfect(void **state)
{
	static const size_t counts[] = {1, 2, 3, 17, 1000, 100000};
	__u64 *hashes = calloc(100000, sizeof(*hashes));

	assert_non_null(hashes);
	for (size_t i = 0; i < 100000; i++)
		hashes[i] = exact_hash_word((__u32)i + 0x0a000000, 0);
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		struct exact_hash hash;
		bool *taken;

		assert_int_equal(exact_hash_make(&hash, hashes, counts[i]), 0);
		assert_true(hash.slots <= counts[i] * 2 + 2);
		taken = calloc(hash.slots, sizeof(*taken));
		assert_non_null(taken);
		for (size_t j = 0; j < counts[i]; j++) {
			__u32 bucket = exact_bucket(hashes[j], hash.bucket_shift);
			__u32 place = exact_place(hashes[j], hash.displacements[bucket], hash.slots);

			assert_true(bucket < hash.buckets && place < hash.slots && !taken[place]);
			taken[place] = true;
		}
		free(taken);
		exact_hash_free(&hash);
	}
	hashes[7] = hashes[3];
	assert_int_equal(exact_hash_make(&(struct exact_hash){0}, hashes, 10), -EDOM);
	free(hashes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_comparing_finds),
		cmocka_unit_test(refuses_what_is_not_exact),
		cmocka_unit_test(hashes_are_perfect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
