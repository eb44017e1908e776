using System.Net.Sockets;
using System.Text;

namespace Hospes.EndToEnd;

/// <summary>Programs in Debian talk to programs of the host over AF_VSOCK, both ways, through Unix sockets.</summary>
public sealed class VsockTests : IDisposable
{
    /// <summary>A guest's program: connects to port 7 of the host, or listens on port 9, and copies standard input and output.</summary>
    private const string Source = """
        #include <sys/socket.h>
        #include <linux/vm_sockets.h>
        #include <stdio.h>
        #include <string.h>
        #include <unistd.h>
        int main(int count, char **words) {
            struct sockaddr_vm address = { .svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_HOST, .svm_port = 7 };
            int peer = socket(AF_VSOCK, SOCK_STREAM, 0);
            char buffer[65536];
            ssize_t got;
            if (count > 1) {
                address.svm_cid = VMADDR_CID_ANY;
                address.svm_port = 9;
                if (bind(peer, (struct sockaddr *)&address, sizeof address) || listen(peer, 1)) return perror("listen"), 1;
                puts("listening");
                fflush(stdout);
                peer = accept(peer, 0, 0);
            } else if (connect(peer, (struct sockaddr *)&address, sizeof address)) return perror("connect"), 1;
            while ((got = read(0, buffer, sizeof buffer)) > 0)
                for (ssize_t at = 0; at < got;) {
                    ssize_t sent = write(peer, buffer + at, got - at);
                    if (sent < 0) return perror("write"), 1;
                    at += sent;
                }
            shutdown(peer, SHUT_WR);
            while ((got = read(peer, buffer, sizeof buffer)) > 0) fwrite(buffer, 1, got, stdout);
            return 0;
        }
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("hospes-vsock-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task BothSidesConnect()
    {
        string path = Path.Combine(_folder, "v"), tools = Path.Combine(_folder, "root.cpio.root", "tools");
        Directory.CreateDirectory(tools);
        await File.WriteAllTextAsync(Path.Combine(_folder, "peer.c"), Source);
        await DebianGuest.RunAsync("gcc", "-static", "-O1", "-o", Path.Combine(tools, "peer"), Path.Combine(_folder, "peer.c"));
        await using TypedGuest guest = await TypedGuest.BootAsync(
            _folder, ["vsock", "vmw_vsock_virtio_transport_common", "vmw_vsock_virtio_transport"], "--memory", "256M", "--vsock", $"{path},cid=42");

        // Nobody listens.
        (await guest.DoAsync("/tools/peer </dev/null 2>&1")).ShouldContain("connect:");

        // The guest connects: 8 MiB there, a word back.
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint($"{path}_7"));
        listener.Listen();
        Task<long> counted = CountAsync(listener);
        (await guest.DoAsync("head -c 8388608 /dev/zero | /tools/peer")).ShouldBe("thanks");
        (await counted).ShouldBe(8 << 20);

        // The host connects.
        await guest.DoAsync("(echo from the guest | /tools/peer listen >/heard; echo over >>/heard) &");
        await guest.UntilAsync("cat /heard", "listening");
        using var caller = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await caller.ConnectAsync(new UnixDomainSocketEndPoint(path));
        using var stream = new NetworkStream(caller);
        await stream.WriteAsync("CONNECT 9\nfrom the host\n"u8.ToArray());
        caller.Shutdown(SocketShutdown.Send);
        using var reader = new StreamReader(stream);
        (await reader.ReadLineAsync()).ShouldStartWith("OK ");
        (await reader.ReadToEndAsync()).ShouldBe("from the guest\n");
        await guest.UntilAsync("cat /heard", "over");
        (await guest.DoAsync("cat /heard")).ShouldContain("from the host");

        // A port on which nobody listens, and a line that is none, end the connection.
        foreach (string line in (string[])["CONNECT 10\n", "HELLO\n", "CONNECT x\n", new string('x', 100)])
        {
            using var other = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await other.ConnectAsync(new UnixDomainSocketEndPoint(path));
            await other.SendAsync(Encoding.ASCII.GetBytes(line));
            try
            {
                (await other.ReceiveAsync(new byte[10]).WaitAsync(DebianGuest.Patience)).ShouldBe(0);
            }
            catch (SocketException reset) when (reset.SocketErrorCode == SocketError.ConnectionReset)
            {
                // It was closed with bytes of ours unread.
            }
        }
        await guest.PowerOffAsync();
        File.Exists(path).ShouldBeFalse();
    }

    private static async Task<long> CountAsync(Socket listener)
    {
        using Socket peer = await listener.AcceptAsync();
        byte[] buffer = new byte[65536];
        long total = 0;
        while (await peer.ReceiveAsync(buffer) is var count and > 0) total += count;
        await peer.SendAsync("thanks"u8.ToArray());
        return total;
    }
}
