// Job control in a pseudo-terminal: a shell with jobs in the foreground and in the background, which read, write, are
// stopped, continued, interrupted and hung up on.

#include "torture.h"
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <termios.h>

// What the shell asks of who holds the other side of the terminal.
static int orders[2];
// By which the shell lets a job begin, and the job says that it has begun.
static int ready[2], begun[2];

static void order(char what) {
    SAME(write(orders[1], &what, 1), 1);
}

static void receive(int ends[2]) {
    char byte;
    SAME(read(ends[0], &byte, 1), 1);
}

static void tell(int ends[2]) {
    SAME(write(ends[1], "", 1), 1);
}

static void read_line(void) {
    char line[16] = "";
    SAME(read(0, line, sizeof line), 5);
    SAME(strcmp(line, "line\n"), 0);
}

static atomic_bool resized;

static void on_resize(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)info, (void)context;
    resized = true;
}

enum job { READ, PAUSE, WRITE, RESIZE };

// Starts a job in a group of its own, in the foreground or in the background.
static pid_t begin(enum job job, bool foreground) {
    pid_t pid = fork();
    if (pid != 0) {
        setpgid(pid, pid);
        if (foreground)
            SAME(tcsetpgrp(0, pid), 0);
        tell(ready);
        receive(begun);
        return pid;
    }
    setpgid(0, 0);
    receive(ready);
    SAME(getpgrp(), getpid());
    CHECK((tcgetpgrp(0) == getpid()) == foreground);
    signal(SIGTTOU, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    tell(begun);
    struct winsize size = {0};
    switch (job) {
    case READ:
        read_line();
        _exit(3);
    case WRITE:
        SAME(write(1, "x", 1), 1);
        _exit(4);
    case RESIZE:
        handle(SIGWINCH, on_resize, 0);
        order('w');
        while (!resized)
            usleep(100);
        SAME(ioctl(0, TIOCGWINSZ, &size), 0);
        SAME(size.ws_col, 77);
        _exit(5);
    case PAUSE:
        for (;;)
            pause();
    }
    _exit(98);
}

static void wait_stopped(pid_t pid, int signal) {
    int status = 0;
    SAME(waitpid(pid, &status, WUNTRACED), pid);
    CHECK(WIFSTOPPED(status));
    SAME(WSTOPSIG(status), signal);
    siginfo_t info = {0};
    SAME(waitid(P_PID, pid, &info, WSTOPPED | WNOHANG), 0);
    SAME(info.si_pid, 0);
}

static void to_foreground(pid_t pid) {
    SAME(tcsetpgrp(0, pid), 0);
    SAME(kill(-pid, SIGCONT), 0);
}

static void wait_continued(pid_t pid) {
    int status = 0;
    SAME(waitpid(pid, &status, WCONTINUED), pid);
    CHECK(WIFCONTINUED(status));
}

static void to_shell(void) {
    SAME(tcsetpgrp(0, getpgrp()), 0);
}

static void shell(int terminal) {
    SAME(setsid(), getpid());
    SAME(ioctl(terminal, TIOCSCTTY, 0), 0);
    for (int fd = 0; fd < 2; fd++)
        SAME(dup2(terminal, fd), fd);
    close(terminal);
    signal(SIGTTOU, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    struct termios settings;
    SAME(tcgetattr(0, &settings), 0);
    settings.c_lflag &= ~ECHO;
    settings.c_lflag |= ISIG | ICANON | TOSTOP;
    settings.c_oflag &= ~OPOST;
    SAME(tcsetattr(0, TCSANOW, &settings), 0);

    // In the foreground: it reads, and is told of a new size.
    pid_t pid = begin(READ, true);
    order('l');
    reap_exited(pid, 3);
    to_shell();
    reap_exited(begin(RESIZE, true), 5);
    to_shell();

    // Stopped from the keyboard, continued, interrupted.
    pid = begin(PAUSE, true);
    order('z');
    wait_stopped(pid, SIGTSTP);
    to_shell();
    to_foreground(pid);
    wait_continued(pid);
    order('c');
    reap_killed(pid, SIGINT);
    to_shell();

    // In the background: a read stops it, in the foreground it goes on; so does a write.
    pid = begin(READ, false);
    wait_stopped(pid, SIGTTIN);
    to_foreground(pid);
    wait_continued(pid);
    order('l');
    reap_exited(pid, 3);
    to_shell();
    pid = begin(WRITE, false);
    wait_stopped(pid, SIGTTOU);
    to_foreground(pid);
    reap_exited(pid, 4);
    to_shell();

    // The terminal goes away: the shell is told; the job in the foreground is when the shell ends.
    sigset_t hangup = set_of(SIGHUP);
    begin(PAUSE, true);
    signal(SIGHUP, SIG_DFL);
    sigprocmask(SIG_BLOCK, &hangup, NULL);
    order('h');
    SAME(sigwaitinfo(&hangup, NULL), SIGHUP);
    _exit(6);
}

static void round_of(void) {
    SAME(pipe2(orders, O_CLOEXEC), 0);
    SAME(pipe2(ready, O_CLOEXEC), 0);
    SAME(pipe2(begun, O_CLOEXEC), 0);
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    CHECK(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    int terminal = open(ptsname(master), O_RDWR | O_NOCTTY);
    CHECK(terminal >= 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(master);
        shell(terminal);
    }
    close(terminal);
    close(orders[1]);
    char what;
    while (read(orders[0], &what, 1) == 1)
        switch (what) {
        case 'l': SAME(write(master, "line\n", 5), 5); break;
        case 'z': SAME(write(master, "\x1a", 1), 1); break;
        case 'c': SAME(write(master, "\x03", 1), 1); break;
        case 'w': SAME(ioctl(master, TIOCSWINSZ, &(struct winsize){.ws_col = 77}), 0); break;
        case 'h': close(master); break;
        }
    reap_exited(pid, 6);
    // The last job is ours now.
    reap_killed(-1, SIGHUP);
    SAME(waitpid(-1, NULL, 0), -1);
    close(orders[0]);
    for (int i = 0; i < 2; i++) {
        close(ready[i]);
        close(begun[i]);
    }
}

int main(int argc, char **argv) {
    set_deadline(argc, argv);
    SAME(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    do
        round_of();
    while (time_is_left());
    puts("Every job was stopped, continued and ended as it should.");
    return 0;
}
