/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pointer arguments: what each call wants there, and what it answers. */
#include "pointers.h"

#include <asm/prctl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>

/* Descriptors and the like that the calls of an item share; own to its process. */
static OWN int first, second;

static void open_zero(void) { first = open("/dev/zero", O_RDWR); }
static void open_witness(void) { first = open("/bin/witness", O_RDONLY); }

static void open_pair(void)
{
	int fds[2];

	socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
	first = fds[0];
	second = fds[1];
	sys(SYS_write, second, "some bytes to find here", 23);
}

static void open_datagram(void)
{
	int fds[2];

	socketpair(AF_UNIX, SOCK_DGRAM, 0, fds);
	first = fds[0];
	second = fds[1];
	sys(SYS_write, second, "8 bytes.", 8);
}

static void open_listener(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET };

	first = socket(AF_INET, SOCK_STREAM, 0);
	bind(first, (struct sockaddr *)&any, sizeof(any));
}

static void open_udp(void) { first = socket(AF_INET, SOCK_DGRAM, 0); }

static void open_poll(void)
{
	struct epoll_event event = { .events = EPOLLIN };

	open_pair();
	second = epoll_create1(0);
	epoll_ctl(second, EPOLL_CTL_ADD, first, &event);
}

/* Children that have ended, one for each call. */
static void end_children(void)
{
	int i;

	for (i = 0; i < 30; i++)
		if (child() == 0)
			sys(SYS_exit_group, 0);
}

static void fill_8(void *p) { memcpy(p, "8 bytes.", 8); }
static void fill_path(void *p) { memcpy(p, "/bin/./witness", 15); }
static void fill_time(void *p) { memcpy(p, &(struct timespec){ 0, 1000 }, 16); }
static void fill_timer(void *p) { memcpy(p, &(struct itimerval){ { 0, 0 }, { 0, 0 } }, 32); }
static void fill_set(void *p) { memset(p, 0, 8); }
static void fill_poll(void *p) { memcpy(p, &(struct pollfd){ .fd = first, .events = POLLIN }, 8); }
static void fill_stack(void *p) { memcpy(p, &(stack_t){ .ss_flags = SS_DISABLE }, 24); }
static void fill_limit(void *p) { memcpy(p, &(struct rlimit){ 100, 100 }, 16); }
static void fill_event(void *p) { memcpy(p, &(struct epoll_event){ .events = EPOLLIN }, 12); }
static void fill_length(void *p) { memcpy(p, &(socklen_t){ 16 }, 4); }
static void fill_offset(void *p) { memcpy(p, &(long){ 0 }, 8); }
static void fill_one(void *p) { memcpy(p, &(int){ 1 }, 4); }
static void fill_word(void *p) { memcpy(p, &(int){ 1 }, 4); }

static void fill_address(void *p)
{
	struct sockaddr_in port_9 = { .sin_family = AF_INET, .sin_port = htons(9),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };

	memcpy(p, &port_9, 16);
}

static void fill_vector(void *p)
{
	static OWN char bytes[2];
	struct iovec vector[2] = { { bytes, 1 }, { bytes + 1, 1 } };

	memcpy(p, vector, sizeof(vector));
}

static void fill_message(void *p)
{
	static OWN char byte;
	static OWN struct iovec vector;
	struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1 };

	vector = (struct iovec){ &byte, 1 };
	memcpy(p, &message, sizeof(message));
}

static void fill_action(void *p)
{
	/* struct sigaction as the kernel has it: handler, flags, restorer, mask. */
	unsigned long ignore[4] = { (unsigned long)SIG_IGN, 0, 0, 0 };

	memcpy(p, ignore, sizeof(ignore));
}

