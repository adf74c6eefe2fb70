/* A FUSE file system that passes every call on to a folder, after a delay, unless told to refuse it.
 *
 * usage: passthrough FOLDER MOUNTPOINT CONTROL [delay_us]
 *
 * CONTROL is a file of 16 bytes the test writes at any moment (it is mapped, so that a call sees it at once):
 *   byte 0: 1 = every call hangs until this is 0 again
 *   byte 1: errno that every call answers           (ESTALE: the server forgot the volume)
 *   byte 2: errno that changing an owner answers    (EPERM: root squash)
 *   byte 3: errno that changing a mode answers
 *   byte 4: errno that creating a file or folder answers
 *   byte 5: errno that writing and fsync answer     (EDQUOT)
 *   byte 6: 1 = changing a mode succeeds and changes nothing
 *   byte 7: 1 = a new file belongs to nobody        (root squash, as NFS does it)
 *   byte 8: errno that renaming answers              (object stores: ENOSYS)
 */
#define FUSE_USE_VERSION 312
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { HANG, FAIL, CHOWN, CHMOD, CREATE, WRITE, IGNORE_MODES, SQUASH, RENAME };

struct inode {
    struct inode *next;
    ino_t number;
    dev_t device;
    uint64_t lookups;
    int descriptor;             /* -1: `handle` leads to it */
    struct file_handle *handle; /* a million inodes are more descriptors than a process may hold */
};

enum { BUCKETS = 1 << 20 };
static struct inode *table[BUCKETS];
static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
static struct inode top;
static int mount_descriptor; /* any descriptor on the folder's file system that is not O_PATH */
static volatile unsigned char *control;
static long delay_us;

