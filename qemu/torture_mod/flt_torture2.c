// SPDX-License-Identifier: GPL-2.0-only
#define TORTURE_NR		2
#define TORTURE_NAME		"torture2"
#define TORTURE_ALTITUDE	"200000"
#include "filter.c"
