/* SPDX-License-Identifier: GPL-2.0-only */
/* The classifier finds, in the kernel, what comparing every packet with every box finds. */
#include "selftests/unit/probe.h"

#include <errno.h>

#include "selftests/unit/boxes.h"

#define FOUND_MAX 60 /* as in classify.bpf.c */
#define FRAME_SIZE 256

struct search {
	struct bpf_object *object;
	int program;
};

/* Loads the program with an image of the stretches given, in one piece or in lines. */
static struct search search_open(const struct classifier_image *image, __u32 stretch, bool in_lines)
{
	struct search search;
	struct bpf_map *rodata;
	int map;

	log_begin();
	search.object = bpf_object__open_file(probe_path("classify.bpf.o"), NULL);
	assert_non_null(search.object);
	map = in_lines ? -1 : stretch_image_map(image);
	assert_true(in_lines || map >= 0);
	assert_int_equal(stretch_prepare_image(search.object, image, map, (struct classifier_constants){0}), 0);
	rodata = bpf_object__find_map_by_name(search.object, ".rodata");
	assert_int_equal(bpf_map__set_initial_value(rodata, &stretch, sizeof(stretch)), 0);
	assert_int_equal(bpf_object__load(search.object), 0);
	assert_int_equal(stretch_fill_image(search.object, image), 0);
	if (map >= 0)
		close(map);
	search.program = bpf_program__fd(bpf_object__find_program_by_name(search.object, "classify_all"));
	return search;
}

struct found {
	__u32 count, indexes[FOUND_MAX];
};

static struct found search_run(const struct search *search, const struct packet *packet)
{
	__u8 frame[FRAME_SIZE + sizeof(*packet)] = {0};
	struct found found;
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame), .data_out = frame,
		    .data_size_out = sizeof(frame));

	memcpy(frame, packet, sizeof(*packet));
	assert_int_equal(bpf_prog_test_run_opts(search->program, &options), 0);
	assert_int_equal(options.retval, 0);
	memcpy(&found, frame, sizeof(found));
	return found;
}

/* What the classifier should find; several boxes of one rule, which come one behind the other, are one find. */
static struct found naive(const struct classifier_box *boxes, size_t count, const struct packet *packet)
{
	struct found found = {0};
	__u32 last = CLASSIFIER_NONE;

	for (size_t i = 0; i < count; i++) {
		if (boxes[i].index == last || boxes[i].index < packet->resume || !box_matches(boxes + i, packet))
			continue;
		last = boxes[i].index;
		if (found.count < FOUND_MAX)
			found.indexes[found.count] = last;
		found.count++;
	}
	return found;
}

/* How random boxes look. */
struct style {
	const char *name;
	unsigned int bits[6];	     /* prefix lengths of IPv4 addresses; IPv6: four times as long */
	__u32 spread;		     /* how many different values each byte of an address has */
	unsigned int port_kinds;     /* 1: none, 2: also single ports, 3: also overlapping ranges */
	unsigned int families;	     /* 1: IPv4, 2: also IPv6, 3: also neither */
	unsigned int boxes_per_rule; /* at most */
	bool interfaces, heads;
};

static const struct style styles[] = {
	{"hosts", {32, 32, 32, 32, 32, 0}, 5, 2, 1, 1, false, true},
	{"networks", {8, 16, 24, 28, 32, 0}, 6, 3, 1, 3, false, true},
	{"both versions", {0, 5, 13, 24, 31, 32}, 4, 3, 3, 4, true, true},
	{"wildcards", {0, 0, 0, 1, 2, 9}, 256, 3, 2, 2, true, true},
	{"overlaps", {0, 1, 2, 3, 4, 5}, 256, 3, 1, 1, false, false},
	{"ports only", {0, 0, 0, 0, 0, 0}, 1, 3, 2, 5, false, true},
	{"interfaces only", {0, 0, 0, 0, 0, 0}, 1, 1, 3, 2, true, false},
	{"the same everywhere", {24, 24, 24, 24, 24, 24}, 1, 1, 1, 1, false, false},
};

static __u32 random_word(const struct style *style)
{
	__u32 word = 0;

	for (int i = 0; i < 4; i++)
		word = word << 8 | random_below(style->spread) * 37 % 256;
	return word;
}

