namespace Hospes.EndToEnd;

/// <summary>A program for a guest that checks a folder against POSIX, and then does random things to a file and to memory and compares both.</summary>
internal static class PosixProgram
{
    /// <summary>The source; it says <c>posix: good</c> at the end, or where it failed.</summary>
    public const string Source = """
        #define _GNU_SOURCE
        #include <dirent.h>
        #include <errno.h>
        #include <fcntl.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/file.h>
        #include <sys/mman.h>
        #include <sys/stat.h>
        #include <sys/statvfs.h>
        #include <sys/wait.h>
        #include <sys/xattr.h>
        #include <unistd.h>

        #define GOOD(what) do { if (!(what)) { printf("posix: line %d: %s: %s\n", __LINE__, #what, strerror(errno)); exit(1); } } while (0)
        #define FAILS(what, error) do { errno = 0; if ((long)(what) != -1 || errno != (error)) { printf("posix: line %d: %s: %s\n", __LINE__, #what, strerror(errno)); exit(1); } } while (0)

        static void put(const char *name, const char *text) {
            int file = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0644);
            GOOD(file >= 0);
            GOOD(write(file, text, strlen(text)) == (ssize_t)strlen(text));
            GOOD(close(file) == 0);
        }

        static char *get(const char *name) {
            static char text[4096];
            int file = open(name, O_RDONLY);
            GOOD(file >= 0);
            ssize_t length = read(file, text, sizeof text - 1);
            GOOD(length >= 0);
            text[length] = 0;
            close(file);
            return text;
        }

        static struct stat of(const char *name) {
            struct stat stat;
            GOOD(lstat(name, &stat) == 0);
            return stat;
        }

        static int entries(const char *name) {
            DIR *folder = opendir(name);
            GOOD(folder);
            int count = 0;
            while (readdir(folder)) count++;
            rewinddir(folder);
            while (readdir(folder)) count--;
            GOOD(count == 0);
            rewinddir(folder);
            while (readdir(folder)) count++;
            closedir(folder);
            return count - 2;
        }

        static void names(void) {
            FAILS(open("absent", O_RDONLY), ENOENT);
            put("a", "one");
            FAILS(open("a", O_CREAT | O_EXCL | O_WRONLY, 0644), EEXIST);
            FAILS(mkdir("a", 0755), EEXIST);
            FAILS(rmdir("a"), ENOTDIR);
            FAILS(open("a/b", O_RDONLY), ENOTDIR);
            GOOD(link("a", "b") == 0 && of("a").st_ino == of("b").st_ino && of("a").st_nlink == 2);
            GOOD(unlink("a") == 0 && of("b").st_nlink == 1 && !strcmp(get("b"), "one"));
            GOOD(rename("b", "c") == 0 && !strcmp(get("c"), "one"));
            put("d", "two");
            GOOD(rename("c", "d") == 0 && !strcmp(get("d"), "one"));
            FAILS(of("d").st_size == 3 ? open("c", O_RDONLY) : 0, ENOENT);
            put("e", "three");
            FAILS(renameat2(AT_FDCWD, "d", AT_FDCWD, "e", RENAME_NOREPLACE), EEXIST);
            GOOD(renameat2(AT_FDCWD, "d", AT_FDCWD, "e", RENAME_EXCHANGE) == 0 && !strcmp(get("d"), "three") && !strcmp(get("e"), "one"));
            GOOD(mkdir("folder", 0750) == 0 && (of("folder").st_mode & 07777) == 0750 && of("folder").st_nlink >= 1);
            GOOD(mkdir("folder/inner", 0755) == 0);
            FAILS(rmdir("folder"), ENOTEMPTY);
            FAILS(unlink("folder"), EISDIR);
            FAILS(rename("folder", "folder/inner/x"), EINVAL);
            GOOD(rename("folder/inner", "other") == 0 && rmdir("folder") == 0 && rmdir("other") == 0);
            GOOD(symlink("e", "link") == 0 && S_ISLNK(of("link").st_mode) && !strcmp(get("link"), "one"));
            char target[64] = "";
            GOOD(readlink("link", target, sizeof target) == 1 && target[0] == 'e');
            GOOD(symlink("loop", "loop") == 0);
            FAILS(open("loop", O_RDONLY), ELOOP);
            FAILS(open("link", O_RDONLY | O_NOFOLLOW), ELOOP);
            char longest[257];
            memset(longest, 'n', 256);
            longest[256] = 0;
            FAILS(open(longest, O_CREAT | O_WRONLY, 0644), ENAMETOOLONG);
            longest[255] = 0;
            put(longest, "long");
            GOOD(unlink(longest) == 0);
            GOOD(mkfifo("pipe", 0600) == 0 && S_ISFIFO(of("pipe").st_mode));
            if (!fork()) { put("pipe", "through"); _exit(0); }
            GOOD(!strcmp(get("pipe"), "through"));
            wait(0);
            GOOD(!unlink("pipe") && !unlink("link") && !unlink("loop") && !unlink("d") && !unlink("e"));
        }

        static void folders(void) {
            char name[64];
            GOOD(mkdir("many", 0755) == 0);
            for (int i = 0; i < 1500; i++) { sprintf(name, "many/a file with a name that is a bit longer %d", i); put(name, "x"); }
            GOOD(entries("many") == 1500);
            DIR *folder = opendir("many");
            struct dirent *entry;
            int removed = 0;
            while ((entry = readdir(folder))) if (entry->d_name[0] != '.') { GOOD(entry->d_type == DT_REG && unlinkat(dirfd(folder), entry->d_name, 0) == 0); removed++; }
            closedir(folder);
            GOOD(removed == 1500 && entries("many") == 0 && rmdir("many") == 0);
            int here = open(".", O_RDONLY | O_DIRECTORY);
            char deep[] = "d";
            for (int i = 0; i < 100; i++) GOOD(mkdir(deep, 0755) == 0 && chdir(deep) == 0);
            put("bottom", "deep");
            for (int i = 0; i < 100; i++) { if (i == 0) unlink("bottom"); GOOD(chdir("..") == 0 && rmdir(deep) == 0); }
            struct stat one, two;
            GOOD(fstat(here, &one) == 0 && stat(".", &two) == 0 && one.st_ino == two.st_ino);
            close(here);
        }

        static void attributes(void) {
            put("a", "12345");
            GOOD(chmod("a", 0604) == 0 && (of("a").st_mode & 07777) == 0604);
            struct timespec times[2] = { { 1000000000, 123456789 }, { 1100000000, 987654321 } };
            GOOD(utimensat(AT_FDCWD, "a", times, 0) == 0);
            struct stat stat = of("a");
            GOOD(stat.st_atim.tv_sec == 1000000000 && stat.st_atim.tv_nsec == 123456789 && stat.st_mtim.tv_sec == 1100000000 && stat.st_mtim.tv_nsec == 987654321);
            times[0].tv_nsec = UTIME_OMIT;
            times[1].tv_nsec = UTIME_NOW;
            GOOD(utimensat(AT_FDCWD, "a", times, 0) == 0 && of("a").st_atim.tv_sec == 1000000000 && of("a").st_mtim.tv_sec > 1500000000);
            GOOD(truncate("a", 2) == 0 && of("a").st_size == 2 && truncate("a", 10) == 0 && of("a").st_size == 10);
            GOOD(setxattr("a", "user.colour", "red", 3, XATTR_CREATE) == 0);
            FAILS(setxattr("a", "user.colour", "red", 3, XATTR_CREATE), EEXIST);
            char value[256] = "";
            GOOD(getxattr("a", "user.colour", 0, 0) == 3 && getxattr("a", "user.colour", value, sizeof value) == 3 && !memcmp(value, "red", 3));
            FAILS(getxattr("a", "user.colour", value, 2), ERANGE);
            FAILS(getxattr("a", "user.absent", value, 2), ENODATA);
            GOOD(listxattr("a", value, sizeof value) == 12 && !strcmp(value, "user.colour"));
            GOOD(removexattr("a", "user.colour") == 0 && listxattr("a", value, sizeof value) == 0);
            struct statvfs system;
            GOOD(statvfs(".", &system) == 0 && system.f_blocks > 0 && system.f_namemax == 255);
            umask(0);
            int file = open("b", O_CREAT | O_WRONLY, 0666);
            GOOD(file >= 0 && (of("b").st_mode & 07777) == 0666 && close(file) == 0);
            umask(022);
            if (getuid() == 0 && chown("b", 1234, 4321) == 0) GOOD(of("b").st_uid == 1234 && of("b").st_gid == 4321);
            GOOD(!unlink("a") && !unlink("b"));
        }

        static void files(void) {
            char text[16] = "";
            int file = open("a", O_CREAT | O_RDWR, 0644), other;
            GOOD(file >= 0 && write(file, "0123456789", 10) == 10);
            GOOD(unlink("a") == 0);
            FAILS(open("a", O_RDONLY), ENOENT);
            struct stat stat;
            GOOD(pread(file, text, 5, 5) == 5 && !memcmp(text, "56789", 5) && fstat(file, &stat) == 0 && stat.st_size == 10);
            GOOD(ftruncate(file, 3) == 0 && fstat(file, &stat) == 0 && stat.st_size == 3 && fchmod(file, 0600) == 0 && fsync(file) == 0 && fdatasync(file) == 0);
            GOOD(close(file) == 0);
            put("a", "start");
            file = open("a", O_WRONLY | O_APPEND);
            other = open("a", O_WRONLY | O_APPEND);
            for (int i = 0; i < 50; i++) GOOD(write(file, "f", 1) == 1 && write(other, "o", 1) == 1);
            GOOD(close(file) == 0 && close(other) == 0 && of("a").st_size == 105 && !strncmp(get("a"), "startfofofo", 11));
            FAILS(write(open("a", O_RDONLY), "x", 1), EBADF);
            GOOD(open("a", O_WRONLY | O_TRUNC) >= 0 && of("a").st_size == 0);
            file = open("holes", O_CREAT | O_RDWR, 0644);
            GOOD(pwrite(file, "x", 1, 10 << 20) == 1 && of("holes").st_size == (10 << 20) + 1 && of("holes").st_blocks < 1000);
            GOOD(pread(file, text, 4, 5 << 20) == 4 && !memcmp(text, "\0\0\0\0", 4));
            GOOD(lseek(file, 0, SEEK_HOLE) == 0 && lseek(file, 0, SEEK_DATA) == 10 << 20);
            GOOD(fallocate(file, FALLOC_FL_KEEP_SIZE, 0, 1 << 20) == 0 && fstat(file, &stat) == 0 && stat.st_size == (10 << 20) + 1);
            GOOD(fallocate(file, 0, 0, 12 << 20) == 0 && fstat(file, &stat) == 0 && stat.st_size == 12 << 20);
            other = open("copy", O_CREAT | O_RDWR, 0644);
            loff_t from = 10 << 20, to = 3;
            GOOD(copy_file_range(file, &from, other, &to, 1, 0) == 1 && pread(other, text, 4, 0) == 4 && !memcmp(text, "\0\0\0x", 4));
            struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 10 };
            GOOD(fcntl(file, F_SETLK, &lock) == 0 && flock(other, LOCK_EX) == 0);
            int child = fork(), status = 0;
            if (!child) _exit(fcntl(file, F_SETLK, &lock) == -1 && flock(open("copy", O_RDWR), LOCK_EX | LOCK_NB) == -1 ? 0 : 1);
            GOOD(waitpid(child, &status, 0) == child && status == 0);
            GOOD(close(file) == 0 && close(other) == 0 && !unlink("a") && !unlink("holes") && !unlink("copy"));
        }

        #define LARGEST (256 << 10)
        static unsigned char model[LARGEST], buffer[LARGEST];

        static void randomly(int rounds, unsigned seed) {
            long size = 0;
            int file = open("random", O_CREAT | O_RDWR, 0644);
            srandom(seed);
            for (int round = 0; round < rounds; round++) {
                long offset = random() % LARGEST, length = random() % 40000 + 1;
                if (offset + length > LARGEST) length = LARGEST - offset;
                int what = random() % 9;
                if (what < 3) {
                    for (long i = 0; i < length; i++) buffer[i] = random();
                    if (what < 2) GOOD(pwrite(file, buffer, length, offset) == length);
                    else {
                        if (offset + length > size) GOOD(ftruncate(file, offset + length) == 0);
                        unsigned char *map = mmap(0, offset + length, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
                        GOOD(map != MAP_FAILED);
                        memcpy(map + offset, buffer, length);
                        if (random() % 2) GOOD(msync(map, offset + length, MS_SYNC) == 0);
                        GOOD(munmap(map, offset + length) == 0);
                    }
                    memcpy(model + offset, buffer, length);
                    if (offset + length > size) size = offset + length;
                } else if (what < 5) {
                    long wanted = offset >= size ? 0 : offset + length > size ? size - offset : length;
                    GOOD(pread(file, buffer, length, offset) == wanted && !memcmp(buffer, model + offset, wanted));
                } else if (what == 5) {
                    GOOD(ftruncate(file, offset) == 0);
                    if (offset < size) memset(model + offset, 0, size - offset);
                    size = offset;
                } else if (what == 6 && size > 0) {
                    unsigned char *map = mmap(0, size, PROT_READ, MAP_SHARED, file, 0);
                    GOOD(map != MAP_FAILED && !memcmp(map, model, size) && munmap(map, size) == 0);
                } else if (what == 7) {
                    if (fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length) == 0) { if (offset < size) memset(model + offset, 0, offset + length > size ? size - offset : length); }
                } else if (what == 8) {
                    struct stat stat;
                    GOOD(fstat(file, &stat) == 0 && stat.st_size == size);
                    GOOD(close(file) == 0);
                    file = open("random", O_RDWR);
                    GOOD(file >= 0);
                }
            }
            GOOD(pread(file, buffer, LARGEST, 0) == size && !memcmp(buffer, model, size) && close(file) == 0 && unlink("random") == 0);
        }

        int main(int count, char **words) {
            GOOD(count > 2 && chdir(words[1]) == 0);
            umask(022);
            names();
            folders();
            attributes();
            files();
            randomly(atoi(words[2]), 20261121);
            GOOD(entries(".") == 0);
            puts("posix: good");
            return 0;
        }
        """;
}
