/* SPDX-License-Identifier: MIT
 *
 * What pinwheel doctor checks, in the order of its output.
 */
#include "doctor.h"

const struct check doctor_checks[] = {
    {"processors", look_processors},
    {"isolation", look_isolation},
    {"hyperthreads", look_hyperthreads},
    {"interrupts", look_interrupts},
    {"irqbalance", look_irqbalance},
    {"timer tick", look_timer_tick},
    {"mitigations", look_mitigations},
    {"rt limit", look_rt_limit},
    {"cpu quota", look_quota},
    {"steal", look_steal},
    {"governor", look_governor},
    {"energy", look_energy},
    {"boost", look_boost},
    {"idle states", look_idle_states},
    {"clock source", look_clock_source},
    {"time", look_time},
    {"sleep", look_sleep},
    {"huge pages", look_huge_pages},
    {"transparent", look_transparent},
    {"shared memory", look_shared_memory},
    {"memlock", look_memlock},
    {"numa", look_numa},
    {"swap", look_swap},
    {"network card", look_network_card},
    {"busy polling", look_busy_polling},
    {"sockets", look_sockets},
    {"io_uring", look_io_uring},
    {"tls", look_tls},
    {"journal disk", look_journal},
};
const uint32_t doctor_check_cnt = sizeof doctor_checks / sizeof doctor_checks[0];
