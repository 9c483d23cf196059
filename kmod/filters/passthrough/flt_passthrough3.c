// SPDX-License-Identifier: GPL-2.0-only
#define PASSTHROUGH_NAME	"passthrough3"
#define PASSTHROUGH_ALTITUDE	"370010"
#include "flt_passthrough.c"
