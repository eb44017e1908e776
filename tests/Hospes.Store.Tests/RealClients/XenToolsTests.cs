using System.Diagnostics;
using Hospes.Store.Tests.Support;

namespace Hospes.Store.Tests.RealClients;

/// <summary>Xen's own programs, unchanged, against the server.</summary>
public sealed class XenToolsTests : IDisposable
{
    private readonly RunningServer _server = new();

    public void Dispose() => _server.Dispose();

    private Task<ProgramResult> Run(string program, params string[] arguments) => Programs.RunAsync(_server.Socket, program, arguments);

    [Fact]
    public async Task TheToolsWriteReadListAndRemove()
    {
        (await Run("xenstore-write", "/a/b", "1", "/c", "x y")).Good.ShouldBe("");
        (await Run("xenstore-read", "/a/b")).Good.ShouldBe("1\n");
        (await Run("xenstore-read", "-p", "/c")).Good.ShouldBe("/c: x y\n");
        (await Run("xenstore-list", "/")).Good.ShouldBe("tool\na\nc\n");
        (await Run("xenstore-ls", "-f")).Good.ShouldBe("/tool = \"\"\n/tool/xenstored = \"\"\n/a = \"\"\n/a/b = \"1\"\n/c = \"x y\"\n");
        (await Run("xenstore-exists", "/a/b")).Status.ShouldBe(0);
        (await Run("xenstore-exists", "/none")).Status.ShouldBe(1);
        (await Run("xenstore-rm", "/a")).Good.ShouldBe("");
        (await Run("xenstore-read", "/a/b")).Status.ShouldNotBe(0);
    }

    [Fact]
    public async Task ChmodSetsPermissions()
    {
        await Run("xenstore-write", "/n/x", "1");
        (await Run("xenstore-chmod", "-r", "/n", "n5", "r6")).Good.ShouldBe("");
        (await Run("xenstore-ls", "-f", "-p", "/n")).Good.ShouldContain("(n5,r6)");
    }

    [Fact]
    public async Task WatchSeesChanges()
    {
        using Process watch = Programs.Start(_server.Socket, "xenstore-watch", "-n", "3", "/w");
        (await watch.StandardOutput.ReadLineAsync()).ShouldBe("/w");
        await Run("xenstore-write", "/w/a", "1");
        (await watch.StandardOutput.ReadLineAsync()).ShouldBe("/w/a");
        await Run("xenstore-rm", "/w");
        (await watch.StandardOutput.ReadLineAsync()).ShouldBe("/w");
        await watch.WaitForExitAsync();
        watch.ExitCode.ShouldBe(0);
    }

    [Fact]
    public async Task ControlAnswers()
    {
        string control = Path.Combine(Programs.XenTools, "xenstore-control");
        (await Run(control, "check")).Good.ShouldBe("OK\n");
        (await Run(control, "quota")).Good.ShouldContain("nodes");
        (await Run(control, "help")).Good.ShouldContain("live-update");
        (await Run(control, "log", "on")).Good.ShouldBe("OK\n");
        (await Run(control, "print", "seen")).Good.ShouldBe("OK\n");
        _server.Log.Lines.ShouldContain("control: seen");
    }

    [Fact]
    public async Task XensOwnTestPasses()
    {
        ProgramResult result = await Run(Path.Combine(Programs.XenTools, "test-xenstore"), "-i", "50");
        result.Good.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length.ShouldBe(12);
        result.Out.ShouldNotContain("failed");
    }

    [Fact]
    public async Task PyxsWorks()
    {
        const string script = """
            import os, pyxs
            with pyxs.Client(unix_socket_path=os.environ["XENSTORED_PATH"]) as c:
                c[b"/py/a"] = b"1"
                print(c[b"/py/a"].decode(), c.list(b"/py"), c.exists(b"/py/none"))
                c.set_perms(b"/py/a", [b"n0", b"r5"])
                print(c.get_perms(b"/py/a"))
                tx = c.transaction()
                c.write(b"/py/tx", b"2")
                c.commit()
                print(c.read(b"/py/tx").decode())
                m = c.monitor()
                m.watch(b"/py", b"token")
                print(next(m.wait()))
                c.write(b"/py/b", b"3")
                print(next(m.wait()))
                c.delete(b"/py")
                print(c.exists(b"/py"))
            """;
        ProgramResult result = await Run("/usr/bin/python3", "-c", script);
        result.Good.Split('\n', StringSplitOptions.RemoveEmptyEntries).ShouldBe(
        [
            "1 [b'a'] False", "[b'n0', b'r5']", "2", "Event(path=b'/py', token=b'token')", "Event(path=b'/py/b', token=b'token')", "False",
        ]);
    }

    /// <summary>The loop that the XenStore reference describes: transaction, watch, select on the descriptor, then read the watch.</summary>
    [Fact]
    public async Task AProgramInCWithTransactionWatchAndSelectPrintsTheChanges()
    {
        string source = Path.Combine(_server.Folder, "follow.c"), program = Path.Combine(_server.Folder, "follow");
        await File.WriteAllTextAsync(source, FollowProgram);
        (await Run("gcc", "-Wall", "-Werror", "-o", program, source, "-lxenstore")).Good.ShouldBe("");
        using Process follow = Programs.Start(_server.Socket, program, "7", "2");
        (await follow.StandardOutput.ReadLineAsync()).ShouldBe("/local/domain/7/mynode = first");
        await Run("xenstore-write", "/local/domain/7/mynode", "second");
        (await follow.StandardOutput.ReadLineAsync()).ShouldBe("/local/domain/7/mynode = second");
        await follow.WaitForExitAsync();
        follow.ExitCode.ShouldBe(0);
    }

    private const string FollowProgram = """
        #include <stdbool.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/select.h>
        #include <xenstore.h>

        static void die(const char *what) { perror(what); exit(1); }

        /* Follows "mynode" of a domain: follow DOMID CHANGES */
        int main(int argc, char **argv) {
            struct xs_handle *xs = xs_open(0);
            if (!xs || argc != 3) die("open");
            char *base = xs_get_domain_path(xs, atoi(argv[1])), path[256];
            if (!base) die("domain path");
            snprintf(path, sizeof path, "%s/mynode", base);
            bool done = false;
            while (!done) {
                xs_transaction_t tx = xs_transaction_start(xs);
                if (!tx || !xs_write(xs, tx, path, "first", 5)) die("write");
                done = xs_transaction_end(xs, tx, false);
            }
            if (!xs_watch(xs, path, "mytoken")) die("watch");
            for (int left = atoi(argv[2]); left > 0;) {
                fd_set set;
                int fd = xs_fileno(xs);
                FD_ZERO(&set);
                FD_SET(fd, &set);
                if (select(fd + 1, &set, NULL, NULL, NULL) <= 0 || !FD_ISSET(fd, &set)) continue;
                unsigned int count, length;
                char **event = xs_read_watch(xs, &count);
                if (!event || strcmp(event[XS_WATCH_TOKEN], "mytoken")) die("event");
                xs_transaction_t tx = xs_transaction_start(xs);
                char *value = xs_read(xs, tx, event[XS_WATCH_PATH], &length);
                xs_transaction_end(xs, tx, true);
                if (value) {
                    printf("%s = %.*s\n", event[XS_WATCH_PATH], (int)length, value);
                    fflush(stdout);
                    left--;
                }
                free(value);
                free(event);
            }
            free(base);
            xs_close(xs);
            return 0;
        }
        """;
}
