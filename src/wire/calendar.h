/* SPDX-License-Identifier: MIT
 *
 * Dates in what others send.
 */
#ifndef PW_CALENDAR_H
#define PW_CALENDAR_H

#include <stdint.h>

/* Days since 1970 of a date of the Gregorian calendar. A day beyond its month's end is one of the next. */
static inline int64_t pw_days_from_1970(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = y / 400, of_era = y % 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

#endif
