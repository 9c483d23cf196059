# SPDX-License-Identifier: GPL-2.0-only
"""Parts of qemu/run: the guest's image, the guest, and its verdict."""
