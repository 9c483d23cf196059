// SPDX-License-Identifier: GPL-2.0-only
#define PASSTHROUGH_NAME	"passthrough2"
#define PASSTHROUGH_ALTITUDE	"370020"
#include "flt_passthrough.c"
