// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is to be verified: what the parameter "verifier" says. VRF-01
 */
#include <linux/string.h>

#include "verifier.h"

/* "0", "1", or names with commas between them, each of which @wrong calls right (0). */
bool vrf_names_valid(const char *text, int (*wrong)(const char *name))
{
	char copy[VRF_NAMES_SIZE], *rest = copy, *name;

	if (strscpy(copy, text, sizeof(copy)) < 0)
		return false;
	while ((name = strsep(&rest, ",")))
		if (wrong(name))
			return false;
	return true;
}

/* Is @name among them? Nobody is in "0", everybody in "1". */
bool vrf_names_have(const char *text, const char *name)
{
	char copy[VRF_NAMES_SIZE], *rest = copy, *one;

	if (!strcmp(text, "0"))
		return false;
	if (!strcmp(text, "1"))
		return true;
	strscpy(copy, text, sizeof(copy));
	while ((one = strsep(&rest, ",")))
		if (!strcasecmp(one, name))
			return true;
	return false;
}
