// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reports of kmod/verifier, for this module: with parameters, a count and a
 * file "violations" of its own. Who has what is in the ledger, not in track.c.
 */
/* Exported to tests: the manager exports the same. */
#define vrf_answer_text		wdm_answer_text
#include "../verifier/report.c"
#include "../verifier/names.c"
