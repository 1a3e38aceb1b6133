// SPDX-License-Identifier: GPL-2.0-or-later

#include "keystone.h"
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#define DEFINE(result, name, parameters) static result (*name) parameters;
KEYSTONE_FUNCTIONS(DEFINE)
#undef DEFINE

int keystone_load(const char *path, char *why, size_t room, unsigned *version)
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
    KEYSTONE_FUNCTIONS(LOOK_UP)
#undef LOOK_UP
    *version = ks_version(0, 0);
    if (*version != KS_WANTED) dlclose(handle); // the caller refuses it and looks further
    else keystone_lead_exits(handle);
    return 0;
}

int keystone_start(int mode, int att, ks_engine **ks)
{
    int bits = mode == 16 ? KS_MODE_16 : mode == 32 ? KS_MODE_32 : KS_MODE_64;
    if (ks_open(KS_ARCH_X86, bits, ks) != 0) return -1;
    if (ks_option(*ks, KS_OPT_SYNTAX, att ? KS_OPT_SYNTAX_ATT : KS_OPT_SYNTAX_INTEL) == 0) return 0;
    ks_close(*ks);
    return -1;
}

int keystone_call(ks_engine *ks, const char *text, unsigned char *code, size_t room, char *why, size_t why_room)
{
    unsigned char *made = 0;
    size_t size = 0, count = 0;
    int result = -1;
    if (ks_asm(ks, text, 0, &made, &size, &count) != 0) {
        // "Invalid operand (KS_ERR_ASM_INVALIDOPERAND)"
        snprintf(why, why_room, "%s", ks_strerror(ks_errno(ks)));
    } else if (size == 0 || size > room) {
        snprintf(why, why_room, "it makes %zu bytes of it", size);
    } else {
        memcpy(code, made, size);
        result = (int)size;
    }
    if (made) ks_free(made);
    return result;
}