static long do_read(void *p) { return sys(SYS_read, first, p, 16); }
static long do_write(void *p) { return sys(SYS_write, second, p, 8); }
static long do_pread(void *p) { return sys(SYS_pread64, first, p, 16, 0); }
static long do_open(void *p) { long fd = sys(SYS_open, p, O_RDONLY); return fd < 0 ? fd : sys(SYS_close, fd); }
static long do_stat_path(void *p) { return sys(SYS_stat, p, (&(struct stat){ 0 })); }
static long do_stat(void *p) { return sys(SYS_stat, "/bin/witness", p); }
static long do_access(void *p) { return sys(SYS_access, p, R_OK); }
static long do_execve(void *p) { return sys(SYS_execve, "/bin", p, NULL); }
static long do_pipe(void *p) { return sys(SYS_pipe, p); }
static long do_getcwd(void *p) { return sys(SYS_getcwd, p, 2); }
static long do_readlink(void *p) { return sys(SYS_readlink, "/proc/self/cwd", p, 1); }
static long do_getdents(void *p) { sys(SYS_lseek, first, 0, 0); return sys(SYS_getdents64, first, p, 24); }
static long do_writev(void *p) { return sys(SYS_writev, first, p, 2); }
static long do_readv(void *p) { return sys(SYS_readv, first, p, 2); }
static long do_readv_base(void *p) { return sys(SYS_readv, first, (&(struct iovec){ p, 16 }), 1); }
static long do_sendfile(void *p) { return sys(SYS_sendfile, second, first, p, 1); }
static long do_nanosleep(void *p) { return sys(SYS_nanosleep, p, NULL); }
static long do_clock(void *p) { return sys(SYS_clock_gettime, CLOCK_MONOTONIC, p); }
static long do_timeofday(void *p) { return sys(SYS_gettimeofday, p, NULL); }
static long do_time(void *p) { return sys(SYS_time, p); }
static long do_setitimer(void *p) { return sys(SYS_setitimer, ITIMER_REAL, p, NULL); }
static long do_getitimer(void *p) { return sys(SYS_getitimer, ITIMER_REAL, p); }
static long do_uname(void *p) { return sys(SYS_uname, p); }
static long do_sysinfo(void *p) { return sys(SYS_sysinfo, p); }
static long do_times(void *p) { return sys(SYS_times, p); }
static long do_getrusage(void *p) { return sys(SYS_getrusage, RUSAGE_SELF, p); }
static long do_getrlimit(void *p) { return sys(SYS_getrlimit, RLIMIT_NOFILE, p); }
static long do_setrlimit(void *p) { return sys(SYS_setrlimit, RLIMIT_NOFILE, p); }
static long do_affinity(void *p) { return sys(SYS_sched_getaffinity, 0, 8, p); }
static long do_getcpu(void *p) { return sys(SYS_getcpu, p, NULL, NULL); }
static long do_prctl(void *p) { return sys(SYS_prctl, 15 /* PR_SET_NAME */, p); }
static long do_get_name(void *p) { return sys(SYS_prctl, 16 /* PR_GET_NAME */, p); }
static long do_arch_prctl(void *p) { return sys(SYS_arch_prctl, ARCH_GET_FS, p); }
static long do_getrandom(void *p) { return sys(SYS_getrandom, p, 16, 4 /* GRND_INSECURE */); }
static long do_set_mask(void *p) { return sys(SYS_rt_sigprocmask, SIG_BLOCK, p, NULL, 8); }
static long do_get_mask(void *p) { return sys(SYS_rt_sigprocmask, SIG_BLOCK, NULL, p, 8); }
static long do_set_action(void *p) { return sys(SYS_rt_sigaction, SIGUSR1, p, NULL, 8); }
static long do_get_action(void *p) { return sys(SYS_rt_sigaction, SIGUSR1, NULL, p, 8); }
static long do_pending(void *p) { return sys(SYS_rt_sigpending, p, 8); }
static long do_set_stack(void *p) { return sys(SYS_sigaltstack, p, NULL); }
static long do_get_stack(void *p) { return sys(SYS_sigaltstack, NULL, p); }
static long do_poll(void *p) { return sys(SYS_poll, p, 1, 0); }
static long do_select(void *p) { return sys(SYS_select, 1, p, NULL, NULL, (&(struct timeval){ 0, 0 })); }
static long do_wait_status(void *p) { return sys(SYS_wait4, -1, p, 0, NULL); }
static long do_wait_usage(void *p) { return sys(SYS_wait4, -1, NULL, 0, p); }
static long do_futex(void *p) { return sys(SYS_futex, p, 128 /* FUTEX_WAIT_PRIVATE */, 2, NULL); }
static long do_ioctl(void *p) { return sys(SYS_ioctl, first, FIONREAD, p); }
static long do_nonblocking(void *p) { return sys(SYS_ioctl, first, FIONBIO, p); }
static long do_epoll_wait(void *p) { return sys(SYS_epoll_wait, second, p, 1, 0); }
static long do_bind(void *p) { long fd = socket(AF_INET, SOCK_STREAM, 0), r; r = sys(SYS_bind, fd, p, 16); close(fd); return r; }
static long do_sendto(void *p) { return sys(SYS_sendto, first, "x", 1, 0, p, 16); }
static long do_recvfrom(void *p) { return sys(SYS_recvfrom, first, p, 8, MSG_PEEK | MSG_DONTWAIT, NULL, NULL); }
static long do_sockname(void *p) { return sys(SYS_getsockname, first, p, (&(socklen_t){ 16 })); }
static long do_sockname_length(void *p) { return sys(SYS_getsockname, first, (&(struct sockaddr_in){ 0 }), p); }
static long do_setsockopt(void *p) { return sys(SYS_setsockopt, first, SOL_SOCKET, SO_REUSEADDR, p, 4); }
static long do_getsockopt(void *p) { return sys(SYS_getsockopt, first, SOL_SOCKET, SO_TYPE, p, (&(socklen_t){ 4 })); }
static long do_sendmsg(void *p) { return sys(SYS_sendmsg, first, p, 0); }
static long do_recvmsg(void *p) { return sys(SYS_recvmsg, first, p, MSG_PEEK); }
static long do_socketpair(void *p) { return sys(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, p); }
static long do_mincore(void *p) { static OWN void *page; if (!page) page = fresh(PAGE); return sys(SYS_mincore, page, PAGE, p); }

