# SPDX-License-Identifier: GPL-2.0-only
"""Runs recorded answers of ipfw against ipfw-bpf; see selftests/vectors/README.md."""
