// SPDX-License-Identifier: GPL-2.0-or-later

#include "library.h"
#include <dlfcn.h>
#include <stdio.h>

#define DEFINE(result, name, parameters) result (*name) parameters;
UNICORN_FUNCTIONS(DEFINE)
#undef DEFINE

int library_open(const char *path, char *why, size_t room, unsigned *version)
{
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        snprintf(why, room, "%s", dlerror());
        return -1;
    }
#define LOOK_UP(result, name, parameters) \
    if (!(name = (result (*) parameters)dlsym(handle, #name))) { \
        snprintf(why, room, "it has no function %s", #name); \
        dlclose(handle); \
        return -1; \
    }
    UNICORN_FUNCTIONS(LOOK_UP)
#undef LOOK_UP
    *version = uc_version(0, 0); // major, minor, patch, extra: a byte each
    if (*version < OLDEST_VERSION) dlclose(handle); // the caller refuses it and looks further
    else library_lead_time(handle);
    return 0;
}
