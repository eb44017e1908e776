/*
 * Preloaded into Xen's store daemons so that they start on a host without Xen. The store code itself runs untouched; only the questions
 * that a daemon asks the hypervisor at start are answered: there is a control domain, it has a (private) ring page and an event
 * channel that never fires, and there is no other domain.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

static char ring[4096] __attribute__((aligned(4096)));
static int channel = -1;

typedef int (*opener)(const char *, int, ...);

static const char *instead(const char *name) {
    const char *other = NULL;
    if (strstr(name, "xsd_kva")) other = getenv("STORE_PEER_PAGE");
    else if (strstr(name, "xsd_port")) other = getenv("STORE_PEER_PORT");
    return other ? other : name;
}

static int forward(const char *function, const char *name, int flags, int mode) {
    return ((opener)dlsym(RTLD_NEXT, function))(instead(name), flags, mode);
}

#define OPEN(function) \
    int function(const char *name, int flags, ...) { \
        va_list more; va_start(more, flags); int mode = va_arg(more, int); va_end(more); \
        return forward(#function, name, flags, mode); \
    }
OPEN(open)
OPEN(open64)

/* The daemons raise their limits, which an ordinary account may not. */
int setrlimit(__rlimit_resource_t what, const struct rlimit *to) { (void)what; (void)to; return 0; }
int setrlimit64(__rlimit_resource_t what, const struct rlimit64 *to) { (void)what; (void)to; return 0; }

#define HANDLE(function) void *function() { return ring; }
#define NOTHING(function) int function() { return 0; }
HANDLE(xc_interface_open)
HANDLE(xc_map_foreign_range)
NOTHING(xc_interface_close)
NOTHING(xc_domain_getinfo)
NOTHING(xc_domain_getinfolist)
HANDLE(xengnttab_open)
HANDLE(xengnttab_map_grant_ref)
NOTHING(xengnttab_close)
NOTHING(xengnttab_set_max_grants)
NOTHING(xengnttab_unmap)

void *xenevtchn_open() { channel = eventfd(0, EFD_NONBLOCK); return ring; }
HANDLE(xenevtchn_fdopen)
int xenevtchn_fd() { return channel; }
int xenevtchn_bind_virq() { return 11; }
int xenevtchn_bind_interdomain() { return 12; }
int xenevtchn_pending() { return -1; }
NOTHING(xenevtchn_close)
NOTHING(xenevtchn_notify)
NOTHING(xenevtchn_unmask)
NOTHING(xenevtchn_unbind)
