/* stat and its relatives: every field that does not depend on the machine, and the times set. */
#include "lib.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static void show(const char *name)
{
    struct stat st;
    CHECK(lstat(name, &st) == 0);
    printf("%s: mode %o nlink %lu size %lld atime %lld.%09ld mtime %lld.%09ld\n", name, st.st_mode, (unsigned long)st.st_nlink,
        S_ISDIR(st.st_mode) ? 0LL : (long long)st.st_size, (long long)st.st_atim.tv_sec, st.st_atim.tv_nsec,
        (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    CHECK(st.st_uid == getuid() && st.st_blksize >= 512 && st.st_ctime > 1600000000);
}

int main(void)
{
    umask(0);
    int fd = open("f", O_CREAT | O_RDWR, 04711);
    CHECK(fd >= 0 && write(fd, "12345", 5) == 5);
    struct timespec t[2] = {{1000000001, 2}, {1234567890, 123456789}};
    CHECK(futimens(fd, t) == 0);
    show("f");
    CHECK(mkdir("d", 01777) == 0 && utimensat(AT_FDCWD, "d", t, 0) == 0);
    show("d");
    CHECK(symlink("nowhere at all", "l") == 0 && utimensat(AT_FDCWD, "l", t, AT_SYMLINK_NOFOLLOW) == 0);
    show("l");
    t[0].tv_nsec = UTIME_OMIT;
    t[1] = (struct timespec){-5, 7};
    CHECK(utimensat(AT_FDCWD, "f", t, 0) == 0 && fchmod(fd, 0640) == 0 && link("f", "g") == 0);
    show("f");
    CHECK(fchmodat(AT_FDCWD, "g", 0600, 0) == 0);
    struct stat a, b;
    CHECK(fstat(fd, &a) == 0 && stat("g", &b) == 0);
    printf("same inode %d, same device %d, mode %o\n", a.st_ino == b.st_ino, a.st_dev == b.st_dev, b.st_mode);
    CHECK(chown("f", getuid(), getgid()) == 0);

    struct stat null;
    CHECK(stat("/dev/null", &null) == 0);
    printf("null device %u:%u chr %d\n", major(null.st_rdev), minor(null.st_rdev), S_ISCHR(null.st_mode));
    struct statx sx;
    CHECK(statx(AT_FDCWD, "g", 0, STATX_BASIC_STATS, &sx) == 0);
    printf("statx mode %o nlink %u size %llu mtime %lld.%09u\n", sx.stx_mode, sx.stx_nlink, (unsigned long long)sx.stx_size,
        (long long)sx.stx_mtime.tv_sec, sx.stx_mtime.tv_nsec);
    struct statvfs vfs;
    CHECK(statvfs(".", &vfs) == 0 && vfs.f_bsize >= 512 && vfs.f_namemax >= 100);
    printf("access %d %d %d\n", access("f", R_OK | W_OK), access("f", F_OK), access("none", F_OK));
    CHECK(unlink("f") == 0 && unlink("g") == 0 && unlink("l") == 0 && rmdir("d") == 0);
    return 0;
}
