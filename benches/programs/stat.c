/* System calls: stat of existing and missing names, fstat, access, readlink, open and close. */
#include "../../testprogs/lib.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    long rounds = argc > 1 ? atol(argv[1]) : 100;
    long folders = 0, devices = 0, missing = 0, opened = 0;
    for (long t = 0; t < rounds; t++) {
        struct stat st;
        folders += stat("/", &st) == 0 && S_ISDIR(st.st_mode);
        folders += stat("/dev/../dev/./..", &st) == 0 && S_ISDIR(st.st_mode);
        devices += stat("/dev/null", &st) == 0 && S_ISCHR(st.st_mode);
        missing += stat("/nowhere/at/all", &st) < 0 && errno == ENOENT;
        missing += lstat("/dev/null/below", &st) < 0 && errno == ENOTDIR;
        missing += access("/dev/nothing", R_OK) < 0 && errno == ENOENT;
        char target[64];
        missing += readlink("/dev/null", target, sizeof target) < 0 && errno == EINVAL;
        int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        devices += fstat(fd, &st) == 0 && S_ISCHR(st.st_mode);
        opened += close(fd) == 0;
    }
    printf("%ld folders, %ld devices, %ld missing, %ld opened\n", folders, devices, missing, opened);
    return 0;
}
