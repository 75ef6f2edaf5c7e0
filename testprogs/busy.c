/* The running program's file cannot be opened for writing, by any name. */
#include "lib.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Whether a file opens, or the error's name. */
static void try(const char *what, int fd)
{
    printf("%s: %s\n", what, fd < 0 ? strerrorname_np(errno) : "opened");
    if (fd >= 0)
        CHECK(close(fd) == 0);
}

int main(void)
{
    char name[64], own[4096];
    ssize_t len = readlink("/proc/self/exe", own, sizeof own - 1);
    CHECK(len > 0);
    own[len] = 0;
    struct stat before, after;
    CHECK(stat(own, &before) == 0);
    try("read", open(own, O_RDONLY));
    try("write", open(own, O_WRONLY));
    /* Stop before truncating the file where it can be opened. */
    CHECK(open(own, O_WRONLY) < 0);
    try("read and write", open(own, O_RDWR));
    try("append", open(own, O_WRONLY | O_APPEND));
    try("truncate", open(own, O_WRONLY | O_TRUNC));
    try("truncate only", open(own, O_RDONLY | O_TRUNC));
    try("create", open(own, O_RDWR | O_CREAT, 0644));
    try("create, exclusively", open(own, O_RDWR | O_CREAT | O_EXCL, 0644));
    try("directory", open(own, O_WRONLY | O_DIRECTORY));
    try("place", open(own, O_PATH | O_RDWR));
    try("for ioctl", open(own, 3));
    try("by its link", open("/proc/self/exe", O_RDWR));
    try("by its link itself", open("/proc/self/exe", O_RDWR | O_NOFOLLOW));
    int place = open(own, O_PATH);
    snprintf(name, sizeof name, "/proc/self/fd/%d", place);
    try("by a descriptor", open(name, O_RDWR));
    CHECK(close(place) == 0);
    struct { uint64_t flags, mode, resolve; } how = {O_RDWR, 0, 0};
    try("openat2", (int)syscall(SYS_openat2, AT_FDCWD, own, &how, sizeof how));
    how.resolve = 4; /* RESOLVE_NO_SYMLINKS */
    try("openat2, no links", (int)syscall(SYS_openat2, AT_FDCWD, own, &how, sizeof how));
    struct { struct file_handle handle; char bytes[MAX_HANDLE_SZ]; } h = {.handle.handle_bytes = MAX_HANDLE_SZ};
    int mount, dir = open("/proc/self/cwd", O_RDONLY);
    /* Not every file system has handles, and only root may open them. */
    if (name_to_handle_at(AT_FDCWD, own, &h.handle, &mount, 0) == 0)
        CHECK(open_by_handle_at(dir, &h.handle, O_RDWR | O_TRUNC) < 0 && errno != EBADF && errno != EFAULT);
    CHECK(close(dir) == 0);
    printf("truncate: %s\n", truncate(own, 5) == 0 ? "done" : strerrorname_np(errno));
    printf("truncate to less than nothing: %s\n", truncate(own, -1) == 0 ? "done" : strerrorname_np(errno));
    printf("write access: %d\n", access(own, W_OK));
    CHECK(symlink(own, "link") == 0);
    try("link", open("link", O_WRONLY | O_TRUNC));
    try("link itself", open("link", O_WRONLY | O_NOFOLLOW));
    printf("truncate by a link: %s\n", truncate("link", 5) == 0 ? "done" : strerrorname_np(errno));
    CHECK(unlink("link") == 0 && stat(own, &after) == 0 && after.st_size == before.st_size);
    /* Other files are not affected. */
    try("other", open("file", O_RDWR | O_CREAT | O_TRUNC, 0600));
    CHECK(truncate("file", 3) == 0 && unlink("file") == 0);
    return 0;
}