/* A descriptor of the inode, good for this request: a thread keeps the last few it opened by handle. */
static int at(fuse_ino_t number)
{
    enum { KEPT = 8 };
    static __thread int kept[KEPT] = {-1, -1, -1, -1, -1, -1, -1, -1};
    static __thread unsigned next;
    struct inode *inode = number == FUSE_ROOT_ID ? &top : (struct inode *)(uintptr_t)number;
    if (!inode->handle)
        return inode->descriptor;
    int *slot = &kept[next++ % KEPT];
    if (*slot >= 0)
        close(*slot);
    return *slot = open_by_handle_at(mount_descriptor, inode->handle, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

/* Let go of the descriptor where a handle can stand in for it (needs CAP_DAC_READ_SEARCH). */
static void remember(struct inode *inode)
{
    int mount, wanted = 0;
    struct file_handle *handle = calloc(1, sizeof *handle + MAX_HANDLE_SZ);
    handle->handle_bytes = MAX_HANDLE_SZ;
    if (name_to_handle_at(inode->descriptor, "", handle, &mount, AT_EMPTY_PATH) == 0)
        wanted = open_by_handle_at(mount_descriptor, handle, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (wanted <= 0) {
        free(handle);
        return;
    }
    close(wanted);
    close(inode->descriptor);
    inode->descriptor = -1;
    inode->handle = realloc(handle, sizeof *handle + handle->handle_bytes);
}

static void nap(long microseconds)
{
    struct timespec t = {microseconds / 1000000, (microseconds % 1000000) * 1000};
    nanosleep(&t, NULL);
}

/* Every request passes here first: 0, or the errno to answer. */
static int gate(int kind)
{
    if (delay_us)
        nap(delay_us);
    while (control[HANG])
        nap(10000);
    return control[FAIL] ? control[FAIL] : kind ? control[kind] : 0;
}

static struct inode **bucket(ino_t number, dev_t device)
{
    return &table[(unsigned)((number * 2654435761u) ^ device) & (BUCKETS - 1)];
}

static int look_up(fuse_ino_t parent, const char *name, struct fuse_entry_param *entry)
{
    memset(entry, 0, sizeof *entry);
    entry->attr_timeout = entry->entry_timeout = 1.0;
    int descriptor = openat(at(parent), name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (descriptor < 0)
        return errno;
    if (fstatat(descriptor, "", &entry->attr, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0) {
        int error = errno;
        close(descriptor);
        return error;
    }
    pthread_mutex_lock(&table_lock);
    struct inode **place = bucket(entry->attr.st_ino, entry->attr.st_dev), *found = *place;
    while (found && (found->number != entry->attr.st_ino || found->device != entry->attr.st_dev))
        found = found->next;
    if (found) {
        found->lookups++;
        close(descriptor);
    } else {
        found = calloc(1, sizeof *found);
        *found = (struct inode){*place, entry->attr.st_ino, entry->attr.st_dev, 1, descriptor, NULL};
        remember(found);
        *place = found;
    }
    pthread_mutex_unlock(&table_lock);
    entry->ino = (uintptr_t)found;
    return 0;
}

static void forget(fuse_ino_t number, uint64_t lookups)
{
    if (number == FUSE_ROOT_ID)
        return;
    struct inode *inode = (struct inode *)(uintptr_t)number;
    pthread_mutex_lock(&table_lock);
    inode->lookups -= lookups;
    if (!inode->lookups) {
        struct inode **place = bucket(inode->number, inode->device);
        while (*place != inode)
            place = &(*place)->next;
        *place = inode->next;
        if (inode->descriptor >= 0)
            close(inode->descriptor);
        free(inode->handle);
        free(inode);
    }
    pthread_mutex_unlock(&table_lock);
}

static void reply_entry(fuse_req_t request, fuse_ino_t parent, const char *name)
{
    struct fuse_entry_param entry;
    int error = look_up(parent, name, &entry);
    if (error)
        fuse_reply_err(request, error);
    else
        fuse_reply_entry(request, &entry);
}

static void do_init(void *unused, struct fuse_conn_info *connection)
{
    (void)unused;
    connection->want |= FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO;
    connection->want |= FUSE_CAP_PARALLEL_DIROPS & connection->capable;
}

static void do_lookup(fuse_req_t request, fuse_ino_t parent, const char *name)
{
    int error = gate(0);
    if (error)
        fuse_reply_err(request, error);
    else
        reply_entry(request, parent, name);
}

static void do_forget(fuse_req_t request, fuse_ino_t inode, uint64_t lookups)
{
    forget(inode, lookups);
    fuse_reply_none(request);
}

static void do_forget_multi(fuse_req_t request, size_t count, struct fuse_forget_data *all)
{
    for (size_t i = 0; i < count; i++)
        forget(all[i].ino, all[i].nlookup);
    fuse_reply_none(request);
}

static void reply_attributes(fuse_req_t request, fuse_ino_t inode)
{
    struct stat found;
    if (fstatat(at(inode), "", &found, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0)
        fuse_reply_err(request, errno);
    else
        fuse_reply_attr(request, &found, 1.0);
}

static void do_getattr(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *file)
{
    (void)file;
    int error = gate(0);
    if (error)
        fuse_reply_err(request, error);
    else
        reply_attributes(request, inode);
}

static int set_attributes(fuse_ino_t inode, struct stat *wanted, int which)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", at(inode));
    if (which & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)) {
        uid_t uid = which & FUSE_SET_ATTR_UID ? wanted->st_uid : (uid_t)-1;
        gid_t gid = which & FUSE_SET_ATTR_GID ? wanted->st_gid : (gid_t)-1;
        if (fchownat(at(inode), "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0)
            return errno;
    }
    if ((which & FUSE_SET_ATTR_MODE) && !control[IGNORE_MODES] && chmod(path, wanted->st_mode & 07777) < 0)
        return errno;
    if ((which & FUSE_SET_ATTR_SIZE) && truncate(path, wanted->st_size) < 0)
        return errno;
    return 0;
}

static void do_setattr(fuse_req_t request, fuse_ino_t inode, struct stat *wanted, int which,
                       struct fuse_file_info *file)
{
    (void)file;
    int error = gate(which & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID) ? CHOWN
                     : which & FUSE_SET_ATTR_MODE                    ? CHMOD
                                                                     : 0);
    if (!error)
        error = set_attributes(inode, wanted, which);
    if (error)
        fuse_reply_err(request, error);
    else
        reply_attributes(request, inode);
}

static void do_readlink(fuse_req_t request, fuse_ino_t inode)
{
    char target[4097];
    int error = gate(0);
    ssize_t length = error ? -1 : readlinkat(at(inode), "", target, sizeof target - 1);
    if (length < 0) {
        fuse_reply_err(request, error ? error : errno);
        return;
    }
    target[length] = 0;
    fuse_reply_readlink(request, target);
}

struct listing {
    DIR *stream;
    struct dirent *entry;
    off_t offset;
};

static void do_opendir(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *file)
{
    int error = gate(0);
    int descriptor = error ? -1 : openat(at(inode), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) {
        fuse_reply_err(request, error ? error : errno);
        return;
    }
    struct listing *listing = calloc(1, sizeof *listing);
    listing->stream = fdopendir(descriptor);
    file->fh = (uintptr_t)listing;
    fuse_reply_open(request, file);
}

static size_t add_entry(fuse_req_t request, fuse_ino_t inode, struct dirent *entry, char *place, size_t room,
                        int plus)
{
    if (!plus) {
        struct stat brief = {.st_ino = entry->d_ino, .st_mode = (mode_t)entry->d_type << 12};
        return fuse_add_direntry(request, place, room, entry->d_name, &brief, entry->d_off);
    }
    struct fuse_entry_param full;
    int dots = !strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..");
    if (dots || look_up(inode, entry->d_name, &full)) {
        memset(&full, 0, sizeof full);
        full.attr.st_ino = entry->d_ino;
        full.attr.st_mode = (mode_t)entry->d_type << 12;
    }
    size_t size = fuse_add_direntry_plus(request, place, room, entry->d_name, &full, entry->d_off);
    if (size > room && full.ino)
        forget(full.ino, 1);
    return size;
}

static void list(fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset, struct fuse_file_info *file,
                 int plus)
{
    int error = gate(0);
    if (error) {
        fuse_reply_err(request, error);
        return;
    }
    struct listing *listing = (struct listing *)(uintptr_t)file->fh;
    char *buffer = calloc(1, size), *place = buffer;
    size_t room = size;
    if (offset != listing->offset) {
        seekdir(listing->stream, offset);
        listing->entry = NULL;
        listing->offset = offset;
    }
    while (listing->entry || (listing->entry = readdir(listing->stream))) {
        off_t next = listing->entry->d_off;
        size_t used = add_entry(request, inode, listing->entry, place, room, plus);
        if (used > room)
            break;
        place += used;
        room -= used;
        listing->entry = NULL;
        listing->offset = next;
    }
    fuse_reply_buf(request, buffer, size - room);
    free(buffer);
}

static void do_readdir(fuse_req_t r, fuse_ino_t i, size_t s, off_t o, struct fuse_file_info *f)
{
    list(r, i, s, o, f, 0);
}

static void do_readdirplus(fuse_req_t r, fuse_ino_t i, size_t s, off_t o, struct fuse_file_info *f)
{
    list(r, i, s, o, f, 1);
}

static void do_releasedir(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *file)
{
    (void)inode;
    struct listing *listing = (struct listing *)(uintptr_t)file->fh;
    closedir(listing->stream);
    free(listing);
    fuse_reply_err(request, 0);
}

static void hand_to_caller(fuse_req_t request, int parent, const char *name)
{
    const struct fuse_ctx *caller = fuse_req_ctx(request);
    uid_t uid = control[SQUASH] ? 65534 : caller->uid;
    gid_t gid = control[SQUASH] ? 65534 : caller->gid;
    if (fchownat(parent, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
        perror("passthrough: chown");
}

static void do_create(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode,
                      struct fuse_file_info *file)
{
    struct fuse_entry_param entry;
    int error = gate(CREATE), descriptor = -1;
    if (!error) {
        descriptor = openat(at(parent), name, (file->flags | O_CREAT) & ~O_NOFOLLOW, mode);
        error = descriptor < 0 ? errno : 0;
    }
    if (!error) {
        hand_to_caller(request, at(parent), name);
        error = look_up(parent, name, &entry);
    }
    if (error) {
        if (descriptor >= 0)
            close(descriptor);
        fuse_reply_err(request, error);
        return;
    }
    file->fh = descriptor;
    fuse_reply_create(request, &entry, file);
}

static void do_mkdir(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode)
{
    int error = gate(CREATE);
    if (error || mkdirat(at(parent), name, mode) < 0) {
        fuse_reply_err(request, error ? error : errno);
        return;
    }
    hand_to_caller(request, at(parent), name);
    reply_entry(request, parent, name);
}

static void do_symlink(fuse_req_t request, const char *target, fuse_ino_t parent, const char *name)
{
    int error = gate(CREATE);
    if (error || symlinkat(target, at(parent), name) < 0)
        fuse_reply_err(request, error ? error : errno);
    else
        reply_entry(request, parent, name);
}

static void do_unlink(fuse_req_t request, fuse_ino_t parent, const char *name)
{
    int error = gate(0);
    fuse_reply_err(request, error ? error : unlinkat(at(parent), name, 0) < 0 ? errno : 0);
}

static void do_rmdir(fuse_req_t request, fuse_ino_t parent, const char *name)
{
    int error = gate(0);
    fuse_reply_err(request, error ? error : unlinkat(at(parent), name, AT_REMOVEDIR) < 0 ? errno : 0);
}

static void do_rename(fuse_req_t request, fuse_ino_t from, const char *old, fuse_ino_t to, const char *new,
                      unsigned flags)
{
    int error = gate(RENAME);
    fuse_reply_err(request, error ? error : renameat2(at(from), old, at(to), new, flags) < 0 ? errno : 0);
}

static void do_open(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *file)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", at(inode));
    int error = gate(0);
    int descriptor = error ? -1 : open(path, file->flags & ~O_NOFOLLOW);
    if (descriptor < 0) {
        fuse_reply_err(request, error ? error : errno);
        return;
    }
    file->fh = descriptor;
    fuse_reply_open(request, file);
}

static void do_read(fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset, struct fuse_file_info *file)
{
    (void)inode;
    int error = gate(0);
    char *buffer = malloc(size);
    ssize_t count = error ? -1 : pread(file->fh, buffer, size, offset);
    if (count < 0)
        fuse_reply_err(request, error ? error : errno);
    else
        fuse_reply_buf(request, buffer, count);
    free(buffer);
}

static void do_write(fuse_req_t request, fuse_ino_t inode, const char *bytes, size_t size, off_t offset,
                     struct fuse_file_info *file)
{
    (void)inode;
    int error = gate(WRITE);
    ssize_t count = error ? -1 : pwrite(file->fh, bytes, size, offset);
    if (count < 0)
        fuse_reply_err(request, error ? error : errno);
    else
        fuse_reply_write(request, count);
}

static void do_fsync(fuse_req_t request, fuse_ino_t inode, int data_only, struct fuse_file_info *file)
{
    (void)inode;
    (void)data_only;
    (void)file;
    fuse_reply_err(request, gate(WRITE));
}

static void do_release(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *file)
{
    (void)inode;
    close(file->fh);
    fuse_reply_err(request, 0);
}

static void do_statfs(fuse_req_t request, fuse_ino_t inode)
{
    struct statvfs found;
    int error = gate(0);
    if (error || fstatvfs(at(inode), &found) < 0)
        fuse_reply_err(request, error ? error : errno);
    else
        fuse_reply_statfs(request, &found);
}

static const struct fuse_lowlevel_ops operations = {
    .init = do_init,
    .lookup = do_lookup,
    .forget = do_forget,
    .forget_multi = do_forget_multi,
    .getattr = do_getattr,
    .setattr = do_setattr,
    .readlink = do_readlink,
    .opendir = do_opendir,
    .readdir = do_readdir,
    .readdirplus = do_readdirplus,
    .releasedir = do_releasedir,
    .create = do_create,
    .mkdir = do_mkdir,
    .symlink = do_symlink,
    .unlink = do_unlink,
    .rmdir = do_rmdir,
    .rename = do_rename,
    .open = do_open,
    .read = do_read,
    .write = do_write,
    .fsync = do_fsync,
    .release = do_release,
    .statfs = do_statfs,
};

int main(int count, char **words)
{
    if (count < 4) {
        fprintf(stderr, "usage: passthrough FOLDER MOUNTPOINT CONTROL [delay_us]\n");
        return 64;
    }
    delay_us = count > 4 ? atol(words[4]) : 0;
    umask(0);
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    top.descriptor = open(words[1], O_PATH | O_DIRECTORY | O_CLOEXEC);
    mount_descriptor = open(words[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int file = open(words[3], O_RDONLY | O_CLOEXEC);
    control = file < 0 ? MAP_FAILED : mmap(NULL, 16, PROT_READ, MAP_SHARED, file, 0);
    if (top.descriptor < 0 || control == MAP_FAILED) {
        perror("passthrough");
        return 66;
    }
    char *options[] = {"passthrough", "-o", "default_permissions,allow_other,fsname=passthrough", NULL};
    struct fuse_args arguments = FUSE_ARGS_INIT(3, options);
    struct fuse_session *session = fuse_session_new(&arguments, &operations, sizeof operations, NULL);
    if (!session || fuse_set_signal_handlers(session) || fuse_session_mount(session, words[2]))
        return 71;
    struct fuse_loop_config *loop = fuse_loop_cfg_create();
    fuse_loop_cfg_set_max_threads(loop, 64);
    fuse_loop_cfg_set_idle_threads(loop, 64);
    int result = fuse_session_loop_mt(session, loop);
    fuse_session_unmount(session);
    fuse_session_destroy(session);
    return result;
}
