/* Files through the system calls: create, read, write, seek, truncate, map, link, rename, remove. */
#include "lib.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static unsigned char block[70000];

int main(void)
{
    Rng r = {1};
    for (size_t i = 0; i < sizeof block; i++)
        block[i] = (unsigned char)rng_next(&r);
    CHECK(mkdir("work", 0755) == 0 && chdir("work") == 0);
    umask(022);

    int fd = open("data", O_RDWR | O_CREAT | O_EXCL, 0666);
    CHECK(fd == 3);
    CHECK(write(fd, block, sizeof block) == (ssize_t)sizeof block);
    CHECK(lseek(fd, 0, SEEK_CUR) == (off_t)sizeof block);
    CHECK(lseek(fd, -100, SEEK_END) == (off_t)sizeof block - 100);
    unsigned char back[200];
    CHECK(read(fd, back, sizeof back) == 100);
    CHECK(memcmp(back, block + sizeof block - 100, 100) == 0);
    CHECK(read(fd, back, sizeof back) == 0);
    CHECK(pread(fd, back, 50, 4095) == 50 && memcmp(back, block + 4095, 50) == 0);
    CHECK(pwrite(fd, "hole", 4, 100000) == 4);
    struct stat st;
    CHECK(fstat(fd, &st) == 0);
    printf("size %lld mode %o links %lu\n", (long long)st.st_size, st.st_mode, (unsigned long)st.st_nlink);
    CHECK(pread(fd, back, 100, 99950) == 54 && back[0] == 0 && memcmp(back + 50, "hole", 4) == 0);

    struct iovec out[3] = {{"scattered ", 10}, {NULL, 0}, {"gathered\n", 9}};
    CHECK(lseek(fd, 10, SEEK_SET) == 10 && writev(fd, out, 3) == 19);
    char a[4], b[12];
    struct iovec in[2] = {{a, sizeof a}, {b, sizeof b}};
    CHECK(preadv(fd, in, 2, 10) == 16 && memcmp(a, "scat", 4) == 0 && memcmp(b, "tered gather", 12) == 0);

    CHECK(ftruncate(fd, 8192) == 0 && fstat(fd, &st) == 0 && st.st_size == 8192);
    char *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(map != MAP_FAILED && memcmp(map + 10, "scattered", 9) == 0);
    strcpy(map + 4090, "across a page");
    CHECK(msync(map, 8192, MS_SYNC) == 0);
    CHECK(pread(fd, back, 13, 4090) == 13 && memcmp(back, "across a page", 13) == 0);
    char *priv = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 4096);
    CHECK(priv != MAP_FAILED && memcmp(priv, " a page", 7) == 0);
    priv[0] = '#';
    CHECK(pread(fd, back, 1, 4096) == 1 && back[0] == ' ');
    CHECK(munmap(map, 8192) == 0 && munmap(priv, 4096) == 0);

    int dupfd = dup(fd);
    CHECK(dupfd == 4 && fcntl(dupfd, F_GETFD) == 0);
    CHECK(dup3(fd, 20, O_CLOEXEC) == 20 && fcntl(20, F_GETFD) == FD_CLOEXEC);
    CHECK(fcntl(fd, F_DUPFD, 30) == 30);
    CHECK((fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND)) == O_RDWR);
    CHECK(fcntl(fd, F_SETFL, O_APPEND) == 0 && lseek(fd, 0, SEEK_SET) == 0 && write(fd, "end", 3) == 3);
    CHECK(lseek(dupfd, 0, SEEK_CUR) == 8195);
    CHECK(close(20) == 0 && close(30) == 0 && close(dupfd) == 0 && close(dupfd) == -1 && errno == EBADF);

    CHECK(link("data", "hard") == 0 && symlink("data", "soft") == 0);
    CHECK(fstat(fd, &st) == 0 && st.st_nlink == 2);
    CHECK(readlink("soft", (char *)back, sizeof back) == 4 && memcmp(back, "data", 4) == 0);
    CHECK(lstat("soft", &st) == 0 && S_ISLNK(st.st_mode) && st.st_size == 4);
    CHECK(stat("soft", &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 8195);
    CHECK(rename("hard", "renamed") == 0 && access("hard", F_OK) == -1 && errno == ENOENT);
    CHECK(chmod("renamed", 0400) == 0 && stat("data", &st) == 0 && (st.st_mode & 07777) == 0400);
    CHECK(truncate("data", 3) == 0 || errno == EACCES);
    CHECK(unlink("renamed") == 0 && unlink("soft") == 0 && unlink("data") == 0);
    CHECK(fstat(fd, &st) == 0 && st.st_nlink == 0);
    CHECK(close(fd) == 0);

    /* The C library's streams over the same calls. */
    FILE *f = fopen("lines", "w+");
    CHECK(f);
    for (int i = 0; i < 5000; i++)
        fprintf(f, "line %d of many\n", i);
    rewind(f);
    char *line = NULL;
    size_t cap = 0;
    uint64_t h = HASH_START;
    int lines = 0;
    for (ssize_t n; (n = getline(&line, &cap, f)) > 0; lines++)
        h = hash_bytes(h, line, (size_t)n);
    free(line);
    printf("%d lines, hash %016llx\n", lines, (unsigned long long)h);
    CHECK(fseek(f, 10, SEEK_SET) == 0 && ftell(f) == 10 && fgetc(f) == 'm' && ungetc('z', f) == 'z' && fgetc(f) == 'z');
    CHECK(fclose(f) == 0 && remove("lines") == 0);

    char cwd[4096];
    CHECK(getcwd(cwd, sizeof cwd) && strcmp(strrchr(cwd, '/'), "/work") == 0);
    CHECK(chdir("..") == 0 && rmdir("work") == 0);
    puts("files: good");
    return 0;
}
