/* SPDX-License-Identifier: MIT
 *
 * A report as one page of HTML that needs nothing else: tables, and charts as SVG.
 */
#ifndef PW_BENCH_HTML_H
#define PW_BENCH_HTML_H

#include "bench.h"
#include <stdio.h>

void html_begin(FILE *out, json_t *machine);
void html_bench(FILE *out, const struct pw_bench *bench, const struct pw_bench_report *report);
/* A bench that could not be run. */
void html_failure(FILE *out, const struct pw_bench *bench, const char *reason);
void html_end(FILE *out);

#endif