static long do_epoll_ctl(void *p)
{
	long fd = epoll_create1(0), result = sys(SYS_epoll_ctl, fd, EPOLL_CTL_ADD, first, p);

	close(fd);
	return result;
}

static void open_root(void) { first = open("/bin", O_RDONLY | O_DIRECTORY); }
static void open_witness_and_pair(void) { open_pair(); first = open("/bin/witness", O_RDONLY); }

const struct argument arguments[] = {
	{ "pointer: read", 16, do_read, .result = 16, .written = 1, .partial = 1, .start = open_zero },
	{ "pointer: write", 8, do_write, fill_8, .result = 8, .start = open_pair },
	{ "pointer: pread", 16, do_pread, .result = 16, .written = 1, .partial = 1, .start = open_witness },
	{ "pointer: readv, the vector", 32, do_readv, fill_vector, .result = 2, .start = open_zero },
	{ "pointer: readv, a base", 16, do_readv_base, .result = 16, .written = 1, .partial = 1, .start = open_zero },
	{ "pointer: writev, the vector", 32, do_writev, fill_vector, .result = 2, .start = open_zero },
	{ "pointer: sendfile, the offset", 8, do_sendfile, fill_offset, .result = 1, .written = 1, .start = open_witness_and_pair },
	{ "pointer: open", 15, do_open, fill_path, .result = 0 },
	{ "pointer: stat, the path", 15, do_stat_path, fill_path, .result = 0 },
	{ "pointer: stat, the result", sizeof(struct stat), do_stat, .result = 0, .written = 1 },
	{ "pointer: access", 15, do_access, fill_path, .result = 0 },
	{ "pointer: execve, the arguments", 8, do_execve, fill_set, .result = -EACCES },
	{ "pointer: pipe", 8, do_pipe, .result = 0, .written = 1 },
	{ "pointer: getcwd", 2, do_getcwd, .result = 2, .written = 1 },
	{ "pointer: readlink", 1, do_readlink, .result = 1, .written = 1 },
	{ "pointer: getdents64", 24, do_getdents, .result = 24, .written = 1, .start = open_root },
	{ "pointer: nanosleep", 16, do_nanosleep, fill_time, .result = 0 },
	{ "pointer: clock_gettime", 16, do_clock, .result = 0, .written = 1 },
	{ "pointer: gettimeofday", 16, do_timeofday, .result = 0, .written = 1 },
	{ "pointer: time", 8, do_time, .positive = 1, .written = 1 },
	{ "pointer: setitimer", 32, do_setitimer, fill_timer, .result = 0 },
	{ "pointer: getitimer", 32, do_getitimer, .result = 0, .written = 1 },
	{ "pointer: uname", 390, do_uname, .result = 0, .written = 1 },
	{ "pointer: sysinfo", 112, do_sysinfo, .result = 0, .written = 1 },
	{ "pointer: times", 32, do_times, .positive = 1, .written = 1 },
	{ "pointer: getrusage", 144, do_getrusage, .result = 0, .written = 1 },
	{ "pointer: getrlimit", 16, do_getrlimit, .result = 0, .written = 1 },
	{ "pointer: setrlimit", 16, do_setrlimit, fill_limit, .result = 0 },
	{ "pointer: sched_getaffinity", 8, do_affinity, .result = 8, .written = 1 },
	{ "pointer: getcpu", 4, do_getcpu, .result = 0, .written = 1 },
	{ "pointer: prctl, a name to set", 15, do_prctl, fill_path, .result = 0 },
	{ "pointer: prctl, a name to get", 16, do_get_name, .result = 0, .written = 1 },
	{ "pointer: arch_prctl", 8, do_arch_prctl, .result = 0, .written = 1 },
	{ "pointer: getrandom", 16, do_getrandom, .result = 16, .written = 1, .partial = 1 },
	{ "pointer: rt_sigprocmask, the set", 8, do_set_mask, fill_set, .result = 0 },
	{ "pointer: rt_sigprocmask, the old set", 8, do_get_mask, .result = 0, .written = 1 },
	{ "pointer: rt_sigaction, the action", 32, do_set_action, fill_action, .result = 0 },
	{ "pointer: rt_sigaction, the old action", 32, do_get_action, .result = 0, .written = 1 },
	{ "pointer: rt_sigpending", 8, do_pending, .result = 0, .written = 1 },
	{ "pointer: sigaltstack, the stack", 24, do_set_stack, fill_stack, .result = 0 },
	{ "pointer: sigaltstack, the old stack", 24, do_get_stack, .result = 0, .written = 1 },
	{ "pointer: poll", 8, do_poll, fill_poll, .result = 1, .written = 1, .start = open_pair },
	{ "pointer: select", 8, do_select, fill_set, .result = 0, .written = 1 },
	{ "pointer: wait4, the status", 4, do_wait_status, .positive = 1, .written = 1, .start = end_children },
	{ "pointer: wait4, the usage", 144, do_wait_usage, .positive = 1, .written = 1, .start = end_children },
	{ "pointer: futex", 4, do_futex, fill_word, .result = -EAGAIN, .aligned = 1 },
	{ "pointer: ioctl, a number to get", 4, do_ioctl, .result = 0, .written = 1, .start = open_pair },
	{ "pointer: ioctl, a number to set", 4, do_nonblocking, fill_one, .result = 0, .start = open_pair },
	{ "pointer: epoll_ctl", 12, do_epoll_ctl, fill_event, .result = 0, .start = open_pair },
	{ "pointer: epoll_wait", 12, do_epoll_wait, .result = 1, .written = 1, .start = open_poll },
	{ "pointer: bind", 16, do_bind, fill_address, .result = 0 },
	{ "pointer: sendto", 16, do_sendto, fill_address, .result = 1, .start = open_udp },
	{ "pointer: recvfrom", 8, do_recvfrom, .result = 8, .written = 1, .start = open_datagram },
	{ "pointer: getsockname", 16, do_sockname, .result = 0, .written = 1, .start = open_listener },
	{ "pointer: getsockname, the length", 4, do_sockname_length, fill_length, .result = 0, .written = 1, .start = open_listener },
	{ "pointer: setsockopt", 4, do_setsockopt, fill_one, .result = 0, .start = open_udp },
	{ "pointer: getsockopt", 4, do_getsockopt, .result = 0, .written = 1, .start = open_udp },
	{ "pointer: sendmsg", 56, do_sendmsg, fill_message, .result = 1, .start = open_pair },
	{ "pointer: recvmsg", 56, do_recvmsg, fill_message, .result = 1, .start = open_pair },
	{ "pointer: socketpair", 8, do_socketpair, .result = 0, .written = 1 },
	{ "pointer: mincore", 1, do_mincore, .result = 0, .written = 1 },
	{ .name = NULL },
};
