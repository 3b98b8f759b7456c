/* What a store server meets outside, bent by a test. Loaded into it by LD_PRELOAD.

   FAULTS names a directory with a file `wanted` of two 64-bit integers, read at every call:
     0   every fsync takes so many milliseconds longer
     1   the time of day is so many seconds off
   and after a kill it holds
     <name>.synced   how long the append-only file of that name was at its last finished fsync

   Only programs whose name ends in "-server" are touched. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { FSYNC_MS, CLOCK_S, WANTED };

static const char *directory;
static volatile const int64_t *wanted;
static int (*real_fsync)(int), (*real_fdatasync)(int);
static int (*real_gettimeofday)(struct timeval *, void *);
static int (*real_clock_gettime)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void) {
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    real_gettimeofday = dlsym(RTLD_NEXT, "gettimeofday");
    real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
    size_t length = strlen(program_invocation_short_name);
    if (length < 7 || strcmp(program_invocation_short_name + length - 7, "-server")) return;
    /* A copy: servers write their title over the environment. */
    if (!getenv("FAULTS") || !(directory = strdup(getenv("FAULTS")))) return;
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/wanted", directory);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    void *map = mmap(NULL, WANTED * sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
    if (map != MAP_FAILED) wanted = map;
    close(file);
}

static int64_t asked(int which) { return wanted ? wanted[which] : 0; }

static void note(int file, const struct stat *facts) {
    static int notes = -1;
    static ino_t noted;
    if (notes < 0 || noted != facts->st_ino) {
        char link[64], path[PATH_MAX], to[PATH_MAX];
        snprintf(link, sizeof link, "/proc/self/fd/%d", file);
        ssize_t length = readlink(link, path, sizeof path - 1);
        if (length < 4 || strncmp(path + length - 4, ".aof", 4)) return;
        path[length] = 0;
        if (notes >= 0) close(notes);
        snprintf(to, sizeof to, "%s/%s.synced", directory, strrchr(path, '/') + 1);
        notes = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        noted = facts->st_ino;
    }
    /* Always of one width, so that a kill in between leaves a whole number. */
    char text[32];
    int length = snprintf(text, sizeof text, "%020lld\n", (long long)facts->st_size);
    if (pwrite(notes, text, length, 0) < 0) perror("synced");
}

static int synced(int file, int (*real)(int)) {
    struct stat facts;
    if (!wanted) return real(file);
    /* Looked at before: what is written while it syncs is not surely on disk. */
    int known = !fstat(file, &facts);
    if (asked(FSYNC_MS) > 0) usleep(asked(FSYNC_MS) * 1000);
    int result = real(file);
    if (!result && known) note(file, &facts);
    return result;
}

int fsync(int file) { return synced(file, real_fsync); }
int fdatasync(int file) { return synced(file, real_fdatasync); }

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    int result = real_gettimeofday(now, zone);
    if (!result) now->tv_sec += asked(CLOCK_S);
    return result;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int result = real_clock_gettime(clock, now);
    if (!result && clock == CLOCK_REALTIME) now->tv_sec += asked(CLOCK_S);
    return result;
}

time_t time(time_t *to) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (to) *to = now.tv_sec;
    return now.tv_sec;
}
