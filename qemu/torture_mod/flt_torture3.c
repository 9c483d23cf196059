// SPDX-License-Identifier: GPL-2.0-only
#define TORTURE_NR		3
#define TORTURE_NAME		"torture3"
#define TORTURE_ALTITUDE	"100000"
#include "filter.c"
