# SPDX-License-Identifier: GPL-2.0-only
# The shortest script that passes.
. /guest/lib.sh
finish
