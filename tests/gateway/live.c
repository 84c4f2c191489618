#include "live_world.h"
#include <criterion/criterion.h>
Test(live, stands)
{
    struct world w;
    world_open(&w, 1, true);
    world_connect(&w);
    world_make_ready(&w);
    world_close(&w);
}
