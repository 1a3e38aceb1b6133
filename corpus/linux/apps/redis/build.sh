# SPDX-License-Identifier: GPL-2.0-or-later
#
# Redis 7.0 as Debian 12 has it, without a change: the server for both kinds, its client and
# its benchmark as ordinary programs. Its own makefiles would build it with jemalloc, for the
# C library of this machine; the lists of objects are taken from them.

redis_version=7.0.15
redis_hash=4b1dc4ee6d622a09fff9c6777191209750fb5e5a725ef78ea012d6eef4c22982
redis_url=pool/main/r/redis/redis_$redis_version.orig.tar.gz

build_redis() {
	local new=$1 kind
	redis=$work/redis-$redis_version
	tarball "redis_$redis_version.orig.tar.gz" $redis_hash $redis_url
	unpack "$tarball" "$redis"
	printf '#define REDIS_GIT_SHA1 "00000000"\n#define REDIS_GIT_DIRTY "0"\n#define REDIS_BUILD_ID "uklemu"\n' \
		>"$redis/src/release.h"
	say "building Redis $redis_version twice (a few minutes)"
	for kind in ukl cpl3; do
		redis_objects $kind "$work/redis.$kind" $(redis_list SERVER) $(redis_dependencies)
	done
	redis_objects cpl3 "$work/redis.cpl3" $(redis_list CLI) $(redis_list BENCHMARK)

	join "$new/UKL.o" "$work/redis.ukl"/*.o
	redis_link "$new/programs/redis" $(redis_list SERVER) $(redis_dependencies)
	redis_link "$new/programs/redis-cli" $(redis_list CLI) $(redis_dependencies)
	redis_link "$new/programs/redis-benchmark" $(redis_list BENCHMARK) $(redis_dependencies)
	rm -rf "$redis"
}

# redis_list NAME prints the sources behind the makefile's REDIS_NAME_OBJ, relative to the top.
redis_list() {
	sed -n "s/^REDIS_$1_OBJ=//p" "$redis/src/Makefile" | tr ' ' '\n' | sed 's,^,src/,; s,\.o$,,'
}

redis_dependencies() {
	sed -n 's/^OBJ=//p' "$redis/deps/hiredis/Makefile" | tr ' ' '\n' | sed 's,^,deps/hiredis/,; s,\.o$,,'
	sed -n '/^CORE_O=/,/[^\\]$/p; /^LIB_O=/,/[^\\]$/p' "$redis/deps/lua/src/Makefile" |
		grep -o '[a-z_0-9]*\.o' | sed 's,^,deps/lua/src/,; s,\.o$,,'
	echo deps/hdr_histogram/hdr_histogram
	echo deps/linenoise/linenoise
}

# Two sources have the same name (sds.c): the folder is part of the object's.
redis_object() {
	echo "$1" | sed 's,^deps/,,; s,^src/,,; s,/,-,g; s,$,.o,'
}

# Line tables only: the whole of the debug information would be most of the kernel's.
redis_objects() {
	local kind=$1 folder=$2 source
	shift 2
	mkdir -p "$folder"
	compiler "$kind"
	for source in "$@"; do
		[ -f "$folder/$(redis_object "$source")" ] && continue
		printf '%s\0%s\0' "$folder/$(redis_object "$source")" "$redis/$source.c"
	done | nice -n 5 xargs -0 -r -n 2 -P "${UKLEMU_JOBS:-$(nproc)}" "${compile[@]}" -g1 -w \
		-DREDIS_STATIC= -DLUA_ANSI -DENABLE_CJSON_GLOBAL -DLUA_USE_MKSTEMP \
		-DHDR_MALLOC_INCLUDE='"hdr_redis_malloc.h"' \
		-I"$redis/deps/hiredis" -I"$redis/deps/linenoise" -I"$redis/deps/lua/src" -I"$redis/deps/hdr_histogram" \
		-c -o 2>"$cache/apps/redis.log" || die "Redis did not build, see $cache/apps/redis.log"
}

redis_link() {
	local output=$1 objects=() source
	shift
	for source in "$@"; do
		objects+=("$work/redis.cpl3/$(redis_object "$source")")
	done
	link "$output" "${objects[@]}"
}