static void random_prefix(const struct style *style, unsigned int family, __u32 *address, __u8 *bits)
{
	*bits = (__u8)(style->bits[random_below(6)] * (family == 6 ? 4 : 1));
	for (unsigned int i = 0; i < (family == 6 ? 4 : 1); i++) {
		unsigned int left = *bits > 32 * i ? *bits - 32 * i : 0;

		address[i] = random_word(style) & (left >= 32 ? 0xffffffffu : ~(0xffffffffu >> left));
	}
}

static void random_ports(const struct style *style, __u16 *range)
{
	switch (random_below(style->port_kinds)) {
	case 1:
		range[0] = range[1] = (__u16)random_below(40);
		break;
	case 2:
		range[0] = (__u16)random_below(65536);
		range[1] = (__u16)(range[0] + random_below(65536u - range[0]));
		break;
	default:
		range[1] = 65535;
	}
}

static struct classifier_box random_box(const struct style *style, __u32 index)
{
	static const __u8 families[] = {4, 6, 0};
	struct classifier_box box = {
		.index = index, .family = families[random_below(style->families)], .result = random_below(1u << 24)};
	__u8 value[4] = {box.family, (__u8)(6 + 11 * random_below(2)), 0, 0}, mask[4] = {0};

	if (box.family) {
		random_prefix(style, box.family, box.source, &box.source_bits);
		random_prefix(style, box.family, box.destination, &box.destination_bits);
		mask[0] = random_below(2) ? 0xff : 0;
	} else if (!random_below(4)) {
		value[0] = 4; /* or 6 */
		mask[0] = 0xfd;
	}
	random_ports(style, box.source_port);
	random_ports(style, box.destination_port);
	if (style->heads)
		mask[1] = random_below(2) ? 0xff : 0;
	if (style->interfaces && random_below(2)) {
		box.interface_key = (__u8)(CLASSIFIER_VIA + random_below(3));
		box.interface = random_below(30) ? random_below(6) : CLASSIFIER_INTERFACE_MAX;
	}
	memcpy(&box.head_value, value, sizeof(value));
	memcpy(&box.head_mask, mask, sizeof(mask));
	return box;
}

static size_t random_boxes(const struct style *style, struct classifier_box *boxes, size_t capacity)
{
	size_t count = 0;

	for (__u32 index = 0; count < capacity; index += 1 + random_below(2))
		for (__u32 left = 1 + random_below(style->boxes_per_rule); left && count < capacity; left--)
			boxes[count++] = random_box(style, index);
	return count;
}

/* A packet that lies in the box, but for fields that are then changed at random. */
static struct packet random_packet(const struct style *style, const struct classifier_box *box)
{
	static const __u8 families[] = {4, 6, 0};
	struct packet packet = {.family = box->family ? box->family : families[random_below(3)]};

	for (unsigned int i = 0; i < (packet.family == 6 ? 4 : packet.family ? 1 : 0); i++) {
		unsigned int source = box->source_bits > 32 * i ? box->source_bits - 32 * i : 0;
		unsigned int destination = box->destination_bits > 32 * i ? box->destination_bits - 32 * i : 0;

		packet.source[i] =
			htonl(box->source[i] | (source >= 32 ? 0 : random_word(style) & 0xffffffffu >> source));
		packet.destination[i] =
			htonl(box->destination[i] |
			      (destination >= 32 ? 0 : random_word(style) & 0xffffffffu >> destination));
	}
	packet.source_port =
		(__u16)(box->source_port[0] + random_below(box->source_port[1] - box->source_port[0] + 1u));
	packet.destination_port = (__u16)(box->destination_port[0] +
					  random_below(box->destination_port[1] - box->destination_port[0] + 1u));
	packet.protocol = (__u8)(6 + 11 * random_below(2));
	packet.interface = box->interface_key == CLASSIFIER_VIA ? box->interface : random_below(6);
	packet.receive_interface = box->interface_key == CLASSIFIER_RECV ? box->interface : random_below(6);
	packet.transmit_interface = box->interface_key == CLASSIFIER_XMIT ? box->interface : random_below(6);
	if (!random_below(4))
		packet.resume = random_below(2 * box->index + 1);
	if (!random_below(4))
		packet.source_port = (__u16)random_below(65536);
	if (!random_below(4))
		packet.destination[0] = packet.family ? htonl(random_word(style)) : 0;
	if (!random_below(16))
		packet.interface = 65536 + box->interface;
	return packet;
}

