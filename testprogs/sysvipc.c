/* System V shared memory, semaphores and message queues, through the C library's own structures. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096

/* The argument of semctl, which programs declare themselves. */
union semun {
    int val;
    struct semid_ds *buf;
    unsigned short *array;
};

static const char *told(long result)
{
    return result == -1 ? strerrorname_np(errno) : "ok";
}

static void recently(const char *what, time_t when)
{
    time_t now = time(NULL);
    printf("%s %s\n", what, when == 0 ? "never" : when > now - 100 && when < now + 100 ? "now" : "some time");
}

static void shared_memory(void)
{
    struct shmid_ds ds;
    int id = shmget(IPC_PRIVATE, 3 * PAGE - 100, IPC_CREAT | 0600);
    char *one = shmat(id, NULL, 0);
    char *two = shmat(id, NULL, SHM_RDONLY);
    /* It is removed with its last user, even if this program dies. */
    shmctl(id, IPC_RMID, NULL);
    strcpy(one + PAGE, "shared");
    printf("%s %d\n", two + PAGE, one != two);
    shmctl(id, IPC_STAT, &ds);
    printf("size %zu, attached %lu, mode %o, mine %d %d\n", ds.shm_segsz, (unsigned long)ds.shm_nattch,
           ds.shm_perm.mode & 01777, ds.shm_cpid == getpid(), ds.shm_perm.uid == geteuid());
    recently("attached", ds.shm_atime);
    recently("detached", ds.shm_dtime);
    recently("changed", ds.shm_ctime);
    munmap(one + PAGE, PAGE);
    shmctl(id, IPC_STAT, &ds);
    printf("with a hole %lu\n", (unsigned long)ds.shm_nattch);
    printf("there %s\n", told((long)shmat(id, one, 0)));
    printf("instead %d\n", shmat(id, one + 1, SHM_REMAP | SHM_RND) == one);
    printf("detach %s\n", told(shmdt(one)));
    printf("again %s\n", told(shmdt(one)));
    printf("still %s\n", two + PAGE);
    shmdt(two);
    printf("gone %s\n", told(shmctl(id, IPC_STAT, &ds)));
}

static void semaphores(void)
{
    struct semid_ds ds;
    unsigned short values[3] = {1, 2, 3};
    union semun arg = {.array = values};
    int id = semget(IPC_PRIVATE, 3, IPC_CREAT | 0600);
    semctl(id, 0, SETALL, arg);
    struct sembuf take[2] = {{2, -3, 0}, {0, 1, SEM_UNDO}};
    printf("take %s\n", told(semop(id, take, 2)));
    take[0].sem_flg = IPC_NOWAIT;
    printf("no more %s\n", told(semop(id, take, 2)));
    take[0].sem_flg = 0;
    struct timespec soon = {0, 1000};
    printf("in time %s\n", told(semtimedop(id, take, 2, &soon)));
    semctl(id, 0, GETALL, arg);
    printf("%d %d %d\n", values[0], values[1], values[2]);
    arg.val = 9;
    semctl(id, 1, SETVAL, arg);
    printf("one %d, mine %d\n", semctl(id, 1, GETVAL), semctl(id, 1, GETPID) == getpid());
    arg.buf = &ds;
    semctl(id, 0, IPC_STAT, arg);
    printf("set of %lu, mode %o\n", (unsigned long)ds.sem_nsems, ds.sem_perm.mode & 0777);
    recently("used", ds.sem_otime);
    recently("changed", ds.sem_ctime);
    ds.sem_perm.mode = 0640;
    semctl(id, 0, IPC_SET, arg);
    semctl(id, 0, IPC_STAT, arg);
    printf("mode %o\n", ds.sem_perm.mode & 0777);
    printf("remove %s\n", told(semctl(id, 0, IPC_RMID)));
    printf("again %s\n", told(semctl(id, 0, IPC_RMID)));
}

static void messages(void)
{
    struct msqid_ds ds;
    struct {
        long type;
        char text[16];
    } message = {5, "five"}, got = {0, ""};
    int id = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
    msgsnd(id, &message, 5, 0);
    message.type = 6;
    strcpy(message.text, "six");
    msgsnd(id, &message, 4, 0);
    msgctl(id, IPC_STAT, &ds);
    printf("queued %lu, mine %d\n", (unsigned long)ds.msg_qnum, ds.msg_lspid == getpid());
    recently("sent", ds.msg_stime);
    recently("received", ds.msg_rtime);
    printf("got %zd", msgrcv(id, &got, sizeof got.text, 6, 0));
    printf(" %ld %s\n", got.type, got.text);
    printf("small %s\n", told(msgrcv(id, &got, 1, 0, 0)));
    printf("cut %zd\n", msgrcv(id, &got, 2, 0, MSG_NOERROR));
    printf("none %s\n", told(msgrcv(id, &got, 2, 0, IPC_NOWAIT)));
    printf("remove %s\n", told(msgctl(id, IPC_RMID, NULL)));
}

int main(void)
{
    shared_memory();
    semaphores();
    messages();
    return 0;
}
