// A disk whose calls fail with EIO, for a test: loaded with LD_PRELOAD.
// FAULTY_CALL: "read" or "sync"; FAULTY_PATH: what the path of the file contains.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int strikes(const char *call, int fd) {
    const char *wanted = getenv("FAULTY_CALL"), *part = getenv("FAULTY_PATH");
    char link[64], path[4096];
    if (!wanted || !part || strcmp(wanted, call)) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return strstr(path, part) != NULL;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t read(int fd, void *to, size_t count) {
    if (strikes("read", fd)) { errno = EIO; return -1; }
    return NEXT(read)(fd, to, count);
}
ssize_t pread(int fd, void *to, size_t count, off_t at) {
    if (strikes("read", fd)) { errno = EIO; return -1; }
    return NEXT(pread)(fd, to, count, at);
}
ssize_t pread64(int fd, void *to, size_t count, off64_t at) {
    if (strikes("read", fd)) { errno = EIO; return -1; }
    return NEXT(pread64)(fd, to, count, at);
}
int fsync(int fd) {
    if (strikes("sync", fd)) { errno = EIO; return -1; }
    return NEXT(fsync)(fd);
}
int fdatasync(int fd) {
    if (strikes("sync", fd)) { errno = EIO; return -1; }
    return NEXT(fdatasync)(fd);
}
