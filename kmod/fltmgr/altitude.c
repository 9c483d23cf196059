// SPDX-License-Identifier: GPL-2.0-only
/*
 * Altitudes: decimal numbers of unlimited precision, kept and compared as text.
 * ALT-01..ALT-05, ALT-07
 */
#include <linux/ctype.h>
#include <linux/string.h>

#include <kunit/visibility.h>

#include "internal.h"

/* Digits, at most one decimal point, at least one digit. */
bool flt_altitude_valid(const char *altitude)
{
	unsigned int digits = 0, points = 0;

	for (; *altitude; altitude++) {
		if (isdigit(*altitude))
			digits++;
		else if (*altitude == '.')
			points++;
		else
			return false;
	}
	return digits && points <= 1;
}
EXPORT_SYMBOL_IF_KUNIT(flt_altitude_valid);

/* The parts that carry meaning: no leading zeros, no trailing fraction zeros. */
struct flt_number {
	const char *whole;
	size_t whole_len;
	const char *fraction;
	size_t fraction_len;
};

static void flt_number_parse(const char *text, struct flt_number *n)
{
	while (*text == '0')
		text++;
	n->whole = text;
	n->whole_len = strspn(text, "0123456789");
	text += n->whole_len;
	if (*text == '.')
		text++;
	n->fraction = text;
	n->fraction_len = strlen(text);
	while (n->fraction_len && n->fraction[n->fraction_len - 1] == '0')
		n->fraction_len--;
}

/* Both must be valid. Negative, zero or positive, as a number. */
int flt_altitude_cmp(const char *a, const char *b)
{
	struct flt_number x, y;
	int diff;

	flt_number_parse(a, &x);
	flt_number_parse(b, &y);
	if (x.whole_len != y.whole_len)
		return x.whole_len < y.whole_len ? -1 : 1;
	diff = memcmp(x.whole, y.whole, x.whole_len);
	if (diff)
		return diff;
	diff = memcmp(x.fraction, y.fraction, min(x.fraction_len, y.fraction_len));
	if (diff)
		return diff;
	if (x.fraction_len == y.fraction_len)
		return 0;
	return x.fraction_len < y.fraction_len ? -1 : 1;
}
EXPORT_SYMBOL_IF_KUNIT(flt_altitude_cmp);

/**
 * flt_compare_instance_altitudes() - which of two instances is higher
 * @a: an instance
 * @b: another
 *
 * The result means something on one volume only. ALT-07
 *
 * Context: ATOMIC; both instances must be referenced or otherwise alive.
 * Return: negative if @a is lower, positive if it is higher, 0 if they are the
 * same instance or on different volumes.
 */
int flt_compare_instance_altitudes(const struct flt_instance *a,
				   const struct flt_instance *b)
{
	if (a == b || a->volume != b->volume)
		return 0;
	return flt_altitude_cmp(a->altitude, b->altitude);
}
EXPORT_SYMBOL_GPL(flt_compare_instance_altitudes);
