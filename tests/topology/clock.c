/* A library to preload: the process believes that it is CLOCK_AHEAD seconds later. Only the time of day moves. libfaketime,
   which can do the same, also moves what Python's threads wait by, and they wait for ever. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real)
        real = dlsym(RTLD_NEXT, "clock_gettime");
    int failed = real(clock, now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += atol(getenv("CLOCK_AHEAD"));
    return failed;
}

time_t time(time_t *copy) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (copy)
        *copy = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict copy, void *restrict zone) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    copy->tv_sec = now.tv_sec;
    copy->tv_usec = now.tv_nsec / 1000;
    return 0;
}
