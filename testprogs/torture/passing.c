// Descriptors passed between threads and processes by messages: the files are the same, none is lost, and none stays
// open, also where the receiver has no room.

#include "torture.h"
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define MOST 8

struct message {
    pid_t sender;
    int count;
    ino_t files[MOST];
};

union control {
    char bytes[CMSG_SPACE(MOST * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
    struct cmsghdr header;
};

static void send_files(int socket) {
    struct message message = {.sender = getpid(), .count = 1 + (int)dice(MOST)};
    int files[MOST];
    for (int i = 0; i < message.count; i++) {
        struct stat stat;
        files[i] = memfd_create("passed", MFD_CLOEXEC);
        CHECK(files[i] >= 0 && fstat(files[i], &stat) == 0);
        message.files[i] = stat.st_ino;
        SAME(pwrite(files[i], &stat.st_ino, sizeof stat.st_ino, i), sizeof stat.st_ino);
    }
    union control control = {0};
    struct iovec iov = {&message, sizeof message};
    struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes};
    header.msg_controllen = CMSG_SPACE(message.count * sizeof(int));
    struct cmsghdr *part = CMSG_FIRSTHDR(&header);
    *part = (struct cmsghdr){CMSG_LEN(message.count * sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(part), files, message.count * sizeof(int));
    SAME(sendmsg(socket, &header, 0), sizeof message);
    for (int i = 0; i < message.count; i++)
        close(files[i]);
}

static void receive_files(int socket, pid_t sender) {
    struct message message;
    union control control;
    struct iovec iov = {&message, sizeof message};
    int room = 1 + (int)dice(MOST);
    struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes};
    header.msg_controllen = CMSG_SPACE(sizeof(struct ucred)) + CMSG_LEN(room * sizeof(int));
    bool close_on_exec = dice(2);
    ssize_t size = recvmsg(socket, &header, close_on_exec ? MSG_CMSG_CLOEXEC : 0);
    SAME(size, sizeof message);
    SAME(message.sender, sender);
    int files = 0, credentials = 0;
    for (struct cmsghdr *part = CMSG_FIRSTHDR(&header); part != NULL; part = CMSG_NXTHDR(&header, part)) {
        SAME(part->cmsg_level, SOL_SOCKET);
        if (part->cmsg_type == SCM_CREDENTIALS) {
            struct ucred from;
            memcpy(&from, CMSG_DATA(part), sizeof from);
            CHECK(from.pid == sender && from.uid == getuid());
            credentials++;
            continue;
        }
        SAME(part->cmsg_type, SCM_RIGHTS);
        files = (int)((part->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        for (int i = 0; i < files; i++) {
            int fd;
            struct stat stat;
            ino_t content;
            memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
            SAME(fstat(fd, &stat), 0);
            SAME(stat.st_ino, message.files[i]);
            SAME(pread(fd, &content, sizeof content, i), sizeof content);
            SAME(content, stat.st_ino);
            SAME(fcntl(fd, F_GETFD), close_on_exec ? FD_CLOEXEC : 0);
            close(fd);
        }
    }
    SAME(credentials, 1);
    // The kernel uses what the rounding of the sizes leaves.
    CHECK(files >= (message.count < room ? message.count : room) && files <= message.count);
    SAME((header.msg_flags & MSG_CTRUNC) != 0, files < message.count);
}

struct channel {
    int ends[2];
    int count;
    pid_t sender;
};

static void open_channel(struct channel *channel, int type) {
    SAME(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, channel->ends), 0);
    for (int i = 0; i < 2; i++)
        SAME(setsockopt(channel->ends[i], SOL_SOCKET, SO_PASSCRED, &(int){1}, sizeof(int)), 0);
    channel->count = 20;
    channel->sender = getpid();
}

static void *sender(void *arg) {
    struct channel *channel = arg;
    for (int i = 0; i < channel->count; i++)
        send_files(channel->ends[0]);
    return NULL;
}

static void *receiver(void *arg) {
    struct channel *channel = arg;
    for (int i = 0; i < channel->count; i++)
        receive_files(channel->ends[1], channel->sender);
    return NULL;
}

static void between_threads(void) {
    struct channel channels[3];
    int types[3] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
    pthread_t threads[6];
    for (int i = 0; i < 3; i++) {
        open_channel(&channels[i], types[i]);
        threads[2 * i] = start(sender, &channels[i]);
        threads[2 * i + 1] = start(receiver, &channels[i]);
    }
    for (int i = 0; i < 6; i++)
        join(threads[i]);
    for (int i = 0; i < 3; i++) {
        close(channels[i].ends[0]);
        close(channels[i].ends[1]);
    }
}

// The child receives what the parent sends, and sends as much back through the other channel.
static void between_processes(void) {
    struct channel there, back;
    open_channel(&there, SOCK_SEQPACKET);
    open_channel(&back, SOCK_STREAM);
    pid_t pid = fork();
    if (pid == 0) {
        receiver(&there);
        sender(&back);
        _exit(3);
    }
    back.sender = pid;
    sender(&there);
    receiver(&back);
    reap_exited(pid, 3);
    for (int i = 0; i < 2; i++) {
        close(there.ends[i]);
        close(back.ends[i]);
    }
}

int main(int argc, char **argv) {
    set_deadline(argc, argv);
    int before = count_descriptors();
    do {
        between_threads();
        between_processes();
        SAME(count_descriptors(), before);
    } while (time_is_left());
    puts("Every descriptor arrived, and none was left.");
    return 0;
}
