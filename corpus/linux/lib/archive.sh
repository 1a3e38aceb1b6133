# SPDX-License-Identifier: GPL-2.0-or-later
#
# What an archive holds, in the form of gen_init_cpio.

# Every archive has these; the kernel opens /dev/console before init mounts anything.
archive_base() {
	cat <<-END
		dir /dev 0755 0 0
		nod /dev/console 0600 0 0 c 5 1
		dir /proc 0755 0 0
		dir /sys 0755 0 0
		dir /tmp 1777 0 0
		dir /bin 0755 0 0
	END
}