static void compare(const struct style *style, const struct search *search, const struct classifier_box *boxes,
		    size_t count, unsigned int packets)
{
	for (unsigned int i = 0; i < packets; i++) {
		struct packet packet = random_packet(style, boxes + random_below((__u32)count));
		struct found expected = naive(boxes, count, &packet), found = search_run(search, &packet);

		if (memcmp(&expected, &found, sizeof(found)))
			fail_msg("%s, %zu boxes: %u rules found, the first %u, of %u, the first %u", style->name, count,
				 found.count, found.indexes[0], expected.count, expected.indexes[0]);
	}
}

/* One style: the stretch is the second of three, so that those beside it must not be seen. */
static void try_boxes(const struct style *style, size_t count, unsigned int packets)
{
	struct classifier_box *boxes = calloc(count, sizeof(*boxes)), other = random_box(styles + 3, 0);
	struct classifier_image *image = classifier_image_new(3);
	struct search search;

	assert_true(image && boxes);
	count = random_boxes(style, boxes, count);
	assert_int_equal(classifier_add_stretch(image, &other, 1, NULL), 0);
	assert_int_equal(classifier_add_stretch(image, boxes, count, NULL), 1);
	assert_int_equal(classifier_add_stretch(image, &other, 1, NULL), 2);
	for (int in_lines = 0; in_lines < 2; in_lines++) {
		search = search_open(image, 1, in_lines);
		compare(style, &search, boxes, count, packets);
		bpf_object__close(search.object);
	}
	classifier_image_free(image);
	free(boxes);
}

static void finds_what_comparing_finds(void **state)
{
	static const size_t counts[] = {1, 2, 3, 7, 40, 300, 2000};

	srandom(4);
	for (size_t i = 0; i < sizeof(styles) / sizeof(*styles); i++)
		for (size_t j = 0; j < sizeof(counts) / sizeof(*counts); j++)
			try_boxes(styles + i, counts[j], 150);
}

/* As many boxes as `count`, each for one host, in no order. */
static struct classifier_estimate estimate_hosts(size_t count, __u32 differ)
{
	struct classifier_box *boxes = calloc(count, sizeof(*boxes));
	struct classifier_image *image = classifier_image_new(1);
	struct classifier_estimate estimate;

	assert_true(image && boxes);
	for (size_t i = 0; i < count; i++)
		boxes[i] = (struct classifier_box){.index = (__u32)i,
						   .family = 4,
						   .source_bits = 32,
						   .source = {0x0a000000 + (__u32)i * 7919 % (__u32)count * differ},
						   .source_port = {0, 65535},
						   .destination_port = {0, 65535}};
	assert_int_equal(classifier_add_stretch(image, boxes, count, &estimate), 0);
	classifier_image_free(image);
	free(boxes);
	return estimate;
}

static void estimates_what_it_costs(void **state)
{
	struct classifier_estimate good = estimate_hosts(10000, 1), bad = estimate_hosts(10000, 0);

	assert_true(good.records >= 1 && good.records < 8);
	assert_int_equal(good.trees, 1);
	assert_true(good.lines >= 5000 && good.lines < 10000);
	assert_true(bad.records == 10000);
	assert_int_equal(bad.depth, 0);
}

static void refuses_what_is_no_box(void **state)
{
	struct classifier_image *image = classifier_image_new(1);
	const struct classifier_box good = {.source_port = {0, 65535}, .destination_port = {5, 5}};
	struct classifier_box bad[8];

	for (int i = 0; i < 8; i++)
		bad[i] = good;
	bad[0].index = CLASSIFIER_NONE;
	bad[1].family = 5;
	bad[2].source_bits = 1;
	bad[3].family = 4, bad[3].destination_bits = 33;
	bad[4].source_port[1] = 0, bad[4].source_port[0] = 1;
	bad[5].interface_key = CLASSIFIER_VIA, bad[5].interface = CLASSIFIER_INTERFACE_MAX + 1;
	bad[6].interface_key = CLASSIFIER_PROTOCOL;
	bad[7].interface = 1;
	for (int i = 0; i < 8; i++)
		assert_int_equal(classifier_add_stretch(image, bad + i, 1, NULL), -EINVAL);
	assert_int_equal(classifier_add_stretch(image, &good, 1, NULL), 0);
	assert_int_equal(classifier_add_stretch(image, &good, 1, NULL), -EINVAL);
	classifier_image_free(image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_comparing_finds),
		cmocka_unit_test(estimates_what_it_costs),
		cmocka_unit_test(refuses_what_is_no_box),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
