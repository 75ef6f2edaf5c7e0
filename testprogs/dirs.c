/* Reading directories: order as sorted by us, types, seeking, more entries than one call returns. */
#include "lib.h"
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

static int walked;

static int visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)ftw;
    walked++;
    return type == FTW_DP ? rmdir(path) : unlink(path);
}

int main(void)
{
    CHECK(mkdir("tree", 0755) == 0 && mkdir("tree/sub", 0700) == 0 && mkfifo("tree/fifo", 0600) == 0);
    CHECK(symlink("sub", "tree/link") == 0);
    for (int i = 0; i < 700; i++) {
        char name[64];
        snprintf(name, sizeof name, "tree/file-with-a-longish-name-%03d", i);
        int fd = open(name, O_CREAT | O_WRONLY, 0644);
        CHECK(fd >= 0 && close(fd) == 0);
    }
    struct dirent **list;
    int n = scandir("tree", &list, NULL, alphasort);
    printf("%d entries\n", n);
    uint64_t h = HASH_START;
    for (int i = 0; i < n; i++) {
        h = hash_bytes(h, list[i]->d_name, strlen(list[i]->d_name));
        if (strncmp(list[i]->d_name, "file", 4) != 0 || i == n - 1)
            printf("%s type %d\n", list[i]->d_name, list[i]->d_type);
        free(list[i]);
    }
    free(list);
    printf("names %016llx\n", (unsigned long long)h);

    DIR *d = opendir("tree");
    CHECK(d);
    int seen = 0;
    long half = 0;
    char at_half[300] = "";
    for (struct dirent *e; (e = readdir(d)); seen++) {
        struct stat st;
        CHECK(fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0);
        if (strcmp(e->d_name, "..") != 0)
            CHECK(st.st_ino == e->d_ino && (mode_t)DTTOIF(e->d_type) == (st.st_mode & S_IFMT));
        if (seen == n / 2)
            half = telldir(d);
        if (seen == n / 2 + 1)
            strcpy(at_half, e->d_name);
    }
    CHECK(seen == n);
    seekdir(d, half);
    struct dirent *again = readdir(d);
    CHECK(again && strcmp(again->d_name, at_half) == 0);
    rewinddir(d);
    CHECK(readdir(d) != NULL && closedir(d) == 0);
    CHECK(opendir("tree/fifo") == NULL);

    glob_t g;
    CHECK(glob("tree/*-69?", 0, NULL, &g) == 0);
    printf("glob %zu: %s .. %s\n", g.gl_pathc, g.gl_pathv[0], g.gl_pathv[g.gl_pathc - 1]);
    globfree(&g);
    CHECK(nftw("tree", visit, 8, FTW_DEPTH | FTW_PHYS) == 0);
    printf("removed %d\n", walked);
    return 0;
}
