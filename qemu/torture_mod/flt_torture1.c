// SPDX-License-Identifier: GPL-2.0-only
#define TORTURE_NR		1
#define TORTURE_NAME		"torture1"
#define TORTURE_ALTITUDE	"300000"
#include "filter.c"
