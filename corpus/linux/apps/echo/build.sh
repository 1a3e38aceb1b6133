# SPDX-License-Identifier: GPL-2.0-or-later
#
# The echo server has no C library: what an application is at the least.

build_echo() {
	local new=$1 kind
	for kind in ukl cpl3; do
		objects $kind "$work/echo.$kind" "$apps/echo/server.c" "$apps/echo/start.S" -ffreestanding
	done
	ld -r -T "$apps/lib/join.lds" -o "$new/UKL.o" "$work/echo.ukl"/*.o
	objcopy --prefix-symbols=ukl_ "$new/UKL.o"
	gcc -static -no-pie -nostdlib -Wl,--build-id=none -o "$new/programs/echo" "$work/echo.cpl3"/*.o
}
